"""What is compared and timed for style transfer, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.remarks import CONVOLUTION_ON_ONE_CORE
from tutorials_lib.vision.style_transfer import in_jax, in_numpy
from tutorials_lib.vision.style_transfer.problem import (
    PAGE,
    Config,
    draw_filters,
    first_picture,
    load,
)

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""


class Inputs(NamedTuple):
    """The filters, the two pictures, the picture to start with, and what follows from them."""

    params: Tree
    content: Any
    style: Any
    picture: Any
    style_weight: Any
    targets: Any = None
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Filters and noise of the seed 0."""
    pair = load(config)
    first, weight = first_picture(pair.content, config), np.float32(config.style_weight)
    return Inputs(draw_filters(config), *pair, picture=first, style_weight=weight)


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with what the result should have, and the twin's state before the first step."""
    targets = twin.make_targets(inputs.params, inputs.content, inputs.style, config)
    return inputs._replace(targets=targets, state=twin.start(inputs.picture))


def loss_and_grad(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The loss, its three parts, and the gradient of every pixel."""
    return twin.loss_and_grad(
        inputs.params, inputs.picture, inputs.targets, inputs.style_weight, config
    )


def step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one step, and the losses before it."""
    return twin.step(inputs.params, inputs.state, inputs.targets, inputs.style_weight, config)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after a few steps, and the losses before each."""
    config = dataclasses.replace(config, num_steps=NUM_CHECKED_STEPS)
    return twin.fit(inputs.params, inputs.state, inputs.targets, inputs.style_weight, config)


def observe(output: Tree, inputs: Inputs, config: Config) -> Tree:
    """The losses before the step, and the loss of the picture after it."""
    state, before = output
    targets = in_numpy.make_targets(inputs.params, inputs.content, inputs.style, config)
    picture = np.asarray(state["picture"])
    after, _ = in_numpy.loss(inputs.params, picture, targets, inputs.style_weight, config)
    return {"before": before, "after": after}


COMPARISON = Comparison(
    slug="style_transfer",
    unit="one optimization step",
    # The page paints at 128 x 128; the other sizes are half and one and a half times as wide.
    sizes={
        "64 × 64": dataclasses.replace(PAGE, size=64),
        "128 × 128": PAGE,
        "192 × 192": dataclasses.replace(PAGE, size=192),
    },
    headline="128 × 128",
    agreement=dataclasses.replace(PAGE, size=64),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(
            name="the loss and its three parts",
            run=loss_and_grad,
            pick=lambda found: found[:2],
            float32_tolerance=1e-4,
        ),
        Check(
            name="gradient of every pixel",
            run=loss_and_grad,
            pick=lambda found: found[2],
            float32_tolerance=1e-3,
        ),
        Check(name=f"the whole state after {NUM_CHECKED_STEPS} steps", run=fit),
    ),
    variants=(
        Variant(name="NumPy", run=step, twin=in_numpy),
        Variant(
            name="JAX, jit",
            run=step,
            twin=in_jax,
            jit="whole",
            explains="convolutions (on how many cores, see below); what lies between is fused",
        ),
    ),
    observe=observe,
    tolerance=1e-3,
    tolerance_reason=(
        "Adam's first step moves a pixel by the sign of its gradient, and rounding decides the "
        "sign of a gradient near zero; so the loss after the step is compared, not the picture."
    ),
    note=CONVOLUTION_ON_ONE_CORE,
)
