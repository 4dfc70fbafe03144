"""What is compared and timed for the detector, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE
from tutorials_lib.vision.yolo import in_jax, in_numpy, problem
from tutorials_lib.vision.yolo.problem import PAGE, Config

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

NUM_BOXES = 64
"""Boxes of the suppression that the gate looks at."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, a frame, some batches, and some boxes.

    Attributes:
        params: of the network.
        statistics: likewise.
        frame: one, as the camera gives it.
        images: of each batch.
        boxes: in each image.
        labels: of each box.
        crowd: boxes that overlap, from the best on.
        crowd_labels: their classes.
        state: before the first step.
        folded: the network for prediction.
    """

    params: Tree
    statistics: Tree
    frame: Any
    images: Any
    boxes: Any
    labels: Any
    crowd: Any
    crowd_labels: Any
    state: Any = None
    folded: Any = None


def make_inputs(config: Config) -> Inputs:
    """Frames of clips of the seed 0, and a crowd of boxes around a few places."""
    rng = np.random.default_rng(0)
    few = dataclasses.replace(config, num_train=4, num_development=1, num_test=1, source="offline")
    frames, boxes, labels = problem.in_a_row(problem.load(few).train)
    params, statistics = draw_params(in_jax.create, config, rng=rng)
    chosen = rng.integers(len(frames), size=(NUM_CHECKED_STEPS, config.batch_size))
    corners = rng.uniform(0, config.frame_size / 2, (NUM_BOXES, 2))
    sides = rng.uniform(10, 30, (NUM_BOXES, 2))
    return Inputs(
        params,
        statistics,
        frames[:1],
        problem.to_images(frames[chosen]),
        boxes[chosen],
        labels[chosen],
        np.concatenate([corners, corners + sides], axis=1).astype(np.float32),
        rng.integers(problem.NUM_CLASSES, size=NUM_BOXES, dtype=np.int32),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state, and its network for prediction."""
    return inputs._replace(
        state=twin.start(inputs.params, inputs.statistics, config),
        folded=twin.fold(inputs.params, inputs.statistics),
    )


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The numbers of every cell."""
    return twin.predict(inputs.folded, inputs.frame)


def suppress(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Which boxes of the crowd stay."""
    return twin.suppress(inputs.crowd, inputs.crowd_labels, config.overlap)


def detect(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The boxes of the frame."""
    return twin.detect(inputs.folded, inputs.frame, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss, batch statistics and gradients of the first batch."""
    batch = inputs.images[0], inputs.boxes[0], inputs.labels[0]
    return twin.loss_and_grads(inputs.params, inputs.statistics, *batch, config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.images, inputs.boxes, inputs.labels, config)


COMPARISON = Comparison(
    slug="yolo",
    unit="one frame, from its pixels to the boxes that stay",
    # The page trains and detects in frames of 96 pixels; 48 have a quarter of the cells.
    sizes={
        f"{size} x {size} pixels": dataclasses.replace(PAGE, frame_size=size)
        for size in (48, 96, 192)
    },
    headline="96 x 96 pixels",
    agreement=dataclasses.replace(PAGE, frame_size=32, channels=(4, 5, 6, 8), batch_size=6),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="numbers of every cell", run=predict, float32_tolerance=1e-4),
        Check(name=f"which of {NUM_BOXES} crowded boxes stay", run=suppress),
        Check(name="boxes, scores and classes of a frame", run=detect),
        Check(
            name="loss and batch statistics",
            run=loss_and_grads,
            pick=lambda found: found[:2],
            float32_tolerance=1e-4,
        ),
        Check(name="gradients of all parameters", run=loss_and_grads, pick=lambda found: found[2]),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=detect, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=detect,
            twin=in_jax,
            explains="the same operations in XLA, each dispatched by Python",
        ),
        Variant(
            name="JAX, jit",
            run=detect,
            twin=in_jax,
            jit="whole",
            explains="one program: network, candidates and suppression, called once",
        ),
    ),
    observe=lambda output, inputs, config: {
        "best box": output["boxes"][:, 0],
        "its score": output["scores"][:, 0],
    },
    tolerance=1e-3,
    tolerance_reason=(
        "Rounding can decide which of two nearly equal scores comes first and whether two boxes "
        "overlap by half, so the best box is compared, which nothing suppresses; the gate has all."
    ),
    note=CONVOLUTION_ON_ONE_CORE,
)
