"""Fine-tuning: the configuration, both data sets, what may move, and the draws (NumPy only)."""

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int32
from sklearn.datasets import load_digits

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import hymenoptera
from tutorials_lib.datasets.printed_digits import NUM_CLASSES, printed_digits

LAYERS = ("conv1", "conv2", "conv3", "hidden", "head")
"""The layers of the small network, from the picture to the logits."""

LAYERS_OF_SQUEEZENET = ("conv1", *(f"fire{i}" for i in range(2, 10)), "head")
"""Those of the published one."""

PHOTO_SIZE = 112
"""Height and width of a photograph, in pixels; SqueezeNet was trained on twice as many."""

_NUM_POOL, _NUM_DEVELOPMENT = 500, 297
"""Of the 1,797 handwritten digits; the others are for the test."""

_DIGIT_POOL = 30
"""Of the pool, so many of each digit there are at least."""

_PHOTO_POOL = 15
"""Photographs of each class from which labelled ones are drawn; ten more are for development."""

Images = Float32[np.ndarray, "pictures height width channels"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network, its pretraining, and the fine-tuning with few labels.

    Attributes:
        channels: feature maps of each convolution.
        num_hidden: numbers that the head sees.
        num_printed: printed digits to pretrain on.
        num_held_back: further ones, to look at.
        num_epochs: passes over them.
        batch_size: pictures in a step of pretraining.
        labels_per_class: numbers of labels with which is fine-tuned.
        num_draws: how often labels are drawn anew, for each of these numbers.
        num_copies: pictures made of each labelled one, itself among them.
        num_test: held-out pictures, at most.
        num_tuning_steps: steps of a fine-tuning.
        num_scratch_steps: steps of the training from random weights, which needs more of them.
        tuning_batch_size: pictures in a step of either.
        source: `offline` for printed and handwritten digits, `real` for SqueezeNet and
            photographs of insects.

    Raises:
        ValueError: there are fewer printed digits than a batch holds, more labels are asked for
            than there are, or the source is unknown.
    """

    channels: tuple[int, int, int] = (16, 32, 48)
    num_hidden: int = 64
    num_printed: int = 8000
    num_held_back: int = 500
    num_epochs: int = 6
    batch_size: int = 128
    labels_per_class: tuple[int, ...] = (1, 2, 5, 10)
    num_draws: int = 3
    num_copies: int = 20
    num_test: int = 1000
    num_tuning_steps: int = 100
    num_scratch_steps: int = 300
    tuning_batch_size: int = 32
    source: str = "offline"

    def __post_init__(self) -> None:
        if self.num_printed < self.batch_size:
            raise ValueError(
                f"num_printed={self.num_printed} is less than batch_size={self.batch_size}: no "
                "step of pretraining can be taken; print more digits, or take smaller batches"
            )
        presets.check_source(self.source)
        most = _PHOTO_POOL if self.source == "real" else _DIGIT_POOL
        if max(self.labels_per_class) > most:
            raise ValueError(
                f"labels_per_class={self.labels_per_class}, but labels can be drawn of at most "
                f"{most} pictures of each class"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of printed digits."""
        return self.num_printed // self.batch_size

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the network, from the picture to the logits."""
        return LAYERS_OF_SQUEEZENET if self.source == "real" else LAYERS

    @property
    def num_classes(self) -> int:
        """Ten digits, or ants and bees."""
        return len(hymenoptera.CLASSES) if self.source == "real" else NUM_CLASSES

    @property
    def num_labels(self) -> tuple[int, ...]:
        """The numbers of labels, all classes together."""
        return tuple(self.num_classes * each for each in self.labels_per_class)


TINY = Config(
    channels=(8, 8, 16),
    num_hidden=32,
    num_printed=1600,
    num_held_back=250,
    num_epochs=5,
    batch_size=32,
    labels_per_class=(1, 5),
    num_draws=2,
    num_copies=6,
    num_test=250,
    num_tuning_steps=60,
    num_scratch_steps=120,
    tuning_batch_size=16,
)
PAGE = Config()
FULL = Config(channels=(32, 32, 64), num_printed=20_000, num_draws=10, num_tuning_steps=400)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


def affordable(config: Config) -> Config:
    """With SqueezeNet, smaller and fewer steps, so that a judgement takes minutes on two cores."""
    if config.source == "offline":
        return config
    return dataclasses.replace(
        config,
        labels_per_class=(config.labels_per_class[0], config.labels_per_class[-1]),
        num_draws=1,
        num_copies=min(config.num_copies, 8),
        num_tuning_steps=min(config.num_tuning_steps, 15),
        num_scratch_steps=min(config.num_scratch_steps, 15),
        tuning_batch_size=min(config.tuning_batch_size, 8),
    )


# ---------------------------------------------------------------- the data


class Labelled(NamedTuple):
    """Pictures, each with the number of its class."""

    images: Images
    labels: Int32[np.ndarray, " pictures"]


class Data(NamedTuple):
    """Pictures of the task that has few labels; no two parts share one.

    Attributes:
        train: from which the labelled ones are drawn.
        development: which choose the rivals' settings.
        test: which are looked at once.
    """

    train: Labelled
    development: Labelled
    test: Labelled


def load(config: Config, *, seed: int = 0) -> Data:
    """Handwritten digits, or photographs of ants and bees, split by `seed`.

    The test photographs are those of the published validation split, whatever the seed.

    Raises:
        DatasetError: the photographs were asked for and cannot be had.
    """
    rng = np.random.default_rng([seed, 0])
    if config.source == "real":
        return _photographs(rng)
    digits = load_digits()
    images = (digits.images[..., None] / 16).astype(np.float32)
    order = rng.permutation(len(images))
    parts = np.split(order, np.cumsum([_NUM_POOL, _NUM_DEVELOPMENT]))
    parts[-1] = parts[-1][: config.num_test]
    return Data(*(Labelled(images[part], digits.target[part].astype(np.int32)) for part in parts))


def _photographs(rng: np.random.Generator) -> Data:
    known, test = (
        Labelled(*hymenoptera.load_hymenoptera(files, size=PHOTO_SIZE))
        for files in (hymenoptera.TRAIN, hymenoptera.VALIDATION)
    )
    order = rng.permutation(len(known.labels))
    mixed = Labelled(known.images[order], known.labels[order])
    pool = first_of_each_class(mixed, _PHOTO_POOL)
    rest = np.setdiff1d(np.arange(len(order)), pool)
    train, development = (Labelled(mixed.images[i], mixed.labels[i]) for i in (pool, rest))
    return Data(train, development, test)


def load_printed(config: Config, *, seed: int) -> tuple[Labelled, Labelled]:
    """Printed digits to pretrain on, and some that are held back."""
    images, labels = printed_digits(config.num_printed + config.num_held_back, seed=seed)
    cut = config.num_printed
    images = images[..., None]
    return Labelled(images[:cut], labels[:cut]), Labelled(images[cut:], labels[cut:])


def first_of_each_class(data: Labelled, per_class: int) -> Int32[np.ndarray, " pictures"]:
    """Places of the first pictures of each class, class after class."""
    found = [np.flatnonzero(data.labels == c)[:per_class] for c in range(data.labels.max() + 1)]
    return np.concatenate(found).astype(np.int32)


# ---------------------------------------------------------------- what may move


class Strategy(NamedTuple):
    """How fast each layer learns.

    Attributes:
        peak: the learning rate of the first step; it falls to zero along half a cosine.
        shares: of it, for each layer, from the picture to the logits; 0 freezes a layer.
        num_steps: how many steps are taken.
    """

    peak: float
    shares: tuple[float, ...]
    num_steps: int

    def trained(self, config: Config) -> tuple[str, ...]:
        """The layers that are not frozen."""
        return tuple(n for n, share in zip(config.layers, self.shares, strict=True) if share)


PROBE, TOP = "linear probe", "top layers"
FULL_TUNING, LAYER_WISE = "full fine-tuning", "layer-wise rates"
SCRATCH = "from scratch"

NUM_TOP = 3
"""Layers that the strategy `TOP` trains."""

DECAY = 0.6
"""From a layer to the one before it, how much smaller the learning rate of `LAYER_WISE` is."""

PRETRAINING_PEAK = 2e-3


def pretraining(config: Config) -> Strategy:
    """All layers, at one rate."""
    num_steps = config.num_epochs * config.steps_per_epoch
    return Strategy(PRETRAINING_PEAK, (1.0,) * len(config.layers), num_steps)


def strategies(config: Config) -> dict[str, Strategy]:
    """The ways to fine-tune, and training from random weights; peaks by the development split."""
    count = len(config.layers)
    everything = (1.0,) * count
    peaks = _PEAKS_OF_SQUEEZENET if config.source == "real" else _PEAKS
    shares = {
        PROBE: (0.0,) * (count - 1) + (1.0,),
        TOP: (0.0,) * (count - NUM_TOP) + (1.0,) * NUM_TOP,
        FULL_TUNING: everything,
        LAYER_WISE: tuple(DECAY ** (count - 1 - i) for i in range(count)),
        SCRATCH: everything,
    }
    steps = dict.fromkeys(shares, config.num_tuning_steps) | {SCRATCH: config.num_scratch_steps}
    return {name: Strategy(peaks[name], each, steps[name]) for name, each in shares.items()}


_PEAKS = {PROBE: 1e-2, TOP: 2e-3, FULL_TUNING: 2e-3, LAYER_WISE: 5e-3, SCRATCH: 6e-3}
_PEAKS_OF_SQUEEZENET = {
    PROBE: 1e-2,
    TOP: 1e-3,
    FULL_TUNING: 3e-4,
    LAYER_WISE: 1e-3,
    SCRATCH: 1e-3,
}


Rates = Float[np.ndarray, "counts layers"]


def learning_rates(strategy: Strategy) -> Rates:
    """The rate of every step, a column for each trained layer (Loshchilov and Hutter 2017).

    The zeros at the end are those of all steps beyond the last.
    """
    shares = np.array([share for share in strategy.shares if share], np.float32)
    return schedules.cosine(strategy.num_steps, strategy.peak)[:, None] * shares
