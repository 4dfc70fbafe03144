"""The masked autoencoder in NumPy, with gradients by hand.

Parameters are the nested dicts that the Flax model has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import schedules
from tutorials_lib.layers.mlp.in_numpy import mlp
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.tabular.fraud_autoencoder.problem import (
    Config,
    learning_rates,
    owners,
    starts,
)

Params = dict[Any, Any]
"""`{"encoder": {"layers": {i: {"kernel", "bias"}}}, "decoder": {...}}`"""

Answers = Float[np.ndarray, "rows choices"]
Context = Float[np.ndarray, "rows contexts"]
Hidden = Float[np.ndarray, "rows fields"]
Logits = Float[np.ndarray, "rows choices"]
PerField = Float[np.ndarray, "fields rows"]


class Surprise(NamedTuple):
    """Of each field, in nats: how surprising the true answer was, and how surprising on average."""

    actual: Float[np.ndarray, "rows fields"]
    expected: Float[np.ndarray, "rows fields"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


class Softmax(NamedTuple):
    """A softmax for each field.

    Choices stand in rows, so that what is summed over the choices of a field is a sum of whole
    rows.

    Attributes:
        shifted: the logits, less the largest of their field.
        probs: the probabilities.
        log_total: the logarithm by which `shifted` is too large to be a log-probability.
    """

    shifted: Float[np.ndarray, "choices rows"]
    probs: Float[np.ndarray, "choices rows"]
    log_total: PerField


# ---------------------------------------------------------------- the model


def predict(
    params: Params, answers: Answers, context: Context, hidden: Hidden, config: Config
) -> Logits:
    """The logits of every choice of every field, hidden or not."""
    return _predict(params, answers, context, hidden, config)[0]


def _predict(
    params: Params, answers: Answers, context: Context, hidden: Hidden, config: Config
) -> tuple[Logits, Callable[[Logits], Params]]:
    num_choices, num_fields = sum(config.sizes), len(config.sizes)
    inputs = np.empty((len(answers), num_choices + num_fields + config.num_contexts), answers.dtype)
    shown = (1 - hidden)[:, owners(config.sizes)]
    np.multiply(answers, shown, out=inputs[:, :num_choices])
    inputs[:, num_choices : num_choices + num_fields] = hidden
    inputs[:, num_choices + num_fields :] = context
    code, encoder_vjp = mlp(params["encoder"], inputs, input_gradient=False)
    logits, decoder_vjp = mlp(params["decoder"], np.concatenate([code, context], axis=1))

    def vjp(dlogits: Logits) -> Params:
        dinputs, decoder_grads = decoder_vjp(dlogits)
        assert dinputs is not None  # the code needs its gradient
        _, encoder_grads = encoder_vjp(dinputs[:, : config.num_code])
        return {"encoder": encoder_grads, "decoder": decoder_grads}

    return logits, vjp


def softmax(logits: Logits, config: Config) -> Softmax:
    """The softmax of each field of each row."""
    begins, sizes = starts(config.sizes), config.sizes
    shifted = np.ascontiguousarray(logits.T)
    shifted -= np.repeat(np.maximum.reduceat(shifted, begins), sizes, axis=0)
    probs = np.exp(shifted)
    total = np.add.reduceat(probs, begins)
    probs /= np.repeat(total, sizes, axis=0)
    return Softmax(shifted, probs, np.log(total))


def surprise_of(answers: Answers, logits: Logits, config: Config) -> Surprise:
    """Minus the log-probability of each true answer, and the mean of that over all choices."""
    shifted, probs, log_total = softmax(logits, config)
    begins = starts(config.sizes)
    actual = log_total - np.add.reduceat(answers.T * shifted, begins)
    expected = log_total - np.add.reduceat(probs * shifted, begins)
    return Surprise(actual.T, expected.T)


# ---------------------------------------------------------------- training


def loss(
    params: Params, answers: Answers, context: Context, hidden: Hidden, config: Config
) -> np.floating:
    """The surprise of the hidden fields, scaled up to all fields of a row, in nats.

    With as many fields hidden as it happens, it is on average the surprise of the whole row when
    its fields are revealed in a random order.
    """
    logits = predict(params, answers, context, hidden, config)
    return (surprise_of(answers, logits, config).actual * _weights(hidden)).sum()


def loss_and_grads(
    params: Params, answers: Answers, context: Context, hidden: Hidden, config: Config
) -> tuple[np.floating, Params]:
    """The loss, and the gradients of all parameters."""
    logits, vjp = _predict(params, answers, context, hidden, config)
    shifted, probs, log_total = softmax(logits, config)
    weights = _weights(hidden).T
    of_choices = np.repeat(weights, config.sizes, axis=0)
    true = answers.T * of_choices
    value = (weights * log_total).sum() - np.vdot(true, shifted)
    probs *= of_choices
    probs -= true  # the gradient of a softmax's surprise: what was expected, less what is true
    return value, vjp(np.ascontiguousarray(probs.T))


def _weights(hidden: Hidden) -> Hidden:
    """What the surprise of each field counts in the loss."""
    num_rows, num_fields = hidden.shape
    return hidden * (num_fields / num_rows / hidden.sum(1, keepdims=True))


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def train_step(
    state: State, answers: Answers, context: Context, hidden: Hidden, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, answers, context, hidden, config)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    params, opt_state = adam_update(state.params, grads, state.opt_state, learning_rate=rate)
    return State(params, opt_state), value


def train_steps(
    state: State,
    answers: Float[np.ndarray, "steps rows choices"],
    context: Float[np.ndarray, "steps rows contexts"],
    hidden: Float[np.ndarray, "steps rows fields"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    losses = np.empty(len(answers), answers.dtype)
    for step, batch in enumerate(zip(answers, context, hidden, strict=True)):
        state, losses[step] = train_step(state, *batch, config)
    return state, losses


# ---------------------------------------------------------------- scoring


def surprise(
    params: Params,
    answers: Answers,
    context: Context,
    orders: Int[np.ndarray, "orders fields"],
    config: Config,
) -> Surprise:
    """Reveal the fields one by one, each predicted from those before it; the mean over `orders`.

    In any one order, the actual surprises add up to minus the log-probability of the whole row:
    the chain rule.
    """
    actual, expected = np.zeros((2, len(answers), len(config.sizes)), answers.dtype)
    for order in orders:
        hidden = np.ones_like(actual)
        for field in order:
            logits = predict(params, answers, context, hidden, config)
            found = surprise_of(answers, logits, config)
            actual[:, field] += found.actual[:, field]
            expected[:, field] += found.expected[:, field]
            hidden[:, field] = 0
    return Surprise(actual / len(orders), expected / len(orders))
