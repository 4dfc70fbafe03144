"""What the page reads off sections and segmentations: one pixel, one wall, and sentences."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy.ndimage import gaussian_filter, label
from skimage import data
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize
from skimage.transform import resize

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.vision.unet.evaluation import COLUMNS, Segmented, scores
from tutorials_lib.vision.unet.problem import Config, Sections, Walls

Place = tuple[int, int, int]
"""Section, row and column of a pixel."""


# ---------------------------------------------------------------- one pixel, one wall


def faint_pixel(test: Sections, found: Mapping[str, Walls], *, margin: int) -> Place:
    """The lightest pixel on a wall that the last method finds and no other one does.

    It lies on the middle line of the wall, and `margin` pixels from the edge of the section.
    Where there is none, the lightest pixel on a middle line.
    """
    *others, last = found.values()
    lines = np.stack([skeletonize(walls) for walls in test.walls])
    inside = np.zeros_like(lines)
    height, width = lines.shape[1:]
    inside[:, margin : height - margin, margin : width - margin] = True
    known = last & ~np.any(others, axis=0)
    candidates = next(each for each in (lines & inside & known, lines & inside) if each.any())
    light = gaussian_filter(test.pictures, (0, 1, 1))
    section, row, column = np.unravel_index(
        np.where(candidates, light, -np.inf).argmax(), light.shape
    )
    return int(section), int(row), int(column)


def say_why_shown(found: Mapping[str, Walls], place: Place) -> str:
    """By what `faint_pixel` picked the pixel."""
    *others, last = (bool(walls[place]) for walls in found.values())
    if last and not any(others):
        return "It was picked as the faintest that the U-Net alone finds"
    return "It was picked as the faintest of all, since none is found by the U-Net alone"


def distinct(fields: Mapping[str, int], *, count: int = 4) -> dict[str, int]:
    """The receptive fields of the way down, and that of the last stage."""
    names = [*[name for name in fields if name.startswith("down")], "bottom", list(fields)[-1]]
    return {name: fields[name] for name in names[:count]}


def one_pixel(test: Sections, methods: Mapping[str, Segmented], place: Place) -> MarkdownRows:
    """The number that every method gives the pixel, its threshold, and what it says."""
    section = place[0]
    rows = [["its grey", f"{test.pictures[place]:.3f}", "", ""]]
    for name, found in methods.items():
        threshold = found.threshold
        if threshold is None:
            threshold = float(threshold_otsu(found.scores[section]))
        says = "wall" if found.walls[place] else "cell"
        rows.append([name, f"{found.scores[place]:.3f}", f"{threshold:.3f}", says])
    rows.append(["the truth", "", "", "wall" if test.walls[place] else "cell"])
    return MarkdownRows(["This pixel", "number", "threshold", "says"], rows)


def three_mistakes() -> MarkdownRows:
    """The scores of a straight wall that was found too thin, too thick, and with a gap."""
    true = np.zeros((1, 20, 21), bool)
    true[:, :, 9:12] = True
    thin, thick, gap = np.zeros_like(true), np.zeros_like(true), true.copy()
    thin[:, :, 10], thick[:, :, 8:13], gap[:, 9:12] = True, True, False
    rows = []
    for name, found in {"thin": thin, "thick": thick, "gap": gap}.items():
        counts = [found.sum(), true.sum(), (found & true).sum()]
        values = [f"{score:.2f}" for score in scores(found, true)]
        rows.append([name, *map(str, counts), *values])
    return MarkdownRows(["Found", "found pixels", "true pixels", "both", *COLUMNS], rows)


# ---------------------------------------------------------------- pictures from elsewhere


def other_pictures(config: Config) -> dict[str, Float32[np.ndarray, "side side"]]:
    """Grey pictures that scikit-image brings along, at a scale at which their lines are thin."""
    loaded = {
        "vessels of the retina": data.microaneurysms(),
        "a living cell": data.cell()[250:500, 300:],
        "coins": data.coins()[:192, :192],
    }
    side = 96
    found = {}
    for name, picture in loaded.items():
        small = resize(picture, (side, side), anti_aliasing=True)
        low, high = np.quantile(small, [0.01, 0.99])
        found[name] = (0.1 + 0.7 * (small - low) / (high - low)).clip(0, 1).astype(np.float32)
    return found


# ---------------------------------------------------------------- sentences


def say_whether_met(judgement: Judgement, scored: Mapping[str, Sequence[float]]) -> str:
    """Whether the line is beaten, and whose walls part the cells best."""
    rival, line = judgement.strongest
    *others, own = (each[-1] for each in scored.values())
    best = min(others)
    beaten = "is met" if judgement.met else "is *not met*"
    word = "as well as" if f"{own:.2f}" == f"{best:.2f}" else "better than" if own < best else ""
    parted = f"{word} those of any rival" if word else "less well than those of that rival"
    return (
        f"The line, a Dice coefficient of {line:.3f} ({rival}), {beaten} with "
        f"{judgement.value:.3f}. The Rand error of the cells is {own:.2f}, that of the best rival "
        f"{best:.2f}: the U-Net's walls part the cells {parted}."
    )


def describe_cells(forest: Walls, network: Walls, true: Walls) -> str:
    """Alternative text of the first picture: how many cells each method parts."""
    parted = [[label(~each)[1] for each in walls] for walls in (forest, network, true)]
    rows = "; ".join(
        f"{of_forest} by the forest, {of_network} by the U-Net, {of_truth} in truth"
        for of_forest, of_network, of_truth in zip(*parted, strict=True)
    )
    return (
        f"{len(true)} grey sections of tissue, each with its cells in colours. Connected regions: "
        f"{rows}. Where walls have gaps, one colour covers several cells."
    )


def describe_mistakes(found: Mapping[str, Walls], true: Walls) -> str:
    """Alternative text of a gallery of mistakes: what share is missed and what is invented."""
    shares = "; ".join(
        f"{name} misses {(true & ~walls).sum() / true.sum():.0%} of the wall pixels, and "
        f"{(walls & ~true).sum() / max(walls.sum(), 1):.0%} of its own are invented"
        for name, walls in found.items()
    )
    return f"Sections with the walls that each method finds, in colours. Over all: {shares}."


def describe_training(
    true: Bool[np.ndarray, "height width"],
    watched: Float[np.ndarray, "rounds height width"],
    steps: Sequence[str],
) -> str:
    """Alternative text of the stepper: what is found and what is invented at its ends."""
    found, invented = (
        [f"{(probs > 0.5)[part].mean():.0%}" for probs in (watched[0], watched[-1])]
        for part in (true, ~true)
    )
    return (
        f"A section, its probabilities of a wall, and the mistakes, after {steps[0]} to "
        f"{steps[-1]} training steps. The share of the wall pixels that is found goes from "
        f"{found[0]} to {found[1]}, that of the others called wall from {invented[0]} to "
        f"{invented[1]}."
    )


def describe_answers(answers: Mapping[str, Float[np.ndarray, "height width"]]) -> str:
    """Alternative text of the pictures from elsewhere."""
    shares = ", ".join(f"{(probs > 0.5).mean():.0%} of {name}" for name, probs in answers.items())
    return f"Grey pictures, below each the probability of a wall. Called wall: {shares}."
