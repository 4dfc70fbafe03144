"""BLEU equal to sacrebleu's, exact match, and scores by length."""

import math

import numpy as np
import pytest
import sacrebleu

from tutorials_lib.metrics.translation import LengthScore, bleu, by_length, by_split, exact_match

REFERENCES = [["the", "cat", "sat", "on", "the", "mat", "today", "."], ["a", "dog", "runs", "."]]


def sacrebleu_of(hypotheses: list[list[str]], references: list[list[str]]) -> float:
    texts = [[" ".join(words) for words in corpus] for corpus in (hypotheses, references)]
    return sacrebleu.corpus_bleu(texts[0], [texts[1]], tokenize="none", force=True).score


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.4, 0.8, 1.0])
def test_bleu_equals_that_of_sacrebleu(noise: float):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(12)]
    references = [list(rng.choice(words, rng.integers(1, 20))) for _ in range(30)]
    hypotheses = [
        [str(rng.choice(words)) if rng.random() < noise else word for word in reference]
        for reference in references
    ]
    hypotheses[0] = hypotheses[0][:1]
    assert bleu(hypotheses, references) == pytest.approx(sacrebleu_of(hypotheses, references))


@pytest.mark.parametrize(
    "hypotheses",
    [
        [["the"], ["dog"]],  # no n-gram of two words at all
        [["the", "dog", "sat", "a", "cat"], ["runs", "the", ".", "a"]],  # none of two words matches
        [["x"] * 5, ["y"] * 5],  # nothing matches
        [["the", "the", "the", "the", "the"], []],  # a word counts as often as in the reference
        [[*REFERENCES[0], "and", "more"], REFERENCES[1]],  # longer than the references
    ],
)
def test_corner_cases_equal_sacrebleu_too(hypotheses: list[list[str]]):
    assert bleu(hypotheses, REFERENCES) == pytest.approx(sacrebleu_of(hypotheses, REFERENCES))


def test_a_perfect_translation_has_all_points():
    assert bleu(REFERENCES, REFERENCES) == pytest.approx(100)
    assert exact_match(REFERENCES, REFERENCES) == 1


def test_exact_match_counts_whole_sentences():
    assert exact_match([REFERENCES[0], ["a", "dog"]], REFERENCES) == 0.5


def test_scores_by_length_take_each_sentence_once():
    hypotheses = [["a"], ["b"], ["c"]]
    references = [["a"], ["b"], ["x"]]
    found = by_length(exact_match, hypotheses, references, [3, 5, 6], [4, 6, 9])
    assert found[:2] == (LengthScore(1, 4, 1, 1.0), LengthScore(5, 6, 2, 0.5))
    assert found[2].sentences == 0
    assert math.isnan(found[2].score)


def test_every_split_gets_both_scores():
    found = by_split({"a": [["x"]], "b": [["x"]], "c": []}, {"a": [["x"]], "b": [["y"]]})
    assert list(found) == ["BLEU, a", "exact, a", "BLEU, b", "exact, b"]
    assert [found["exact, a"], found["exact, b"]] == [1.0, 0.0]


def test_different_numbers_of_sentences_are_refused():
    for score in (bleu, exact_match):
        with pytest.raises(ValueError, match="1 translations for 2 references"):
            score([["a"]], REFERENCES)
    with pytest.raises(ValueError, match="no sentence"):
        exact_match([], [])
