"""What the page reads off detections: one cell with its numbers, one frame, and sentences."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.special import expit, softmax

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.detection import Found, Truth, iou, rank
from tutorials_lib.vision.yolo import in_numpy
from tutorials_lib.vision.yolo.evaluation import OURS
from tutorials_lib.vision.yolo.problem import NUM_CLASSES, STRIDE

LEAST_SHOWN = 0.35
"""The score from which a box is drawn."""

LEVEL = 0.05
"""Scores that lie no further apart are called level."""


def played_frames(num_clips: int, length: int, *, most: int = 10) -> list[int]:
    """Some frames of the first clip, or of the first clips where each is one frame."""
    count = length if length > 1 else num_clips
    return list(range(0, count, max(1, count // most) if length > 1 else 1))[:most]


def rows_of(
    frames: UInt8[np.ndarray, "clips frames height width 3"], *, rows: int = 3, columns: int = 6
) -> UInt8[np.ndarray, "rows columns height width 3"]:
    """Some frames of the first clips, a row each; of stills, the first ones in rows."""
    length = frames.shape[1]
    if length == 1:
        return frames[: rows * columns, 0].reshape(rows, columns, *frames.shape[2:])
    return frames[:rows, :: max(1, length // columns)][:, :columns]


class Visible(NamedTuple):
    """The boxes of one frame as a reader would want them: few, and one for each object."""

    boxes: Float[np.ndarray, "boxes 4"]
    scores: Float[np.ndarray, " boxes"]
    labels: Int[np.ndarray, " boxes"]


def without_doubles(found: Found, overlap: float) -> Found:
    """Suppression across classes, of what the suppression within classes has left."""
    order = np.argsort(-found.scores, axis=1, kind="stable")
    boxes = np.take_along_axis(found.boxes, order[..., None], axis=1)
    scores, labels = (np.take_along_axis(each, order, axis=1) for each in found[1:])
    with np.errstate(invalid="ignore"):  # empty places have no area
        stays = in_numpy.suppress(boxes, np.zeros(labels.shape, np.int32), overlap)
    return Found(boxes, scores * stays, labels)


def shown(found: Found, frame: int, *, overlap: float = 0.5) -> Visible:
    """Boxes with a score worth drawing, without worse ones of *any* class on top of them."""
    one = without_doubles(Found(*(each[frame : frame + 1] for each in found)), overlap)
    drawn = one.scores[0] >= LEAST_SHOWN
    return Visible(*(each[0][drawn] for each in one))


# ---------------------------------------------------------------- one cell


class Example(NamedTuple):
    """A frame, one of its objects, and the cell in which the center of that object lies."""

    frame: int
    thing: int
    column: int
    row: int


def telling_example(found: Found, truth: Truth) -> Example:
    """An object of the frame in which most objects are found by their right class.

    Fewest are missed in it, of the frames in which as many are found, and the first such frame is
    taken. Of its objects it is the one whose box fits best.
    """
    there = truth.labels >= 0
    named = found.labels[:, :, None] == truth.labels[:, None]
    named &= (found.scores >= LEAST_SHOWN)[:, :, None]
    with np.errstate(invalid="ignore"):  # empty places have no area
        overlaps = iou(found.boxes[:, :, None], truth.boxes[:, None])
    fits = np.where(named & there[:, None], overlaps, 0).max(1)  # [frames, objects]
    hits = (fits >= 0.5).sum(1)
    frame = int((2 * hits - there.sum(1) / there.sum(1).max()).argmax())
    thing = int(np.where(there[frame], fits[frame], -1).argmax())
    left, upper, right, lower = truth.boxes[frame, thing].tolist()
    return Example(
        frame, thing, int((left + right) / 2 // STRIDE), int((upper + lower) / 2 // STRIDE)
    )


def cell_table(
    numbers: Float[np.ndarray, " outputs"], example: Example, names: Sequence[str]
) -> MarkdownRows:
    """The numbers of a cell, and what each of them becomes."""
    place = np.array([example.column, example.row], np.int32)
    left, upper, right, lower = in_numpy.decode(numbers[None, 1:5], place[None])[0]
    probs = softmax(numbers[5:])
    became = [
        f"objectness {expit(numbers[0]):.2f}",
        f"center {(left + right) / 2:.1f} pixels from the left",
        f"center {(upper + lower) / 2:.1f} pixels from the top",
        f"{right - left:.1f} pixels wide",
        f"{lower - upper:.1f} pixels high",
        *(f"{name} {prob:.2f}" for name, prob in zip(names, probs, strict=True)),
    ]
    asked = ["is there an object?", "where, across?", "where, down?", "how wide?", "how high?"]
    asked += [f"is it a {name}?" for name in names]
    rows = [
        [f"{i + 1}", question, f"{number:.2f}", answer]
        for i, (question, number, answer) in enumerate(zip(asked, numbers, became, strict=True))
    ]
    header = ["", "Question", "The cell says", "which means"]
    return MarkdownRows(header, rows, of_words=(1, 3))


def say_cell(
    numbers: Float[np.ndarray, " outputs"],
    example: Example,
    truth: Truth,
    names: Sequence[str],
) -> str:
    """The box of the cell, its score, and how well it fits."""
    place = np.array([[example.column, example.row]], np.int32)
    box = in_numpy.decode(numbers[None, 1:5], place)[0]
    scores = expit(numbers[0]) * softmax(numbers[5:])
    best = int(scores.argmax())
    fits = float(iou(box, truth.boxes[example.frame, example.thing]))
    edges = ", ".join(f"{edge:.1f}" for edge in box)
    return (
        f"The edges of the box are {edges} (left, upper, right, lower). Its best score is "
        f"{scores[best]:.2f}, for *{names[best]}*, which is objectness times the probability of "
        f"the class. It shares {fits:.2f} of what it and the true box cover together."
    )


class Counts(NamedTuple):
    """How many boxes there are of one frame, stage after stage."""

    proposed: int
    candidates: int
    stay: int
    faint: int
    drawn: int


def count_boxes(found: Found, frame: int, grid: tuple[int, int]) -> Counts:
    """From all cells and classes to what is drawn; a score is faint below 0.05."""
    scores = found.scores[frame]
    return Counts(
        grid[0] * grid[1] * NUM_CLASSES,
        len(scores),
        int((scores > 0).sum()),
        int(((scores > 0) & (scores < 0.05)).sum()),
        len(shown(found, frame).boxes),
    )


def say_counts(counts: Counts) -> str:
    """The way from proposals to boxes in a sentence."""
    return (
        f"The cells and classes of this frame make {counts.proposed} boxes. The "
        f"{counts.candidates} with the highest scores are candidates; {counts.stay} of them stay, "
        f"{counts.faint} of these with a score below 0.05. {counts.drawn} are sure enough to draw."
    )


# ---------------------------------------------------------------- sentences


def say_rival(length: int) -> str:
    """What background subtraction knows that the detector does not, by the frames of a clip."""
    if length > 1:
        return (
            "knows more than the network: it has seen the whole clip, and is told how the camera "
            "moves."
        )
    return "compares every pixel with the colour of the bare slide."


def ranked_table(found: Found, truth: Truth, label: int, *, rows: int = 8) -> MarkdownRows:
    """The surest boxes of a class, one after the other, on the way to its average precision."""
    ranked = rank(found, truth, label=label)
    columns = zip(ranked.scores, ranked.is_hit, ranked.precision, ranked.recall, strict=True)
    told = [
        [f"{place}", f"{score:.3f}", "hit" if hit else "miss", f"{precision:.3f}", f"{recall:.3f}"]
        for place, (score, hit, precision, recall) in enumerate(columns, start=1)
    ]
    # From every part of the list some, so that it shows where precision falls.
    chosen = np.unique(np.geomspace(1, len(told), rows).round().astype(int)) - 1
    header = ["Box", "Score", "", "precision so far", "recall so far"]
    return MarkdownRows(header, [told[place] for place in chosen], of_words=(2,))


def say_whether_met(judgement: Judgement) -> str:
    """What the detector and its strongest rival reach, and whether that is enough."""
    rival, line = judgement.strongest
    ending = "beats them all" if judgement.met else "does *not* beat them all"
    return (
        f"The detector reaches an mAP of {judgement.value:.3f} and its strongest rival, *{rival}*, "
        f"{line:.3f}, so it {ending}."
    )


def size_table(judgement: Judgement) -> MarkdownRows:
    """The scores for small and for large objects alone."""
    kinds = list(judgement.details[OURS])
    rows = [
        [name, *(f"{scores[kind]:.3f}" for kind in kinds)]
        for name, scores in judgement.details.items()
    ]
    return MarkdownRows([judgement.metric, *kinds], rows)


def say_sizes(judgement: Judgement) -> str:
    """Where the detector and its strongest rival are level, and where one is ahead, by size."""
    rival, _ = judgement.strongest
    told = []
    for kind, ours in judgement.details[OURS].items():
        theirs = judgement.details[rival][kind]
        if abs(ours - theirs) <= LEVEL:
            word = "the two are level"
        else:
            word = f"*{OURS if ours > theirs else rival}* is ahead"
        told.append(f"on {kind} objects {word} ({ours:.2f} against {theirs:.2f})")
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."
