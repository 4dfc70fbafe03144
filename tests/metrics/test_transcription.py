"""Error rates: those of jiwer, and what they count."""

import jiwer
import numpy as np
import pytest

from tutorials_lib.metrics.transcription import (
    Edits,
    character_error_rate,
    edits,
    word_error_rate,
)


def draw_texts(rng: np.random.Generator, count: int) -> list[str]:
    return [
        " ".join(rng.choice(["one", "two", "three", "to"], rng.integers(1, 8)))
        for _ in range(count)
    ]


def test_the_rates_are_those_of_jiwer():
    rng = np.random.default_rng(0)
    references, hypotheses = draw_texts(rng, 40), draw_texts(rng, 40)
    assert word_error_rate(hypotheses, references) == jiwer.wer(references, hypotheses)
    assert character_error_rate(hypotheses, references) == jiwer.cer(references, hypotheses)


def test_silence_is_all_deletions_and_talking_on_can_exceed_one():
    assert word_error_rate([""], ["one two"]) == 1
    assert word_error_rate(["one two three four"], ["one"]) == 3
    assert edits("", "abc") == Edits(0, 3, 0, 3)


@pytest.mark.parametrize(
    ("heard", "said", "expected"),
    [
        ("four one", "four one", Edits(0, 0, 0, 2)),
        ("for one", "four one", Edits(1, 0, 0, 2)),
        ("one", "four one", Edits(0, 1, 0, 2)),
        ("four four one", "four one", Edits(0, 0, 1, 2)),
        ("fourone", "four one", Edits(1, 1, 0, 2)),
    ],
)
def test_edits_are_told_apart(heard: str, said: str, expected: Edits):
    assert edits(heard.split(), said.split()) == expected
    assert expected.total == sum(expected[:3])


def test_texts_that_cannot_be_scored_are_named():
    with pytest.raises(ValueError, match="1 transcriptions for 2 references"):
        word_error_rate(["one"], ["one", "two"])
    with pytest.raises(ValueError, match="nothing to be wrong about"):
        character_error_rate([""], [""])
