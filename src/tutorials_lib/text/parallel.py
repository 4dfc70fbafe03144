"""Pairs of sentences as arrays of word ids, with a first and a last word for what is translated."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Int32

from tutorials_lib.text.batches import pad
from tutorials_lib.text.vocabulary import PADDING, UNKNOWN, Vocabulary, build_vocabulary

START = 2
"""The id that stands before the first word of a translation."""

END = 3
"""The id that ends a translation."""

Sentence = Sequence[str]


class Vocabularies(NamedTuple):
    """The words of both languages; that of the target has `START` and `END` too."""

    source: Vocabulary
    target: Vocabulary


class Sentences(NamedTuple):
    """Padded pairs, in either library.

    Attributes:
        source: word ids, `PADDING` behind the last word.
        target: the same with `START` before the first word and `END` behind the last one.
    """

    source: Int32[Any, "sentences source_time"]
    target: Int32[Any, "sentences target_time"]


def vocabularies(
    pairs: Iterable[tuple[Sentence, Sentence]],
    *,
    min_count: int = 1,
    max_ids: tuple[int, int] | None = None,
) -> Vocabularies:
    """Of the training pairs; see `build_vocabulary`.

    Args:
        pairs: source and target.
        min_count: rarer words are left out.
        max_ids: the most ids of source and target, special ones among them; None for no limit.
    """
    source, target = zip(*pairs, strict=True)
    most = (None, None) if max_ids is None else (max_ids[0] - START, max_ids[1] - START - 2)
    words = build_vocabulary(target, min_count=min_count, max_words=most[1]).words
    return Vocabularies(
        build_vocabulary(source, min_count=min_count, max_words=most[0]),
        Vocabulary((*words[:START], "<s>", "</s>", *words[START:])),
    )


def encode_sources(
    sentences: Iterable[Sentence], vocabulary: Vocabulary, length: int | None = None
) -> Int32[np.ndarray, "sentences source_time"]:
    """Padded word ids; a sentence of more than `length` words keeps its beginning."""
    return pad([vocabulary.encode(sentence)[:length] for sentence in sentences], length).ids


def encode_pairs(
    pairs: Sequence[tuple[Sentence, Sentence]],
    words: Vocabularies,
    source_length: int | None = None,
    target_length: int | None = None,
) -> Sentences:
    """Pairs as ids; what is longer than a length keeps its beginning.

    Args:
        pairs: source and target.
        words: the vocabularies.
        source_length: columns of `source` (default: the longest sentence).
        target_length: columns of `target`, with those for `START` and `END`.
    """
    room = None if target_length is None else target_length - 2
    target = [[START, *words.target.encode(french)[:room], END] for _, french in pairs]
    return Sentences(
        encode_sources([english for english, _ in pairs], words.source, source_length),
        pad(target, target_length).ids,
    )


def decode_targets(
    ids: Int[np.ndarray, "sentences target_time"], vocabulary: Vocabulary
) -> list[tuple[str, ...]]:
    """The words before the first `END` of each row, without padding and `START`.

    A network's table may have more rows than there are words; such an id is an unknown word.
    """
    ids = np.where(ids < len(vocabulary), ids, UNKNOWN)
    sentences = []
    for row in ids.tolist():
        stop = row.index(END) if END in row else len(row)
        sentences.append(tuple(vocabulary.decode(i for i in row[:stop] if i != START)))
    return sentences


def translate_in_groups(
    translate: Callable[[Int32[np.ndarray, "rows source_time"]], Int[Any, "rows target_time"]],
    sentences: Sequence[Sentence],
    words: Vocabularies,
    *,
    length: int,
    rows: int = 200,
) -> list[tuple[str, ...]]:
    """Translations in the order of the sentences, made in groups of one shape.

    So one compiled program does them all. Sentences of a group have similar lengths: it is
    finished when its longest one is.

    Args:
        translate: from padded ids to those of the translations.
        sentences: to be translated.
        words: the vocabularies.
        length: the most words that are read; a longer sentence keeps its beginning.
        rows: sentences of a group, or all where there are fewer.
    """
    if not sentences:
        return []
    source = encode_sources(sentences, words.source, length)
    rows = min(rows, len(source))
    order = np.argsort(np.count_nonzero(source != PADDING, axis=1), kind="stable")
    found: dict[int, tuple[str, ...]] = {}
    for start in range(0, len(source), rows):
        places = order[min(start, len(source) - rows) :][:rows]  # the last group may overlap
        ids = np.asarray(translate(source[places]))
        found |= zip(places.tolist(), decode_targets(ids, words.target), strict=True)
    return [found[place] for place in range(len(source))]
