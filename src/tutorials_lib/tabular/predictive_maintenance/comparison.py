"""What is compared and timed for the selection of a model, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark.canonical import canonical_form
from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.remarks import LOSSES_HARDLY_NOTICE
from tutorials_lib.tabular.predictive_maintenance import features as preparing
from tutorials_lib.tabular.predictive_maintenance import in_jax, in_numpy, problem
from tutorials_lib.tabular.predictive_maintenance.problem import PAGE, TINY, Config

NUM_TIMED_STEPS = 10
"""Of all steps; each does the same work, and timing all of them takes many minutes."""

TIMED = dataclasses.replace(PAGE, num_steps=NUM_TIMED_STEPS)


class Inputs(NamedTuple):
    """Features of the training parts, the draws of the selection, and parameters of one model."""

    params: Tree
    features: Any
    labels: Any
    kept: Any
    batches: Any
    settings: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Parts of the seed 0, and random parameters: from zeros, a wrong product would not show."""
    train = problem.load(config).train
    features = preparing.to_features(train, preparing.fit_encoding(train))
    rng = np.random.default_rng(0)
    weights = 0.1 * rng.standard_normal(features.shape[1], np.float32)
    return Inputs(
        params={"weights": weights, "bias": np.array(-3.0, np.float32)},
        features=features,
        labels=train.failed.astype(np.float32),
        kept=problem.kept(problem.folds(train.failed, config), config),
        batches=problem.draw_batches(len(train), config),
        settings=problem.grid(config),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the first step."""
    return inputs._replace(state=twin.start(inputs.params, config))


def canonical(result: Tree) -> Tree:
    """The result as one tree; under `vmap` every model counts its own steps, and all the same."""

    def unique_counts(path: tuple[Any, ...], leaf: Any) -> Any:
        counts = getattr(path[-1], "key", None) == "count" if path else False
        return np.unique(np.asarray(leaf)) if counts else leaf

    return jax.tree.map_with_path(unique_counts, canonical_form(result))


def _one(twin: Any, inputs: Inputs) -> tuple[Any, problem.Settings]:
    """The first batch and the settings of one model, which leaves out two folds."""
    chosen = inputs.batches[0]
    batch = twin.Batch(inputs.features[chosen], inputs.labels[chosen], inputs.kept[-1][chosen])
    return batch, problem.Settings(*(each[-1] for each in inputs.settings))


def loss_and_grads(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """Loss and gradients of one model."""
    batch, settings = _one(twin, inputs)
    return twin.loss_and_grads(inputs.params, batch, settings.class_weight)


def train_step(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state of one model after a step, and the loss before it."""
    batch, settings = _one(twin, inputs)
    return twin.train_step(inputs.state, batch, settings, config)


def fit(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """All models at once: the state of every one after all steps, and all losses."""
    data = twin.Batch(inputs.features, inputs.labels, inputs.kept)
    return twin.fit(inputs.state, data, inputs.batches, inputs.settings, config)


def fit_by_subset(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`fit` with a call of one compiled program for each subset of the parts."""
    models = []
    for kept in inputs.kept:
        data = twin.Batch(inputs.features, inputs.labels, kept[None])
        models.append(
            twin.compiled_fit(inputs.state, data, inputs.batches, inputs.settings, config)
        )
    return jax.tree.map(lambda *leaves: jax.numpy.concatenate(leaves), *models)


def observe(output: Tree, inputs: Inputs, config: Config) -> Tree:
    """The losses of all models over the last tenth of the steps."""
    _, losses = output
    return np.asarray(losses, np.float64)[..., -max(1, config.num_steps // 10) :].mean(axis=-1)


COMPARISON = Comparison(
    slug="predictive_maintenance",
    unit=f"{NUM_TIMED_STEPS} steps of all models",
    # The page chooses among 6 settings with 5 folds; the others are one setting with 3 folds,
    # which leaves nothing to choose, and 6 settings with 7 folds.
    sizes={
        "7 models": dataclasses.replace(
            TIMED, num_folds=3, weight_decays=(0.03,), class_weights=(1.0,)
        ),
        "96 models": TIMED,
        "174 models": dataclasses.replace(TIMED, num_folds=7),
    },
    headline="96 models",
    agreement=dataclasses.replace(TINY, num_steps=20),
    make_inputs=make_inputs,
    prepare=prepare,
    canonical=canonical,
    checks=(
        Check(
            name="loss of one model",
            run=loss_and_grads,
            pick=lambda found: found[0],
            float32_tolerance=1e-5,
        ),
        Check(
            name="its gradients",
            run=loss_and_grads,
            pick=lambda found: found[1],
            float32_tolerance=1e-4,
        ),
        Check(name="its whole state after one step", run=train_step),
        Check(name="states and losses of all models after 20 steps", run=fit),
    ),
    variants=(
        Variant(name="NumPy", run=fit, twin=in_numpy),
        Variant(
            name="JAX, jit + vmap over settings",
            run=fit_by_subset,
            twin=in_jax,
            jit="own",
            explains="all steps are one program, for one subset of the parts at a time",
        ),
        Variant(
            name="JAX, jit + two vmaps",
            run=fit,
            twin=in_jax,
            jit="whole",
            explains="one product of matrices for all subsets",
        ),
    ),
    observe=observe,
    tolerance=1e-3,
    tolerance_reason=LOSSES_HARDLY_NOTICE,
)
