"""What a program that translates learns from and is judged on, by splits, with its words."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from tutorials_lib.datasets.multi30k import load_multi30k
from tutorials_lib.datasets.translation import Pair, translation_pairs
from tutorials_lib.text.parallel import Vocabularies, vocabularies

Pairs = tuple[Pair, ...]


class Corpus(NamedTuple):
    """Pairs of sentences; see `tutorials_lib.datasets.translation.Splits`.

    Attributes:
        train: to learn from, up to a length.
        development: to choose settings by.
        test: to judge.
        further: more to judge, by the name of the split.
        words: the vocabularies of `train`.
    """

    train: Pairs
    development: Pairs
    test: Pairs
    further: dict[str, Pairs]
    words: Vocabularies

    @property
    def judged(self) -> dict[str, Pairs]:
        """The splits that nothing is learned or chosen from, by name."""
        return {"test": self.test, **self.further}

    @property
    def unseen(self) -> dict[str, Pairs]:
        """Every split but `train`, by name."""
        return {"development": self.development, **self.judged}

    @property
    def references(self) -> dict[str, list[tuple[str, ...]]]:
        """The right translations of `judged`, by the name of the split."""
        return {name: [pair.french for pair in pairs] for name, pairs in self.judged.items()}


class Limits(NamedTuple):
    """How much of a language is learned; each has a value for source and target.

    Attributes:
        ids: the most word ids, special ones among them; rarer words become unknown.
        words: the most words of a training sentence; longer pairs are left out.
    """

    ids: tuple[int, int]
    words: tuple[int, int]


def load_corpus(source: str, *, num_train: int, num_test: int, limits: Limits, seed: int) -> Corpus:
    """The grammar's sentences, or Multi30k.

    Args:
        source: `offline` for the grammar, `real` for Multi30k.
        num_train: sentences of the grammar to learn from.
        num_test: how many each of its other splits has.
        limits: what is learned from them.
        seed: of the grammar's sentences.

    Raises:
        DatasetError: Multi30k was asked for and cannot be had.
    """
    if source == "real":
        train, development, test = load_multi30k()
        further = {}
    else:
        splits = translation_pairs(num_train, num_test, seed)
        train, development, test = splits.train, splits.development, splits.test
        further = {"pairs": splits.pairs, "long": splits.long}
    short = tuple(pair for pair in train if all(len(pair[i]) <= limits.words[i] for i in range(2)))
    return Corpus(short, development, test, further, vocabularies(short, max_ids=limits.ids))


def draw_places(
    num_sentences: int, num_steps: int, batch_size: int, *, rng: np.random.Generator
) -> Int32[np.ndarray, "steps batch"]:
    """Which sentences each step reads: all of them once in a new order, then all again."""
    wanted = num_steps * batch_size
    rounds = [rng.permutation(num_sentences) for _ in range(-(-wanted // num_sentences))]
    return np.concatenate(rounds)[:wanted].reshape(num_steps, batch_size).astype(np.int32)
