"""Logistic regression in JAX: every function is written for one model, and `vmap` makes all."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from tutorials_lib.tabular.predictive_maintenance.problem import Config, Settings, learning_rates

Params = dict[str, Any]
"""`{"weights": [features], "bias": []}`"""

Logits = Float[Array, " parts"]


class Batch(NamedTuple):
    """Some parts, and which of them may be trained on."""

    features: Float[Array, "parts features"]
    labels: Float[Array, " parts"]
    kept: Float[Array, " parts"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: optax.OptState


def predict(params: Params, features: Float[Array, "parts features"]) -> Logits:
    """The logarithm of the odds that the machine fails, for each part."""
    return features @ params["weights"] + params["bias"]


def loss(params: Params, batch: Batch, class_weight: Float[Array, ""]) -> Float[Array, ""]:
    """The mean cross-entropy of the parts that are kept; a failure counts `class_weight` times."""
    counts = batch.kept * (1 + (class_weight - 1) * batch.labels)
    logits = predict(params, batch.features)
    losses = jax.nn.softplus(logits) - batch.labels * logits
    return (counts * losses).sum() / counts.sum()


def loss_and_grads(
    params: Params, batch: Batch, class_weight: Float[Array, ""]
) -> tuple[Float[Array, ""], Params]:
    """The loss, and the gradients that `jax.grad` derives."""
    return jax.value_and_grad(loss)(params, batch, class_weight)


def optimizer(weight_decay: Float[Array, ""], config: Config) -> optax.GradientTransformation:
    """Adam, and a pull on the weights towards zero beside it (Loshchilov and Hutter 2019)."""
    rates = learning_rates(config)
    return optax.adamw(
        learning_rate=lambda count: jnp.asarray(rates)[count],  # the last one from there on
        weight_decay=weight_decay,
        mask={"weights": True, "bias": False},
    )


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(jnp.zeros(()), config).init(params))


def train_step(
    state: State, batch: Batch, settings: Settings, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, settings.class_weight)
    adam = optimizer(settings.weight_decay, config)
    updates, opt_state = adam.update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state), value


def train_steps(
    state: State,
    data: Batch,
    batches: Int[Array, "steps batch"],
    settings: Settings,
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, chosen: Int[Array, " batch"]) -> tuple[State, Float[Array, ""]]:
        batch = jax.tree.map(lambda column: column[chosen], data)
        return train_step(state, batch, settings, config)

    return jax.lax.scan(step, state, batches)


def fit(
    state: State,
    data: Batch,
    batches: Int[Array, "steps batch"],
    settings: Settings,
    config: Config,
) -> tuple[State, Float[Array, "subsets settings steps"]]:
    """A model for every subset of the parts and every setting, all from the same start.

    One `vmap` goes over the settings, another over the subsets, of which `data.kept` has a row
    each; features, labels and batches are the same for all.
    """

    def fit_one(kept: Float[Array, " parts"], settings: Settings) -> tuple[State, Array]:
        return train_steps(state, data._replace(kept=kept), batches, settings, config)

    over_settings = jax.vmap(fit_one, in_axes=(None, 0))
    over_subsets = jax.vmap(over_settings, in_axes=(0, None))
    return over_subsets(data.kept, settings)


compiled_fit = partial(jax.jit, static_argnames="config")(fit)
