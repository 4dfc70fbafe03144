"""Classify posts with BERT: the twins agree, no padding leaks, pieces are hidden as described."""

import dataclasses
from functools import partial
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.benchmark.record import Record
from tutorials_lib.datasets import tweeteval
from tutorials_lib.sequences.bert import (
    comparison,
    evaluation,
    in_jax,
    in_numpy,
    problem,
    reading,
    timings,
)
from tutorials_lib.sequences.bert import figures as pictures
from tutorials_lib.sequences.bert.problem import PAGE, TINY, Data, Split
from tutorials_lib.sequences.bert.rivals import EMOJI, TFIDF, fit_all
from tutorials_lib.text.wordpiece import FIRST, LAST, MASK, SPECIAL

each_twin = pytest.mark.parametrize("twin", [in_numpy, in_jax])


@pytest.fixture(scope="module")
def inputs() -> Any:
    return make_inputs(comparison.COMPARISON, TINY, np.float32)


@pytest.fixture(scope="module")
def data() -> Data:
    return problem.load(TINY)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    found = evaluation.train(TINY, seed=0)
    return found._replace(others=evaluation.fit_rivals(found.data, TINY, seed=0))


def placed(twin: ModuleType, *arrays: Any) -> Any:
    """The arrays where the twin wants them."""
    return jax.tree.map(jnp.asarray, arrays) if twin is in_jax else arrays


# --- The twins --------------------------------------------------------------------------------


@pytest.mark.parametrize("work", [comparison.masked_loss_and_grads, comparison.loss_and_grads])
def test_the_hand_gradient_equals_that_of_jax(work: Any):
    with jax.enable_x64(True):
        inputs = make_inputs(comparison.COMPARISON, TINY, np.float64)
        ours = work(in_numpy, comparison.prepare(in_numpy, inputs, TINY), TINY)
        on_device = jax.tree.map(jnp.asarray, comparison.prepare(in_jax, inputs, TINY))
        theirs = jax.jit(partial(work, in_jax, config=TINY))(on_device)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@each_twin
def test_what_a_post_is_padded_to_changes_nothing(twin: ModuleType, inputs: Any):
    longer = np.pad(inputs.parts[0], ((0, 0), (0, TINY.num_positions - inputs.parts[0].shape[1])))
    params, *posts = placed(twin, inputs.params, inputs.parts[0], longer)
    one, other = (twin.predict(params, ids, TINY) for ids in posts)
    np.testing.assert_allclose(one, other, atol=1e-5)


@each_twin
def test_the_first_and_the_last_piece_see_each_other(twin: ModuleType, inputs: Any):
    ids = inputs.ids[:1, : int((inputs.ids[:1] != 0).sum())]
    changed = ids.copy()
    changed[0, -2] += 1
    params, *posts = placed(twin, inputs.params, ids, changed)
    one, other = (np.asarray(twin.encode(params, each, TINY)) for each in posts)
    assert np.abs(one - other).max(-1)[0, 0] > 1e-5


def test_the_losses_promote_nothing_silently(inputs: Any):
    (inputs,) = placed(in_jax, inputs)
    state = comparison.prepare(in_jax, inputs, TINY).state
    with jax.numpy_dtype_promotion("strict"):
        masked = jax.eval_shape(
            lambda p: jax.grad(in_jax.masked_loss)(p, inputs.posts, inputs.masked, TINY),
            state.pretraining.params,
        )
        tuning = jax.eval_shape(
            lambda p: jax.grad(in_jax.loss)(p, inputs.ids, inputs.labels, TINY), state.tuning.params
        )
    types = {leaf.dtype for leaf in jax.tree.leaves((masked, tuning))}
    assert types == {np.dtype(np.float32)}


def test_the_table_of_pieces_learns_at_both_ends(inputs: Any):
    state = comparison.prepare(in_numpy, inputs, TINY).state
    grads = in_numpy.masked_loss_and_grads(
        state.pretraining.params, inputs.posts, inputs.masked, TINY
    )[1]
    table = grads["encoder"]["embeddings"]["pieces"]["embedding"]
    assert (table != 0).any(-1).all()  # as the last product, it has a gradient in every row


# --- What is hidden ---------------------------------------------------------------------------


def test_of_the_pieces_to_guess_eight_in_ten_are_hidden_and_one_is_replaced(data: Data):
    config = dataclasses.replace(TINY, num_pretraining_steps=200)
    ids = problem.to_ids(data.unlabelled, data.tokenizer, config)
    drawn = problem.draw_masked(ids, data.tokenizer, config, rng=np.random.default_rng(0))
    targets = ids[drawn.rows[..., None], drawn.places]
    hidden = drawn.shown == data.tokenizer.ids[MASK]
    assert hidden.mean() == pytest.approx(0.8, abs=0.02)
    assert (drawn.shown == targets).mean() == pytest.approx(0.1, abs=0.02)
    assert targets.min() >= len(SPECIAL)
    assert drawn.shown[~hidden].min() >= len(SPECIAL)
    distinct = [len(set(places)) for places in drawn.places.reshape(-1, config.num_masked).tolist()]
    assert set(distinct) == {config.num_masked}


def test_rare_pieces_are_guessed_more_often_than_they_occur(data: Data):
    config = dataclasses.replace(TINY, num_pretraining_steps=100)
    ids = problem.to_ids(data.unlabelled, data.tokenizer, config)
    drawn = problem.draw_masked(ids, data.tokenizer, config, rng=np.random.default_rng(0))
    counts = np.bincount(ids.ravel(), minlength=len(data.tokenizer))
    targets = ids[drawn.rows[..., None], drawn.places]
    rare = counts < np.median(counts[counts > 0])
    assert rare[targets].mean() > 1.5 * rare[ids[ids >= len(SPECIAL)]].mean()


def test_a_round_of_fine_tuning_takes_every_post_once():
    rows = problem.draw_batches(16, TINY, rng=np.random.default_rng(0))
    assert rows.shape == (TINY.num_steps, TINY.batch_size)
    assert sorted(rows.ravel()[:16].tolist()) == list(range(16))


# --- Data -------------------------------------------------------------------------------------


def test_a_post_stands_between_a_beginning_and_an_end_and_a_long_one_is_cut(data: Data):
    config = dataclasses.replace(TINY, num_positions=6)
    ids = problem.to_ids(["so good", "the the the the the the"], data.tokenizer, config)
    assert data.tokenizer.decode(ids[1].tolist()) == [FIRST, *["the"] * 4, LAST]
    assert (ids[:, 0] == data.tokenizer.ids[FIRST]).all()


def test_parts_by_length_hold_every_post_once_with_little_padding(data: Data):
    ids = problem.to_ids(data.test.texts, data.tokenizer, TINY)
    parts = problem.by_length(ids, 3)
    assert sum(len(part) for part in parts) == len(ids)
    assert sum(int((part != 0).sum()) for part in parts) == int((ids != 0).sum())
    assert all((part[:, -1] != 0).any() for part in parts)


def test_all_splits_differ_and_one_seed_repeats(data: Data):
    assert problem.load(TINY).train.texts == data.train.texts
    other = problem.load(TINY, seed=1)
    splits = [
        {*each.train.texts, *each.test.texts, *each.development.texts} for each in (data, other)
    ]
    assert len(splits[0] & splits[1]) < 10


def test_published_posts_come_from_the_published_set(monkeypatch: pytest.MonkeyPatch):
    texts = tuple(f"word{i} good 😍" for i in range(40))
    tweets = tweeteval.Tweets(texts, np.arange(40, dtype=np.int32) % 4)
    monkeypatch.setattr(tweeteval, "load_tweeteval", lambda split: tweets)
    config = problem.for_source(dataclasses.replace(TINY, source="real"))
    loaded = problem.load(config)
    assert len(loaded.train.texts) == 32
    assert loaded.unlabelled == texts
    assert config.num_classes == 4
    assert config.num_positions > TINY.num_positions
    assert EMOJI not in fit_all(loaded, config)  # one mood alone teaches nothing


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_heads": 3}, "width is 8"),
        ({"num_steps": 0}, "num_steps is 0"),
        ({"num_positions": 4}, "num_positions is 4"),
        ({"num_labelled": ()}, "num_labelled is"),
        ({"num_labelled": (2, 1)}, "must grow"),
        ({"rising": 0.0}, "rising is 0.0"),
        ({"source": "imdb"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- Learning and judging ---------------------------------------------------------------------


def test_filling_gaps_in_a_few_posts_becomes_easier(inputs: Any):
    state = comparison.prepare(in_numpy, inputs, TINY).state.pretraining
    config = dataclasses.replace(TINY, num_pretraining_steps=60, pretraining_rate=1e-2)
    losses = []
    for _ in range(60):
        state, value = in_numpy.pretrain_step(state, inputs.posts, inputs.masked, config)
        losses.append(float(value))
    assert losses[-1] < 0.5 * losses[0]


def test_the_judge_scores_what_was_trained_and_every_rival(trained: evaluation.Trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    labels = trained.data.test.labels
    shares = [np.mean(each.predicted == labels) for each in trained.results.values()]
    assert judgement.value == pytest.approx(np.mean(shares))
    assert {TFIDF, EMOJI, evaluation.SCRATCH} < set(judgement.baselines)
    assert judgement.details.keys() == {evaluation.MODEL, *judgement.baselines}


def test_pretraining_changes_the_encoder_that_is_fine_tuned(trained: evaluation.Trained):
    pretrained = trained.params["encoder"]["embeddings"]["pieces"]["embedding"]
    tuned = trained.tuned[32]["encoder"]["embeddings"]["pieces"]["embedding"]
    assert 0 < np.abs(pretrained - tuned).max() < 0.1


def test_the_rivals_learn_what_words_in_a_row_say():
    texts, labels = ("not good x", "good", "not bad", "bad"), np.array([0, 2, 2, 0], np.int32)
    split = Split(texts * 8, np.tile(labels, 8))
    data = problem.load(TINY)._replace(train=split, development=split, test=split)
    found = fit_all(data, TINY)
    assert found[TFIDF][32].development == 1


def test_the_page_reads_probabilities_off_the_gaps(trained: evaluation.Trained):
    guesses = reading.fill(trained, ("the camera is ___ and so on", "___ good"))
    assert [each.pieces[each.place] for each in guesses] == [MASK, MASK]
    assert all(each.probs.sum() == pytest.approx(1, abs=1e-4) for each in guesses)
    best = reading.best_pieces(trained, guesses[0], 3)
    assert len(reading.fill_table(trained, guesses).rows) == 2
    assert len(reading.example_table(trained, guesses[0]).rows) == 6
    assert "camera" in pictures.describe_guesses([(guesses[0], best)])


def test_every_row_of_confusion_adds_up_and_kinds_are_parts(trained: evaluation.Trained):
    np.testing.assert_allclose(reading.confusion(trained, 32).sum(1), 1)
    kinds = reading.kinds_of(trained, 32)
    assert kinds["all"].all()
    assert all(rows.sum() < len(rows) for name, rows in kinds.items() if name != "all")
    assert "most frequent mistake" in reading.say_confusion(reading.confusion(trained, 32))
    assert "labels" in reading.say_by_number(trained, trained.others or {})


def test_the_largest_mistake_is_described():
    shares = np.array([[0.7, 0.1, 0.2], [0.05, 0.9, 0.05], [0.25, 0.15, 0.6]])
    told = pictures.describe_confusion(shares)
    assert "negative 0.70, neutral 0.90, positive 0.60" in told
    assert "0.25, is that of the positive posts that are labelled negative." in told


def test_the_reasons_stand_in_paragraphs_of_their_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timings, "lead_reason", lambda *_: "It is a tie.")
    lead, padding = timings.explain(Mock(spec=Record), (0.5, 0.25)).split("\n\n")
    assert lead == "It is a tie."
    assert padding.startswith("With one length 50% of the places are padding, with 3 lengths 25%")


def test_the_network_of_the_page_is_as_large_as_its_text_says():
    params = in_jax.create.trace(PAGE, 420, jax.random.key(0)).out_info
    assert params["encoder"]["blocks"][0]["attention"]["project_in"]["kernel"].shape == (64, 192)
    assert params["masked"]["bias"].shape == (420,)
