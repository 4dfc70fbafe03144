"""What the encoder-decoder reaches, beside itself without attention, phrases and a dictionary.

The judged translations are greedy, the most probable word each time; those of beam search are in
the details.
"""

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.translation import bleu, by_split
from tutorials_lib.sequences.seq2seq import in_jax, problem
from tutorials_lib.sequences.seq2seq.problem import Config, Data
from tutorials_lib.text import rivals
from tutorials_lib.text.corpus import Pairs
from tutorials_lib.text.parallel import translate_in_groups
from tutorials_lib.text.phrase_table import Words
from tutorials_lib.text.rivals import DICTIONARY, TABLE, Translations, french_of

METRIC = "BLEU, unseen sentences"
MODEL, BEAMS, PLAIN = "with attention", "with attention, beam search", "without attention"
RIVALS = (PLAIN, TABLE, DICTIONARY)


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


def train_plain(data: Data, config: Config, *, seed: int) -> Trained:
    """The same network, trained in the same way, without attention."""
    plain = dataclasses.replace(config, attention=False)
    return train(plain, seed=seed, data=data)


def translate(trained: Trained, pairs: Pairs, *, num_beams: int = 1) -> list[Words]:
    """French for the English of `pairs`; one beam is greedy."""
    config, words = trained.config, trained.data.words
    program = partial(in_jax.compiled_translate, trained.params, config=config, num_beams=num_beams)
    english = [pair.english for pair in pairs]
    return translate_in_groups(program, english, words, length=config.longest_source)


def translate_all(trained: Trained, *, num_beams: int = 1) -> Translations:
    """Every split but `train`."""
    return {
        name: translate(trained, pairs, num_beams=num_beams)
        for name, pairs in trained.data.unseen.items()
    }


# ---------------------------------------------------------------- judgement


def with_translations(trained: Trained, plain: Trained) -> Trained:
    """The same, with translations by both networks, the phrase table and the dictionary."""
    translations = {
        MODEL: translate_all(trained),
        BEAMS: translate_all(trained, num_beams=trained.config.num_beams),
        PLAIN: translate_all(plain),
    }
    return trained._replace(translations=translations | rivals.without_network(trained.data))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The same network without attention, a tuned phrase table, and a dictionary."""
    plain = translate_all(train_plain(data, config, seed=seed))
    return _scores({PLAIN: plain} | rivals.without_network(data), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside its rivals on the same sentences.

    The details are BLEU and exact match of every method on every split that judges.
    """
    trained = train(config, seed=seed) if trained is None else trained
    if trained.translations is None:
        plain = train_plain(trained.data, trained.config, seed=seed)
        trained = with_translations(trained, plain)
    translations, data = trained.translations or {}, trained.data
    scores = _scores(translations, data)
    return Judgement(
        metric=METRIC,
        value=scores[MODEL].held_out,
        baselines={name: scores[name] for name in RIVALS},
        training_seconds=trained.seconds,
        details={name: by_split(each, data.references) for name, each in translations.items()},
    )


def _scores(translations: Mapping[str, Translations], data: Data) -> dict[str, Score]:
    splits = (("development", data.development), ("test", data.test))
    return {
        name: Score(*(bleu(each[split], french_of(pairs)) for split, pairs in splits))
        for name, each in translations.items()
    }
