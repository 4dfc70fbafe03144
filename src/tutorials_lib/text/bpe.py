r"""Byte-level byte-pair encoding, as GPT-2 has it: text to token numbers and back.

A text is cut into words by a regular expression. Every word starts as its UTF-8 bytes, and the
pair of neighbours whose union has the lowest rank is merged, until no union is in the vocabulary
(Sennrich et al. 2016). Because all 256 bytes are tokens, every text can be written, and decoding
gives back exactly what was encoded.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import SupportsInt

import numpy as np
import regex
from jaxtyping import Int32

PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How GPT-2 cuts text into words; a space goes with what follows, and no merge crosses a border."""

NUM_BYTES = 256
_CACHED_WORDS = 1 << 16

Tokens = Int32[np.ndarray, " time"]


class BytePairEncoding:
    """A tokenizer: the rank of every token, which is its number, and one token that ends a text.

    Attributes:
        ranks: the bytes of every token, with its number; the lower, the earlier it is merged.
        end_of_text: the number of the token that separates documents; it stands for no bytes.
    """

    def __init__(self, ranks: Mapping[bytes, int], *, end_of_text: int | None = None) -> None:
        """Take the ranks of an existing vocabulary; `train_bpe` makes a new one.

        Raises:
            ValueError: a single byte is missing, or two tokens have one number.
        """
        missing = [byte for byte in range(NUM_BYTES) if bytes([byte]) not in ranks]
        if missing:
            raise ValueError(f"the vocabulary lacks {len(missing)} bytes, the first {missing[0]}")
        self.ranks = dict(ranks)
        self.end_of_text = max(self.ranks.values()) + 1 if end_of_text is None else end_of_text
        self._bytes = {number: token for token, number in self.ranks.items()}
        if len(self._bytes) < len(self.ranks) or self.end_of_text in self._bytes:
            raise ValueError("two tokens of the vocabulary have the same number")
        self._bytes[self.end_of_text] = b""
        self._word_tokens = lru_cache(_CACHED_WORDS)(self._merge)

    @property
    def vocab_size(self) -> int:
        """One more than the largest number of a token."""
        return max(self._bytes) + 1

    def encode(self, text: str) -> Tokens:
        """The numbers of the tokens of `text`; every text has some, in any language."""
        numbers: list[int] = []
        for word in regex.findall(PATTERN, _well_formed(text)):
            numbers.extend(self._word_tokens(word.encode()))
        return np.array(numbers, np.int32)

    def encode_documents(self, documents: Iterable[str]) -> Tokens:
        """All documents one after the other, each with the end-of-text token behind it."""
        end = np.array([self.end_of_text], np.int32)
        parts = [part for document in documents for part in (self.encode(document), end)]
        return np.concatenate([np.empty(0, np.int32), *parts])

    def decode_bytes(self, tokens: Iterable[SupportsInt]) -> bytes:
        """The bytes that the tokens stand for.

        Raises:
            KeyError: a number is not in the vocabulary.
        """
        return b"".join(self._bytes[int(number)] for number in tokens)

    def decode(self, tokens: Iterable[SupportsInt]) -> str:
        """The text of the tokens; bytes that are no UTF-8, such as half an emoji, become U+FFFD."""
        return self.decode_bytes(tokens).decode("utf-8", errors="replace")

    def _merge(self, word: bytes) -> tuple[int, ...]:
        """Merge pairs, lowest rank first and leftmost among equals: O(n log n) for n bytes."""
        parts = [word[i : i + 1] for i in range(len(word))]
        following = [*range(1, len(parts)), -1]
        before = list(range(-1, len(parts) - 1))
        candidates: list[tuple[int, int, bytes]] = []

        def consider(left: int) -> None:
            if left >= 0 and following[left] >= 0:
                union = parts[left] + parts[following[left]]
                if (rank := self.ranks.get(union)) is not None:
                    heapq.heappush(candidates, (rank, left, union))

        for left in range(len(parts)):
            consider(left)
        while candidates:
            _, left, union = heapq.heappop(candidates)
            right = following[left]
            # An entry is out of date when one of its two parts has been merged elsewhere.
            if not parts[left] or right < 0 or parts[left] + parts[right] != union:
                continue
            parts[left], parts[right] = union, b""
            following[left] = following[right]
            if following[left] >= 0:
                before[following[left]] = left
            consider(before[left])
            consider(left)
        return tuple(self.ranks[part] for part in parts if part)


def train_bpe(documents: Iterable[str], *, vocab_size: int) -> BytePairEncoding:
    """Make a vocabulary: merge the most frequent pair of neighbours again and again.

    Words are counted once, and a merge looks only at the places of its pair, so that the time grows
    with the length of the text and not with its square. Of equally frequent pairs the one whose
    bytes come first is merged.

    Args:
        documents: the text to learn from.
        vocab_size: the number of tokens, the 256 bytes and the end of text included.

    Raises:
        ValueError: the size leaves no room for the bytes, or the text has too few pairs to merge.
    """
    if vocab_size <= NUM_BYTES:
        raise ValueError(f"vocab_size is {vocab_size}; 256 bytes and the end of text are 257")
    texts = (_well_formed(text) for text in documents)
    table = _PairTable(Counter(word for text in texts for word in regex.findall(PATTERN, text)))
    ranks = {bytes([byte]): byte for byte in range(NUM_BYTES)}
    while len(ranks) < vocab_size - 1:
        pair = table.most_frequent()
        if pair is None:
            raise ValueError(f"the text has pairs for {len(ranks) + 1} tokens, not {vocab_size}")
        table.merge(pair)
        ranks.setdefault(pair[0] + pair[1], len(ranks))
    return BytePairEncoding(ranks)


Pair = tuple[bytes, bytes]


class _PairTable:
    """How often each pair of neighbours occurs, and where.

    The parts of all words stand in one row. A part knows the places of its neighbours, -1 where the
    word ends; a place whose part was merged into the one before it is empty.
    """

    def __init__(self, words: Mapping[str, int]) -> None:
        self.parts: list[bytes] = []
        self.before: list[int] = []
        self.following: list[int] = []
        self.weights: list[int] = []
        for word, count in words.items():
            content, first = word.encode(), len(self.parts)
            end = first + len(content)
            self.parts += [bytes([byte]) for byte in content]
            self.before += [-1, *range(first, end - 1)]
            self.following += [*range(first + 1, end), -1]
            self.weights += [count] * len(content)
        self.counts: Counter[Pair] = Counter()
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        for place in range(len(self.parts)):
            self._enter(place)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def _pair_at(self, place: int) -> Pair | None:
        if place < 0 or self.following[place] < 0:
            return None
        return self.parts[place], self.parts[self.following[place]]

    def _enter(self, place: int) -> Pair | None:
        """Count the pair that begins at `place`."""
        if pair := self._pair_at(place):
            self.counts[pair] += self.weights[place]
            self.places[pair].add(place)
        return pair

    def _remove(self, place: int) -> Pair | None:
        """Count the pair that begins at `place` no longer."""
        if pair := self._pair_at(place):
            self.counts[pair] -= self.weights[place]
            self.places[pair].discard(place)
        return pair

    def most_frequent(self) -> Pair | None:
        """The pair to merge next; None where no word has two parts."""
        while self.heap:
            count, pair = heapq.heappop(self.heap)
            if -count == self.counts[pair] > 0:  # else the count has changed since
                return pair
        return None

    def merge(self, pair: Pair) -> None:
        """Replace the pair by its union wherever it is; of overlapping ones the leftmost."""
        changed: set[Pair | None] = set()
        for left in sorted(self.places.pop(pair)):
            if self._pair_at(left) != pair:  # the place before has taken one of the two
                continue
            right = self.following[left]
            neighbours = self.before[left], left, right
            changed.update([self._remove(place) for place in neighbours])
            self._join(left, right)
            changed.update([self._enter(place) for place in neighbours])
        for other in changed:
            if other and self.counts[other] > 0:
                heapq.heappush(self.heap, (-self.counts[other], other))

    def _join(self, left: int, right: int) -> None:
        after = self.following[right]
        self.parts[left], self.parts[right] = self.parts[left] + self.parts[right], b""
        self.following[left], self.following[right] = after, -1
        if after >= 0:
            self.before[after] = left


def _well_formed(text: str) -> str:
    """`text` with a pair of surrogates as the character that they stand for, a lone one as U+FFFD.

    Python's strings may hold such halves, which no UTF-8 can; tiktoken reads them the same way.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
