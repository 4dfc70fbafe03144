"""The masked autoencoder in JAX: a Flax NNX model, its loss, and the compiled training."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tutorials_lib import pure, training
from tutorials_lib.layers.mlp.in_jax import MLP
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.tabular.fraud_autoencoder.problem import (
    Config,
    learning_rates,
    owners,
    starts,
)

Params = dict[Any, Any]
Answers = Float[Array, "rows choices"]
Context = Float[Array, "rows contexts"]
Hidden = Float[Array, "rows fields"]
Logits = Float[Array, "rows choices"]
Orders = Int[Array, "orders fields"]


class Surprise(NamedTuple):
    """Of each field, in nats: how surprising the true answer was, and how surprising on average."""

    actual: Float[Array, "rows fields"]
    expected: Float[Array, "rows fields"]


class Softmax(NamedTuple):
    """A softmax for each field.

    Attributes:
        shifted: the logits, less the largest of their field.
        probs: the probabilities.
        log_total: the logarithm by which `shifted` is too large to be a log-probability.
    """

    shifted: Float[Array, "rows choices"]
    probs: Float[Array, "rows choices"]
    log_total: Float[Array, "rows fields"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


# ---------------------------------------------------------------- the model


class Autoencoder(nnx.Module):
    """From what is shown to a short code, and from code and context to every field."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        num_choices, num_contexts = sum(config.sizes), config.num_contexts
        num_inputs = num_choices + len(config.sizes) + num_contexts
        self.encoder = MLP(num_inputs, config.num_hidden, config.num_code, rngs=rngs)
        self.decoder = MLP(
            config.num_code + num_contexts, config.num_hidden, num_choices, rngs=rngs
        )

    def __call__(self, inputs: Float[Array, "rows inputs"], context: Context) -> Logits:
        """The logits of every choice."""
        return self.decoder(jnp.concatenate([self.encoder(inputs), context], axis=1))


class LinearHeads(nnx.Module):
    """Each field straight from what is shown: logistic regressions, and the rival to beat."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        num_choices = sum(config.sizes)
        num_inputs = num_choices + len(config.sizes) + config.num_contexts
        zeros = nnx.initializers.zeros_init()
        self.heads = nnx.Linear(num_inputs, num_choices, kernel_init=zeros, rngs=rngs)

    def __call__(self, inputs: Float[Array, "rows inputs"], context: Context) -> Logits:
        """The logits of every choice; the context is among the inputs."""
        return self.heads(inputs)


MODELS: dict[str, type[Autoencoder | LinearHeads]] = {
    "autoencoder": Autoencoder,
    "linear heads": LinearHeads,
}
"""What `Config.model` may name."""


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as a nested dict of arrays."""
    return pure.arrays(MODELS[config.model](config, rngs=nnx.Rngs(key)))


def inputs_of(
    answers: Answers, context: Context, hidden: Hidden, config: Config
) -> Float[Array, "rows inputs"]:
    """What the network sees: the answers that are shown, which fields are hidden, the context."""
    shown = answers * (1 - hidden)[:, owners(config.sizes)]
    return jnp.concatenate([shown, hidden, context], axis=1)


def predict(
    params: Params,
    answers: Answers,
    context: Context,
    hidden: Hidden,
    config: Config,
) -> Logits:
    """The logits of every choice of every field, hidden or not."""
    inputs = inputs_of(answers, context, hidden, config)
    model = pure.assemble(pure.graph(MODELS[config.model], config), params)
    return model(inputs, context)


def softmax(logits: Logits, config: Config) -> Softmax:
    """The softmax of each field of each row.

    A product with a matrix of ones and zeros adds up the choices of every field at once.
    """
    owner = owners(config.sizes)
    parts = jnp.split(jax.lax.stop_gradient(logits), starts(config.sizes)[1:], axis=1)
    largest = jnp.stack([part.max(1) for part in parts], axis=1)
    shifted = logits - largest[:, owner]
    exp = jnp.exp(shifted)
    total = exp @ membership(logits, config)
    return Softmax(shifted, exp / total[:, owner], jnp.log(total))


def membership(like: Array, config: Config) -> Float[Array, "choices fields"]:
    """1 where a choice belongs to a field, in the dtype of `like`."""
    return jnp.eye(len(config.sizes), dtype=like.dtype)[owners(config.sizes)]


def surprise_of(answers: Answers, logits: Logits, config: Config) -> Surprise:
    """Minus the log-probability of each true answer, and the mean of that over all choices."""
    shifted, probs, log_total = softmax(logits, config)
    of_field = membership(logits, config)
    return Surprise(
        actual=log_total - (answers * shifted) @ of_field,
        expected=log_total - (probs * shifted) @ of_field,
    )


# ---------------------------------------------------------------- training


def loss(
    params: Params,
    answers: Answers,
    context: Context,
    hidden: Hidden,
    config: Config,
) -> Float[Array, ""]:
    """The surprise of the hidden fields, scaled up to all fields of a row, in nats.

    With as many fields hidden as it happens, it is on average the surprise of the whole row when
    its fields are revealed in a random order.
    """
    logits = predict(params, answers, context, hidden, config)
    surprise = surprise_of(answers, logits, config).actual
    scale = len(config.sizes) / hidden.sum(1)
    return ((surprise * hidden).sum(1) * scale).mean()


def loss_and_grads(
    params: Params, answers: Answers, context: Context, hidden: Hidden, config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss, and the gradients of all parameters."""
    return jax.value_and_grad(loss)(params, answers, context, hidden, config)


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])  # the last one stays


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params))


def train_step(
    state: State,
    answers: Answers,
    context: Context,
    hidden: Hidden,
    config: Config,
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    objective = partial(loss, config=config)
    value, grads = jax.value_and_grad(objective)(state.params, answers, context, hidden)
    updates, opt_state = optimizer(config).update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(
    state: State,
    answers: Float[Array, "steps rows choices"],
    context: Float[Array, "steps rows contexts"],
    hidden: Float[Array, "steps rows fields"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(
        state: State, batch: tuple[Answers, Context, Hidden]
    ) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (answers, context, hidden))


class History(NamedTuple):
    """What `fit` reports after each epoch.

    Attributes:
        train_loss: the mean over the epoch's steps, in nats.
        held_out_loss: of normal payments that are not learned from, in nats.
    """

    train_loss: Float[Array, " epochs"]
    held_out_loss: Float[Array, " epochs"]


def hide(draws: Float[Array, "rows draws"]) -> Hidden:
    """Hide any number of fields, from one to all of them, by draws between 0 and 1.

    There is a draw for each field, and the last one says how many are hidden.
    """
    of_fields, of_count = draws[:, :-1], draws[:, -1:]
    ranks = (of_fields[:, :, None] > of_fields[:, None]).sum(2)
    return (ranks <= jnp.floor(of_count * of_fields.shape[1])).astype(draws.dtype)


@partial(jax.jit, static_argnames="config")
def fit(
    state: State,
    answers: Answers,
    context: Context,
    held_out_answers: Float[Array, "held_out choices"],
    held_out_context: Float[Array, "held_out contexts"],
    held_out_hidden: Float[Array, "held_out fields"],
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train for `config.num_epochs`.

    Every epoch visits the payments in another order and hides other fields; all that it draws
    is drawn at once. The held-out payments are only looked at, for the learning curve.
    """
    shape = (config.steps_per_epoch, config.batch_size)
    num_draws = len(config.sizes) + 1

    def batches(key: PRNGKeyArray) -> tuple[Int[Array, "steps rows"], Float[Array, "_ rows draws"]]:
        order_key, draw_key = jax.random.split(key)
        order = training.shuffled(order_key, len(answers), shape)
        return order, jax.random.uniform(draw_key, (*shape, num_draws + config.num_contexts))

    def step(
        state: State, batch: tuple[Int[Array, " rows"], Float[Array, "rows draws"]]
    ) -> tuple[State, Float[Array, ""]]:
        chosen, draws = batch
        known = context[chosen] * (draws[:, num_draws:] >= config.context_dropout)
        return train_step(state, answers[chosen], known, hide(draws[:, :num_draws]), config)

    def look(state: State, losses: Float[Array, " steps"], _: PRNGKeyArray) -> History:
        held_out = held_out_answers, held_out_context, held_out_hidden
        unseen = loss(state.params, *held_out, config)
        return History(train_loss=losses.mean(), held_out_loss=unseen)

    keys = jax.random.split(key, config.num_epochs)
    return training.scan_rounds(step, look, state, keys, batches)


# ---------------------------------------------------------------- scoring


def surprise(
    params: Params,
    answers: Answers,
    context: Context,
    orders: Orders,
    config: Config,
) -> Surprise:
    """Reveal the fields one by one, each predicted from those before it; the mean over `orders`.

    In any one order, the actual surprises add up to minus the log-probability of the whole row:
    the chain rule.
    """

    def reveal(hidden: Hidden, field: Int[Array, ""]) -> tuple[Hidden, Surprise]:
        logits = predict(params, answers, context, hidden, config)
        found = surprise_of(answers, logits, config)
        return hidden.at[:, field].set(0), Surprise(*(part[:, field] for part in found))

    def in_order(order: Int[Array, " fields"]) -> Surprise:
        everything = jnp.ones((len(answers), len(order)), answers.dtype)
        found = jax.lax.scan(reveal, everything, order)[1]
        return Surprise(*(part[order.argsort()].T for part in found))

    return jax.tree.map(lambda part: part.mean(0), jax.lax.map(in_order, orders))
