"""The lines to beat with three seeds: `python -m tutorials_lib.sequences.rnn_sentiment.seeds`.

`TUTORIALS_DATA=real` chooses the published sentences, `TUTORIALS_PRESET` the size.
"""

import dataclasses
import sys

import jax

from tutorials_lib import presets, runtime
from tutorials_lib.benchmark.tables import table_by_seed
from tutorials_lib.sequences.rnn_sentiment import baselines, in_jax
from tutorials_lib.sequences.rnn_sentiment.problem import (
    PRESETS,
    Config,
    Data,
    Split,
    learn_vocabulary,
    load,
    to_buckets,
    to_examples,
)

SEEDS = (0, 1, 2)


def main() -> None:
    """Train everything once for each seed, and print the held-out accuracies."""
    runtime.configure()
    config = presets.choose(PRESETS)
    columns = [_accuracies(dataclasses.replace(config, seed=seed)) for seed in SEEDS]
    values = {name: [column[name] for column in columns] for name in columns[0]}
    sys.stdout.write(table_by_seed("held-out accuracy", values, SEEDS).markdown() + "\n")


def _accuracies(config: Config) -> dict[str, float]:
    data = load(config)
    held_out = {"held-out": data.test, "new pairs": data.new}
    splits = {name: split for name, split in held_out.items() if split is not None}
    models = {f"{n}-gram": baselines.ngram_regression(data.train, n) for n in (1, 2, 3)}
    models["tf-idf"] = baselines.tf_idf_regression(data.train)
    found = {
        f"{model}, {name}": baselines.accuracy(fitted, *split)
        for model, fitted in models.items()
        for name, split in splits.items()
    }
    for cell in ("elman", "gru"):
        found |= _network(dataclasses.replace(config, cell=cell), data, splits)
    return found


def _network(config: Config, data: Data, splits: dict[str, Split]) -> dict[str, float]:
    vocabulary = learn_vocabulary(data.train, config)
    buckets = to_buckets(data.train, vocabulary, config)
    create_key, fit_key = jax.random.split(jax.random.key(config.seed))
    start = in_jax.start(in_jax.create(config, len(vocabulary), create_key), config)
    test = to_examples(data.test, vocabulary, config)
    state, _ = in_jax.fit(start, buckets, test, fit_key, config)
    return {
        f"{config.cell}, {name}": in_jax.accuracy(state.params, split, vocabulary, config)
        for name, split in splits.items()
    }


if __name__ == "__main__":
    main()
