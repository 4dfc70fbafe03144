"""What is compared and timed for the recurrent network, at which sizes."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

from tutorials_lib.benchmark.comparison import Comparison, Tree
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.old_form import Check, Variant
from tutorials_lib.sequences.rnn_sentiment import in_jax, in_numpy
from tutorials_lib.sequences.rnn_sentiment.problem import (
    PAGE,
    Config,
    learn_vocabulary,
    load,
    to_buckets,
)

NUM_CHECKED_STEPS = 3
"""Steps after which the states of the twins are compared."""

BUCKET = -2
"""Which bucket the batches come from: the second longest."""


def make_inputs(config: Config) -> Tree:
    """Random parameters for both cells, and the first batches of one bucket."""
    data = load(dataclasses.replace(config, num_test=1))
    vocabulary = learn_vocabulary(data.train, config)
    bucket = to_buckets(data.train, vocabulary, config)[BUCKET]
    shape = NUM_CHECKED_STEPS, config.batch_size
    ids, lengths, labels = (each[: shape[0] * shape[1]] for each in bucket)
    rng = np.random.default_rng(config.seed)
    params, elman_params = (
        draw_params(in_jax.create, each, len(vocabulary), rng=rng)
        for each in (config, _with_elman(config))
    )
    return {
        "params": params,
        "elman_params": elman_params,
        "ids": ids.reshape(*shape, -1),
        "lengths": lengths.reshape(shape),
        "labels": labels.reshape(shape),
    }


def _with_elman(config: Config) -> Config:
    return dataclasses.replace(config, cell="elman")


def _truncated(config: Config) -> Config:
    return dataclasses.replace(config, truncate=5)


def _first_batch(inputs: Tree) -> tuple[Tree, Tree, Tree]:
    return inputs["ids"][0], inputs["lengths"][0], inputs["labels"][0]


def _predict_in_numpy(inputs: Tree, config: Config) -> Tree:
    ids, lengths, _ = _first_batch(inputs)
    return in_numpy.predict_each_word(inputs["params"], ids, lengths, config)


@partial(jax.jit, static_argnames="config")
def _predict_in_jax(inputs: Tree, config: Config) -> Tree:
    ids, lengths, _ = _first_batch(inputs)
    return in_jax.predict_each_word(inputs["params"], ids, lengths, config)


def _grads_in_numpy(inputs: Tree, config: Config, name: str = "params") -> Tree:
    return in_numpy.loss_and_grads(inputs[name], *_first_batch(inputs), config)


@partial(jax.jit, static_argnames=("config", "name"))
def _grads_in_jax(inputs: Tree, config: Config, name: str = "params") -> Tree:
    return jax.value_and_grad(in_jax.loss)(inputs[name], *_first_batch(inputs), config)


def _batches(inputs: Tree) -> tuple[Tree, Tree, Tree]:
    return inputs["ids"], inputs["lengths"], inputs["labels"]


def _steps_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], config)
    return _learned(*in_numpy.train_steps(state, *_batches(inputs), config))


@partial(jax.jit, static_argnames="config")
def _steps_in_jax(inputs: Tree, config: Config) -> Tree:
    state = in_jax.start(inputs["params"], config)
    return _learned(*in_jax.train_steps(state, *_batches(inputs), config))


def _learned(
    state: in_numpy.State | in_jax.State, metrics: in_numpy.Metrics | in_jax.Metrics
) -> Tree:
    """What both backends have alike; their optimizers keep the moments in different trees."""
    return {"params": state.params, "loss": metrics.loss, "grad_norm": metrics.grad_norm}


def _step_in_numpy(inputs: Tree, config: Config) -> Tree:
    state = in_numpy.start(inputs["params"], config)
    return _learned(*in_numpy.train_step(state, *_first_batch(inputs), config))


def _step_in_jax(inputs: Tree, config: Config) -> Tree:
    state = in_jax.start(inputs["params"], config)
    return _learned(*in_jax.train_step(state, *_first_batch(inputs), config))


def _step_with_product_inside(inputs: Tree, config: Config) -> Tree:
    ids, lengths, labels = _first_batch(inputs)

    def loss(params: Tree) -> jax.Array:
        logits = in_jax.predict(params, ids, lengths, config)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    value, grads = jax.value_and_grad(loss)(inputs["params"])
    state = in_jax.start(inputs["params"], config)
    return _learned(*in_jax.update(state, value, grads, config))


def _gradient_check(name: str, change: Callable[[Config], Config], params: str) -> Any:
    return Check(
        name=name,
        in_numpy=lambda x, config: _grads_in_numpy(x, change(config), params),
        in_jax=lambda x, config: _grads_in_jax(x, change(config), params),
        float32_tolerance=1e-3,
    )


COMPARISON = Comparison(
    slug="rnn_sentiment",
    unit="one training step",
    # The page trains 32 units, with 64 reviews to a batch; the other networks are narrower and
    # wider. A batch of the middle bucket has up to 28 words to a review.
    sizes={
        "16 units": dataclasses.replace(PAGE, hidden_size=16),
        "32 units": PAGE,
        "128 units": dataclasses.replace(PAGE, hidden_size=128),
    },
    headline="32 units",
    agreement=dataclasses.replace(PAGE, batch_size=16),
    make_inputs=make_inputs,
    checks=(
        Check(
            name="logits after every word",
            in_numpy=_predict_in_numpy,
            in_jax=_predict_in_jax,
            float32_tolerance=1e-4,
        ),
        _gradient_check("loss and gradients, GRU", lambda config: config, "params"),
        _gradient_check("loss and gradients, truncated", _truncated, "params"),
        _gradient_check("loss and gradients, Elman", _with_elman, "elman_params"),
        Check(
            name=f"parameters after {NUM_CHECKED_STEPS} clipped steps",
            in_numpy=_steps_in_numpy,
            in_jax=_steps_in_jax,
        ),
    ),
    variants=(
        Variant(name="NumPy", backend="numpy", run=_step_in_numpy),
        Variant(
            name="JAX, jit",
            backend="jax",
            run=jax.jit(_step_with_product_inside, static_argnums=1),
            explains="one program, with the loop over words inside",
        ),
        Variant(
            name="JAX, jit, inputs first",
            backend="jax",
            run=jax.jit(_step_in_jax, static_argnums=1),
            explains="one product with all words before the loop",
        ),
    ),
    tolerance=1e-3,
    tolerance_reason=(
        "The first step of Adam divides each gradient by its own size, which magnifies the "
        "rounding of small ones."
    ),
)
