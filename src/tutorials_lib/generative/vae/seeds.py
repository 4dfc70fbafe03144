"""Train with several seeds and print what each reached: `python -m ....vae.seeds [SEED ...]`.

Every seed draws its own faces, parameters and noise. `TUTORIALS_PRESET` and `TUTORIALS_DATA`
choose the preset and the data, as for the page. Another copy of the photographs is used by
calling `table` with a `load` of one's own:

    load = lambda config: problem.split_photographs(load_olivetti(remote=...), config)
"""

import dataclasses
import sys
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib import presets
from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.generative.vae import evaluation, in_jax, problem
from tutorials_lib.generative.vae.problem import Config, Data

_HEADER = (
    "seed",
    "log-likelihood (nats)",
    "of PCA",
    "error of a pixel",
    "of PCA",
    "mean R2",
    "of PCA",
    "dimensions in use",
)
_FORMATS = ("{:.1f}", "{:.1f}", "{:.4f}", "{:.4f}", "{:.3f}", "{:.3f}", "{:.1f}")


def run(config: Config, data: Data) -> tuple[float, ...]:
    """Train once; the numbers of a row of `table`."""
    create_key, fit_key, score_key = jax.random.split(jax.random.key(config.seed), 3)
    state = in_jax.start(in_jax.create(config, create_key), config)
    images, test_images = jnp.asarray(data.train_images), jnp.asarray(data.test_images)
    state, history = in_jax.fit(state, images, test_images, fit_key, config)
    reached = evaluation.scores(state.params, data, score_key, config)
    return (
        reached.likelihood,
        reached.likelihood_of_pca,
        reached.error,
        reached.error_of_pca,
        float(reached.r2.mean()),
        float(reached.r2_of_pca.mean()),
        float(problem.num_in_use(np.asarray(history.kl[-1]))),
    )


def table(
    config: Config, seeds: Sequence[int], load: Callable[[Config], Data] = problem.load
) -> MarkdownRows:
    """A row for each seed, and their mean."""
    configs = [dataclasses.replace(config, seed=seed) for seed in seeds]
    numbers = [run(config, load(config)) for config in configs]
    rows = {**dict(zip(map(str, seeds), numbers, strict=True)), "mean": np.mean(numbers, axis=0)}
    return MarkdownRows(
        _HEADER,
        [
            [name, *(form.format(value) for form, value in zip(_FORMATS, values, strict=True))]
            for name, values in rows.items()
        ],
    )


if __name__ == "__main__":
    chosen = [int(seed) for seed in sys.argv[1:]] or [0, 1, 2]
    sys.stdout.write(table(presets.choose(problem.PRESETS), chosen).markdown() + "\n")
