"""What translates without a network: a dictionary, and a table of phrases (NumPy only)."""

from collections.abc import Callable
from itertools import product

from tutorials_lib.metrics.translation import bleu
from tutorials_lib.sequences.seq2seq.problem import Data, Pairs
from tutorials_lib.text.phrase_table import PhraseTable, Weights

DICTIONARY, TABLE = "dictionary", "phrase table"

WEIGHTS = tuple(Weights(*each) for each in product((0.3, 0.5, 1.0), (-0.5, 0.0)))
"""Settings of the phrase table, of which the development split chooses."""

_MANY = 20_000  # of so many training sentences, longer phrases would fill the memory

Words = tuple[str, ...]
Translations = dict[str, list[Words]]
"""Of every split but `train`, by its name."""


def splits(data: Data) -> dict[str, Pairs]:
    """Every split but `train`, by its name."""
    return {"development": data.development, "test": data.test, **data.further}


def translate_all(translate: Callable[[Words], Words], data: Data) -> Translations:
    """The English of every split but `train`, sentence by sentence."""
    return {
        name: [translate(pair.english) for pair in pairs] for name, pairs in splits(data).items()
    }


def without_network(data: Data) -> dict[str, Translations]:
    """Those of the dictionary, and of the phrase table with its best weights."""
    table = PhraseTable(data.train, longest=6 if len(data.train) <= _MANY else 4)
    french = [pair.french for pair in data.development]

    def development_bleu(weights: Weights) -> float:
        return bleu([table.translate(each.english, weights) for each in data.development], french)

    weights = max(WEIGHTS, key=development_bleu)
    return {
        DICTIONARY: translate_all(table.word_by_word, data),
        TABLE: translate_all(lambda source: table.translate(source, weights), data),
    }
