"""Words as numbers: a vocabulary with one id for padding and one for every word it lacks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

PADDING = 0
"""The id that fills a sequence up to the length of its batch; it stands for no word."""

UNKNOWN = 1
"""The id of every word that the vocabulary lacks."""

_SPECIAL = ("<pad>", "<unk>")


@dataclass(frozen=True)
class Vocabulary:
    """The words that a model knows; the id of a word is its place.

    Attributes:
        words: all of them, beginning with the names of `PADDING` and `UNKNOWN`.

    Raises:
        ValueError: the first two are other words, or a word occurs twice.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.words[:2] != _SPECIAL:
            raise ValueError(f"the first words are {self.words[:2]}; they must be {_SPECIAL}")
        if len(set(self.words)) < len(self.words):
            repeated = next(word for word, count in Counter(self.words).items() if count > 1)
            raise ValueError(f"the word {repeated!r} occurs twice")

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Each word's id."""
        return {word: i for i, word in enumerate(self.words)}

    def encode(self, words: Iterable[str]) -> list[int]:
        """The ids of `words`; a word that is not there gets `UNKNOWN`.

        So do the names of the special ids, should a text contain them: no text can bring
        padding in.
        """
        return [max(self.ids.get(word, UNKNOWN), UNKNOWN) for word in words]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of `ids`, without the padding.

        Raises:
            IndexError: an id is not one of this vocabulary.
        """
        ids = list(ids)
        if any(not 0 <= i < len(self) for i in ids):
            raise IndexError(f"{ids} has an id outside of 0 to {len(self) - 1}")
        return [self.words[i] for i in ids if i != PADDING]


def build_vocabulary(
    texts: Iterable[Sequence[str]], *, min_count: int = 1, max_words: int | None = None
) -> Vocabulary:
    """The words of `texts`, the most frequent first; ties in alphabetical order.

    Build it on the training texts alone: a word that only held-out texts have would get an
    embedding that nothing has trained.

    Args:
        texts: each a sequence of words.
        min_count: rarer words are left out, and become `UNKNOWN`.
        max_words: the most words that are kept, beside the two special ones.
    """
    counts = Counter(word for text in texts for word in text)
    frequent = [word for word, count in counts.items() if count >= min_count]
    frequent = sorted(set(frequent) - set(_SPECIAL), key=lambda word: (-counts[word], word))
    return Vocabulary((*_SPECIAL, *frequent[:max_words]))
