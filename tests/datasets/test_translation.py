"""The grammar of English and French sentences: correct French, and splits that keep apart."""

import itertools
import re

import pytest

from tutorials_lib.datasets.translation import (
    MAX_TRAIN_WORDS,
    MAX_WORDS,
    Splits,
    held_out_pairs,
    translation_pairs,
)
from tutorials_lib.datasets.translation_words import (
    ADJECTIVES,
    CONJUNCTIONS,
    NOUNS,
    Pronoun,
    join,
)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return translation_pairs(600, 60, seed=0)


@pytest.mark.parametrize(
    ("written", "joined"),
    [
        ("près de le chat", "près du chat"),
        ("près de le arbre", "près de l' arbre"),
        ("près de les îles", "près des îles"),
        ("près de des chiens", "près de chiens"),
        ("en face de des arbres", "en face d' arbres"),
        ("parler à le roi", "parler au roi"),
        ("parler à le ami", "parler à l' ami"),
        ("parler à les amis", "parler aux amis"),
        ("je ne ai pas", "je n' ai pas"),
        ("il ne y a pas de hôtels", "il n' y a pas d' hôtels"),
        ("parce que il dort", "parce qu' il dort"),
        ("le vieux livre que elle vend", "le vieux livre qu' elle vend"),
    ],
)
def test_little_words_merge_and_shrink(written: str, joined: str):
    assert join(written.split()) == joined.split()


def test_an_object_pronoun_does_not_merge_with_a_preposition_but_shrinks():
    assert join(["à", Pronoun("le"), "voir"]) == ["à", "le", "voir"]
    assert join(["je", Pronoun("la"), "aime"]) == ["je", "l'", "aime"]


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "this teacher loves her sister that left and he finds her .",
            "ce professeur aime sa sœur qui est partie et il la trouve .",
        ),
        (
            "the islands that he loved were not heavy .",
            "les îles qu' il a aimées n' étaient pas lourdes .",
        ),
        (
            "yesterday , he did not know these men when he did not love them .",
            "hier , il n' a pas connu ces hommes quand il ne les a pas aimés .",
        ),
        (
            "i did not love his white island near these beautiful trees when she found it .",
            "je n' ai pas aimé son île blanche près de ces beaux arbres quand elle l' a trouvée .",
        ),
    ],
)
def test_sentences_that_a_speaker_of_both_has_read_come_out_the_same(
    splits: Splits, english: str, french: str
):
    assert (tuple(english.split()), tuple(french.split())) in splits.train


def test_the_french_has_none_of_the_forms_that_are_never_right(splits: Splits):
    vowels = "aeiouyhâéèêîœô"
    for pair in (pair for split in splits for pair in split):
        for word, following in zip(pair.french, pair.french[1:], strict=False):
            assert (word, following) not in {("de", "le"), ("de", "les"), ("à", "le"), ("à", "les")}
            if following[0] in vowels:
                assert word not in {"je", "ne", "que", "de", "le", "la", "ma", "sa"}
            if word.endswith("'"):
                assert following[0] in vowels


def test_not_becomes_two_words_around_the_verb(splits: Splits):
    for pair in splits.test:
        negations = sum(word in ("ne", "n'") for word in pair.french)
        assert pair.english.count("not") == negations == pair.french.count("pas")


def test_adjectives_agree_with_their_nouns(splits: Splits):
    forms = {form: i for each in ADJECTIVES for i, form in enumerate(each.french) if each.before}
    nouns = {word: (noun, i) for noun in NOUNS for i, word in enumerate(noun.french)}
    checked = 0
    for pair in splits.train:
        for word, following in zip(pair.french, pair.french[1:], strict=False):
            if word in forms and following in nouns and following != "souris":
                noun, plural = nouns[following]
                adjective = next(each for each in ADJECTIVES if word in each.french)
                wanted = adjective.french[plural + 2 * (noun.gender == "f")]
                assert word == wanted
                checked += 1
    assert checked > 80


def test_no_sentence_is_in_two_splits(splits: Splits):
    english = [pair.english for split in splits for pair in split]
    assert len(english) == len(set(english)) == 600 + 4 * 60


def test_held_out_pairs_occur_in_their_split_alone(splits: Splits):
    singular = {word: noun.english[0] for noun in NOUNS for word in noun.english}

    def has_one(english: tuple[str, ...]) -> bool:
        found = [(singular.get(b), a) for a, b in itertools.pairwise(english)]
        if "that" not in english:  # then what is said of a noun stands right behind it
            told = re.findall(
                r"(\w+) (?:is|are|was|were)(?: not)?(?: very)? (\w+)", " ".join(english)
            )
            found += [(singular.get(noun), adjective) for noun, adjective in told]
        return any(pair in held_out_pairs() for pair in found)

    told = [pair for pair in splits.pairs if " that " not in " ".join(pair.english)]
    assert sum(has_one(pair.english) for pair in told) > 0.9 * len(told)  # the rest by a pronoun
    others = (split for name, split in splits._asdict().items() if name != "pairs")
    assert not any(has_one(pair.english) for split in others for pair in split)
    known = {word for pair in splits.train for word in pair.english}
    assert {adjective for _, adjective in held_out_pairs()} <= known


def test_it_and_they_can_stand_for_one_noun_alone():
    many = {noun.english[1] for noun in NOUNS}
    one = {noun.english[0] for noun in NOUNS if noun.kind != "h"}
    nouns = {"it": one, "they": many, "them": many}
    conjunctions = {english for english, _ in CONJUNCTIONS}
    checked = 0
    for english, _ in (pair for split in translation_pairs(2_000, 100, seed=3) for pair in split):
        begin = next((i for i, word in enumerate(english) if word in conjunctions), len(english))
        for place in range(begin, len(english)):
            if english[place] in nouns:
                named = [word for word in english[:place] if word in nouns[english[place]]]
                assert len(named) == 1, " ".join(english)
                checked += 1
    assert checked > 200


def test_long_sentences_are_longer_than_all_others(splits: Splits):
    for name, split in splits._asdict().items():
        lengths = [len(pair.english) for pair in split]
        if name == "long":
            assert min(lengths) > MAX_TRAIN_WORDS
            assert max(lengths) <= MAX_WORDS
        else:
            assert max(lengths) <= MAX_TRAIN_WORDS


def test_a_seed_repeats_and_another_differs():
    assert translation_pairs(30, 5, seed=1) == translation_pairs(30, 5, seed=1)
    assert translation_pairs(30, 5, seed=1) != translation_pairs(30, 5, seed=2)


def test_a_negative_number_of_sentences_is_refused():
    with pytest.raises(ValueError, match="zero or more"):
        translation_pairs(-1, 5, seed=0)
