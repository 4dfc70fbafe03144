"""What the page reads off the trained models: one part, the curves, and where the machine fails."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.tabular.predictive_maintenance import (
    evaluation,
    features,
    in_jax,
    problem,
    selection,
)
from tutorials_lib.tabular.predictive_maintenance.problem import Config, Data, Parts
from tutorials_lib.tabular.predictive_maintenance.selection import Trained

UNITS = {
    "air": "K",
    "process": "K",
    "speed": "rpm",
    "torque": "Nm",
    "wear": "min",
    "difference": "K",
    "power": "kW",
    "strain": "of the limit",
}
"""Of the engineered columns that are numbers."""

SIDE = 60
"""Cells along each side of a risk map."""

LOW = 0
"""The quality of the parts in a risk map, of which most are made."""

Values = Float[np.ndarray, " _"]


# --- One part ---------------------------------------------------------------------------------


def example(trained: Trained, parts: Parts, config: Config) -> int:
    """An overstrained part that the model recognizes about as well as it does others."""
    strained = parts.modes[:, problem.MODES.index("overstrain")]
    candidates = np.flatnonzero(strained if strained.any() else parts.failed)
    logits = selection.predict(trained, parts[candidates], config)
    return int(candidates[np.argsort(logits)[len(candidates) // 2]])


def contributions(trained: Trained, parts: Parts, config: Config) -> dict[str, Values]:
    """What each group of features adds to the log odds of each part; "all parts" is the rest."""
    chosen = trained.selection.chosen
    table = features.to_features(parts, trained.encoding)
    weights = trained.params["weights"][0, chosen]
    added = {
        name: table[:, columns] @ weights[columns]
        for name, columns in features.slices(trained.encoding).items()
    }
    weight = problem.grid(config).class_weight[chosen]
    always = trained.params["bias"][0, chosen] - np.log(weight)
    return {"all parts": np.full(len(parts), always)} | added


def add_up(trained: Trained, parts: Parts, part: int, config: Config) -> MarkdownRows:
    """The log odds of one part as a sum."""
    one = parts[part : part + 1]
    values = features.numbers(one)
    rows = []
    for name, (added,) in contributions(trained, one, config).items():
        value = f"{values[name][0]:.4g} {UNITS[name]}" if name in values else ""
        rows.append([name, value, f"{added:+.2f}"])
    (logit,) = selection.predict(trained, one, config)
    rows.append(["**log odds of a failure**", "", f"**{logit:+.2f}**"])
    return MarkdownRows(["", "of this part", "adds"], rows)


# --- Curves and maps --------------------------------------------------------------------------


class Snapshot(NamedTuple):
    """The weights of one model after some steps."""

    steps: int
    weights: Values


def snapshots(
    trained: Trained, train: Parts, config: Config, *, after: tuple[int, ...], seed: int = 0
) -> list[Snapshot]:
    """The chosen setting, trained anew on all training parts and stopped on the way."""
    table = features.to_features(train, trained.encoding)
    labels = train.failed.astype(np.float32)
    settings = selection.setting(trained, config)
    step = jax.jit(partial(in_jax.train_step, config=config))
    state = in_jax.start(selection.blank(labels, table.shape[1]), config)
    found = []
    for number, rows in enumerate(problem.draw_batches(len(labels), config, seed=seed)):
        if number in after:
            found.append(Snapshot(number, np.asarray(state.params["weights"])))
        kept = np.ones(len(rows), np.float32)
        batch = in_jax.Batch(*map(jnp.asarray, (table[rows], labels[rows], kept)))
        state, _ = step(state, batch, settings)
    return [*found, Snapshot(config.num_steps, np.asarray(state.params["weights"]))]


def curve(weights: Values, encoding: features.Encoding, name: str) -> tuple[Values, Values]:
    """The knots of a column, and what the column adds to the log odds there, 0 in the middle."""
    knots = encoding.knots[name]
    rises = weights[features.slices(encoding)[name]]
    added = np.concatenate([[0.0], np.cumsum(rises)])
    return knots, added - np.interp((knots[0] + knots[-1]) / 2, knots, added)


class RiskMap(NamedTuple):
    """The probability of a failure over two measurements, all others as they usually are.

    Attributes:
        labels: of the two axes.
        x: the first measurement ...
        y: ... and the second.
        probs: the second one in the first axis.
        limits: lines where the rules of the machine say that it fails, as pairs of x and y.
        failed: the test parts that failed for the reason of this map, as pairs of x and y. What a
            part bears hangs on its quality: where that decides, they are of low quality, for
            which the probabilities and the limits are.
    """

    labels: tuple[str, str]
    x: Values
    y: Values
    probs: Float[np.ndarray, "y x"]
    limits: list[tuple[Values, Values]]
    failed: tuple[Values, Values]


def risk_maps(trained: Trained, data: Data, config: Config) -> dict[str, RiskMap]:
    """Power, strain and heat, over the measurements that decide about each."""
    low, high = problem.POWER_LIMITS
    gap, slow = problem.COOLING_LIMITS
    torque, speed = _range(data.train, "torque"), _range(data.train, "speed")
    wear, difference = _range(data.train, "wear"), _range(data.train, "difference")
    slower = _range(data.train, "speed", until=0.6)
    bears = 1_000 * problem.STRAIN_LIMITS[LOW] / np.maximum(wear, 1)
    corner = np.array([difference[0], gap, gap]), np.array([slow, slow, slower[0]])
    maps = {
        "power": (
            {"torque": torque, "speed": speed},
            [(torque, _speed_at(power, torque)) for power in (low, high)],
        ),
        "overstrain": ({"wear": wear, "torque": torque}, [(wear, bears)]),
        "heat": ({"difference": difference, "speed": slower}, [corner]),
    }
    return {
        mode: _risk_map(trained, data, config, mode, axes, limits)
        for mode, (axes, limits) in maps.items()
    }


def _risk_map(
    trained: Trained,
    data: Data,
    config: Config,
    mode: str,
    axes: Mapping[str, Values],
    limits: list[tuple[Values, Values]],
) -> RiskMap:
    (first, x), (second, y) = axes.items()
    parts = _typical(data.train, {first: np.tile(x, SIDE), second: np.repeat(y, SIDE)})
    probs = selection.to_probs(selection.predict(trained, parts, config))
    columns, failed = features.numbers(data.test), data.test.modes[:, problem.MODES.index(mode)]
    if mode == "overstrain":
        failed = failed & (data.test.quality == LOW)
    return RiskMap(
        labels=(f"{first} ({UNITS[first]})", f"{second} ({UNITS[second]})"),
        x=x,
        y=y,
        probs=probs.reshape(SIDE, SIDE),
        limits=limits,
        failed=(columns[first][failed], columns[second][failed]),
    )


def _range(train: Parts, name: str, *, until: float = 0.999) -> Values:
    """Equal steps over what nearly all training parts have."""
    low, high = np.quantile(features.numbers(train)[name], [0.001, until])
    return np.linspace(low, high, SIDE)


def _speed_at(power: float, torque: Values) -> Values:
    """The speed in rpm at which the spindle takes `power` kW."""
    return power * 60_000 / (2 * np.pi * torque)


def _typical(train: Parts, given: Mapping[str, Values]) -> Parts:
    """Parts of low quality with some columns `given`, and the others as they usually are.

    Where only one of torque and speed is given, the other follows by the curve of the motor.
    """
    columns = features.engineered(train)
    logs = np.log(columns["torque"]), np.log(columns["speed"])
    made = {name: np.full(SIDE**2, np.median(columns[name])) for name in problem.MEASUREMENTS}
    made |= {name: values for name, values in given.items() if name in made}
    if "torque" not in given:
        made["torque"] = np.exp(np.polyval(np.polyfit(logs[1], logs[0], 1), np.log(made["speed"])))
    if "speed" not in given:
        made["speed"] = np.exp(np.polyval(np.polyfit(*logs, 1), np.log(made["torque"])))
    if "difference" in given:
        made["process"] = made["air"] + given["difference"]
    size = SIDE**2
    return Parts(
        measurements=np.stack([made[name] for name in problem.MEASUREMENTS], axis=1),
        quality=np.full(size, LOW),
        failed=np.zeros(size, bool),
        modes=np.zeros((size, len(problem.MODES)), bool),
    )


# --- Tables and sentences ---------------------------------------------------------------------


def score_table(trained: Trained, config: Config) -> MarkdownRows:
    """Cross-validated average precision: a row for each weight decay."""
    scores = trained.selection.scores.mean(axis=0)
    chosen = trained.selection.chosen
    words = [f"**{s:.3f}**" if i == chosen else f"{s:.3f}" for i, s in enumerate(scores)]
    width = len(config.class_weights)
    rows = [
        [f"{decay:g}", *words[i * width : (i + 1) * width]]
        for i, decay in enumerate(config.weight_decays)
    ]
    header = ["weight decay", *(f"class weight {w:g}" for w in config.class_weights)]
    return MarkdownRows(header, rows)


def found_by_mode(probs: Mapping[str, Values], parts: Parts) -> MarkdownRows:
    """Failures of each kind among the riskiest parts, as many as failed, by each model."""
    modes = (parts.modes & parts.failed[:, None]).T
    rows = []
    for name, occurred in zip(problem.MODES, modes, strict=True):
        found = [str(int(occurred[riskiest(each, parts)].sum())) for each in probs.values()]
        rows.append([name, str(int(occurred.sum())), *found])
    return MarkdownRows(["Reason", "failures", *probs], rows)


def riskiest(probs: Values, parts: Parts) -> Int[np.ndarray, " chosen"]:
    """The parts with the highest probability, as many as failed."""
    return np.argsort(-probs, kind="stable")[: int(parts.failed.sum())]


def costs(
    probs: Mapping[str, Values], data: Data, cost_of_miss: float
) -> tuple[MarkdownRows, dict[str, float]]:
    """What each policy costs on the test parts, as a table, and its thresholds by name.

    `probs` are those of the `development` and the `test` parts.
    """
    thresholds = {
        "check every part": 0.0,
        "check none": np.inf,
        "even odds": 0.5,
        "one over the cost of a miss": 1 / cost_of_miss,
        "cheapest on the development parts": evaluation.cheapest_threshold(
            probs["development"], data.development.failed, cost_of_miss
        ),
    }
    failed = data.test.failed
    rows = []
    for name, threshold in thresholds.items():
        checked = probs["test"] >= threshold
        total = evaluation.cost(probs["test"], failed, threshold, cost_of_miss)
        shown = f"{threshold:.3f}" if 0 < threshold < np.inf else ""
        missed = int((failed & ~checked).sum())
        rows.append([name, shown, f"{int(checked.sum()):,}", f"{missed:,}", f"{total:,.0f}"])
    header = ["Policy", "threshold", "checks", "missed failures", "cost in checks"]
    return MarkdownRows(header, rows), thresholds


def reliability(probs: Values, failed: Bool[np.ndarray, " parts"]) -> tuple[Values, Values, Values]:
    """Mean prediction, share that failed and number of parts, of each tenth of the scale in use."""
    bins = np.minimum((probs * 10).astype(int), 9)
    counts = np.bincount(bins, minlength=10)
    used = counts > 0
    means = np.bincount(bins, probs, 10)[used] / counts[used]
    shares = np.bincount(bins, failed, 10)[used] / counts[used]
    return means, shares, counts[used].astype(float)


def say_nested(trained: Trained) -> str:
    """The score of the chosen setting beside the nested one, and whether the folds agree."""
    scores, chosen, nested = trained.selection
    plain, honest = (f"{each.mean():.3f}" for each in (scores[:, chosen], nested))
    text = f"The chosen setting scored {plain} on the folds that chose it, nested {honest}."
    if np.array_equal(nested, scores[:, chosen]):
        return f"{text} Here every fold leads to the same choice, so the two are the same."
    if plain == honest:
        said = "the two scores are level"
    elif float(honest) < float(plain):
        said = "the nested score is lower"
    else:
        said = "the nested score is even higher: the promise is too high on average, not each time"
    return (
        f"{text} Not every fold leads to the same choice, and {said}. "
        "The nested score is the one to report."
    )


def say_edge(trained: Trained, config: Config) -> str:
    """Whether the chosen weight decay is an end of the grid, and what that leaves open."""
    decay = selection.setting(trained, config).weight_decay
    ends = {min(config.weight_decays): "smallest", max(config.weight_decays): "largest"}
    for end, name in ends.items():
        if np.isclose(decay, end):
            return (
                f"The chosen weight decay, {end:g}, is the {name} of the grid, so the best one may "
                "lie beyond; an exercise below looks there."
            )
    return f"The chosen weight decay, {decay:g}, lies inside the grid."


def beyond_the_grid(trained: Trained, config: Config) -> tuple[float, float]:
    """Two weight decays past the largest where that was chosen, else past the smallest."""
    smallest, largest = min(config.weight_decays), max(config.weight_decays)
    if np.isclose(selection.setting(trained, config).weight_decay, largest):
        return 3 * largest, 10 * largest
    return 0.0, smallest / 10


def heaviest(trained: Trained, config: Config) -> int:
    """The setting with the chosen weight decay and the largest class weight."""
    settings = problem.grid(config)
    decay = settings.weight_decay[trained.selection.chosen]
    return int(np.where(settings.weight_decay == decay, settings.class_weight, -np.inf).argmax())


def say_thresholds(
    probs: Values, parts: Parts, thresholds: Mapping[str, float], cost_of_miss: float
) -> str:
    """Whether the threshold by theory or the one that was searched is cheaper on these parts."""
    names = "one over the cost of a miss", "cheapest on the development parts"
    theory, searched = (
        evaluation.cost(probs, parts.failed, thresholds[name], cost_of_miss) for name in names
    )
    if theory == searched:
        text = f"Here both thresholds cost the same, {theory:,.0f}."
    elif theory < searched:
        text = f"Here theory is cheaper, {theory:,.0f} against {searched:,.0f} for the search."
    else:
        text = f"Here the search is cheaper, {searched:,.0f} against {theory:,.0f} for theory."
    return (
        f"{text} A search needs failures to search over, theory only probabilities that can be "
        "believed."
    )


def say_who_wins(judgement: Judgement) -> str:
    """The line to beat, whether it is met, and what that says."""
    name, line = judgement.strongest
    plain = judgement.baselines["logistic regression, measured"].held_out
    beside = (
        f"{judgement.value:.3f} for the selected model, {line:.3f} for {name}, and {plain:.3f} for "
        "logistic regression on what was measured"
    )
    if judgement.met:
        return f"{beside}: the line is met by a model that can be read curve by curve."
    return (
        f"{beside}: the line is *not met*. What is left is a model that can be read curve by curve."
    )


def say_what_features_gain(judgement: Judgement) -> str:
    """What engineering does to the score of each method that was tried with and without."""
    held_out = {name: score.held_out for name, score in judgement.baselines.items()}
    parts = [
        f"{method} from {held_out[f'{method}, measured']:.3f} to "
        f"{held_out[f'{method}, engineered']:.3f}"
        for method in ("logistic regression", "boosted trees")
    ]
    return (
        f"The quantities that break things take {' and '.join(parts)}; with ramps and a map, "
        f"logistic regression comes to {judgement.value:.3f}."
    )
