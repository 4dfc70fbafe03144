"""Pairs as arrays, alignments, phrases, and beam search."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.text.alignment import align, symmetrize
from tutorials_lib.text.beams import best_beam, next_beams, start_beams
from tutorials_lib.text.parallel import (
    END,
    START,
    decode_targets,
    encode_pairs,
    encode_sources,
    vocabularies,
)
from tutorials_lib.text.phrase_table import PhraseTable, Trigram, Weights, phrases
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
    assert table.translate(["the", "white", "dog"], Weights(1.0, 0.0)) == ("le", "chien", "blanc")
    assert table.translate(["zebra"], Weights(1.0, 0.0)) == ("zebra",)
    assert table.translate([], Weights(1.0, 0.0)) == ()


def test_trigrams_prefer_what_followed_before():
    trigram = Trigram([french for _, french in PAIRS])
    seen, unseen = (trigram.log_probability("le", "chat", word) for word in ("blanc", "un"))
    assert seen > unseen


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
    assert best_beam(scores, lengths, alpha=0.0).tolist() == [0]
    assert best_beam(scores, lengths, alpha=1.0).tolist() == [1]
