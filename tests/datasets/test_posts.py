"""The grammar of the posts: labels that follow from what is meant, not from the words alone."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from tutorials_lib.datasets.posts import (
    CLASS_NAMES,
    MOODS,
    NEGATIONS,
    NEGATIVE,
    POSITIVE,
    TOPICS,
    posts,
)


def test_a_plain_verdict_has_the_label_of_its_word_and_a_negated_one_the_other():
    texts, labels = posts(4_000, seed=0)
    seen = {True: 0, False: 0}
    for text, label in zip(texts, labels.tolist(), strict=True):
        plain = text.split(" . ")[-1].split()
        if plain[0] != "overall":
            continue
        word = next(word for word in plain if word in POSITIVE or word in NEGATIVE)
        negated = any(f" {each} " in " ".join(plain) for each in NEGATIONS)
        assert ((word in POSITIVE) != negated) == (label == 2), text
        seen[negated] += 1
    assert min(seen.values()) > 20


def test_no_word_of_praise_is_one_of_blame_and_no_emoji_has_two_moods():
    assert len({*POSITIVE, *NEGATIVE}) == len(POSITIVE) + len(NEGATIVE) == 100
    assert len({*sum(MOODS, ())}) == sum(map(len, MOODS))
    assert all(len(set(topic.aspects)) == len(topic.aspects) > 1 for topic in TOPICS.values())


def test_one_seed_repeats_and_two_differ():
    assert posts(50, seed=3).texts == posts(50, seed=3).texts
    assert posts(50, seed=3).texts != posts(50, seed=4).texts


def test_as_many_labels_are_wrong_as_was_asked():
    right, wrong = posts(5_000, seed=1), posts(5_000, seed=1, wrong_share=0.1)
    assert right.texts == wrong.texts
    assert np.mean(right.labels != wrong.labels) == pytest.approx(0.1, abs=0.02)
    assert set(wrong.labels.tolist()) == set(range(len(CLASS_NAMES)))


def test_single_words_do_not_settle_it():
    train, test = posts(3_000, seed=5), posts(1_000, seed=6)
    counts = CountVectorizer(token_pattern=r"\S+").fit(train.texts)
    model = LogisticRegression(max_iter=500).fit(counts.transform(train.texts), train.labels)
    assert 0.5 < model.score(counts.transform(test.texts), test.labels) < 0.85


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"num_posts": -1}, "num_posts is -1"), ({"wrong_share": 2.0}, "wrong_share is 2.0")],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        posts(**{"num_posts": 1, "seed": 0, **settings})
