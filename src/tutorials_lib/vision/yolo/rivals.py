"""Ways to find objects without a network, and how their settings are chosen."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from tutorials_lib.datasets.moving_shapes import Clips
from tutorials_lib.metrics.detection import Found, mean_average_precision
from tutorials_lib.vision.yolo.background import BackgroundSubtraction
from tutorials_lib.vision.yolo.problem import NUM_CLASSES, Data, truth_of
from tutorials_lib.vision.yolo.template import SlidingTemplate

NUM_CLIPS, NUM_FRAMES = 40, 160
"""Training clips, and frames of these or of stills, from which a rival learns, at most.

With four times as many frames, background subtraction gains 0.01 on the development clips and takes
three times as long.
"""

Setting = Any
"""What a technique can be tuned by."""


@runtime_checkable
class Technique(Protocol):
    """Finds objects in clips, after it has learned from the training clips."""

    @property
    def settings(self) -> Sequence[Setting]:
        """What is tried."""
        ...

    def prepare(self, clips: Clips) -> Any:
        """What all settings need of the clips."""
        ...

    def find(self, prepared: Any, setting: Setting) -> Found:
        """The boxes in every frame of the clips that were prepared."""
        ...


class Chosen(NamedTuple):
    """A technique with the setting that is best on the development clips.

    Attributes:
        setting: the one that was chosen.
        development: its score there.
        found: what it finds in the test clips.
    """

    setting: Setting
    development: float
    found: Found


def choose(technique: Technique, data: Data) -> Chosen:
    """The best setting by the mean average precision in the development clips."""
    prepared, truth = technique.prepare(data.development), truth_of(data.development)
    scores = {
        setting: mean_average_precision(
            technique.find(prepared, setting), truth, num_classes=NUM_CLASSES
        )
        for setting in technique.settings
    }
    best = max(scores, key=lambda setting: scores[setting])
    return Chosen(best, scores[best], technique.find(technique.prepare(data.test), best))


def techniques(data: Data, *, seed: int) -> dict[str, Technique]:
    """The rivals by name; both learn from the same frames of the training clips.

    To find the background of these frames, the whole clips are looked at.
    """
    length = data.train.frames.shape[1]
    clips = Clips(*(each[: NUM_CLIPS if length > 1 else NUM_FRAMES] for each in data.train))
    step = max(1, length * NUM_CLIPS // NUM_FRAMES)
    frames = Clips(*(each[:, ::step] for each in clips))
    return {
        "background subtraction": BackgroundSubtraction(clips, step, seed=seed),
        "sliding template": SlidingTemplate(frames, seed=seed),
    }
