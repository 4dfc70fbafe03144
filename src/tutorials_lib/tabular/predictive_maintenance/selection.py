"""What the models of the folds say about the settings: cross-validation, plain and nested."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit
from sklearn.metrics import average_precision_score

from tutorials_lib.tabular.predictive_maintenance import features, in_jax, problem
from tutorials_lib.tabular.predictive_maintenance.problem import Config, Data, Parts, Settings

Logits = Float[np.ndarray, " parts"]


class Selection(NamedTuple):
    """Which setting was chosen, and how good the choice is.

    Attributes:
        scores: average precision on each fold held back, for every setting.
        chosen: the setting that is best on average over the folds.
        nested: average precision on each fold by the setting that the *other* folds choose.
    """

    scores: Float[np.ndarray, "folds settings"]
    chosen: int
    nested: Float[np.ndarray, " folds"]


class Trained(NamedTuple):
    """The models of the selection, and the one that it chose.

    Attributes:
        encoding: how features are made.
        held_back: which training parts each fold holds back.
        params: of every model, with axes for subsets and settings in front.
        losses: of every model, before each step.
        selection: what the folds say.
    """

    encoding: features.Encoding
    held_back: Bool[np.ndarray, "folds parts"]
    params: dict[str, np.ndarray]
    losses: Float[np.ndarray, "subsets settings steps"]
    selection: Selection


def train(data: Data, config: Config, *, seed: int) -> Trained:
    """Encode the training parts, fit all models at once, and choose a setting."""
    encoding = features.fit_encoding(data.train)
    table = features.to_features(data.train, encoding)
    labels = data.train.failed.astype(np.float32)
    held_back = problem.folds(data.train.failed, config, seed=seed)
    (params, _), losses = in_jax.compiled_fit(
        in_jax.start(blank(labels, table.shape[1]), config),
        in_jax.Batch(*map(jnp.asarray, (table, labels, problem.kept(held_back, config)))),
        jnp.asarray(problem.draw_batches(len(labels), config, seed=seed)),
        problem.grid(config),
        config,
    )
    params = jax.tree.map(np.asarray, params)
    found = select(predict_all(params, table), data.train.failed, held_back, config)
    return Trained(encoding, held_back, params, np.asarray(losses), found)


def blank(labels: Float[np.ndarray, " parts"], num_features: int) -> dict[str, np.ndarray]:
    """Parameters that predict the share of failures for every part."""
    share = labels.mean()
    bias = np.log(share / (1 - share))
    return {"weights": np.zeros(num_features, np.float32), "bias": np.asarray(bias, np.float32)}


def predict_all(
    params: dict[str, np.ndarray], table: Float[np.ndarray, "parts features"]
) -> Float[np.ndarray, "subsets settings parts"]:
    """The logits of every model."""
    return params["weights"] @ table.T + params["bias"][..., None]


def select(
    logits: Float[np.ndarray, "subsets settings parts"],
    failed: Bool[np.ndarray, " parts"],
    held_back: Bool[np.ndarray, "folds parts"],
    config: Config,
) -> Selection:
    """The setting with the best average precision on parts that its model has not seen.

    For the nested score, each fold is scored by the setting that the others would choose: model
    and choice then know nothing of it (Varma and Simon 2006). Choosing for fold `i` takes the
    models that leave out `i` and one more, scored on that one.
    """
    subsets = dict(zip(problem.left_out(config), logits, strict=True))

    def score(out: tuple[int, ...], on: int) -> Float[np.ndarray, " settings"]:
        rows = held_back[on]
        models = subsets[tuple(sorted(out))]
        return np.array([average_precision_score(failed[rows], model[rows]) for model in models])

    numbers = range(config.num_folds)
    scores = np.array([score((i,), i) for i in numbers])
    nested = [
        scores[i, np.mean([score((i, j), j) for j in numbers if j != i], axis=0).argmax()]
        for i in numbers
    ]
    return Selection(scores, int(scores.mean(axis=0).argmax()), np.array(nested))


def setting(trained: Trained, config: Config) -> Settings:
    """The hyperparameters that were chosen."""
    return Settings(*(each[trained.selection.chosen] for each in problem.grid(config)))


def predict(trained: Trained, parts: Parts, config: Config, *, chosen: int | None = None) -> Logits:
    """The logarithm of the odds of a failure, by the model that was fitted to all training parts.

    A class weight adds its logarithm to the odds; it is taken out again. `chosen` is a setting,
    by default the one that was selected.
    """
    chosen = trained.selection.chosen if chosen is None else chosen
    table = features.to_features(parts, trained.encoding)
    logits = table @ trained.params["weights"][0, chosen] + trained.params["bias"][0, chosen]
    return logits - np.log(problem.grid(config).class_weight[chosen])


def to_probs(logits: Logits) -> Float[np.ndarray, " parts"]:
    """The probability of a failure."""
    return expit(logits)
