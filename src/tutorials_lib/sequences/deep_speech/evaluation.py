"""What the recogniser reaches by unseen speakers, beside templates and a hidden Markov model.

The judged transcriptions are those of prefix beam search within the ten words, since the rivals
hear nothing but these ten either; those of the letters alone are in the details.
"""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.datasets.formant_speech import WORDS
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.transcription import character_error_rate, word_error_rate
from tutorials_lib.sequences.deep_speech import in_jax, problem
from tutorials_lib.sequences.deep_speech.problem import Batch, Config, Data, Split, decode, encode
from tutorials_lib.sequences.deep_speech.rivals import DTW, HMM, Rival, all_rivals
from tutorials_lib.text.ctc_decoding import Node, greedy, lexicon, prefix_beam

METRIC = "word error rate, unseen speakers"
MODEL, GREEDY = "network and CTC, ten words", "network and CTC, any letters"
JUDGED = "new"

_CHUNK = 50  # utterances that are heard at once


class Trained(NamedTuple):
    """A network, and what it learned from.

    Attributes:
        config: of the network.
        data: the utterances.
        params: after training.
        losses: before every step.
        seconds: of the training, without compilation.
    """

    config: Config
    data: Data
    params: in_jax.Params
    losses: Float[np.ndarray, " steps"]
    seconds: float


def batch_of(split: Split) -> Batch:
    """What training needs of a split."""
    return Batch(split.features, split.lengths, split.labels)


def train(config: Config, *, seed: int, data: Data | None = None) -> Trained:
    """Train on `data`, or on what the source of `config` has for `seed`."""
    data = problem.load(config, seed=seed) if data is None else data
    draws = problem.draw(len(data.train.lengths), config, rng=np.random.default_rng([seed, 1]))
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    inputs = jax.device_put((state, batch_of(data.train), draws))
    fit = in_jax.compiled_fit.lower(*inputs, config).compile()  # ahead, so as not to time that
    (state, losses), seconds = timed(fit, *inputs)
    return Trained(config, data, state.params, np.asarray(losses), seconds)


def hear(trained: Trained, splits: dict[str, Split]) -> dict[str, list[np.ndarray]]:
    """The log-probabilities of all classes at every frame, of every utterance of every split."""
    looks = max(split.features.shape[1] for split in splits.values())
    return {name: _hear(trained, split, looks) for name, split in splits.items()}


def _hear(trained: Trained, split: Split, looks: int) -> list[np.ndarray]:
    """All chunks have one shape, so that one program serves them."""
    count, length, bands = split.features.shape
    padded = np.zeros((-(-count // _CHUNK) * _CHUNK, looks, bands), np.float32)
    padded[:count, :length] = split.features
    lengths = np.ones(len(padded), np.int32)
    lengths[:count] = split.lengths
    found = []
    for start in range(0, count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        arrays = trained.params, padded[rows], lengths[rows]
        found += [*np.asarray(in_jax.compiled_log_probs(*arrays, trained.config))]
    return [each[:n] for each, n in zip(found[:count], split.lengths, strict=True)]


def ten_words() -> Node:
    """The lexicon of the ten words, with a space between them."""
    return lexicon([encode(word) for word in WORDS], separator=encode(" ")[0])


Texts = dict[str, list[str]]
"""What was heard, by split."""


def transcribe(trained: Trained) -> dict[str, Texts]:
    """Every split that judges, once by letters and once within the ten words."""
    words, heard = ten_words(), hear(trained, trained.data.unseen)
    beams = trained.config.num_beams

    def best(log_probs: np.ndarray) -> str:
        return decode(prefix_beam(log_probs, num_beams=beams, words=words)[0].labels)

    return {
        MODEL: {name: [best(each) for each in split] for name, split in heard.items()},
        GREEDY: {name: [decode(greedy(each)) for each in split] for name, split in heard.items()},
    }


# ---------------------------------------------------------------- judgement


class Judged(NamedTuple):
    """All that was heard by all methods, and what the rivals reach where they were chosen."""

    trained: Trained
    texts: dict[str, Texts]
    rivals: dict[str, Rival]


def with_rivals(trained: Trained, *, seed: int) -> Judged:
    """The network's transcriptions, and those of its rivals."""
    rivals = all_rivals(trained.data, seed=seed)
    texts = transcribe(trained) | {name: rival.texts for name, rival in rivals.items()}
    return Judged(trained, texts, rivals)


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Templates that are stretched in time, and a hidden Markov model."""
    return _scores(all_rivals(data, seed=seed), data)


def judge(config: Config, *, seed: int, trained: Trained | Judged | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside its rivals on the same utterances.

    The details are the word and character error rates of every method on every split.
    """
    if not isinstance(trained, Judged):
        trained = with_rivals(trained or train(config, seed=seed), seed=seed)
    data = trained.trained.data
    references = {name: split.texts for name, split in data.unseen.items()}
    rates = (("WER", word_error_rate), ("CER", character_error_rate))
    details = {
        name: {
            f"{rate}, {split}": error(texts[split], said)
            for split, said in references.items()
            for rate, error in rates
        }
        for name, texts in trained.texts.items()
    }
    return Judgement(
        metric=METRIC,
        value=details[MODEL][f"WER, {JUDGED}"],
        baselines=_scores(trained.rivals, data),
        higher_is_better=False,
        training_seconds=trained.trained.seconds,
        details=details,
    )


def _scores(rivals: dict[str, Rival], data: Data) -> dict[str, Score]:
    said = data.unseen[JUDGED].texts
    return {
        name: Score(rivals[name].development, word_error_rate(rivals[name].texts[JUDGED], said))
        for name in (DTW, HMM)
    }
