"""Words as numbers, and sequences of different lengths as arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.text.batches import bucket, mask_of, pad, padding_share
from tutorials_lib.text.vocabulary import PADDING, UNKNOWN, Vocabulary, build_vocabulary

sequences = st.lists(st.lists(st.integers(1, 99), max_size=12), max_size=8)


def test_frequent_words_come_first_and_ties_in_alphabetical_order():
    vocabulary = build_vocabulary([["b", "a", "c"], ["c", "b"], ["c"]])
    assert vocabulary.words == ("<pad>", "<unk>", "c", "b", "a")
    assert vocabulary.encode(["a", "c"]) == [4, 2]
    assert vocabulary.decode([4, 2]) == ["a", "c"]


def test_rare_words_and_those_beyond_the_limit_are_unknown():
    texts = [["a", "a", "a", "b", "b", "c"]]
    assert build_vocabulary(texts, min_count=2).words[2:] == ("a", "b")
    assert build_vocabulary(texts, max_words=1).words[2:] == ("a",)
    assert build_vocabulary(texts, min_count=2).encode(["c", "never", "b"]) == [UNKNOWN, UNKNOWN, 3]


def test_a_text_cannot_bring_padding_in():
    vocabulary = build_vocabulary([["<pad>", "<unk>", "a"]])
    assert vocabulary.words == ("<pad>", "<unk>", "a")
    assert vocabulary.encode(["<pad>", "<unk>", "a"]) == [UNKNOWN, UNKNOWN, 2]
    assert PADDING not in vocabulary.encode(["<pad>"])


def test_padding_disappears_when_ids_become_words_again():
    vocabulary = build_vocabulary([["a", "b"]])
    assert vocabulary.decode([2, 3, PADDING, PADDING]) == ["a", "b"]
    with pytest.raises(IndexError, match="0 to 3"):
        vocabulary.decode([4])
    with pytest.raises(IndexError, match="0 to 3"):
        vocabulary.decode([-1])


@pytest.mark.parametrize("words", [("a", "b"), ("<pad>", "<unk>", "a", "a")])
def test_a_broken_vocabulary_is_refused(words: tuple[str, ...]):
    with pytest.raises(ValueError, match=r"must be|occurs twice"):
        Vocabulary(words)


@given(sequences)
def test_padding_keeps_every_id_and_adds_nothing_else(rows: list[list[int]]):
    padded = pad(rows)
    assert padded.ids.shape == (len(rows), max(map(len, rows), default=0))
    mask = mask_of(padded.lengths, padded.ids.shape[1])
    assert [row[is_real].tolist() for row, is_real in zip(padded.ids, mask, strict=True)] == rows
    assert (padded.ids[~mask] == PADDING).all()
    assert mask.sum() == sum(map(len, rows))


def test_a_sequence_without_room_is_refused_and_an_empty_one_is_all_padding():
    with pytest.raises(ValueError, match="3 ids, but there is room for 2"):
        pad([[1], [1, 2, 3]], 2)
    padded = pad([[], [7]], 2)
    np.testing.assert_array_equal(padded.ids, [[0, 0], [7, 0]])
    np.testing.assert_array_equal(padded.lengths, [0, 1])


@given(sequences)
def test_every_sequence_is_in_the_smallest_bucket_that_holds_it(rows: list[list[int]]):
    lengths = (3, 5, 8)
    buckets = bucket(rows, lengths)
    assert sorted(place for each in buckets for place in each.places.tolist()) == [
        *range(len(rows))
    ]
    for length, shorter, each in zip(lengths, (-1, 3, 5), buckets, strict=True):
        assert each.padded.ids.shape[1] == length
        for ids, count, place in zip(*each.padded, each.places.tolist(), strict=True):
            assert ids[:count].tolist() == rows[place][:length]
            assert len(rows[place]) > shorter
            assert length == lengths[-1] or len(rows[place]) <= length


@pytest.mark.parametrize("lengths", [(), (4, 4), (5, 3), (0, 3)])
def test_buckets_that_do_not_grow_are_refused(lengths: tuple[int, ...]):
    with pytest.raises(ValueError, match="must grow"):
        bucket([[1]], lengths)


def test_more_buckets_waste_less():
    rows = [[1] * n for n in range(1, 21)]
    one, four = (
        padding_share([each.padded for each in bucket(rows, lengths)])
        for lengths in ((20,), (5, 10, 15, 20))
    )
    assert one == pytest.approx(1 - 10.5 / 20)
    assert four < one / 2
    assert padding_share([]) == 1
