"""What the transformer reaches on sentences that it has not seen, beside a dictionary and phrases.

The judged translations are greedy, the most probable word each time; those of beam search are in
the details.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.translation import bleu, by_split
from tutorials_lib.sequences.transformer import in_jax, problem
from tutorials_lib.sequences.transformer.problem import Config, Data
from tutorials_lib.text import rivals
from tutorials_lib.text.corpus import Pairs
from tutorials_lib.text.parallel import translate_in_groups
from tutorials_lib.text.phrase_table import Words
from tutorials_lib.text.rivals import Translations, french_of

METRIC = "BLEU, unseen sentences"
MODEL, BEAMS = "transformer", "transformer, beam search"
WORDS, PHRASES = rivals.DICTIONARY, rivals.TABLE


class Trained(NamedTuple):
    """A network, and what it learned from.

    Attributes:
        config: with the sizes of the source.
        data: the sentences.
        params: after the last step.
        losses: before every step.
        seconds: of the training, without compilation.
        outputs: translations of every split but `train` by every method, where they have been
            made.
    """

    config: Config
    data: Data
    params: in_jax.Params
    losses: Float[np.ndarray, " steps"]
    seconds: float
    outputs: dict[str, Translations] | None = None


def train(config: Config, *, seed: int) -> Trained:
    """Load the sentences and train on all that are short enough."""
    config = problem.for_source(config)
    data = problem.load(config, seed=seed)
    sentences = problem.encode(data.train, data.words, config)
    rng = np.random.default_rng([seed, 1])
    batches = problem.draw_batches(len(sentences.source), config, rng=rng)
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    inputs = jax.device_put((state, sentences, batches))
    fit = in_jax.compiled_fit.lower(*inputs, config).compile()  # ahead, so as not to time that
    (state, losses), seconds = timed(fit, *inputs)
    return Trained(config, data, state.params, np.asarray(losses), seconds)


def translate(trained: Trained, pairs: Pairs, *, num_beams: int = 1) -> list[Words]:
    """French for the English of `pairs`."""
    config, words = trained.config, trained.data.words
    program = partial(in_jax.compiled_translate, trained.params, config=config, num_beams=num_beams)
    english = [pair.english for pair in pairs]
    return translate_in_groups(program, english, words, length=config.read_length)


# ---------------------------------------------------------------- judgement


def with_outputs(trained: Trained) -> Trained:
    """The same with translations of every split but `train` by every method."""
    outputs: dict[str, Translations] = {
        method: {
            name: translate(trained, pairs, num_beams=num_beams)
            for name, pairs in trained.data.unseen.items()
        }
        for method, num_beams in ((MODEL, 1), (BEAMS, trained.config.num_beams))
    }
    return trained._replace(outputs=outputs | rivals.without_network(trained.data))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """A dictionary, and a phrase table with a trigram model, both counted on the training split."""
    del config, seed  # neither has settings of its own, or draws anything
    return _scores(rivals.without_network(data), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same sentences.

    The details are BLEU and exact match of every method on every split that judges.
    """
    trained = train(config, seed=seed) if trained is None else trained
    if trained.outputs is None:
        trained = with_outputs(trained)
    outputs, data = trained.outputs or {}, trained.data
    scores = _scores(outputs, data)
    return Judgement(
        metric=METRIC,
        value=scores[MODEL].held_out,
        baselines={name: scores[name] for name in (WORDS, PHRASES)},
        training_seconds=trained.seconds,
        details={name: by_split(each, data.references) for name, each in outputs.items()},
    )


def _scores(outputs: Mapping[str, Translations], data: Data) -> dict[str, Score]:
    splits = (("development", data.development), ("test", data.test))
    return {
        name: Score(*(bleu(each[split], french_of(pairs)) for split, pairs in splits))
        for name, each in outputs.items()
    }
