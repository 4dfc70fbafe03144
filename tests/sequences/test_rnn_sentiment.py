"""Judge movie reviews with a recurrent network: the twins agree, no padding leaks, it learns."""

import dataclasses
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import sentence_polarity
from tutorials_lib.sequences.rnn_sentiment import comparison, evaluation, in_jax, in_numpy, problem
from tutorials_lib.sequences.rnn_sentiment.problem import PAGE, TINY, Config, Data, Split
from tutorials_lib.text.vocabulary import PADDING, UNKNOWN

EASY = dataclasses.replace(
    PAGE,
    num_train=2_000,
    num_test=500,
    bucket_lengths=(84,),
    embedding_size=16,
    batch_size=32,
    num_epochs=8,
    learning_rate=1e-2,
)
"""Enough reviews and steps to beat the counts of three words, in a few seconds."""

each_backend = pytest.mark.parametrize("backend", [in_numpy, in_jax])
each_cell = pytest.mark.parametrize("cell", problem.CELLS)


def inputs_of(config: Config, dtype: type = np.float32) -> Any:
    """Parameters, and one batch: word ids, lengths and labels."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, *inputs.batch


def judge(backend: ModuleType, *args: Any, config: Config, each_word: bool = False) -> np.ndarray:
    """The logits of either backend as a NumPy array, after the last word or after each."""
    function = backend.predict_each_word if each_word else backend.predict
    on_device = jax.tree.map(jnp.asarray, args) if backend is in_jax else args
    return np.asarray(function(*on_device, config))


def prepared(config: Config, seed: int = 0):
    """The data of `config`, its vocabulary, and its buckets and held-out reviews as arrays."""
    data = problem.load(config, seed=seed)
    vocabulary = problem.learn_vocabulary(data.train, config)
    buckets = problem.to_buckets(data.train, vocabulary, config)
    return data, vocabulary, buckets, problem.to_examples(data.test, vocabulary, config)


def fitted(config: Config, seed: int = 0):
    _, vocabulary, buckets, test = prepared(config)
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    state = in_jax.start(in_jax.create(config, len(vocabulary), create_key), config)
    return in_jax.fit(state, buckets, test, fit_key, config)


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax_also_for_a_truncated_elman_network():
    config = dataclasses.replace(TINY, cell="elman", truncate=6)
    with jax.enable_x64(True):
        inputs = inputs_of(config, np.float64)
        value, grads = in_numpy.loss_and_grads(*inputs, config=config)
        on_device: Any = jax.tree.map(jnp.asarray, inputs)
        value_and_grad = jax.jit(in_jax.loss_and_grads, static_argnames="config")
        expected_value, expected = value_and_grad(*on_device, config)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    assert jax.tree.structure(grads) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected), strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs: Any = jax.tree.map(jnp.asarray, inputs_of(TINY))
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(lambda *args: jax.grad(in_jax.loss)(*args, TINY), *inputs)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_every_leaf_leaves_a_step_with_the_type_it_came_with():
    params, *batch = inputs_of(TINY)
    ours = in_numpy.start(params, TINY)
    on_device = jax.tree.map(jnp.asarray, batch)
    theirs = in_jax.start(jax.tree.map(jnp.asarray, params), TINY)
    for state, after in (
        (ours, in_numpy.train_step(ours, *batch, config=TINY)),
        (theirs, jax.eval_shape(partial(in_jax.train_step, config=TINY), theirs, *on_device)),
    ):
        assert jax.tree.map(lambda leaf: leaf.dtype, state) == jax.tree.map(
            lambda leaf: leaf.dtype, after[0]
        )
    types = {leaf.dtype for state in (ours, theirs) for leaf in jax.tree.leaves(state)}
    assert types == {np.dtype(np.float32), np.dtype(np.int32)}


def test_a_long_gradient_is_clipped_alike_in_both():
    config = dataclasses.replace(TINY, max_norm=1e-3)
    with jax.enable_x64(True):
        inputs = jax.tree.map(np.asarray, make_inputs(comparison.COMPARISON, config, np.float64))
        grads = in_numpy.loss_and_grads(*inputs_of(config, np.float64), config=config)[1]
        assert optax.tree.norm(grads) > config.max_norm
        clipped = in_numpy.clip_by_global_norm(grads, config.max_norm)
        assert optax.tree.norm(clipped) == pytest.approx(config.max_norm, rel=1e-12)
        ours, our_metrics = in_numpy.train_steps(
            in_numpy.start(inputs.params, config), *inputs.batches, config=config
        )
        theirs, metrics = in_jax.train_steps(
            in_jax.start(jax.tree.map(jnp.asarray, inputs.params), config),
            *map(jnp.asarray, inputs.batches),
            config=config,
        )
    np.testing.assert_allclose(our_metrics.grad_norm, metrics.grad_norm, rtol=1e-10)
    for one, other in zip(
        jax.tree.leaves(ours.params), jax.tree.leaves(theirs.params), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


# --- Padding ----------------------------------------------------------------------------------


def loss_and_grads(backend: ModuleType, params: dict, *batch: np.ndarray, config: Config):
    if backend is in_numpy:
        return in_numpy.loss_and_grads(params, *batch, config=config)
    params, ids, lengths, labels = jax.tree.map(jnp.asarray, (params, *batch))
    return in_jax.loss_and_grads(params, ids, lengths, labels, config)


@each_cell
@each_backend
def test_what_stands_in_the_padding_changes_nothing_to_the_last_bit(cell: str, backend: ModuleType):
    config = dataclasses.replace(TINY, cell=cell)
    params, ids, lengths, labels = inputs_of(config)
    is_word = np.arange(ids.shape[1]) < lengths[:, None]
    other = np.where(is_word, ids, np.random.default_rng(0).integers(1, 50, ids.shape))
    assert (other != ids).any()
    value, grads = loss_and_grads(backend, params, ids, lengths, labels, config=config)
    same, same_grads = loss_and_grads(
        backend, params, other.astype(np.int32), lengths, labels, config=config
    )
    assert value == same
    jax.tree.map(np.testing.assert_array_equal, grads, same_grads)
    assert (np.asarray(grads["embed"]["embedding"])[PADDING] == 0).all()


@each_cell
@each_backend
def test_more_padding_changes_nothing_but_the_order_of_sums(cell: str, backend: ModuleType):
    config = dataclasses.replace(TINY, cell=cell)
    with jax.enable_x64(True):
        params, ids, lengths, labels = inputs_of(config, np.float64)
        longer = np.pad(ids, ((0, 0), (0, 9)))
        value, grads = loss_and_grads(backend, params, ids, lengths, labels, config=config)
        same, same_grads = loss_and_grads(backend, params, longer, lengths, labels, config=config)
    assert value == same
    for one, other in zip(jax.tree.leaves(grads), jax.tree.leaves(same_grads), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


@each_backend
def test_a_review_is_judged_alike_alone_and_beside_others(backend: ModuleType):
    params, ids, lengths, _ = inputs_of(TINY)
    together = judge(backend, params, ids, lengths, config=TINY)
    for row, length in enumerate(lengths[:3]):
        one = slice(row, row + 1)
        alone = judge(backend, params, ids[one, :length], lengths[one], config=TINY)
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-4, atol=1e-6)


@each_backend
def test_the_judgement_after_each_word_is_that_of_the_words_so_far(backend: ModuleType):
    params, ids, lengths, _ = inputs_of(TINY)
    after = judge(backend, params, ids, lengths, config=TINY, each_word=True)
    for count in range(1, ids.shape[1] + 1):
        so_far = judge(backend, params, ids, np.minimum(lengths, count), config=TINY)
        np.testing.assert_allclose(after[count - 1], so_far, rtol=1e-4, atol=1e-6)


@each_cell
@each_backend
def test_a_review_without_a_word_is_judged_by_the_bias_alone(cell: str, backend: ModuleType):
    config = dataclasses.replace(TINY, cell=cell)
    params, ids, lengths, _ = inputs_of(config)
    params["readout"]["bias"] = np.array([1, 2], np.float32)
    logits = judge(backend, params, ids[:2], np.zeros_like(lengths[:2]), config=config)
    np.testing.assert_array_equal(logits, [[1, 2], [1, 2]])


# --- Learning ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def easy_fit():
    return fitted(EASY)


def test_it_learns_and_beats_the_counts_of_words_in_a_row(easy_fit):
    state, history = easy_fit
    assert history.metrics.loss[-1].mean() < history.metrics.loss[0].mean()
    data, vocabulary, _, _ = prepared(EASY)
    trained = evaluation.Trained(data, vocabulary, state.params)
    judgement = evaluation.judge(EASY, seed=0, trained=trained)
    assert judgement.value == pytest.approx(float(history.test_accuracy[-1]))
    assert judgement.difference > 0.1


def test_the_learning_curve_ends_at_the_accuracy_of_the_returned_network(easy_fit):
    state, history = easy_fit
    _, _, _, test = prepared(EASY)
    params = jax.tree.map(np.asarray, state.params)
    logits = in_numpy.predict(params, test.ids, test.lengths, EASY)
    assert (logits.argmax(-1) == test.labels).mean() == pytest.approx(
        float(history.test_accuracy[-1]), abs=1 / len(test.labels)
    )


def test_one_seed_repeats_and_two_seeds_differ():
    (first, _), (again, _), (other, _) = (fitted(TINY, seed) for seed in (0, 0, 1))
    for one, two in zip(jax.tree.leaves(first.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.params["readout"]["kernel"], other.params["readout"]["kernel"])
    assert problem.load(TINY).train.texts != problem.load(TINY, seed=1).train.texts


def test_what_was_not_trained_is_trained_by_the_judge():
    judgement = evaluation.judge(TINY, seed=1)
    again = evaluation.judge(TINY, seed=1, trained=evaluation.train(TINY, seed=1))
    assert judgement.value == again.value
    assert judgement.baselines == again.baselines


def test_an_epoch_takes_every_full_batch_of_every_bucket_once():
    _, history = fitted(TINY)
    _, _, buckets, _ = prepared(TINY)
    num_batches = sum(len(bucket.labels) // TINY.batch_size for bucket in buckets)
    assert history.metrics.loss.shape == (TINY.num_epochs, num_batches)
    assert history.test_accuracy.shape == (TINY.num_epochs,)


def test_the_rivals_see_words_in_a_row_but_not_what_is_far_apart():
    split = Split(("not good", "good", "not bad", "bad") * 8, np.tile([0, 1, 1, 0], 8))
    data = Data(split, split, None)
    rivals = evaluation.baselines(data, dataclasses.replace(TINY, source="real"), seed=0)
    assert rivals.pop("1-grams").held_out <= 0.75
    assert {score.held_out for score in rivals.values()} == {1}
    assert "tf-idf" in rivals


# --- Data and settings ------------------------------------------------------------------------


def test_the_buckets_hold_every_review_once():
    data, vocabulary, buckets, _ = prepared(PAGE)
    assert sum(len(bucket.labels) for bucket in buckets) == len(data.train.texts)
    assert [bucket.ids.shape[1] for bucket in buckets] == list(PAGE.bucket_lengths)
    assert sum(bucket.labels.sum() for bucket in buckets) == data.train.labels.sum()
    assert not any((bucket.ids == UNKNOWN).any() for bucket in buckets)
    assert max(len(text.split(" ")) for text in data.train.texts) <= PAGE.bucket_lengths[-1]
    assert len(vocabulary) == 116  # all words, and the two numbers that stand for none of them


def test_a_review_that_is_too_long_keeps_its_beginning():
    split = Split(("a b c d e", "b"), np.array([0, 1]))
    config = dataclasses.replace(TINY, bucket_lengths=(3,), min_count=1, num_train=2, batch_size=2)
    vocabulary = problem.learn_vocabulary(split, config)
    (only,) = problem.to_buckets(split, vocabulary, config)
    assert vocabulary.decode(only.ids[0].tolist()) == ["a", "b", "c"]
    np.testing.assert_array_equal(only.ids, problem.to_examples(split, vocabulary, config).ids)


def test_real_sentences_come_from_the_published_set(monkeypatch: pytest.MonkeyPatch):
    texts = tuple(f"word{i} good" for i in range(100))
    published = sentence_polarity.SentencePolarity(texts, np.arange(100, dtype=np.int32) % 2)
    monkeypatch.setattr(problem, "load_sentence_polarity", lambda: published)
    data = problem.load(dataclasses.replace(TINY, source="real"))
    assert data.new is None
    assert len(data.train.texts) == TINY.num_real_train
    assert len(data.test.texts) == 20
    assert not set(data.train.texts) & set(data.test.texts)


def test_the_published_sentences_are_split_without_overlap(published_data: Path):
    data = problem.load(dataclasses.replace(PAGE, source="real"))
    assert len(data.train.texts) + len(data.test.texts) == 10_662
    assert len(data.test.texts) == PAGE.num_test


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "lstm"}, "elman, gru"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 65}, "64 reviews"),
        ({"truncate": 0}, "truncate is 0"),
        ({"source": "imdb"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_the_network_has_the_parameters_that_the_page_names():
    params = in_jax.create(PAGE, 85, jax.random.key(0))
    assert params["embed"]["embedding"].shape == (85, 32)
    assert params["cell"]["input"]["kernel"].shape == (32, 3 * 32)
    assert params["cell"]["recurrent"]["kernel"].shape == (32, 3 * 32)
    assert "bias" not in params["cell"]["recurrent"]
