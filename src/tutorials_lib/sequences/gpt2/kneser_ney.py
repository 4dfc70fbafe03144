"""Interpolated Kneser-Ney n-grams: what a neural language model has to beat (NumPy)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Int64

Symbols = Int[np.ndarray, " time"]


class Level(NamedTuple):
    """The n-grams of one length, sorted, and their histories.

    Attributes:
        grams: every n-gram that occurs, packed into one number.
        discounted: its count, less the discount.
        histories: every history, that is an n-gram without its last symbol.
        totals: the sum of the counts of a history.
        kept_back: what the discounts of a history add up to; the shorter n-grams share it.
    """

    grams: Int64[np.ndarray, " grams"]
    discounted: Float64[np.ndarray, " grams"]
    histories: Int64[np.ndarray, " histories"]
    totals: Float64[np.ndarray, " histories"]
    kept_back: Float64[np.ndarray, " histories"]


class KneserNey:
    """Interpolated n-grams with three discounts for each length (Chen and Goodman 1999, 4.1.6).

    The longest n-grams are counted; a shorter one counts by how many different symbols it
    follows (Kneser and Ney 1995). Below the single symbols lies the uniform distribution.
    """

    def __init__(self, symbols: Symbols, *, order: int, num_symbols: int) -> None:
        """Count the n-grams of a text.

        Args:
            symbols: the text, in numbers below `num_symbols`.
            order: the length of the longest n-grams.
            num_symbols: how many symbols there are.

        Raises:
            ValueError: the n-grams do not fit into 63 bits, or the text is shorter than one.
        """
        self.order, self.num_symbols = order, num_symbols
        if order * np.log2(num_symbols) > 63:
            raise ValueError(f"{order} symbols out of {num_symbols} do not fit into 63 bits")
        if len(symbols) < order:
            raise ValueError(f"a text of {len(symbols)} symbols has no n-gram of {order}")
        grams, counts = np.unique(pack(symbols, order, num_symbols), return_counts=True)
        self.levels = []  # from the longest to the shortest
        for length in range(order, 0, -1):
            self.levels.append(_level(grams, counts, num_symbols))
            grams, counts = np.unique(
                grams % num_symbols ** (length - 1), return_counts=True
            )  # how many symbols stand in front

    def probabilities(self, symbols: Symbols) -> Float64[np.ndarray, " rest"]:
        """The probability of each symbol from number `order - 1` on, given those before it."""
        probs = np.full(len(symbols) - self.order + 1, 1 / self.num_symbols)
        for length, level in zip(range(1, self.order + 1), reversed(self.levels), strict=True):
            grams = pack(symbols[self.order - length :], length, self.num_symbols)
            count = _look_up(level.grams, level.discounted, grams)
            history = grams // self.num_symbols
            total = _look_up(level.histories, level.totals, history)
            kept_back = _look_up(level.histories, level.kept_back, history)
            known = total > 0  # after an unknown history the shorter n-grams decide alone
            probs[known] = (count + kept_back * probs)[known] / total[known]
        return probs

    def total_nats(self, symbols: Symbols) -> float:
        """The negative log-likelihood of a text; its beginning is given end-of-text symbols."""
        start = np.full(self.order - 1, self.num_symbols - 1, symbols.dtype)
        return float(-np.log(self.probabilities(np.concatenate([start, symbols]))).sum())


def pack(symbols: Symbols, length: int, num_symbols: int) -> Int64[np.ndarray, " grams"]:
    """Every n-gram of `length` in a text as one number, its first symbol in the highest place."""
    count = len(symbols) - length + 1
    grams = np.zeros(count, np.int64)
    for place in range(length):
        grams = grams * num_symbols + symbols[place : place + count]
    return grams


def as_bytes(documents: Sequence[str]) -> Int64[np.ndarray, " time"]:
    """The documents as bytes, each with the symbol 256 behind it for its end."""
    parts = [part for text in documents for part in (np.frombuffer(text.encode(), np.uint8), [256])]
    return np.concatenate(parts).astype(np.int64)


def _level(
    grams: Int64[np.ndarray, " grams"], counts: Int[np.ndarray, " grams"], num_symbols: int
) -> Level:
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    histories, first = np.unique(grams // num_symbols, return_index=True)
    return Level(
        grams=grams,
        discounted=counts - discounts,
        histories=histories,
        totals=np.add.reduceat(counts, first).astype(np.float64),
        kept_back=np.add.reduceat(discounts, first),
    )


def _discounts(counts: Int[np.ndarray, " grams"]) -> Float64[np.ndarray, " 4"]:
    """What is taken from a count of 0, 1, 2, and 3 or more (Chen and Goodman 1999, equation 26)."""
    n1, n2, n3, n4 = (max(int((counts == k).sum()), 1) for k in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    discounts = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    return discounts.clip([0, 0.05, 0.05, 0.05], [0, 1, 2, 3])


def _look_up(
    keys: Int64[np.ndarray, " keys"],
    values: Float64[np.ndarray, " keys"],
    wanted: Int64[np.ndarray, " wanted"],
) -> Float64[np.ndarray, " wanted"]:
    """The value of each wanted key, in sorted `keys`; zero where it is missing."""
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0.0)
