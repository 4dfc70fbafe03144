"""What the encoder-decoder reaches, beside itself without attention, phrases and a dictionary."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.translation import bleu, exact_match
from tutorials_lib.sequences.seq2seq import in_jax, problem, rivals
from tutorials_lib.sequences.seq2seq.problem import Config, Data, Pairs
from tutorials_lib.sequences.seq2seq.rivals import Translations, Words
from tutorials_lib.text.parallel import decode_targets

METRIC = "BLEU of the test sentences"
MODEL, GREEDY, PLAIN = "with attention", "with attention, greedy", "without attention"
SHOWN = (MODEL, PLAIN, rivals.TABLE, rivals.DICTIONARY)
"""What a page draws; all but the first are rivals."""

_ROWS = 200  # sentences that are translated at once


class Trained(NamedTuple):
    """A network, and what it learned from.

    Attributes:
        config: of the network, with the sizes of its source.
        data: the sentences.
        params: after training.
        losses: before every step.
        seconds: of the training, without compilation.
        translations: of every split but `train`, by the name of the method, where they have been
            made.
    """

    config: Config
    data: Data
    params: in_jax.Params
    losses: Float[np.ndarray, " steps"]
    seconds: float
    translations: dict[str, Translations] | None = None


def train(config: Config, *, seed: int, data: Data | None = None) -> Trained:
    """Train on `data`, or on what the source of `config` has for `seed`."""
    config = problem.for_source(config)
    data = problem.load(config, seed=seed) if data is None else data
    sentences = problem.encode(data.train, data.words, config)
    rng = np.random.default_rng([seed, 1])
    batches = problem.draw_batches(len(data.train), config, rng=rng)
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    inputs = jax.device_put((state, sentences, batches))
    fit = in_jax.compiled_fit.lower(*inputs, config).compile()  # ahead, so as not to time that
    (state, losses), seconds = timed(fit, *inputs)
    return Trained(config, data, state.params, np.asarray(losses), seconds)


def translate(trained: Trained, pairs: Pairs, *, num_beams: int) -> list[Words]:
    """The English of `pairs`, some sentences at a time, so that one program serves all."""
    config, words = trained.config, trained.data.words
    source = problem.encode_english(pairs, words, config)
    count = min(len(source), _ROWS)
    found: list[Words] = []
    for first in range(0, len(source), count):
        rows = source[np.arange(first, first + count) % len(source)]
        ids = in_jax.compiled_translate(trained.params, rows, config, num_beams=num_beams)
        found += decode_targets(problem.known(np.asarray(ids), words), words.target)
    return found[: len(source)]


def translate_all(trained: Trained, *, num_beams: int | None = None) -> Translations:
    """Every split but `train`; by beam search, if no number of beams is given."""
    num_beams = num_beams or trained.config.num_beams
    return {
        name: translate(trained, pairs, num_beams=num_beams)
        for name, pairs in rivals.splits(trained.data).items()
    }


def train_plain(data: Data, config: Config, *, seed: int) -> Trained:
    """The same network, trained in the same way, without attention."""
    plain = dataclasses.replace(config, attention=False)
    return train(plain, seed=seed, data=data)


def with_translations(trained: Trained, plain: Trained) -> Trained:
    """The same, with translations by both networks, the phrase table and the dictionary."""
    translations = {
        MODEL: translate_all(trained),
        GREEDY: translate_all(trained, num_beams=1),
        PLAIN: translate_all(plain),
    }
    return trained._replace(translations=translations | rivals.without_network(trained.data))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """BLEU of every rival; the phrase table is tuned on the development split."""
    plain = translate_all(train_plain(data, config, seed=seed))
    return _scores({PLAIN: plain} | rivals.without_network(data), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside its rivals on the same sentences.

    The details are BLEU and exact match of every split that judges.
    """
    trained = train(config, seed=seed) if trained is None else trained
    if trained.translations is None:
        plain = train_plain(trained.data, trained.config, seed=seed)
        trained = with_translations(trained, plain)
    translations, data = trained.translations or {}, trained.data
    return Judgement(
        metric=METRIC,
        value=_bleu(translations[MODEL]["test"], data.test),
        baselines=_scores({name: translations[name] for name in SHOWN[1:]}, data),
        training_seconds=trained.seconds,
        details={name: _details(each, data) for name, each in translations.items()},
    )


def _scores(translations: Mapping[str, Translations], data: Data) -> dict[str, Score]:
    return {
        name: Score(_bleu(each["development"], data.development), _bleu(each["test"], data.test))
        for name, each in translations.items()
    }


def _details(translations: Translations, data: Data) -> dict[str, float]:
    scores: dict[str, float] = {}
    for name, pairs in rivals.splits(data).items():
        if name != "development":
            french = [pair.french for pair in pairs]
            scores[f"{name}: BLEU"] = bleu(translations[name], french)
            scores[f"{name}: exact"] = exact_match(translations[name], french)
    return scores


def _bleu(hypotheses: list[Words], pairs: Pairs) -> float:
    return bleu(hypotheses, [pair.french for pair in pairs])
