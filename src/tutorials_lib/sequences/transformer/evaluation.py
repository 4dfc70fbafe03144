"""What the transformer reaches on sentences that it has not seen, beside a dictionary and phrases.

The judged translations are greedy, the most probable word each time; those of beam search are in
the details.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.datasets.translation import Pair
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.translation import bleu, exact_match
from tutorials_lib.sequences.transformer import in_jax, problem
from tutorials_lib.sequences.transformer.problem import Config, Data
from tutorials_lib.text.parallel import Vocabularies, decode_targets, encode_sources
from tutorials_lib.text.phrase_table import PhraseTable, Weights

METRIC = "BLEU, unseen sentences"
MODEL, BEAMS = "transformer", "transformer, beam search"
WORDS, PHRASES = "word by word", "phrase table and trigrams"

WEIGHTS = tuple(Weights(trigram, phrase) for trigram in (0.2, 0.5, 1.0) for phrase in (-1.0, 0.0))
"""What the phrase table tries on the development split."""

_NUM_TUNING = 150
_MANY = 20_000  # of so many training sentences, longer phrases would fill the memory
_CHUNK = 200

Translations = dict[str, list[tuple[str, ...]]]
"""By the name of the split, in the order of its sentences."""


class Trained(NamedTuple):
    """A network, and what it learned from.

    Attributes:
        config: with the sizes of the source.
        data: the sentences.
        params: after the last step.
        losses: before every step.
        seconds: of the training, without compilation.
        outputs: translations of all held-out splits by every method, where they have been made.
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


def translate(
    params: in_jax.Params,
    sentences: Sequence[Sequence[str]],
    words: Vocabularies,
    config: Config,
    *,
    num_beams: int = 1,
) -> list[tuple[str, ...]]:
    """French for English, in groups of one shape, so that one program does them all.

    Sentences of a group have similar lengths: it is finished when its longest one is.
    """
    source = encode_sources(sentences, words.source, config.read_length)
    chunk = min(_CHUNK, len(source))
    order = np.argsort(np.count_nonzero(source, axis=1), kind="stable")
    found = np.zeros((len(source), config.max_length), np.int32)
    for start in range(0, len(source), chunk):
        places = order[min(start, len(source) - chunk) :][:chunk]  # the last group may overlap
        found[places] = in_jax.compiled_translate(
            params, source[places], config, num_beams=num_beams
        )
    return decode_targets(found, words.target)


# ---------------------------------------------------------------- judgement


def held_out(data: Data) -> dict[str, tuple[Pair, ...]]:
    """The splits that nothing was learned or chosen from, by name."""
    return {"test": data.test, **data.further}


def with_outputs(trained: Trained) -> Trained:
    """The same with translations of all held-out splits by every method."""
    params, data, config = trained.params, trained.data, trained.config
    table, weights, _ = _tuned(data)
    outputs: dict[str, Translations] = {MODEL: {}, BEAMS: {}, PHRASES: {}, WORDS: {}}
    for name, pairs in held_out(data).items():
        english = [pair.english for pair in pairs]
        for method, num_beams in ((MODEL, 1), (BEAMS, config.num_beams)):
            outputs[method][name] = translate(
                params, english, data.words, config, num_beams=num_beams
            )
        outputs[PHRASES][name] = [table.translate(each, weights) for each in english]
        outputs[WORDS][name] = [table.word_by_word(each) for each in english]
    return trained._replace(outputs=outputs)


def _tuned(data: Data) -> tuple[PhraseTable, Weights, float]:
    """Phrases of the training split, the weights that suit the development split, its BLEU."""
    return _tuned_on(data.train, data.development[:_NUM_TUNING])


@lru_cache(maxsize=1)
def _tuned_on(
    train: tuple[Pair, ...], development: tuple[Pair, ...]
) -> tuple[PhraseTable, Weights, float]:
    table = PhraseTable(train, longest=6 if len(train) <= _MANY else 4)
    references = french_of(development)

    def score(weights: Weights) -> float:
        return bleu([table.translate(pair.english, weights) for pair in development], references)

    scores = {weights: score(weights) for weights in WEIGHTS}
    best = max(scores, key=scores.__getitem__)
    return table, best, scores[best]


def french_of(pairs: Sequence[Pair]) -> list[tuple[str, ...]]:
    """The references."""
    return [pair.french for pair in pairs]


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """A dictionary, and a phrase table with a trigram model, both counted on the training split."""
    del config, seed  # neither has settings of its own, or draws anything
    table, weights, development = _tuned(data)
    references = french_of(data.test)
    phrases = bleu([table.translate(pair.english, weights) for pair in data.test], references)
    words = bleu([table.word_by_word(pair.english) for pair in data.test], references)
    return {WORDS: Score(None, words), PHRASES: Score(development, phrases)}


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same sentences.

    The details are BLEU and exact match of every method on every held-out split.
    """
    trained = train(config, seed=seed) if trained is None else trained
    if trained.outputs is None:
        trained = with_outputs(trained)
    outputs, data = trained.outputs or {}, trained.data
    details = {
        method: {
            f"{metric}, {name}": score(translations[name], french_of(pairs))
            for name, pairs in held_out(data).items()
            for metric, score in (("BLEU", bleu), ("exact", exact_match))
        }
        for method, translations in outputs.items()
    }
    scores = {method: columns["BLEU, test"] for method, columns in details.items()}
    *_, development = _tuned(data)
    return Judgement(
        metric=METRIC,
        value=scores[MODEL],
        baselines={
            WORDS: Score(None, scores[WORDS]),
            PHRASES: Score(development, scores[PHRASES]),
        },
        training_seconds=trained.seconds,
        details=details,
    )
