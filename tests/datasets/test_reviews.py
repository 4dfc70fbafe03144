"""The grammar of the film reviews: labels that follow from the words, pairs that are held out."""

import re

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from tutorials_lib.datasets.reviews import (
    ASPECTS,
    MISTAKEN_SHARE,
    NEGATIVE,
    POSITIVE,
    is_new,
    reviews,
)

CLAUSE = re.compile(r"the (\w+) was ((?:not|never|hardly|far from) )?(?:[a-z]+ ){0,2}?(\w+)(?= |$)")


def verdicts(text: str) -> list[tuple[str, str, bool]]:
    """Aspect, word and verdict of every clause, read by a parser of its own."""
    found = []
    for sentence in re.split(r" [.,]( |$)| but ", text):
        if sentence and (match := CLAUSE.search(sentence)) and match[1] in ASPECTS:
            word = sentence.split()[-1]
            found.append((match[1], word, (word in POSITIVE) != bool(match[2])))
    return found


def test_the_label_follows_from_the_words():
    texts, labels = reviews(600, seed=0, mistaken=0.0)
    for text, label in zip(texts, labels, strict=True):
        clauses = verdicts(text)
        verdict = clauses[-1][2]
        if "i disagree" in text:
            verdict = not verdict
        assert verdict == label, text
        assert len(clauses) == 1 + (" but " in text or "although" in text)
        assert len({is_good for *_, is_good in clauses}) == len(clauses)


def test_new_pairs_occur_in_the_second_test_only():
    for pairs in ("seen", "new"):
        for text in reviews(300, seed=1, pairs=pairs).texts:
            assert all(is_new(a, word) == (pairs == "new") for a, word, _ in verdicts(text))
    kept = [is_new(aspect, word) for aspect in ASPECTS for word in (*POSITIVE, *NEGATIVE)]
    assert np.mean(kept) == 0.25


def test_every_aspect_and_every_word_is_seen_in_training():
    words = set(" ".join(reviews(1_000, seed=0).texts).split(" "))
    assert words >= {*ASPECTS, *POSITIVE, *NEGATIVE}
    assert words >= set(" ".join(reviews(1_000, seed=5, pairs="new").texts).split(" "))
    assert len(words) == 114


@pytest.mark.parametrize("num_reviews", [0, 1, 7, 200])
def test_the_reviews_are_balanced_to_one(num_reviews: int):
    texts, labels = reviews(num_reviews, seed=2)
    counts = np.bincount(labels, minlength=2)
    assert len(texts) == counts.sum() == num_reviews
    assert abs(counts[0] - counts[1]) <= 1
    assert labels.dtype == np.int32


def test_one_seed_repeats_and_two_seeds_differ():
    texts, labels = reviews(50, seed=3)
    again, labels_again = reviews(50, seed=3)
    others, _ = reviews(50, seed=4)
    assert texts == again
    np.testing.assert_array_equal(labels, labels_again)
    assert len(set(texts) & set(others)) < 10


def test_a_share_of_the_judgements_is_mistaken_and_the_texts_are_the_same():
    texts, said = reviews(500, seed=2, mistaken=0.0)
    again, given = reviews(500, seed=2)
    assert texts == again
    wrong = said != given
    assert wrong.sum() == MISTAKEN_SHARE * 500
    assert said[wrong].mean() == 0.5


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="num_reviews is -1"):
        reviews(-1, seed=0)
    with pytest.raises(ValueError, match=r"mistaken is 4\.0; it must lie between 0 and 1"):
        reviews(10, seed=0, mistaken=4.0)


def test_the_words_alone_say_nothing_and_three_in_a_row_say_something():
    train, test = reviews(2_000, seed=0), reviews(1_000, seed=1)

    def accuracy(longest: int) -> float:
        counts = CountVectorizer(ngram_range=(1, longest), token_pattern=r"\S+")
        model = LogisticRegression(max_iter=300).fit(
            counts.fit_transform(train.texts), train.labels
        )
        return float(model.score(counts.transform(test.texts), test.labels))

    assert 0.45 < accuracy(1) < 0.55
    assert 0.57 < accuracy(3) < 0.75
