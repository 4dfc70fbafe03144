"""What is compared and timed for style transfer, at which sizes."""

import dataclasses
from functools import partial
from inspect import unwrap
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark import median_seconds, median_seconds_at_best
from tutorials_lib.benchmark.comparison import Comparison, Tree
from tutorials_lib.benchmark.old_form import Check, Variant
from tutorials_lib.vision.style_transfer import in_jax, in_numpy
from tutorials_lib.vision.style_transfer.problem import (
    PAGE,
    Config,
    draw_filters,
    first_picture,
    load,
)

NUM_CHECKED_STEPS = 3
"""Steps after which the pictures of the twins are compared."""


def make_inputs(config: Config) -> Tree:
    """The filters, what the result should have, and the picture to start with."""
    pair = load(config)
    params = draw_filters(config, config.seed)
    targets = in_numpy.make_targets(params, pair.content, pair.style, config)
    return {
        "params": params,
        "picture": first_picture(pair.content, config),
        "targets": targets._asdict(),
        "style_weight": np.float32(config.style_weight),
    }


def _arguments(inputs: Tree, backend: ModuleType) -> tuple[Tree, Tree, Tree, Tree]:
    """What `loss` takes before the configuration."""
    targets = backend.Targets(**inputs["targets"])
    return inputs["params"], inputs["picture"], targets, inputs["style_weight"]


def _loss_and_grad_in_numpy(inputs: Tree, config: Config) -> Tree:
    value, losses, dpicture = in_numpy.loss_and_grad(*_arguments(inputs, in_numpy), config)
    return (value, losses._asdict()), dpicture


@partial(jax.jit, static_argnames="config")
def _loss_and_grad_in_jax(inputs: Tree, config: Config) -> Tree:
    value_and_grad = jax.value_and_grad(in_jax.loss, argnums=1, has_aux=True)
    (value, losses), dpicture = value_and_grad(*_arguments(inputs, in_jax), config)
    return (value, losses._asdict()), dpicture


def _fit_in_numpy(inputs: Tree, config: Config) -> Tree:
    config = dataclasses.replace(config, num_steps=NUM_CHECKED_STEPS)
    return in_numpy.fit(*_arguments(inputs, in_numpy), config)[0]


def _fit_in_jax(inputs: Tree, config: Config) -> Tree:
    config = dataclasses.replace(config, num_steps=NUM_CHECKED_STEPS)
    return in_jax.fit(*_arguments(inputs, in_jax), config)[0]


def _step_in_numpy(inputs: Tree, config: Config) -> Tree:
    params, picture, targets, style_weight = _arguments(inputs, in_numpy)
    state, losses = in_numpy.step(params, in_numpy.start(picture), targets, style_weight, config)
    return {"picture": state.picture, "losses": losses._asdict()}


def _step_in_jax(inputs: Tree, config: Config) -> Tree:
    params, picture, targets, style_weight = _arguments(inputs, in_jax)
    state, losses = in_jax.step(params, in_jax.start(picture), targets, style_weight, config)
    return {"picture": state.picture, "losses": losses._asdict()}


def _before_and_after(output: Tree, inputs: Tree, config: Config) -> Tree:
    """The losses before the step, and the loss of the picture after it."""
    moved = {**inputs, "picture": np.asarray(output["picture"])}
    after, _ = in_numpy.loss(*_arguments(moved, in_numpy), config)
    return {"before": output["losses"], "after": after}


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
    checks=(
        Check(
            name="the loss and its three parts",
            in_numpy=lambda x, config: _loss_and_grad_in_numpy(x, config)[0],
            in_jax=lambda x, config: _loss_and_grad_in_jax(x, config)[0],
            float32_tolerance=1e-4,
        ),
        Check(
            name="gradient of every pixel",
            in_numpy=lambda x, config: _loss_and_grad_in_numpy(x, config)[1],
            in_jax=lambda x, config: _loss_and_grad_in_jax(x, config)[1],
            float32_tolerance=1e-3,
        ),
        Check(
            name=f"picture after {NUM_CHECKED_STEPS} steps",
            in_numpy=_fit_in_numpy,
            in_jax=_fit_in_jax,
        ),
    ),
    variants=(
        Variant(name="NumPy", backend="numpy", run=_step_in_numpy),
        Variant(
            name="JAX, jit",
            backend="jax",
            run=jax.jit(_step_in_jax, static_argnums=1),
            explains="convolutions on all cores, and what lies between them is fused",
        ),
    ),
    observe=_before_and_after,
    tolerance=1e-3,
    tolerance_reason=(
        "Adam's first step moves a pixel by the sign of its gradient, and rounding decides the "
        "sign of a gradient near zero; so the loss after the step is compared, not the picture."
    ),
    note=(
        "The times of JAX depend on the convolution setting of the machine card: by default, "
        "this version of XLA runs a convolution on one core."
    ),
)


def time_parts(config: Config) -> dict[str, dict[str, float]]:
    """Seconds of the filters over the whole picture, of the way back, and of a product alone.

    NumPy has its best number of threads. The product is the one that is part of both ways: as
    many rows as a filter has weights, as many columns as there are pixels. The last row is the
    way back that JAX derives from its own convolution, which the tutorial does not use.
    """
    rng = np.random.default_rng(config.seed)
    shape = (config.kernel_size, config.kernel_size, 3, config.num_filters)
    kernel = rng.standard_normal(shape, np.float32)
    planes = rng.standard_normal((3, config.size, config.size), np.float32)
    responses, vjp = in_numpy.respond(planes, kernel)
    weights, flat = kernel.reshape(-1, config.num_filters), responses.reshape(len(responses), -1)
    picture, kernel_on_device, weights_on_device, flat_on_device, dy = jax.device_put(
        (planes.transpose(1, 2, 0)[None], kernel, weights, flat, responses.transpose(1, 2, 0)[None])
    )
    see = jax.jit(lambda x, kernel: jax.nn.relu(in_jax.convolve(x, kernel)))
    back, derived = (
        jax.jit(lambda x, kernel, dy, convolve=convolve: jax.vjp(convolve, x, kernel)[1](dy)[0])
        for convolve in (in_jax.convolve, unwrap(in_jax.convolve))
    )
    return {
        "the filters over the picture": {
            "NumPy": median_seconds_at_best(in_numpy.respond, planes, kernel),
            "JAX": median_seconds(see, picture, kernel_on_device),
        },
        "the way back": {
            "NumPy": median_seconds_at_best(vjp, responses),
            "JAX": median_seconds(back, picture, kernel_on_device, dy),
        },
        "the matrix product in each, alone": {
            "NumPy": median_seconds_at_best(np.matmul, weights, flat),
            "JAX": median_seconds(jax.jit(jnp.matmul), weights_on_device, flat_on_device),
        },
        "the way back as XLA has it": {
            "JAX": median_seconds(derived, picture, kernel_on_device, dy),
        },
    }
