"""The byte-pair tokenizer against tiktoken, and what holds for every text."""

import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from tutorials_lib.datasets.gpt2_bpe import END_OF_TEXT, load_gpt2_ranks, to_bytes
from tutorials_lib.text.bpe import PATTERN, BytePairEncoding, train_bpe

FIXTURE = json.loads((Path(__file__).parent / "awkward_strings.json").read_text("utf-8"))
"""Fifty strings with the numbers that GPT-2 gives them, and the part of its vocabulary that it
takes to get there, in the printable characters of the published files."""

RANKS = {to_bytes(token): number for token, number in FIXTURE["vocabulary"].items()}
WORDS = [
    "the cat sat on the mat",
    "cats & dogs sit, sat, sitting",
    "naïve café — déjà vu 猫",
    "  x\n",
]
SMALL = train_bpe(WORDS, vocab_size=280)


def reference(ranks: dict[bytes, int], end_of_text: int) -> tiktoken.Encoding:
    return tiktoken.Encoding(
        "reference",
        pat_str=PATTERN,
        mergeable_ranks=ranks,
        special_tokens={END_OF_TEXT: end_of_text},
    )


def test_fifty_awkward_strings_have_the_numbers_of_gpt2():
    tokenizer = BytePairEncoding(RANKS, end_of_text=50256)
    assert len(FIXTURE["strings"]) == 50
    for case in FIXTURE["strings"]:
        assert tokenizer.encode(case["text"]).tolist() == case["tokens"], repr(case["text"])
        assert tokenizer.decode(case["tokens"]) == case["text"]


def test_the_published_vocabulary_gives_the_numbers_of_tiktoken(published_data):
    ranks = load_gpt2_ranks()
    tokenizer = BytePairEncoding(ranks)
    assert tokenizer.vocab_size == 50257
    assert tokenizer.end_of_text == 50256
    theirs = reference(ranks, 50256)
    text = (Path(np.__file__).parent / "__init__.py").read_text("utf-8")
    for string in [case["text"] for case in FIXTURE["strings"]] + [text]:
        assert tokenizer.encode(string).tolist() == theirs.encode_ordinary(string)


@given(text=st.text())
def test_every_text_comes_back(text):
    expected = text.encode("utf-8", errors="replace").decode("utf-8")
    assert SMALL.decode(SMALL.encode(text)) == expected


@given(text=st.text(st.sampled_from("thecatsomi \n'.,é猫\t1")))
def test_an_own_vocabulary_gives_the_numbers_of_tiktoken(text):
    theirs = reference(SMALL.ranks, SMALL.end_of_text)
    assert SMALL.encode(text).tolist() == theirs.encode_ordinary(text)


def test_the_most_frequent_pair_is_merged_first():
    tokenizer = train_bpe(["aaab aaab", "ab"], vocab_size=259)
    assert tokenizer.ranks[b"aa"] == 256  # four times; then of three that occur thrice "ab"
    assert tokenizer.ranks[b"ab"] == 257
    assert tokenizer.end_of_text == 258


def test_documents_end_with_their_own_token():
    tokens = SMALL.encode_documents(["the cat", "", "sat"])
    ends = np.flatnonzero(tokens == SMALL.end_of_text)
    assert ends.tolist() == [ends[0], ends[0] + 1, len(tokens) - 1]
    assert SMALL.decode(tokens) == "the catsat"
    assert SMALL.encode_documents([]).shape == (0,)


def test_the_end_of_text_is_never_read_from_a_text():
    assert SMALL.end_of_text not in SMALL.encode(f"a {END_OF_TEXT} b")


def test_half_a_character_is_marked():
    assert SMALL.decode(SMALL.encode("猫")[:1]) == "\ufffd"


def test_a_word_of_a_hundred_thousand_letters_takes_no_square_of_that():
    tokens = SMALL.encode("at" * 50_000)
    assert SMALL.decode(tokens) == "at" * 50_000
    assert len(tokens) < 60_000


def test_training_takes_no_square_of_a_word_s_length():
    def seconds(length: int) -> float:
        word = "".join(random.Random(0).choices("abcdefgh", k=length))
        start = time.process_time()
        train_bpe([word], vocab_size=400)
        return time.process_time() - start

    seconds(1_000)
    assert seconds(16_000) < 8 * seconds(4_000)


@pytest.mark.parametrize("text", ["\ud83d\ude00", "abc \ud800", "\ude00\ud83d and \U0001f600"])
def test_halves_of_characters_are_read_as_tiktoken_reads_them(text: str):
    assert SMALL.encode(text).tolist() == reference(SMALL.ranks, 279).encode_ordinary(text)
    assert (
        train_bpe([text * 2], vocab_size=258).ranks
        == train_bpe([SMALL.decode(SMALL.encode(text * 2))], vocab_size=258).ranks
    )


def test_vocabularies_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="257"):
        train_bpe(WORDS, vocab_size=256)
    with pytest.raises(ValueError, match="pairs for 25"):
        train_bpe(["ab"], vocab_size=300)
    with pytest.raises(ValueError, match="lacks 256 bytes"):
        BytePairEncoding({})
    with pytest.raises(ValueError, match="same number"):
        BytePairEncoding({bytes([byte]): byte for byte in range(256)} | {b"ab": 3})
    with pytest.raises(KeyError):
        SMALL.decode([10_000])
