"""What the page reads off digits, attacks and networks: tables and sentences."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.mnist_5k import LICENCE
from tutorials_lib.judge import Judgement
from tutorials_lib.vision.adversarial_attacks.attacking import Left
from tutorials_lib.vision.adversarial_attacks.evaluation import CLEAN, OURS, Rival
from tutorials_lib.vision.adversarial_attacks.problem import SIDE, Config

Picture = Float[np.ndarray, "28 28"]
Pictures = Float[np.ndarray, "pictures 28 28"]
Probs = Float[np.ndarray, "pictures 10"]

PAPER = 0.1
"""A pixel below this is paper."""


def settings(config: Config) -> dict[str, str]:
    """What the prose says of the settings, by the names that it glues."""
    pixels = SIDE * SIDE
    return {
        "epsilon": f"{config.epsilon:g}",
        "licence": LICENCE,
        "length": f"{config.epsilon * np.sqrt(pixels):.1f}",
        "num_checked": f"{config.num_checked:,}",
        "num_queries": f"{config.num_queries:,}",
        "num_restarts": f"{config.num_restarts}",
        "num_test": f"{config.num_test:,}",
        "num_train": f"{config.num_train:,}",
        "pixels": f"{pixels}",
    }


def three_pixels(digit: Picture, gradient: Picture, epsilon: float) -> MarkdownRows:
    """The pixels of paper, of ink and of grey that matter most: from their grey to the new one."""
    kinds = {"paper": digit < PAPER, "grey": (digit > 0.3) & (digit < 0.7), "ink": digit > 0.9}
    rows = []
    for name, kind in kinds.items():
        if not kind.any():
            continue
        place = np.unravel_index(np.where(kind, np.abs(gradient), -1).argmax(), digit.shape)
        slope, before = float(gradient[place]), float(digit[place])
        moved = before + epsilon * np.sign(slope)
        cells = [f"{before:.2f}", f"{slope:+.3f}", f"{moved:.2f}", f"{np.clip(moved, 0, 1):.2f}"]
        rows.append([f"{name}, row {place[0]}, column {place[1]}", *cells])
    return MarkdownRows(["Pixel", "its grey", "slope of the loss", "moved", "cut to 0 … 1"], rows)


def before_and_after(probs: Mapping[str, Float[np.ndarray, " 10"]], label: int) -> MarkdownRows:
    """What the network makes of each picture of one digit: its loss, and what it says."""
    rows = []
    for name, each in probs.items():
        loss = -np.log(max(float(each[label]), 1e-30))
        rows.append(
            [name, f"{loss:.2f}", f"{each[label]:.1%}", str(each.argmax()), f"{each.max():.1%}"]
        )
    header = ["Picture", "loss", f"probability of {label}", "says", "with probability"]
    return MarkdownRows(header, rows)


def percent_table(
    what: str, rows: Mapping[str, Sequence[float | None]], columns: Sequence[str]
) -> MarkdownRows:
    """Shares by row and column, in whole percents; nothing where there is none."""
    texts = [
        [name, *("" if value is None else f"{value:.0%}" for value in values)]
        for name, values in rows.items()
    ]
    return MarkdownRows([what, *columns], texts)


def defences_table(judgement: Judgement, chosen: Mapping[str, Rival]) -> MarkdownRows:
    """The single defences and the two together: with an attack and without."""
    held_out = {name: each.held_out for name, each in judgement.baselines.items()}
    rows = []
    for name, each in chosen.items():
        attacked, clean = held_out.get(name, judgement.value), judgement.details[name][CLEAN]
        shares = (f"{share:.1%}" for share in (each.development, attacked, clean))
        rows.append([name, each.setting, *shares])
    header = ["Digits read rightly", "chosen", "development, under attack"]
    return MarkdownRows([*header, "held out, under attack", "held out, no attack"], rows)


def confident(
    labels: Int[np.ndarray, " digits"],
    probs: Float[np.ndarray, "digits 10"],
    *,
    about: float = 0.95,
) -> int:
    """The index of the digit whose label has a probability closest to `about`."""
    of_label = probs[np.arange(len(labels)), labels]
    return int(np.abs(of_label - about).argmin())


def one_of_each(
    labels: Int[np.ndarray, " digits"], right: np.ndarray | None = None
) -> Int[np.ndarray, " classes"]:
    """The index of the first picture of every class that is there, and rightly read if asked."""
    keep = np.ones(len(labels), bool) if right is None else right
    found = [np.flatnonzero((labels == each) & keep) for each in np.unique(labels)]
    return np.array([places[0] for places in found if len(places)])


# ---------------------------------------------------------------- sentences


def say_whether_met(judgement: Judgement) -> str:
    """Whether the line is beaten, by how much, and what the defence costs where nobody attacks."""
    rival, line = judgement.strongest
    clean = judgement.details[OURS][CLEAN]
    undefended = judgement.baselines["undefended"].held_out
    met = "is met" if judgement.met else "is *not met*"
    return (
        f"Under attack the undefended network reads {undefended:.0%} of the digits, the one that "
        f"trained under attack and sees cut pixels {judgement.value:.0%}; without an attack it "
        f"reads {clean:.0%}. The line, {line:.1%} ({rival}), {met}."
    )


def say_whether_masked(left: Mapping[str, Left]) -> str:
    """Which networks hide their gradient, and where squares get further than the best one."""
    hidden = [
        f"{name} ({each.by_gradient:.0%} are left by the true gradient, {each.by_passing:.0%} by "
        "the one passed through)"
        for name, each in left.items()
        if each.by_passing is not None and each.by_passing < each.by_gradient
    ]
    further = [
        f"{name} ({each.by_squares:.0%} are left, not {best:.0%})"
        for name, each in left.items()
        for best in [each.by_gradient if each.by_passing is None else each.by_passing]
        if each.by_squares < best
    ]
    masked = f"The gradient is hidden in {' and in '.join(hidden)}. " if hidden else ""
    if further:
        return f"{masked}Squares get further than the best gradient in {' and in '.join(further)}."
    return f"{masked}In no network do squares get further than the best gradient."


def say_whether_borrowed(rows: Mapping[str, Sequence[float]], columns: Sequence[str]) -> str:
    """Whether a borrowed attack leaves less of some network than its own does."""
    worse = [
        f"of {target}, that of {source}"
        for place, target in enumerate(columns)
        for source, shares in rows.items()
        if target in rows and shares[place] < rows[target][place]
    ]
    if not worse:
        return "No borrowed attack leaves less of a network here than its own does."
    return f"A borrowed attack leaves less than the network's own: {'; '.join(worse)}."


def say_what_stays(curves: Mapping[str, Sequence[float]]) -> str:
    """Which networks still read digits at the largest budget."""
    above = [f"{name} ({values[-1]:.0%})" for name, values in curves.items() if values[-1] > 0]
    if not above:
        return "At the largest budget nothing is left of any network."
    return f"At the largest budget something is left of {', '.join(above)}: better attacks exist."


def open_share(pictures: Float[np.ndarray, "..."], threshold: float, epsilon: float) -> float:
    """The share of pixels that lie within the budget of the threshold: only they can be turned."""
    return float((np.abs(pictures - threshold) <= epsilon).mean())


def say_rise(promised: float, probs: Sequence[float]) -> str:
    """What the slopes promise for one step of the whole budget, and what it gave.

    `probs` are the probabilities of the true digit before and after that step.
    """
    before, after = -np.log(np.maximum(probs, 1e-30))
    return (
        "If the loss were a plane, the slope of each pixel times its change, summed over all, "
        f"would be the rise of the loss: {promised:.2f}. It rises by {after - before:.2f}."
    )


def describe_result(
    rows: Mapping[str, tuple[np.ndarray, np.ndarray]], labels: Int[np.ndarray, " digits"]
) -> str:
    """Alternative text of rows of digits: how many of each row are read as what they are.

    The first row has them as they were written.
    """
    written, *attacked = (pictures for pictures, _ in rows.values())
    change = max((float(np.abs(each - written).max()) for each in attacked), default=0.0)
    read = "; ".join(
        f"{name}: {(said == labels).sum()} of {len(labels)}" for name, (_, said) in rows.items()
    )
    return (
        f"Rows of handwritten digits with what a network says above each. Read rightly: {read}. "
        f"The largest change of a pixel from the first row is {change:.2f}."
    )


def describe_frames(probs: Probs, label: int) -> str:
    """Alternative text of the stepper: the probability of the label at each end."""
    last = int(probs[-1].argmax())
    return (
        f"A handwritten {label}, the change of each pixel in blue and red, and ten bars of "
        f"probabilities, after 0 to {len(probs) - 1} steps. The probability of {label} goes from "
        f"{probs[0, label]:.0%} to {probs[-1, label]:.0%}; at the end the network says {last}."
    )


def share_on_strokes(pictures: Pictures, slopes: Pictures) -> float:
    """Of the slopes of a picture, without their sign, the share that is not on paper; the mean.

    A picture without any slope has none there.
    """
    sizes = np.abs(slopes)
    there = (sizes * (pictures >= PAPER)).sum((1, 2))
    return float((there / np.maximum(sizes.sum((1, 2)), np.finfo(sizes.dtype).tiny)).mean())


def say_slopes(pictures: Pictures, slopes: Mapping[str, Pictures]) -> str:
    """How much of the slopes lies on the strokes, by network, beside the share of such pixels."""
    told = ", ".join(
        f"{share_on_strokes(pictures, each):.0%} ({name})" for name, each in slopes.items()
    )
    return (
        "Of the slopes of a digit, added up without their sign, so much lies on its strokes, the "
        f"pixels that are not paper: {told}. Slopes that are spread evenly would have "
        f"{(pictures >= PAPER).mean():.0%} there."
    )


def describe_gradients(pictures: Pictures, slopes: Mapping[str, Pictures]) -> str:
    """Alternative text of the slopes of all pixels."""
    return (
        f"{len(pictures)} digits, and below each the slopes of its pixels in red and blue for the "
        f"networks {' and '.join(slopes)}. The sentence after it says how much is on the strokes."
    )


def describe_curves(
    what: str, curves: Mapping[str, Sequence[float]], places: Sequence[float], x: str
) -> str:
    """Alternative text of accuracies against budget or radius."""
    lines = "; ".join(f"{n} from {v[0]:.0%} to {v[-1]:.0%}" for n, v in curves.items())
    return f"Line chart of the {what} for {x} from {places[0]:g} to {places[-1]:g}: {lines}."
