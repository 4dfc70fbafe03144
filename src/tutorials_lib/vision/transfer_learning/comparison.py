"""What is compared and timed for fine-tuning, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.canonical import canonical_form
from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE, TIED_PIXELS
from tutorials_lib.vision.transfer_learning import draws, in_jax, in_numpy, problem
from tutorials_lib.vision.transfer_learning.problem import LAYERS, PAGE, TINY, Config

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

UPPER_LAYERS = LAYERS[-problem.NUM_TOP :]
"""Those that learn where the others are frozen."""


class Inputs(NamedTuple):
    """Random parameters with the state of training, the first batches, and the rates.

    Attributes:
        params: of all layers.
        images: of each batch.
        labels: likewise.
        rates: of every step, a column for each layer.
        state: before the first step, where all layers learn.
        upper: the same, where only `UPPER_LAYERS` learn.
    """

    params: Tree
    images: Any
    labels: Any
    rates: Any
    state: Any = None
    upper: Any = None


def make_inputs(config: Config) -> Inputs:
    """Handwritten digits of the seed 0, and rates that differ from layer to layer."""
    offline = dataclasses.replace(config, source="offline")
    rng = np.random.default_rng(0)
    pool = problem.load(offline).train
    batches = draws.draw_batches(len(pool.labels), NUM_CHECKED_STEPS, offline, rng=rng)
    strategy = problem.strategies(offline)[problem.LAYER_WISE]
    return Inputs(
        draw_params(in_jax.create, offline, rng=rng),
        pool.images[batches],
        pool.labels[batches],
        problem.learning_rates(strategy._replace(num_steps=NUM_CHECKED_STEPS)),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own states before the first step."""
    every, upper = (twin.start(inputs.params, layers) for layers in (LAYERS, UPPER_LAYERS))
    return inputs._replace(state=every, upper=upper)


def canonical(result: Tree) -> Tree:
    """`canonical_form`, where the optimizer of every layer has a state of its own."""
    if isinstance(result, in_numpy.State | in_jax.State):
        states = (
            result.opt_state
            if isinstance(result, in_numpy.State)
            else {
                layer: masked.inner_state
                for layer, masked in result.opt_state.inner_states.items()
                if layer != "frozen"
            }
        )
        return {
            "params": result.params,
            "opt_state": {layer: _adam(each, result, layer) for layer, each in states.items()},
        }
    return tuple(map(canonical, result)) if isinstance(result, tuple) else result


class _OneLayer(NamedTuple):
    """What `canonical_form` takes for a state of training."""

    params: Tree
    opt_state: Any


def _adam(state: Any, whole: Any, layer: str) -> Tree:
    adam = canonical_form(_OneLayer(whole.params[layer], state))["opt_state"]
    # Optax keeps a place for every layer in the moments of each, empty but for its own.
    own = {name: moment.get(layer, moment) for name, moment in adam.items() if name != "count"}
    return {"count": adam["count"], **own}


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the first batch."""
    return twin.predict(inputs.params, inputs.images[0], config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.images[0], inputs.labels[0], config, LAYERS)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the loss before it."""
    batch = inputs.images[0], inputs.labels[0]
    return twin.train_step(inputs.state, *batch, inputs.rates, config, LAYERS)


def train_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps of all layers, and the loss before each."""
    batches = inputs.images, inputs.labels
    return twin.train_steps(inputs.state, *batches, inputs.rates, config, LAYERS)


def train_upper(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The parameters after as many steps of the upper layers alone, and the loss before each."""
    batches = inputs.images, inputs.labels
    rates = inputs.rates[:, -problem.NUM_TOP :]
    state, values = twin.train_steps(inputs.upper, *batches, rates, config, UPPER_LAYERS)
    return state.params, values


COMPARISON = Comparison(
    slug="transfer_learning",
    unit="one fine-tuning step, all layers",
    # The page fine-tunes with 32 pictures in a step; the others have an eighth and four times that.
    sizes={
        "4 pictures": dataclasses.replace(PAGE, tuning_batch_size=4),
        "32 pictures": PAGE,
        "128 pictures": dataclasses.replace(PAGE, tuning_batch_size=128),
    },
    headline="32 pictures",
    agreement=dataclasses.replace(TINY, tuning_batch_size=6),
    make_inputs=make_inputs,
    prepare=prepare,
    canonical=canonical,
    checks=(
        Check(name="logits", run=predict, float32_tolerance=1e-4),
        Check(name="loss", run=loss_and_grads, pick=lambda found: found[0], float32_tolerance=1e-4),
        Check(name="gradients of all parameters", run=loss_and_grads, pick=lambda found: found[1]),
        Check(
            name=f"the whole state after {NUM_CHECKED_STEPS} steps, a rate for each layer",
            run=train_steps,
        ),
        Check(name="all parameters after as many with the lower layers frozen", run=train_upper),
    ),
    variants=(
        Variant(name="NumPy", run=train_step, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=train_step,
            twin=in_jax,
            explains="the same operations in XLA, each dispatched on its own",
        ),
        Variant(
            name="JAX, jit",
            run=train_step,
            twin=in_jax,
            jit="whole",
            explains="one program: biases, cut-offs, pooling and five optimizers are fused",
        ),
    ),
    observe=lambda output, inputs, config: output[1],
    tolerance=1e-3,
    tolerance_reason=f"{TIED_PIXELS}, so the loss is compared; the gate has the whole state.",
    note=CONVOLUTION_ON_ONE_CORE,
)
