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
from itertools import pairwise
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
        for word in regex.findall(PATTERN, text):
            numbers.extend(self._word_tokens(word.encode("utf-8", errors="replace")))
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

    Words are counted once, and a merge looks only at the words that hold its pair. Of equally
    frequent pairs the one whose bytes come first is merged.

    Args:
        documents: the text to learn from.
        vocab_size: the number of tokens, the 256 bytes and the end of text included.

    Raises:
        ValueError: the size leaves no room for the bytes, or the text has too few pairs to merge.
    """
    if vocab_size <= NUM_BYTES:
        raise ValueError(f"vocab_size is {vocab_size}; 256 bytes and the end of text are 257")
    counts = Counter(word for text in documents for word in regex.findall(PATTERN, text))
    words = [[bytes([byte]) for byte in word.encode()] for word in counts]
    table = _PairTable(words, list(counts.values()))
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
    """How often each pair of neighbours occurs, and in which words."""

    def __init__(self, words: list[list[bytes]], counts: list[int]) -> None:
        self.words, self.word_counts = words, counts
        self.counts: Counter[Pair] = Counter()
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(words)):
            self._count(index, 1)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def _count(self, index: int, sign: int) -> set[Pair]:
        word = self.words[index]
        pairs = list(pairwise(word))
        for pair in pairs:
            self.counts[pair] += sign * self.word_counts[index]
            self.places[pair].add(index)
        return set(pairs)

    def most_frequent(self) -> Pair | None:
        """The pair to merge next; None where no word has two parts."""
        while self.heap:
            count, pair = heapq.heappop(self.heap)
            if -count == self.counts[pair] > 0:  # else the count has changed since
                return pair
        return None

    def merge(self, pair: Pair) -> None:
        """Replace the pair by its union in every word that has it."""
        changed: set[Pair] = set()
        for index in self.places.pop(pair):
            before = self._count(index, -1)
            self.words[index] = _merged(self.words[index], pair)
            changed |= before | self._count(index, 1)
        for other in changed:
            if self.counts[other] > 0:
                heapq.heappush(self.heap, (-self.counts[other], other))


def _merged(word: list[bytes], pair: Pair) -> list[bytes]:
    parts: list[bytes] = []
    position = 0
    while position < len(word):
        if tuple(word[position : position + 2]) == pair:
            parts.append(pair[0] + pair[1])
            position += 2
        else:
            parts.append(word[position])
            position += 1
    return parts
