"""What is compared and timed for prototypical networks, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE, TIED_PIXELS_IN_STATISTICS
from tutorials_lib.vision.prototypical_networks import in_jax, in_numpy, problem
from tutorials_lib.vision.prototypical_networks.problem import PAGE, Config

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

NUM_SCORED = 50
"""Episodes that are scored for the gate."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, the first episodes, and points to score.

    Attributes:
        params: of the network.
        statistics: likewise.
        images: the drawings of each episode, its examples first.
        features: of every drawing, as the network might give them.
        episodes: that are scored by them.
        state: before the first step.
    """

    params: Tree
    statistics: Tree
    images: Any
    features: Any
    episodes: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Episodes of the alphabets of the seed 0, and points around a center for each character."""
    rng = np.random.default_rng(0)
    few = dataclasses.replace(config, num_train=1, num_development=1, num_test=1, source="offline")
    drawings = problem.load(few).train
    params, statistics = draw_params(in_jax.create, config, rng=rng)
    lessons = problem.draw_lessons(len(drawings), config, seed=0).drawings[:NUM_CHECKED_STEPS]
    centers = rng.standard_normal((len(drawings), 1, config.num_features))
    features = centers + rng.standard_normal((*drawings.shape[:2], config.num_features))
    episodes = problem.draw_episodes(
        len(drawings),
        NUM_SCORED,
        num_ways=config.num_ways,
        num_shots=config.num_shots,
        num_queries=config.num_queries,
        seed=0,
    )
    return Inputs(
        params,
        statistics,
        problem.to_images(drawings.reshape(-1, *drawings.shape[2:])[lessons]),
        features.reshape(-1, config.num_features).astype(np.float32),
        episodes,
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, inputs.statistics, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the queries of the first episode."""
    support, queries = inputs.images[0, :, : config.num_shots], inputs.images[0, :, -1]
    return twin.predict(inputs.params, inputs.statistics, support, queries, config)


def accuracies(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The accuracy of every episode."""
    return twin.accuracies(inputs.features, inputs.episodes)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss, batch statistics and gradients of the first episode."""
    return twin.loss_and_grads(inputs.params, inputs.statistics, inputs.images[0], config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    return twin.train_step(inputs.state, inputs.images[0], config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the loss before each."""
    return twin.train_steps(inputs.state, inputs.images, config)


COMPARISON = Comparison(
    slug="prototypical_networks",
    unit="one training step, one episode",
    # The page trains with episodes of 20 characters; the smallest has a twentieth of the drawings.
    sizes={
        "2 drawings of 3": dataclasses.replace(PAGE, num_ways=3, num_queries=1),
        "6 drawings of 5": dataclasses.replace(PAGE, num_ways=5),
        "6 drawings of 20": PAGE,
    },
    headline="6 drawings of 20",
    agreement=dataclasses.replace(
        PAGE, channels=(4, 6, 8), num_features=8, num_ways=5, num_shots=2, num_queries=3
    ),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits, normalized by running statistics", run=predict, float32_tolerance=1e-4),
        Check(name=f"accuracy of {NUM_SCORED} episodes", run=accuracies),
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
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=train_step,
            twin=in_jax,
            explains="convolutions without a matrix of patches; on how many cores, see below",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="one program: normalization, cut-off, distances and update are fused",
        ),
    ),
    observe=lambda output, inputs, config: (output[0]["statistics"], output[1]),
    tolerance=1e-3,
    tolerance_reason=TIED_PIXELS_IN_STATISTICS,
    note=CONVOLUTION_ON_ONE_CORE,
)
