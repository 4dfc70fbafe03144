"""What GPT-2 reaches on held-out documents, beside the n-grams that it has to beat."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.sequences.gpt2 import in_jax, problem
from tutorials_lib.sequences.gpt2.kneser_ney import KneserNey, as_bytes
from tutorials_lib.sequences.gpt2.problem import Config, Data, Texts

MAX_ORDER = 7
"""The longest n-grams that are tried, if 63 bits hold them."""


class Trained(NamedTuple):
    """The parameters after training on `data`, and the seconds that it took, where it was timed."""

    data: Data
    params: in_jax.Params
    seconds: float | None = None


def train(config: Config, *, seed: int) -> Trained:
    """Train on the text of the source that `config` names."""
    data = problem.load(config)
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    start = in_jax.start(in_jax.create(config, create_key), config)
    inputs = start, jnp.asarray(data.train), fit_key
    fit = in_jax.fit.lower(*inputs, config).compile()  # ahead of time, so as not to time it
    (state, _), seconds = timed(fit, *inputs)
    return Trained(data, state.params, seconds)


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The best n-grams of tokens and of bytes. Nothing is drawn: all seeds have the same rivals."""
    texts = data.texts
    tokens = data.train, data.development, data.test
    of_bytes = as_bytes(texts.train), as_bytes(texts.development), as_bytes(texts.test)
    rivals = {}
    for kind, parts, num_symbols in (
        ("tokens", tokens, config.vocab_size),
        ("bytes", of_bytes, 257),
    ):
        order, score = best_ngram(*parts, texts, num_symbols=num_symbols)
        rivals[f"{order}-gram of {kind}"] = score
    return rivals


def best_ngram(
    train: Int[np.ndarray, " train"],
    development: Int[np.ndarray, " development"],
    test: Int[np.ndarray, " test"],
    texts: Texts,
    *,
    num_symbols: int,
) -> tuple[int, Score]:
    """The order whose n-grams fit the development documents best, and its bits per byte."""
    longest = min(MAX_ORDER, int(63 / math.log2(num_symbols)))
    scores = {}
    for order in range(1, longest + 1):
        model = KneserNey(train, order=order, num_symbols=num_symbols)
        scores[order] = Score(
            problem.bits_per_byte(model.total_nats(development), texts.development),
            problem.bits_per_byte(model.total_nats(test), texts.test),
        )
    best = min(scores, key=lambda order: scores[order].development)
    return best, scores[best]


def bits_per_byte(params: in_jax.Params, data: Data, config: Config) -> float:
    """What GPT-2 needs for the held-out documents; it is the same for any tokens."""
    windows = problem.windows(data.test, config)
    losses = np.asarray(in_jax.window_losses(params, windows.tokens, config))
    return problem.bits_per_byte(windows.total(losses), data.texts.test)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the n-grams on the same documents."""
    trained = train(config, seed=seed) if trained is None else trained
    return Judgement(
        metric="held-out bits per byte",
        value=bits_per_byte(trained.params, trained.data, config),
        baselines=baselines(trained.data, config, seed=seed),
        higher_is_better=False,
        training_seconds=trained.seconds,
    )
