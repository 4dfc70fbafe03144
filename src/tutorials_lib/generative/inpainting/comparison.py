"""What is compared and timed for inpainting, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.generative.inpainting import gaussian as gaussians
from tutorials_lib.generative.inpainting import in_jax, in_numpy, problem
from tutorials_lib.generative.inpainting.problem import PAGE, TINY, Batch, Config, Space

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

NUM_PICTURES = 8
"""Pictures whose holes are filled in the timed work."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, faces with holes, and all that is drawn.

    Attributes:
        params: of the network.
        batches: for a few steps.
        holes: true where a pixel is missing.
        space: the coordinates of pictures.
        rates: of every step.
        starts: coordinates of pictures drawn by chance, from which the fills start.
        guess: of the coordinates of the pictures that are filled.
        cells: of their holes.
        state: before the first step.
    """

    params: Tree
    batches: Batch
    holes: Any
    space: Space
    rates: Any
    starts: Any
    guess: Any
    cells: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Faces, holes and draws of the seed 0."""
    few = dataclasses.replace(
        config,
        num_train=config.num_coords + 200,
        num_development=1,
        num_test=1,
        num_masks=6,
        num_steps=NUM_CHECKED_STEPS,
        steps_per_report=1,
        source="offline",
    )
    rng = np.random.default_rng(0)
    part = problem.load(few).train
    gaussian = gaussians.fit(part.pictures, config.num_coords)
    conditionals = gaussians.condition(gaussian, part.holes)
    batches = problem.draw_batches(
        part, gaussian, conditionals, few, num_steps=NUM_CHECKED_STEPS, mean_share=0.3, rng=rng
    )
    first = slice(NUM_PICTURES)
    guess = gaussians.guess(
        gaussian, conditionals, part.pictures[first], part.holes, part.which[first]
    )
    starts = gaussians.draw_any(gaussian, (config.num_samples, len(guess)), rng)
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        batches=batches,
        holes=part.holes,
        space=problem.space_of(gaussian),
        rates=problem.learning_rates(few),
        starts=starts,
        guess=guess,
        cells=problem.cells(part.holes)[part.which[first]],
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def _first(inputs: Inputs) -> Batch:
    return Batch(*(each[0] for each in inputs.batches))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The mean fill, by its coordinates."""
    return twin.predict(inputs.params, inputs.guess, inputs.cells, inputs.space, config)


def flow(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The way to one fill of every hole."""
    arrays = inputs.starts[0], inputs.guess, inputs.cells
    return twin.flow(inputs.params, *arrays, inputs.space, config)


def sample(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Several fills of every hole."""
    arrays = inputs.starts, inputs.guess, inputs.cells
    return twin.sample(inputs.params, *arrays, inputs.space, config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradient of the first batch."""
    return twin.loss_and_grads(inputs.params, _first(inputs), inputs.holes, inputs.space, config)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    fixed = inputs.holes, inputs.space, inputs.rates
    return twin.train_step(inputs.state, _first(inputs), *fixed, config)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the losses before each."""
    fixed = inputs.holes, inputs.space, inputs.rates
    return twin.train_steps(inputs.state, inputs.batches, *fixed, config)


COMPARISON = Comparison(
    slug="inpainting",
    unit=f"{PAGE.num_samples} fills of each of {NUM_PICTURES} holes",
    # The page shows eight fills of each hole; the other sizes are one, and four times as many.
    sizes={
        f"{count} fills": dataclasses.replace(PAGE, num_samples=count)
        for count in (1, PAGE.num_samples, 4 * PAGE.num_samples)
    },
    headline=f"{PAGE.num_samples} fills",
    agreement=TINY,
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="mean fill", run=predict, float32_tolerance=1e-4),
        Check(name="the way to a fill", run=flow, float32_tolerance=1e-4),
        Check(name="several fills", run=sample, float32_tolerance=1e-4),
        Check(name="loss and gradients", run=loss_and_grads),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=train_steps),
    ),
    variants=(
        Variant(name="NumPy", run=sample, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=sample,
            twin=in_jax,
            explains="the same operations in XLA; the loop over the steps is compiled all the same",
        ),
        Variant(
            name="JAX, jit",
            run=sample,
            twin=in_jax,
            jit="whole",
            explains="one program from the first look at the hole to the last step",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason="Twelve steps each add to the rounding of those before.",
)
"""The headline fills the holes of the page's figures, with the page's network."""
