"""What is compared and timed for tracking, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE
from tutorials_lib.vision.siamese_tracking import in_jax, in_numpy, problem
from tutorials_lib.vision.siamese_tracking.problem import PAGE, TINY, Config, Pairs, Settings

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared, and frames that are tracked for it."""


class Inputs(NamedTuple):
    """Random parameters, the first batches of pairs, and the first frames of clips.

    Attributes:
        params: of the network.
        pairs: an axis of steps, then the batch.
        frames: an axis of clips, then frames.
        boxes: around the target in the first frames.
        settings: of the tracker.
        state: of the training, before the first step.
        track: of the tracker, after the first frame.
    """

    params: Tree
    pairs: Any
    frames: Any
    boxes: Any
    settings: Any
    state: Any = None
    track: Any = None


def make_inputs(config: Config) -> Inputs:
    """Pairs and frames of development clips; as many clips as `config` tests at once."""
    rng = np.random.default_rng(0)
    few = dataclasses.replace(
        config,
        num_train=1,
        num_development=config.num_test,
        num_frames=NUM_CHECKED_STEPS + 1,
        source="offline",
    )
    data = problem.load(dataclasses.replace(few, num_test=1))
    lessons = problem.draw_lessons(data.train, config, num_steps=NUM_CHECKED_STEPS, rng=rng)
    settings = Settings(window=0.35, update=0.03)
    return Inputs(
        draw_params(in_jax.create, config, rng=rng),
        problem.cut_pairs(data.train, lessons),
        data.development.frames,
        data.development.boxes[:, 0],
        jax.tree.map(np.float32, settings),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step, and after the first frame."""
    track = twin.start_track(inputs.params, inputs.frames[:, 0], inputs.boxes, config)
    return inputs._replace(state=twin.start(inputs.params, config), track=track)


def first_of(inputs: Inputs) -> Pairs:
    """The pairs of the first step."""
    return Pairs(*(each[0] for each in inputs.pairs))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logit of every shift, for the pairs of the first step."""
    pairs = first_of(inputs)
    return twin.predict(inputs.params, pairs.template, pairs.search, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first step."""
    return twin.loss_and_grads(inputs.params, first_of(inputs), config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.pairs, config)


def track_frame(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Everything that the tracker knows after the next frame."""
    frames = inputs.frames[:, 1]
    return twin.track_frame(inputs.params, inputs.track, frames, inputs.settings, config)


def follow(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The boxes in a few frames."""
    return twin.follow(inputs.params, inputs.frames, inputs.boxes, inputs.settings, config)


def _at_once(clips: int) -> Config:
    return dataclasses.replace(PAGE, num_test=clips)


COMPARISON = Comparison(
    slug="siamese_tracking",
    unit="one frame of a clip, at three scales",
    # The claim speaks of tracking in real time, where one frame of one clip comes at a time.
    sizes={"1 clip": _at_once(1), "4 clips": _at_once(4), "16 clips": _at_once(16)},
    headline="1 clip",
    agreement=dataclasses.replace(TINY, num_test=2),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="responses", run=predict, float32_tolerance=1e-4),
        Check(name="loss", run=loss_and_grads, pick=lambda found: found[0], float32_tolerance=1e-4),
        Check(name="gradients of all parameters", run=loss_and_grads, pick=lambda found: found[1]),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=train_steps),
        Check(name=f"boxes of {NUM_CHECKED_STEPS} frames", run=follow),
    ),
    variants=(
        Variant(name="NumPy", run=track_frame, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=track_frame,
            twin=in_jax,
            explains="convolutions without a matrix of patches",
        ),
        Variant(
            name="JAX, jit",
            run=track_frame,
            twin=in_jax,
            jit="whole",
            explains="one program from the frame to the new place",
        ),
    ),
    observe=lambda output, inputs, config: (output["center"], output["size"]),
    tolerance=1e-3,
    tolerance_reason=(
        "The place is that of the largest response, and a template that is cropped there follows "
        "it, so that places and sizes are compared; the gate has the template too."
    ),
    note=CONVOLUTION_ON_ONE_CORE,
)
