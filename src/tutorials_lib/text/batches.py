"""Sequences of different lengths as arrays: padding, masks, and buckets of similar lengths."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32

from tutorials_lib.text.vocabulary import PADDING


class Padded(NamedTuple):
    """Sequences in one array.

    Attributes:
        ids: word ids, `PADDING` behind the last word.
        lengths: how many of each row are words.
    """

    ids: Int32[np.ndarray, "batch time"]
    lengths: Int32[np.ndarray, " batch"]


def pad(sequences: Sequence[Sequence[int]], length: int | None = None) -> Padded:
    """Put `sequences` into rows of `length` ids (default: the longest), padded at the end.

    Raises:
        ValueError: a sequence is longer than `length`; cut it first.
    """
    lengths = np.fromiter(map(len, sequences), np.int32, len(sequences))
    longest = int(lengths.max(initial=0))
    length = longest if length is None else length
    if longest > length:
        raise ValueError(f"a sequence has {longest} ids, but there is room for {length}")
    ids = np.full((len(sequences), length), PADDING, np.int32)
    ids[mask_of(lengths, length)] = [i for sequence in sequences for i in sequence]
    return Padded(ids, lengths)


def mask_of(lengths: Int[np.ndarray, " batch"], length: int) -> Bool[np.ndarray, "batch length"]:
    """True where a row of `length` ids has a word, False where it has padding."""
    return np.arange(length) < lengths[:, None]


class Bucket(NamedTuple):
    """The sequences that are padded to one length, and their places among all sequences."""

    padded: Padded
    places: Int[np.ndarray, " batch"]


def bucket(sequences: Sequence[Sequence[int]], lengths: Sequence[int]) -> tuple[Bucket, ...]:
    """Pad each sequence to the smallest of `lengths` that holds it.

    A compiled program has fixed shapes, so that each length costs one compilation; a few
    lengths cost a few, and waste less on padding than one would.

    Args:
        sequences: what is to be padded; one that is longer than the last length keeps its
            beginning.
        lengths: the lengths of the buckets, in growing order.

    Returns:
        One bucket for each length, in their order, some of them possibly empty.

    Raises:
        ValueError: the lengths do not grow.
    """
    bounds = np.asarray(lengths)
    if not len(bounds) or (np.diff(bounds, prepend=0) <= 0).any():
        raise ValueError(f"the lengths of the buckets are {tuple(lengths)}; they must grow")
    sizes = np.fromiter(map(len, sequences), np.int64, len(sequences))
    chosen = np.searchsorted(bounds, sizes).clip(max=len(bounds) - 1)
    groups = [np.flatnonzero(chosen == i) for i in range(len(bounds))]
    return tuple(
        Bucket(pad([sequences[i][:length] for i in places.tolist()], length), places)
        for length, places in zip(bounds.tolist(), groups, strict=True)
    )


def padding_share(padded: Sequence[Padded]) -> float:
    """The share of all ids that is padding."""
    num_ids = sum(each.ids.size for each in padded)
    return 1 - sum(int(each.lengths.sum()) for each in padded) / max(num_ids, 1)
