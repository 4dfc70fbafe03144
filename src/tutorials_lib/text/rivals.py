"""What translates without a network: a dictionary, and a phrase table with a trigram model.

Both learn from the training split; the weights of the phrase table are chosen on the development
split.
"""

from collections.abc import Callable, Iterable
from itertools import product
from typing import NamedTuple

from tutorials_lib.datasets.translation import Pair
from tutorials_lib.metrics.translation import bleu
from tutorials_lib.text.corpus import Corpus
from tutorials_lib.text.phrase_table import PhraseTable, Weights, Words

DICTIONARY, TABLE = "word by word", "phrase table"

WEIGHTS = tuple(
    Weights(trigram=trigram, phrase=phrase, inverse=inverse)
    for trigram, phrase, inverse in product(
        (0.3, 0.45, 0.6, 0.8), (-2.5, -1.5, -0.5, 0.5), (0.0, 0.5, 1.0, 1.5)
    )
)
"""What is tried for the phrase table."""

_MANY = 20_000  # of so many training sentences, longer phrases would fill the memory

Translations = dict[str, list[Words]]
"""Of several splits, by name, in the order of their sentences."""


class Tuned(NamedTuple):
    """The phrases of the training split, and the weights that suit the development split."""

    table: PhraseTable
    weights: Weights

    def translate(self, source: Words) -> Words:
        """The best sequence of phrases by these weights."""
        return self.table.translate(source, self.weights)


def tune(corpus: Corpus, weights: tuple[Weights, ...] = WEIGHTS) -> Tuned:
    """Count phrases in `train`, then try all `weights` on `development`."""
    table = PhraseTable(corpus.train, longest=6 if len(corpus.train) <= _MANY else 4)
    references = french_of(corpus.development)

    def score(weights: Weights) -> float:
        translate = Tuned(table, weights).translate
        return bleu([translate(pair.english) for pair in corpus.development], references)

    return Tuned(table, max(weights, key=score))


def translate_all(translate: Callable[[Words], Words], corpus: Corpus) -> Translations:
    """The English of every split but `train`, sentence by sentence."""
    return {
        name: [translate(pair.english) for pair in pairs] for name, pairs in corpus.unseen.items()
    }


def without_network(corpus: Corpus) -> dict[str, Translations]:
    """What the dictionary and the phrase table make of every split but `train`."""
    tuned = tune(corpus)
    return {
        DICTIONARY: translate_all(tuned.table.word_by_word, corpus),
        TABLE: translate_all(tuned.translate, corpus),
    }


def french_of(pairs: Iterable[Pair]) -> list[Words]:
    """The references."""
    return [pair.french for pair in pairs]
