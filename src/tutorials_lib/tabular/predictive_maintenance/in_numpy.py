"""Logistic regression in NumPy: gradients by hand, and a leading axis for the models."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.tabular.predictive_maintenance.problem import Config, Settings, learning_rates
from tutorials_lib.trees import ravel, tree_map, unravel

Params = dict[str, Any]
"""`{"weights": [..., features], "bias": [...]}`, of one model or of many."""

Logits = Float[np.ndarray, "... parts"]
PerModel = Float[np.ndarray, "..."] | np.floating | float


class Batch(NamedTuple):
    """Some parts, and which of them each model may be trained on."""

    features: Float[np.ndarray, "parts features"]
    labels: Float[np.ndarray, " parts"]
    kept: Float[np.ndarray, "... parts"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def predict(params: Params, features: Float[np.ndarray, "parts features"]) -> Logits:
    """The logarithm of the odds that the machine fails, by every model, for each part.

    All models are the rows of one matrix: BLAS multiplies it with the features in one go.
    """
    weights, bias = params["weights"], params["bias"]
    logits = weights.reshape(-1, weights.shape[-1]) @ features.T
    return logits.reshape(*bias.shape, -1) + bias[..., None]


def loss(params: Params, batch: Batch, class_weight: PerModel) -> PerModel:
    """The mean cross-entropy of the parts that are kept; a failure counts `class_weight` times."""
    return loss_and_grads(params, batch, class_weight)[0]


def loss_and_grads(params: Params, batch: Batch, class_weight: PerModel) -> tuple[PerModel, Params]:
    """The loss of every model, and its gradients; both products are one for all models."""
    logits, labels = predict(params, batch.features), batch.labels
    counts = batch.kept * (1 + (np.asarray(class_weight)[..., None] - 1) * labels)
    counts /= counts.sum(-1, keepdims=True)
    small = np.exp(-np.abs(logits))
    losses = np.log1p(small)
    losses += np.maximum(logits, 0)
    losses -= labels * logits
    dlogits = np.where(logits >= 0, 1, small)
    small += 1
    dlogits /= small  # now the probability of a failure, without an overflow
    dlogits -= labels
    dlogits *= counts
    dweights = dlogits.reshape(-1, len(labels)) @ batch.features
    grads = {"weights": dweights.reshape(params["weights"].shape), "bias": dlogits.sum(-1)}
    return np.einsum("...p,...p->...", counts, losses), grads


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def train_step(
    state: State, batch: Batch, settings: Settings, config: Config
) -> tuple[State, PerModel]:
    """One step of Adam for every model; also the losses before it.

    The pull towards zero stands beside the gradient, not in it (Loshchilov and Hutter 2019).
    """
    value, grads = loss_and_grads(state.params, batch, settings.class_weight)
    rates = learning_rates(config)
    rate = rates[min(int(state.opt_state.steps), len(rates) - 1)]
    params, opt_state = adam_update(state.params, grads, state.opt_state, learning_rate=rate)
    decay = rate * np.asarray(settings.weight_decay)[..., None]
    params["weights"] -= decay * state.params["weights"]
    return State(params, opt_state), value


def train_steps(
    state: State,
    data: Batch,
    batches: Int[np.ndarray, "steps batch"],
    settings: Settings,
    config: Config,
) -> tuple[State, Float[np.ndarray, "... steps"]]:
    """One step for each batch in turn; also the losses before each."""
    losses = []
    for chosen in batches:
        batch = Batch(data.features[chosen], data.labels[chosen], data.kept[..., chosen])
        state, value = train_step(state, batch, settings, config)
        losses.append(value)
    return state, np.stack(losses, axis=-1)


def fit(
    state: State,
    data: Batch,
    batches: Int[np.ndarray, "steps batch"],
    settings: Settings,
    config: Config,
) -> tuple[State, Float[np.ndarray, "subsets settings steps"]]:
    """A model for every subset of the parts and every setting, all from the same start.

    Subsets are one axis of every array of the models, settings another; `data.kept` has a row
    for each subset.
    """
    models = len(data.kept), len(settings.class_weight)
    kept = data.kept[:, None]  # kept[subset, part] -> kept[subset, setting, part]
    return train_steps(_repeat(state, models), data._replace(kept=kept), batches, settings, config)


def _repeat(state: State, models: tuple[int, int]) -> State:
    """The state of all models, each in that of one."""

    def repeat(leaf: np.ndarray) -> np.ndarray:
        return np.broadcast_to(leaf, (*models, *leaf.shape)).copy()

    steps, *moments = state.opt_state
    mu, nu = (ravel(tree_map(repeat, unravel(each, state.params))) for each in moments)
    return State(tree_map(repeat, state.params), AdamState(steps, mu, nu))
