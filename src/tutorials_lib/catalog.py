"""The thirty tutorials: where each one lives and what the source document claims for it.

The catalog only names things; it imports no tutorial. A tutorial is *available* when its
folder exists, so the index never links to a page that is not there.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PARTS = {
    "tabular": "Tables",
    "vision": "Images",
    "generative": "Generative models",
    "sequences": "Text, speech and time series",
    "reinforcement": "Reinforcement learning",
}
"""The parts of the book, in reading order, with their captions."""


_SECONDS = {
    "days": 86_400.0,
    "hours": 3_600.0,
    "minutes": 60.0,
    "seconds": 1.0,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
}


@dataclass(frozen=True, kw_only=True)
class Tutorial:
    """One of the thirty rows of the source document.

    `claim` is the claimed range of the speedup over NumPy, `claimed_reason` the reason that
    the document gives for it and `claimed_change` the second half of the claim, both quoted.
    `introduces` and `needs` order the pages: ideas that a page explains first, and slugs of
    pages that it builds on.
    """

    number: int
    part: str
    slug: str
    title: str
    claim: tuple[float, float]
    claimed_reason: str
    claimed_change: str
    introduces: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def coordinate(self) -> str:
        """`<part>/<slug>`, the same in `book/`, `src/tutorials_lib/` and `tests/`."""
        return f"{self.part}/{self.slug}"

    @property
    def module(self) -> str:
        """The dotted name of the tutorial's package."""
        return f"tutorials_lib.{self.part}.{self.slug}"

    @property
    def implied_factor(self) -> float | None:
        """The speedup that "from minutes to seconds" implies, or None for "real time"."""
        units = re.search(r"from (\w+) to (\w+)", self.claimed_change)
        return _SECONDS[units[1]] / _SECONDS[units[2]] if units else None

    @property
    def available(self) -> bool:
        """Whether the tutorial has been written."""
        return (Path(__file__).parent / self.coordinate / "comparison.py").is_file()


def _row(
    number: int,
    coordinate: str,
    title: str,
    claim: tuple[float, float],
    claimed_reason: str,
    claimed_change: str,
    introduces: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Tutorial:
    part, slug = coordinate.split("/")
    return Tutorial(
        number=number,
        part=part,
        slug=slug,
        title=title,
        claim=claim,
        claimed_reason=claimed_reason,
        claimed_change=claimed_change,
        introduces=introduces,
        needs=needs,
    )


TUTORIALS = (
    _row(
        20,
        "tabular/linear_regression",
        "Predict house prices with linear models",
        (1.5, 3.0),
        "JAX's JIT compilation",
        "reducing prediction time from milliseconds to microseconds",
        ("gradient descent", "cross-validation"),
    ),
    _row(
        29,
        "tabular/pca",
        "See high-dimensional data with PCA",
        (2.0, 4.0),
        "JAX's JIT compilation",
        "reducing processing time from seconds to milliseconds",
        ("singular value decomposition",),
    ),
    _row(
        12,
        "tabular/kmeans",
        "Segment customers with k-means",
        (2.0, 4.0),
        "JAX's support for parallelization",
        "reducing clustering time from minutes to seconds",
        ("jit", "scan", "vmap over restarts"),
    ),
    _row(
        13,
        "tabular/matrix_factorization",
        "Recommend movies with matrix factorization",
        (2.0, 5.0),
        "JAX's support for efficient matrix operations",
        "reducing training time from hours to minutes",
        ("alternating least squares",),
        ("linear_regression",),
    ),
    _row(
        14,
        "tabular/predictive_maintenance",
        "Predict machine failures",
        (1.5, 3.0),
        "JAX's ability to parallelize computations",
        "reducing prediction time from seconds to milliseconds",
        ("model selection under vmap",),
        ("linear_regression",),
    ),
    _row(
        8,
        "tabular/fraud_autoencoder",
        "Detect fraud with an autoencoder",
        (2.0, 4.0),
        "JAX's ability to parallelize computations",
        "reducing training time from minutes to seconds",
        ("autoencoders",),
        ("pca",),
    ),
    _row(
        1,
        "vision/cnn",
        "Classify images with a convolutional network",
        (2.0, 5.0),
        "JAX",
        "reducing training time from minutes to seconds",
        ("convolution", "batch normalization", "data augmentation"),
    ),
    _row(
        6,
        "vision/style_transfer",
        "Paint a photograph in another style",
        (3.0, 7.0),
        "JAX's JIT compilation",
        "reducing processing time from minutes to seconds",
        ("optimizing pixels",),
        ("cnn",),
    ),
    _row(
        9,
        "vision/unet",
        "Segment medical images with a U-Net",
        (3.0, 6.0),
        "JAX's support for efficient convolution operations",
        "reducing training time from hours to minutes",
        ("skip connections",),
        ("cnn",),
    ),
    _row(
        10,
        "vision/yolo",
        "Detect objects in video with YOLO",
        (2.0, 5.0),
        "JAX's JIT compilation",
        "enabling real-time object detection",
        ("non-maximum suppression",),
        ("cnn",),
    ),
    _row(
        15,
        "vision/srcnn",
        "Sharpen images with SRCNN",
        (2.0, 4.0),
        "JAX's support for efficient convolution operations",
        "reducing processing time from seconds to milliseconds",
        ("super-resolution",),
        ("cnn",),
    ),
    _row(
        18,
        "vision/transfer_learning",
        "Fine-tune a pretrained network",
        (2.0, 5.0),
        "JAX's ability to parallelize computations across multiple devices",
        "reducing fine-tuning time from hours to minutes",
        ("layer-wise learning rates",),
        ("cnn",),
    ),
    _row(
        24,
        "vision/siamese_tracking",
        "Track an object with a Siamese network",
        (2.0, 4.0),
        "JAX's support for efficient convolution operations",
        "enabling real-time object tracking",
        ("cross-correlation",),
        ("cnn",),
    ),
    _row(
        26,
        "vision/prototypical_networks",
        "Learn classes from a few examples",
        (2.0, 4.0),
        "JAX's support for efficient matrix operations",
        "reducing classification time from seconds to milliseconds",
        ("episodes",),
        ("cnn",),
    ),
    _row(
        30,
        "vision/adversarial_attacks",
        "Fool a classifier, then defend it",
        (2.0, 5.0),
        "JAX's support for automatic differentiation",
        "reducing attack generation time from seconds to milliseconds",
        ("projected gradient descent",),
        ("cnn",),
    ),
    _row(
        19,
        "generative/denoising_autoencoder",
        "Remove noise from photographs",
        (2.0, 4.0),
        "JAX's support for efficient matrix operations",
        "reducing denoising time from seconds to milliseconds",
        ("denoising",),
        ("cnn", "fraud_autoencoder"),
    ),
    _row(
        17,
        "generative/vae",
        "Generate faces with a variational autoencoder",
        (2.0, 4.0),
        "JAX's support for efficient sampling",
        "reducing generation time from seconds to milliseconds",
        ("the evidence lower bound",),
        ("fraud_autoencoder",),
    ),
    _row(
        3,
        "generative/gan",
        "Generate digits with a GAN",
        (3.0, 8.0),
        "JAX's ability to parallelize computations across multiple devices",
        "reducing training time from hours to minutes",
        ("adversarial training",),
        ("cnn",),
    ),
    _row(
        27,
        "generative/inpainting",
        "Fill in the missing parts of an image",
        (2.0, 5.0),
        "JAX's support for efficient sampling",
        "reducing inpainting time from seconds to milliseconds",
        ("conditional generation",),
        ("vae", "gan"),
    ),
    _row(
        7,
        "sequences/lstm_forecasting",
        "Forecast a time series with an LSTM",
        (1.5, 3.0),
        "JAX's support for dynamic computation graphs",
        "reducing training time from hours to minutes",
        ("LSTM", "walk-forward splits"),
    ),
    _row(
        2,
        "sequences/rnn_sentiment",
        "Judge movie reviews with a recurrent network",
        (1.5, 3.0),
        "JAX's support for dynamic computation graphs",
        "reducing training time from hours to minutes",
        ("padding and masks", "back-propagation through time"),
    ),
    _row(
        25,
        "sequences/seq2seq",
        "Translate with a sequence-to-sequence model",
        (1.5, 3.0),
        "JAX's support for dynamic computation graphs",
        "reducing translation time from seconds to milliseconds",
        ("attention", "beam search"),
        ("rnn_sentiment",),
    ),
    _row(
        5,
        "sequences/transformer",
        "Translate with a transformer",
        (2.0, 6.0),
        "JAX's support for efficient matrix multiplications",
        "reducing training time from days to hours",
        ("multi-head attention",),
        ("seq2seq",),
    ),
    _row(
        16,
        "sequences/gpt2",
        "Generate text with GPT-2",
        (2.0, 6.0),
        "JAX's ability to parallelize computations across multiple devices",
        "reducing generation time from minutes to seconds",
        ("byte-pair encoding", "key-value cache"),
        ("transformer",),
    ),
    _row(
        21,
        "sequences/bert",
        "Classify posts with BERT",
        (2.0, 5.0),
        "JAX's ability to parallelize computations across multiple devices",
        "reducing analysis time from minutes to seconds",
        ("masked-language pretraining",),
        ("transformer",),
    ),
    _row(
        22,
        "sequences/captioning",
        "Describe an image in words",
        (2.0, 4.0),
        "JAX's support for dynamic computation graphs",
        "reducing caption generation time from seconds to milliseconds",
        ("image-conditioned decoding",),
        ("cnn", "seq2seq"),
    ),
    _row(
        11,
        "sequences/deep_speech",
        "Transcribe speech with Deep Speech",
        (1.5, 3.0),
        "JAX's support for dynamic computation graphs",
        "reducing training time from days to hours",
        ("connectionist temporal classification",),
        ("rnn_sentiment",),
    ),
    _row(
        4,
        "reinforcement/dqn",
        "Balance a pole with deep Q-learning",
        (2.0, 4.0),
        "JAX's JIT compilation",
        "reducing training time from hours to minutes",
        ("Q-learning", "environments inside jit"),
    ),
    _row(
        23,
        "reinforcement/ppo",
        "Play a custom game with PPO",
        (2.0, 6.0),
        "JAX's JIT compilation",
        "reducing training time from hours to minutes",
        ("policy gradients", "reward shaping"),
        ("dqn",),
    ),
    _row(
        28,
        "reinforcement/a3c",
        "Train agents in parallel with A3C",
        (3.0, 8.0),
        "JAX's support for parallelization",
        "reducing training time from hours to minutes",
        ("asynchronous and synchronous actors",),
        ("ppo",),
    ),
)
"""Every tutorial, in reading order within its part."""

_BY_SLUG = {tutorial.slug: tutorial for tutorial in TUTORIALS}


def find(slug: str) -> Tutorial:
    """The tutorial named `slug`; raises `KeyError` that lists the slugs when there is none."""
    if slug not in _BY_SLUG:
        known = ", ".join(sorted(_BY_SLUG))
        raise KeyError(f"no tutorial is named {slug!r}; the catalog has: {known}")
    return _BY_SLUG[slug]


def available() -> tuple[Tutorial, ...]:
    """The tutorials that have been written, in reading order."""
    return tuple(tutorial for tutorial in TUTORIALS if tutorial.available)
