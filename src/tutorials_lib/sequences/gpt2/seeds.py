"""The lines to beat with three seeds: `python -m tutorials_lib.sequences.gpt2.seeds`.

`TUTORIALS_DATA=real` chooses Tiny Shakespeare, `TUTORIALS_PRESET` the size.
"""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib import presets, runtime
from tutorials_lib.benchmark.tables import table_by_seed
from tutorials_lib.sequences.gpt2 import baselines, in_jax, problem
from tutorials_lib.sequences.gpt2.problem import PRESETS, Config

SEEDS = (0, 1, 2)


def main() -> None:
    """Train once for each seed, and print the held-out bits per byte beside the n-grams'."""
    runtime.configure()
    config = presets.choose(PRESETS)
    texts = problem.load(config)
    tokenizer = problem.fit_tokenizer(texts, config)
    train, test = (tokenizer.encode_documents(part) for part in (texts.train, texts.test))
    values = {}
    for vocab, symbols, held_out in (
        (config.vocab_size, train, test),
        (257, baselines.as_bytes(texts.train), baselines.as_bytes(texts.test)),
    ):
        for order in (2, 3, 4, 5):
            model = baselines.KneserNey(symbols, order=order, num_symbols=vocab)
            bits = problem.bits_per_byte(model.total_nats(held_out), texts.test)
            values[f"{order}-gram, {vocab} symbols"] = [bits]
    values["GPT-2"] = [
        problem.bits_per_byte(
            _held_out_nats(train, test, dataclasses.replace(config, seed=seed)), texts.test
        )
        for seed in SEEDS
    ]
    table = table_by_seed("held-out bits per byte", values, SEEDS)
    sys.stdout.write(f"{texts.source}\n\n{table.markdown()}\n")


def _held_out_nats(train: problem.Tokens, test: problem.Tokens, config: Config) -> float:
    create_key, fit_key = jax.random.split(jax.random.key(config.seed))
    start = in_jax.start(in_jax.create(config, create_key), config)
    state, _ = in_jax.fit(start, jnp.asarray(train), fit_key, config)
    windows = problem.windows(test, config)
    return windows.total(np.asarray(in_jax.window_losses(state.params, windows.tokens, config)))


if __name__ == "__main__":
    main()
