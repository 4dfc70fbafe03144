"""The lines to beat with three seeds: `python -m tutorials_lib.sequences.gpt2.seeds`.

`TUTORIALS_DATA=real` chooses Tiny Shakespeare, `TUTORIALS_PRESET` the size.
"""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib import presets, runtime
from tutorials_lib.benchmark.report import markdown_table
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
    rows = []
    for vocab, symbols, held_out in (
        (config.vocab_size, train, test),
        (257, baselines.as_bytes(texts.train), baselines.as_bytes(texts.test)),
    ):
        for order in (2, 3, 4, 5):
            model = baselines.KneserNey(symbols, order=order, num_symbols=vocab)
            value = problem.bits_per_byte(model.total_nats(held_out), texts.test)
            rows.append([f"{order}-gram, {vocab} symbols", f"{value:.3f}", *[""] * len(SEEDS)])
    values = [
        problem.bits_per_byte(
            _held_out_nats(train, test, dataclasses.replace(config, seed=seed)), texts.test
        )
        for seed in SEEDS
    ]
    rows.append(["GPT-2", f"{np.mean(values):.3f}", *(f"{value:.3f}" for value in values)])
    header = ["held-out bits per byte", "mean", *(f"seed {seed}" for seed in SEEDS)]
    sys.stdout.write(f"{texts.source}\n\n{markdown_table(header, rows)}\n")


def _held_out_nats(train: problem.Tokens, test: problem.Tokens, config: Config) -> float:
    create_key, fit_key = jax.random.split(jax.random.key(config.seed))
    start = in_jax.start(in_jax.create(config, create_key), config)
    state, _ = in_jax.fit(start, jnp.asarray(train), fit_key, config)
    return float(in_jax.total_nats(state.params, *problem.windows(test, config), config))


if __name__ == "__main__":
    main()
