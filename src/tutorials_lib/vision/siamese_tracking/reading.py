"""What the page reads off trackers: one search with its numbers, clips to look at, sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics import tracking
from tutorials_lib.vision.siamese_tracking import in_numpy, problem, pyramid, rivals
from tutorials_lib.vision.siamese_tracking.evaluation import (
    OURS,
    UNTRAINED,
    Followed,
    Interval,
    bootstrap,
    score,
)
from tutorials_lib.vision.siamese_tracking.problem import SEARCH, SPAN, Clips, Config, Settings
from tutorials_lib.vision.siamese_tracking.pyramid import Place

PIXELS = np.arange(41.0)
"""Errors of the place, in pixels, at which the precision is drawn."""

_APART = 12.0
"""How far from the target a place is somewhere else, in crop pixels."""

# ---------------------------------------------------------------- one search


class Search(NamedTuple):
    """What the network answers for one frame of a clip.

    Attributes:
        clip: which clip it is.
        template: the target in the first frame, from 0 to 1.
        areas: the search area at each scale, from 0 to 1.
        logits: for each scale, of every shift.
        target: where it really is, in crop pixels from the middle of the area.
    """

    clip: int
    template: Float[np.ndarray, "32 32 3"]
    areas: Float[np.ndarray, "scales 64 64 3"]
    logits: Float[np.ndarray, "scales shifts shifts"]
    target: Float[np.ndarray, " 2"]


def searches(params: in_numpy.Params, clips: Clips, config: Config, *, frame: int) -> list[Search]:
    """The search in one frame of every clip, around where the target was in the frame before."""
    first, before, now = (clips.boxes[:, i] for i in (0, frame - 1, frame))
    center, size = problem.locate(first)
    template = pyramid.crop(
        clips.frames[:, 0], center[:, None], (SPAN / 2 * size)[:, None], problem.TEMPLATE
    )[:, 0]
    place = Place(*problem.locate(before))
    areas = pyramid.search_areas(clips.frames[:, frame], place, span=SPAN, pixels=SEARCH)
    target = (problem.locate(now)[0] - place.center) * (SEARCH / SPAN / place.size)[:, None]
    found = []
    for i in range(len(areas)):
        templates = np.repeat(template[i : i + 1], len(pyramid.SCALES), axis=0)
        logits = in_numpy.predict(params, templates / 255 - 0.5, areas[i] / 255 - 0.5, config)
        found.append(Search(i, template[i] / 255, areas[i] / 255, logits, target[i]))
    return found


class Peaks(NamedTuple):
    """The best shift near the target, and the best one away from it, as indices of a map."""

    target: tuple[int, int]
    elsewhere: tuple[int, int]


def peaks(search: Search) -> Peaks:
    """Of the scale that stayed as it was."""
    logits = search.logits[1]
    distance = np.linalg.norm(problem.shifts() - search.target, axis=-1)

    def best(allowed: np.ndarray) -> tuple[int, int]:
        row, column = np.unravel_index(np.where(allowed, logits, -np.inf).argmax(), logits.shape)
        return int(row), int(column)

    return Peaks(best(distance <= _APART), best(distance > _APART))


def telling_search(found: Sequence[Search]) -> Search:
    """The one whose strongest wrong place comes nearest to the right one, without reaching it."""

    def lead(search: Search) -> float:
        target, elsewhere = (search.logits[1][place] for place in peaks(search))
        return float(target - elsewhere)

    right = [each for each in found if lead(each) > 1] or list(found)
    return min(right, key=lead)


def peak_table(search: Search, settings: Settings) -> MarkdownRows:
    """From the logit to the score that decides, at the two peaks."""
    probs = expit(search.logits[1])
    rows = []
    for name, place in zip(("A, the target", "B, elsewhere"), peaks(search), strict=True):
        down, right = problem.shifts()[place]
        bell = float(
            np.exp(-((down**2 + right**2) / (SEARCH / SPAN * pyramid.SMOOTHNESS) ** 2) / 2)
        )
        decides = (1 - settings.window) * probs[place] + settings.window * bell * probs.max()
        numbers = f"{search.logits[1][place]:.2f}", f"{probs[place]:.3f}", f"{bell:.3f}"
        rows.append([name, f"{down:+.0f}", f"{right:+.0f}", *numbers, f"{decides:.3f}"])
    header = ["Place", "down", "right", "logit", "response", "window", "score"]
    return MarkdownRows(header, rows)


def scale_table(search: Search, settings: Settings) -> MarkdownRows:
    """The best response at each scale, and what is left of it after the penalty."""
    best = expit(search.logits).max((1, 2))
    kept = best * (1 - settings.scale_penalty * (pyramid.SCALES != 1))
    chosen = int(kept.argmax())
    rows = [
        [f"{scale:.3f}", f"{a:.3f}", f"{b:.3f}", "chosen" if i == chosen else ""]
        for i, (scale, a, b) in enumerate(zip(pyramid.SCALES, best, kept, strict=True))
    ]
    return MarkdownRows(["Scale", "best response", "after the penalty", ""], rows)


def describe_search(search: Search) -> str:
    """Alternative text of the picture of a search."""
    places = peaks(search)
    target, elsewhere = (expit(search.logits[1][place]) for place in places)
    return (
        "A small picture of the target, a larger one of its surroundings a frame later, and a map "
        f"of the response, {target:.2f} at the target (A) and at most {elsewhere:.2f} away from "
        "it (B)."
    )


# ---------------------------------------------------------------- clips to look at


def rank_clips(followed: Mapping[str, Followed], clips: Clips) -> list[int]:
    """The clips in the order of the network's success AUC, the best one first."""
    return np.argsort(-score(followed[OURS].boxes, clips).auc).tolist()


def some_frames(clips: Clips, clip: int, count: int) -> list[int]:
    """So many frames of a clip at even distances, from the first to the last that is marked."""
    marked = np.flatnonzero(~np.isnan(clips.boxes[clip, :, 0]))
    return np.unique(np.linspace(0, marked[-1], count).astype(int)).tolist()


def overlap_notes(
    followed: Mapping[str, Followed],
    names: Sequence[str],
    clips: Clips,
    clip: int,
    frames: Sequence[int],
) -> dict[str, list[str]]:
    """The overlap of some trackers' boxes with the true one, in some frames of a clip."""
    overlaps = {name: tracking.overlap(followed[name].boxes, clips.boxes)[clip] for name in names}
    return {name: [f"overlap {each[i]:.2f}" for i in frames] for name, each in overlaps.items()}


def boxes_in(
    followed: Mapping[str, Followed],
    names: Sequence[str],
    clips: Clips,
    clip: int,
    frames: Sequence[int],
) -> dict[str, list[np.ndarray]]:
    """The true boxes of some frames of a clip, then those of some trackers."""
    boxes = {"truth": clips.boxes} | {name: followed[name].boxes for name in names}
    return {name: list(each[clip, frames]) for name, each in boxes.items()}


def describe_clip(
    followed: Mapping[str, Followed], names: Sequence[str], clips: Clips, clip: int
) -> str:
    """Alternative text of frames of a clip with boxes: how much each tracker overlaps the truth."""
    told = ", ".join(
        f"{name} {np.nanmean(tracking.overlap(followed[name].boxes, clips.boxes)[clip]):.2f}"
        for name in names
    )
    return (
        "Frames of a clip, and boxes around one of the things that move in it. Mean overlap with "
        f"the true box: {told}."
    )


# ---------------------------------------------------------------- scores


def success_curves(followed: Mapping[str, Followed], clips: Clips) -> dict[str, np.ndarray]:
    """The mean success curve of each tracker."""
    return {
        name: tracking.success_curve(found.boxes, clips.boxes).mean(0)
        for name, found in followed.items()
    }


def precision_curves(followed: Mapping[str, Followed], clips: Clips) -> dict[str, np.ndarray]:
    """The mean precision of each tracker at all of `PIXELS`."""
    return {
        name: np.array(
            [
                tracking.precision(found.boxes, clips.boxes, pixels=each / clips.pixels).mean()
                for each in PIXELS
            ]
        )
        for name, found in followed.items()
    }


def score_table(followed: Mapping[str, Followed], clips: Clips) -> MarkdownRows:
    """AUC and precision with their intervals, targets lost in the end, and chosen settings."""
    rows = []
    for name, found in followed.items():
        scores = score(found.boxes, clips)
        rows.append(
            [
                name,
                str(bootstrap(scores.auc)),
                str(bootstrap(scores.precision)),
                f"{scores.lost.sum():.0f} of {len(scores.lost)}",
                f"{found.settings.window:g}, {found.settings.update:g}, {found.settings.damping:g}",
            ]
        )
    pixels = f"precision at {tracking.PRECISION_PIXELS:.0f} px"
    chosen = "window, update, damping"
    return MarkdownRows(["", "success AUC", pixels, "lost in the end", chosen], rows)


def describe_curves(success: Mapping[str, np.ndarray], precision: Mapping[str, np.ndarray]) -> str:
    """Alternative text of the two plots of a benchmark."""
    half, allowed = len(tracking.THRESHOLDS) // 2, int(tracking.PRECISION_PIXELS)
    told = "; ".join(
        f"{name} {success[name][half]:.2f} and {precision[name][allowed]:.2f}" for name in success
    )
    return (
        "Two line charts: the share of frames falls as more overlap is asked for, and rises as "
        f"more error is allowed. At an overlap of one half, and at {allowed} pixels: {told}."
    )


def clip_by_clip(
    followed: Mapping[str, Followed], rival: str, clips: Clips
) -> Float[np.ndarray, " clips"]:
    """How much larger the network's AUC is than a rival's, in each clip."""
    ours, theirs = (score(followed[name].boxes, clips).auc for name in (OURS, rival))
    return ours - theirs


def difference(followed: Mapping[str, Followed], rival: str, clips: Clips) -> Interval:
    """How much larger the network's AUC is than a rival's, clip by clip."""
    return bootstrap(clip_by_clip(followed, rival, clips))


def say_whether_met(judgement: Judgement, followed: Mapping[str, Followed], clips: Clips) -> str:
    """Whether the line is beaten, and what the clips say about how sure that is."""
    rival, line = judgement.strongest
    gap = difference(followed, rival, clips)
    met = "is met" if judgement.met else "is *not met*"
    if gap.low > 0:
        sure = "so it is ahead on other clips of these textures, too"
    elif gap.high < 0:
        sure = "so it is behind on other clips of these textures, too"
    else:
        sure = "so these clips cannot tell the difference from chance"
    return (
        f"The network's AUC is {judgement.value:.3f} and that of its strongest rival, "
        f"*{rival}*, {line:.3f}: the line {met}. Clip by clip the difference is {gap.mean:+.3f} "
        f"(interval {gap.low:+.3f} to {gap.high:+.3f}), {sure}."
    )


def say_what_was_learned(followed: Mapping[str, Followed], clips: Clips) -> str:
    """How much of the score the training is worth."""
    gain = difference(followed, UNTRAINED, clips)
    word = "gains" if gain.low > 0 else "does not surely gain anything on"
    return (
        f"Training {word} the same network with random weights: {gain.mean:+.3f} (interval "
        f"{gain.low:+.3f} to {gain.high:+.3f})."
    )


def say_where(followed: Mapping[str, Followed], rival: str, clips: Clips) -> str:
    """How the difference from a rival hangs on whether the ground has the target's colours."""
    shared, gap = rivals.shared_colors(clips), clip_by_clip(followed, rival, clips)
    alike = shared >= np.median(shared)
    like, unlike = (float(gap[half].mean()) if half.any() else 0.0 for half in (alike, ~alike))
    reason = (
        "where the ground has other colours, they are the better clue, which no turn, bend or "
        "blur can take away"
        if like > unlike
        else "so it does not hang on the colours of the ground"
    )
    return (
        f"In the half of the clips in which most of the target's colours lie around it too, the "
        f"difference from *{rival}* is {like:+.3f}, in the other half {unlike:+.3f}: {reason}."
    )
