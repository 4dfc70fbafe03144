"""Pairs as arrays, alignments, phrases, and beam search."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.datasets.translation import Pair
from tutorials_lib.text.alignment import align, symmetrize
from tutorials_lib.text.beams import best_beam, next_beams, start_beams
from tutorials_lib.text.corpus import Corpus, Limits, draw_places, load_corpus
from tutorials_lib.text.parallel import (
    END,
    START,
    decode_targets,
    encode_pairs,
    encode_sources,
    translate_in_groups,
    vocabularies,
)
from tutorials_lib.text.phrase_table import PhraseTable, Trigram, Weights, phrases
from tutorials_lib.text.rivals import DICTIONARY, TABLE, tune, without_network
from tutorials_lib.text.vocabulary import PADDING, UNKNOWN

PAIRS = [
    (english.split(), french.split())
    for english, french in [
        ("the white cat", "le chat blanc"),
        ("the cat", "le chat"),
        ("a white dog", "un chien blanc"),
        ("a dog", "un chien"),
        ("the dog", "le chien"),
        ("a white cat", "un chat blanc"),
        ("white", "blanc"),
        ("cat", "chat"),
    ]
]


def test_targets_stand_between_start_and_end_and_come_back_as_words():
    words = vocabularies(PAIRS)
    source, target = encode_pairs(PAIRS, words)
    assert source.shape == (8, 3)
    assert target.shape == (8, 5)
    assert (target[:, 0] == START).all()
    assert target[1].tolist()[-2:] == [END, PADDING]
    assert decode_targets(target, words.target) == [tuple(french) for _, french in PAIRS]


def test_unknown_words_get_one_id_and_long_sentences_keep_their_beginning():
    words = vocabularies(PAIRS, max_ids=(6, 9))
    assert [len(each) for each in words] == [6, 9]
    source = encode_sources([["the", "zebra", "cat", "the"]], words.source, 3)
    assert source.shape == (1, 3)
    assert source[0, 1] == UNKNOWN
    target = encode_pairs(PAIRS, words, target_length=4).target
    assert target.shape == (8, 4)
    assert (target[0, 3] == END).all()


def test_what_comes_after_the_first_end_is_no_translation():
    words = vocabularies(PAIRS).target
    row = np.array([[*words.encode(["le", "chat"]), END, *words.encode(["chien"])]])
    assert decode_targets(row, words) == [("le", "chat")]


def test_a_row_of_the_table_that_has_no_word_is_an_unknown_one():
    words = vocabularies(PAIRS).target
    assert decode_targets(np.array([[len(words) + 3, END]]), words) == [("<unk>",)]


@pytest.mark.parametrize("rows", [1, 3, 200])
def test_groups_of_similar_length_come_back_in_the_order_of_the_sentences(rows: int):
    words = vocabularies([(english, english) for english, _ in PAIRS])
    shapes = set()

    def copy(ids: np.ndarray) -> np.ndarray:
        shapes.add(ids.shape)
        return np.array([words.target.encode(words.source.decode(row)) for row in pad(ids)])

    def pad(ids: np.ndarray) -> list[list[int]]:
        return [[i or words.source.ids["the"] for i in row] for row in ids.tolist()]

    sentences = [english for english, _ in PAIRS]
    found = translate_in_groups(copy, sentences, words, length=3, rows=rows)
    assert [list(each[: len(english)]) for each, english in zip(found, sentences, strict=True)] == (
        sentences
    )
    assert len(shapes) == 1
    assert translate_in_groups(copy, [], words, length=3) == []


@pytest.mark.parametrize("tension", [0.0, 1.0])
def test_alignment_finds_the_words_that_go_together(tension: float):
    found = align(PAIRS, tension=tension, num_rounds=20)
    expected = {"the": "le", "a": "un", "white": "blanc", "cat": "chat", "dog": "chien"}
    assert found.dictionary == expected
    assert found.places[0].tolist() == [0, 2, 1]


def test_one_round_of_model_1_is_the_count_by_hand():
    pairs = [(["a", "b"], ["x", "y"]), (["a"], ["x"])]
    # shares: x comes from a for 1/2 + 1, from b for 1/2; y for 1/2 from each
    assert align(pairs, tension=0.0, num_rounds=1).dictionary["a"] == "x"
    assert align(pairs, tension=0.0, num_rounds=3).dictionary == {"a": "x", "b": "y"}


def test_an_empty_sentence_cannot_be_aligned():
    with pytest.raises(ValueError, match="words in every sentence"):
        align([(["a"], [])])


def test_links_of_one_direction_count_only_for_words_without_any():
    links = symmetrize(np.array([0, 2, 2]), np.array([0, 0, 1]))
    # agreed: 0-0 and 2-1; the word 2 of the target and 1 of the source have only one-sided links
    assert links == {(0, 0), (2, 1), (2, 2), (1, 0)}


def test_no_link_leads_out_of_a_phrase():
    links = frozenset({(0, 0), (1, 2), (2, 1)})
    found = set(phrases(links, 3, 3))
    assert found == {(0, 1, 0, 1), (1, 2, 2, 3), (2, 3, 1, 2), (1, 3, 1, 3), (0, 3, 0, 3)}
    assert {each for each in found if each[1] - each[0] == 1} == set(phrases(links, 3, 1))


def test_phrases_put_the_adjective_behind_its_noun():
    table = PhraseTable(PAIRS)
    assert table.word_by_word(["the", "white", "dog"]) == ("le", "blanc", "chien")
    assert table.translate(["the", "white", "dog"], Weights(1.0, 0.0, 0.0)) == (
        "le",
        "chien",
        "blanc",
    )
    assert table.translate(["zebra"], Weights(1.0, 0.0, 0.0)) == ("zebra",)
    assert table.translate([], Weights(1.0, 0.0, 0.0)) == ()


def test_trigrams_prefer_what_followed_before():
    trigram = Trigram([french for _, french in PAIRS])
    seen, unseen = (trigram.log_probability("le", "chat", word) for word in ("blanc", "un"))
    assert seen > unseen


def test_trigrams_know_where_a_sentence_ends():
    trigram = Trigram([french for _, french in PAIRS])
    ends, goes_on = (trigram.log_probability("chien", "blanc", word) for word in ("</s>", "chien"))
    assert ends > goes_on
    begun = trigram.log_probability("<s>", "un", "</s>")
    assert begun < ends


def test_the_inverse_weight_prefers_a_phrase_that_means_nothing_else():
    pairs = [("a", "x")] * 5 + [("a", "y")] * 4 + [("b", "x")] * 9
    table = PhraseTable([([one], [other]) for one, other in pairs])
    assert table.translate(["a"], Weights(0.0, 0.0, 0.0)) == ("x",)
    assert table.translate(["a"], Weights(0.0, 0.0, 1.0)) == ("y",)


def test_the_phrase_table_gets_the_weights_that_suit_the_development_split():
    words = [("a", "x")] * 5 + [("a", "y")] * 4 + [("b", "x")] * 9
    pairs = tuple(Pair((one,), (other,)) for one, other in words)
    corpus = Corpus(pairs, (Pair(("a",) * 4, ("y",) * 4),), pairs[:1], {}, vocabularies(pairs))
    plain, inverse = Weights(0.0, 0.0, 0.0), Weights(0.0, 0.0, 1.0)
    assert tune(corpus, (plain, inverse)).weights == inverse
    made = without_network(corpus)
    assert set(made) == {DICTIONARY, TABLE}
    assert made[TABLE].keys() == {"development", "test"}
    assert made[DICTIONARY]["test"] == [("x",)]


def test_every_sentence_is_drawn_once_before_any_is_drawn_again():
    places = draw_places(10, 5, 4, rng=np.random.default_rng(0))
    assert places.shape == (5, 4)
    assert sorted(places.ravel()[:10].tolist()) == list(range(10))


def test_pairs_that_are_longer_than_the_limits_are_not_learned_from():
    limits = Limits(ids=(300, 400), words=(9, 10))
    corpus = load_corpus("offline", num_train=60, num_test=5, limits=limits, seed=0)
    assert 0 < len(corpus.train) < 60
    assert max(len(pair.english) for pair in corpus.train) <= 9
    assert max(len(pair.french) for pair in corpus.train) <= 10
    assert list(corpus.unseen) == ["development", "test", "pairs", "long"]


# ---------------------------------------------------------------- beam search


def search_all(table: np.ndarray, start: np.ndarray, length: int) -> list[tuple[float, tuple]]:
    """Every sentence of up to `length` words of a chain, the most probable first."""
    found = []
    logs = np.log(table)
    for n in range(1, length + 1):
        for words in itertools.product(range(len(start)), repeat=n):
            if END in words[:-1] or (n < length and words[-1] != END):
                continue
            score = np.log(start)[words[0]] + sum(logs[a, b] for a, b in itertools.pairwise(words))
            found.append((float(score), words))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("xp", [np, jnp])
def test_a_wide_beam_finds_the_most_probable_sentences_of_all(xp):
    rng = np.random.default_rng(0)
    table, start = rng.dirichlet(np.ones(5), 5), rng.dirichlet(np.ones(5))
    logs = xp.asarray(
        np.log(np.stack([*table, start])).astype(np.float32)
    )  # the last: at the start
    beams = start_beams(1, 5, start=len(table), like=logs)
    words = np.zeros((1, 5, 0), int)
    for _ in range(3):
        beams = next_beams(logs[beams.tokens], beams, end=END)
        parents, tokens = np.asarray(beams.parents), np.asarray(beams.tokens)
        words = np.concatenate(
            [np.take_along_axis(words, parents[:, :, None], 1), tokens[:, :, None]], 2
        )
    best = search_all(table, start, 3)[0]
    assert float(beams.scores[0, 0]) == pytest.approx(best[0], rel=1e-5)
    assert tuple(words[0, 0][: len(best[1])]) == best[1]
    assert set(words[0, 0][len(best[1]) :]) <= {PADDING}
    assert np.all(np.diff(np.asarray(beams.scores)[0]) <= 0)


def test_a_finished_sentence_keeps_its_score_and_gets_padding():
    logits = np.log(np.array([0.1, 0.1, 0.1, 0.6, 0.1], np.float32))
    logits = np.broadcast_to(logits, (1, 2, 5))
    beams = next_beams(logits, start_beams(1, 2, start=START, like=logits), end=END)
    assert beams.finished.tolist() == [[True, False]]
    after = next_beams(logits, beams, end=END)
    assert after.tokens[0, 0] == PADDING
    assert after.scores[0, 0] == beams.scores[0, 0]


def test_one_beam_is_greedy_and_none_is_refused():
    logits = np.random.default_rng(0).standard_normal((3, 1, 7)).astype(np.float32)
    found = next_beams(logits, start_beams(3, 1, start=START, like=logits), end=END)
    np.testing.assert_array_equal(found.tokens, logits.argmax(-1))
    with pytest.raises(ValueError, match="at least one"):
        start_beams(3, 0, start=START, like=logits)


def test_the_length_is_made_up_for_as_far_as_asked():
    scores, lengths = np.array([[-2.0, -3.0]]), np.array([[2, 4]])
    both = np.ones((1, 2), bool)
    assert best_beam(scores, lengths, both, alpha=0.0).tolist() == [0]
    assert best_beam(scores, lengths, both, alpha=1.0).tolist() == [1]


@pytest.mark.parametrize("xp", [np, jnp])
def test_a_sentence_that_has_ended_goes_before_a_better_one_that_has_not(xp):
    scores, lengths = xp.array([[-4.0, -5.0], [-4.0, -5.0]]), xp.array([[8, 5], [8, 5]])
    finished = xp.array([[False, True], [False, False]])
    assert best_beam(scores, lengths, finished, alpha=1.0).tolist() == [1, 0]
