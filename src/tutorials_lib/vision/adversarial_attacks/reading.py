"""What the page reads off digits, attacks and networks: tables and sentences."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.mnist_5k import LICENCE
from tutorials_lib.judge import Judgement
from tutorials_lib.vision.adversarial_attacks.attacking import Left
from tutorials_lib.vision.adversarial_attacks.evaluation import CLEAN, OURS
from tutorials_lib.vision.adversarial_attacks.problem import SIDE, Config

Picture = Float[np.ndarray, "28 28"]
Probs = Float[np.ndarray, "pictures 10"]


def settings(config: Config) -> dict[str, str]:
    """What the prose says of the settings, by the names that it glues."""
    pixels = SIDE * SIDE
    return {
        "epsilon": f"{config.epsilon:g}",
        "licence": LICENCE,
        "length": f"{config.epsilon * np.sqrt(pixels):.1f}",
        "num_restarts": f"{config.num_restarts}",
        "num_test": f"{config.num_test:,}",
        "num_train": f"{config.num_train:,}",
        "pixels": f"{pixels}",
    }


def three_pixels(digit: Picture, gradient: Picture, epsilon: float) -> MarkdownRows:
    """The pixels of paper, of ink and of grey that matter most: from their grey to the new one."""
    kinds = {"paper": digit < 0.1, "grey": (digit > 0.3) & (digit < 0.7), "ink": digit > 0.9}
    rows = []
    for name, kind in kinds.items():
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
    """Shares by row and column, in percent; nothing where there is none."""
    texts = [
        [name, *("" if value is None else f"{value:.1%}" for value in values)]
        for name, values in rows.items()
    ]
    return MarkdownRows([what, *columns], texts)


def defences_table(judgement: Judgement) -> MarkdownRows:
    """The single defences and the two together: with an attack and without."""
    scores = {name: [each.development, each.held_out] for name, each in judgement.baselines.items()}
    scores[OURS] = [None, judgement.value]
    rows = {name: [*each, judgement.details[name][CLEAN]] for name, each in scores.items()}
    columns = ["development, under attack", "held out, under attack", "held out, no attack"]
    return percent_table("Digits read rightly", rows, columns)


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


def say_whether_masked(left: Mapping[str, Left], *, slack: float = 0.02) -> str:
    """For which networks squares leave less than the gradient does, by more than `slack`."""
    masked = [name for name, each in left.items() if each.by_squares < each.by_gradient - slack]
    if not masked:
        return "For no network does the attack without gradients get further: none hides its own."
    others = [name for name in left if name not in masked]
    verb = "hides its" if len(masked) == 1 else "hide their"
    honest = f" Of {' and '.join(others)} nothing of the kind is seen." if others else ""
    return (
        f"Less is left by the attack without gradients than by the one that follows them for "
        f"{' and '.join(masked)}, which {verb} gradient.{honest}"
    )


def describe_result(
    rows: Mapping[str, tuple[np.ndarray, np.ndarray]], labels: Int[np.ndarray, " digits"]
) -> str:
    """Alternative text of rows of digits: how many of each row are read as what they are."""
    read = "; ".join(
        f"{name}: {(said == labels).sum()} of {len(labels)}" for name, (_, said) in rows.items()
    )
    return (
        f"Rows of handwritten digits with what a network says above each. Read rightly: {read}. "
        "The attacked digits are speckled with grey; a person still reads all of them."
    )


def describe_frames(probs: Probs, label: int) -> str:
    """Alternative text of the stepper: the probability of the label at each end."""
    last = int(probs[-1].argmax())
    return (
        f"A handwritten {label}, the change of each pixel in blue and red, and ten bars of "
        f"probabilities, after 0 to {len(probs) - 1} steps. The probability of {label} goes from "
        f"{probs[0, label]:.0%} to {probs[-1, label]:.0%}; at the end the network says {last}."
    )


def describe_gradients(names: Sequence[str], count: int) -> str:
    """Alternative text of the slopes of all pixels."""
    return (
        f"{count} digits, and below each the slopes of its pixels in red and blue for the networks "
        f"{' and '.join(names)}. How much they follow the strokes is to be compared."
    )


def describe_curves(
    what: str, curves: Mapping[str, Sequence[float]], places: Sequence[float], x: str
) -> str:
    """Alternative text of accuracies against budget or radius."""
    lines = "; ".join(f"{n} from {v[0]:.0%} to {v[-1]:.0%}" for n, v in curves.items())
    return f"Line chart of the {what} for {x} from {places[0]:g} to {places[-1]:g}: {lines}."
