r"""WordPiece, the tokenizer of BERT: text to the numbers of words and of pieces of words.

A text is cleaned, put into lower case without accents, and cut at spaces and punctuation. A word
is then cut greedily: the longest piece of the vocabulary that it begins with, then the longest
that continues it, whose name begins with *##*; a word that cannot be cut to its end is unknown
(Devlin et al. 2019, after Wu et al. 2016). Two texts that differ in case alone get the same
numbers, so that a text cannot be had back exactly.
"""

import heapq
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

PAD, UNKNOWN, FIRST, LAST, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Padding, a word that cannot be cut, begin and end of a text, and a word that is to be guessed."""

CONTINUES = "##"
"""How the name of a piece begins that does not begin a word."""

_MAX_WORD = 100  # characters; a longer word is unknown
_CACHED_WORDS = 1 << 16
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class WordPiece:
    """A tokenizer for lower-case text.

    Attributes:
        pieces: all names, the special ones among them; the number of a piece is its place.
        ids: the number of every piece.

    Raises:
        ValueError: a special piece is missing, padding is not the first, or a piece occurs twice.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = tuple(pieces)
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}
        if missing := [piece for piece in SPECIAL if piece not in self.ids]:
            raise ValueError(f"the vocabulary lacks {', '.join(missing)}")
        if self.ids[PAD] != 0:
            raise ValueError(f"{PAD} is number {self.ids[PAD]} of the vocabulary; it must be 0")
        if len(self.ids) < len(self.pieces):
            repeated = next(piece for piece, count in Counter(self.pieces).items() if count > 1)
            raise ValueError(f"the piece {repeated!r} occurs twice")
        self._cut = lru_cache(_CACHED_WORDS)(self._cut_word)

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """The numbers of the pieces of `text`; no text can bring a special piece in."""
        return [i for word in words_of(text) for i in self._cut(word)]

    def tokenize(self, text: str) -> list[str]:
        """The pieces of `text`."""
        return self.decode(self.encode(text))

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The names of the pieces.

        Raises:
            IndexError: there is no piece of that number.
        """
        ids = list(ids)
        if any(not 0 <= i < len(self) for i in ids):
            raise IndexError(f"{ids} has a number outside of 0 to {len(self) - 1}")
        return [self.pieces[i] for i in ids]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        if len(word) > _MAX_WORD:
            return (self.ids[UNKNOWN],)
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = CONTINUES if start else ""
            for stop in range(len(word), start, -1):
                if (number := self.ids.get(prefix + word[start:stop])) is not None:
                    break
            else:
                return (self.ids[UNKNOWN],)
            found.append(number)
            start = stop
        return tuple(found)


# ---------------------------------------------------------------- words


def words_of(text: str) -> list[str]:
    """Cut `text` at spaces, around ideographs and around punctuation; lower case, no accents."""
    return [word for part in re.split(r"[ \t\n\r]", text) for word in _words_of_part(part)]


@lru_cache(_CACHED_WORDS)
def _words_of_part(part: str) -> tuple[str, ...]:
    """`words_of` a text without blanks."""
    spaced = "".join(_clean(character) for character in part)
    words = unicodedata.normalize("NFC", spaced).split()
    return tuple(each for word in words for each in _split_punctuation(_without_accents(word)))


def _clean(character: str) -> str:
    """A space for every space, nothing for a control character, ideographs set apart."""
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if character == "\ufffd" or category.startswith("C"):
        return ""
    code = ord(character)
    if any(first <= code <= last for first, last in _IDEOGRAPHS):
        return f" {character} "
    return character


def _without_accents(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def _split_punctuation(word: str) -> list[str]:
    """Every sign of punctuation is a word of its own."""
    spaced = "".join(f" {c} " if _is_punctuation(c) else c for c in word)
    return spaced.split()


def _is_punctuation(character: str) -> bool:
    return character in _ASCII_PUNCTUATION or unicodedata.category(character).startswith("P")


# ---------------------------------------------------------------- vocabulary


def learn_wordpieces(texts: Iterable[str], *, max_pieces: int) -> WordPiece:
    """Learn a vocabulary: join the most frequent pair of neighbouring pieces again and again.

    It starts from the single characters. How the vocabulary of BERT itself was learned has not
    been published; by frequency is how the `tokenizers` library does it. At the end, pieces of
    several characters that no word of `texts` is cut into are left out.

    Args:
        texts: what to learn from.
        max_pieces: the most pieces, special ones and single characters included.

    Raises:
        ValueError: the special pieces and the characters alone are more.
    """
    counts = Counter(word for text in texts for word in words_of(text))
    splits = {word: [word[0], *(CONTINUES + c for c in word[1:])] for word in counts}
    characters = sorted({piece for parts in splits.values() for piece in parts})
    if len(SPECIAL) + len(characters) > max_pieces:
        raise ValueError(
            f"max_pieces is {max_pieces}, but the text has {len(characters)} single characters, "
            f"and {len(SPECIAL)} pieces are special"
        )
    joined = _join_pairs(splits, counts, max_pieces - len(SPECIAL) - len(characters))
    whole = WordPiece((*SPECIAL, *characters, *joined))
    used = Counter[str]()
    for word, count in counts.items():
        for piece in whole.tokenize(word):
            used[piece] += count
    kept = sorted((piece for piece in joined if used[piece]), key=lambda each: (-used[each], each))
    return WordPiece((*SPECIAL, *characters, *kept))


def _join_pairs(
    splits: dict[str, list[str]], counts: Mapping[str, int], num_joined: int
) -> list[str]:
    """The pieces that arise from the most frequent pairs, ties in alphabetical order."""
    pairs: Counter[tuple[str, str]] = Counter()
    words: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for word, parts in splits.items():
        for pair in pairwise(parts):
            pairs[pair] += counts[word]
            words[pair].add(word)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    joined: dict[str, None] = {}
    while heap and len(joined) < num_joined:
        count, pair = heapq.heappop(heap)
        if -count != pairs[pair] or not count:
            continue  # an entry that is out of date
        union = pair[0] + pair[1].removeprefix(CONTINUES)
        joined[union] = None
        changed = set()
        for word in words.pop(pair):
            before, after = splits[word], _joined(splits[word], pair, union)
            for parts, sign in ((before, -1), (after, 1)):
                for each in pairwise(parts):
                    pairs[each] += sign * counts[word]
                    words[each].add(word)
                    changed.add(each)
            splits[word] = after
        for each in changed:
            heapq.heappush(heap, (-pairs[each], each))
    return list(joined)


def _joined(parts: list[str], pair: tuple[str, str], union: str) -> list[str]:
    """`parts` with every occurrence of `pair`, from the left, as one piece."""
    found: list[str] = []
    for part in parts:
        if found and (found[-1], part) == pair:
            found[-1] = union
        else:
            found.append(part)
    return found
