"""BLEU with several references, equal to sacrebleu's."""

import numpy as np
import pytest
import sacrebleu

from tutorials_lib.metrics.captions import bleu
from tutorials_lib.metrics.translation import bleu as bleu_of_one

CAT = (["the", "cat", "sat", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"])
DOG = (["a", "dog", "runs"], ["there", "runs", "a", "dog"])


def sacrebleu_of(captions: list[list[str]], references: list) -> float:
    """Every caption of sacrebleu has the same number of references."""
    texts = [" ".join(words) for words in captions]
    columns = [[" ".join(words) for words in each] for each in zip(*references, strict=True)]
    return sacrebleu.corpus_bleu(texts, columns, tokenize="none", force=True).score


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.4, 0.8, 1.0])
def test_bleu_equals_that_of_sacrebleu(noise: float):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(12)]
    references = [
        [[str(word) for word in rng.choice(words, rng.integers(1, 20))] for _ in range(3)]
        for _ in range(30)
    ]
    captions = [
        [str(rng.choice(words)) if rng.random() < noise else word for word in each[i % 3]]
        for i, each in enumerate(references)
    ]
    assert bleu(captions, references) == pytest.approx(sacrebleu_of(captions, references))


@pytest.mark.parametrize(
    "captions",
    [
        [["the"], ["dog"]],  # no n-gram of two words at all
        [["the", "dog", "sat", "a"], ["runs", "the", "x"]],  # none of two words matches
        [["x"] * 5, ["y"] * 5],  # nothing matches
        [["the"] * 5, []],  # a word counts as often as in one reference at most
        [["there", "is", "the", "cat", "sat", "on", "the", "mat"], ["a", "dog", "runs"]],
    ],
)
def test_corner_cases_equal_sacrebleu_too(captions: list[list[str]]):
    assert bleu(captions, [CAT, DOG]) == pytest.approx(sacrebleu_of(captions, [CAT, DOG]))


def test_any_reference_will_do_and_one_alone_is_the_score_of_translations():
    assert bleu([CAT[1], DOG[0]], [CAT, DOG]) == pytest.approx(bleu_of_one([CAT[1]], [CAT[1]]))
    alone = bleu([CAT[1], DOG[0]], [CAT[:1], DOG[1:]])
    assert alone == pytest.approx(bleu_of_one([CAT[1], DOG[0]], [CAT[0], DOG[1]]))


def test_each_caption_needs_references():
    with pytest.raises(ValueError, match="2 captions for 1 lists of references"):
        bleu([CAT[0], DOG[0]], [CAT])
    with pytest.raises(ValueError, match="a caption has no reference"):
        bleu([CAT[0]], [[]])
