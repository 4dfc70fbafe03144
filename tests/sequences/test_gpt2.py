"""Generate text with GPT-2: the twins agree, the cache changes nothing, and it learns."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import tinyshakespeare
from tutorials_lib.sequences.gpt2 import (
    comparison,
    evaluation,
    in_jax,
    in_numpy,
    longer,
    problem,
)
from tutorials_lib.sequences.gpt2.kneser_ney import KneserNey
from tutorials_lib.sequences.gpt2.problem import TINY, Config, Texts
from tutorials_lib.text.decoding import GREEDY, Strategy


def inputs_of(config: Config, dtype: type = np.float32):
    return make_inputs(comparison.COMPARISON, config, dtype)


def on_device(tree):
    return jax.tree.map(jnp.asarray, tree)


def compiled(generate):
    return jax.jit(generate, static_argnames=("strategy", "config"))


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        inputs = inputs_of(TINY, np.float64)
        _, grads = in_numpy.loss_and_grads(inputs.params, inputs.tokens, TINY)
        grad = jax.jit(jax.grad(partial(in_jax.loss, config=TINY)))
        expected = grad(*on_device((inputs.params, inputs.tokens)))
    assert jax.tree.structure(grads) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected), strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = inputs_of(TINY)
    arguments = on_device((inputs.params, inputs.tokens))
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(jax.grad(partial(in_jax.loss, config=TINY)), *arguments)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_every_leaf_leaves_a_step_with_the_type_it_came_with():
    inputs = inputs_of(TINY)
    ours = in_numpy.start(inputs.params, TINY)
    params, tokens = on_device((inputs.params, inputs.tokens))
    theirs = in_jax.start(params, TINY)
    for state, after in (
        (ours, in_numpy.train_step(ours, inputs.tokens, TINY)),
        (theirs, jax.eval_shape(partial(in_jax.train_step, config=TINY), theirs, tokens)),
    ):
        assert jax.tree.map(lambda leaf: leaf.dtype, state) == jax.tree.map(
            lambda leaf: leaf.dtype, after[0]
        )
    types = {leaf.dtype for state in (ours, theirs) for leaf in jax.tree.leaves(state)}
    assert types == {np.dtype(np.float32), np.dtype(np.int32)}


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    rates = problem.learning_rates(TINY)
    assert len(rates) == TINY.num_steps + 1
    assert 0 < rates[0] < rates[TINY.warmup_steps] == np.float32(TINY.peak_learning_rate)
    assert (np.diff(rates[: TINY.warmup_steps]) > 0).all()
    assert rates[-2] > rates[-1] == 0


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_an_orthogonalized_matrix_has_singular_values_near_one(shape):
    matrix = np.random.default_rng(0).standard_normal(shape)
    found = np.linalg.svd(in_numpy.orthogonalize(matrix), compute_uv=False)
    assert (found > 0.5).all()
    assert (found < 1.4).all()


# --- Generation -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [GREEDY, Strategy(top_k=5), Strategy(top_p=0.7)])
def test_the_cache_changes_nothing(strategy: Strategy):
    with jax.enable_x64(True):
        inputs = inputs_of(dataclasses.replace(TINY, num_texts=3), np.float64)
        arguments = inputs.params, inputs.prompt, inputs.noise
        expected = in_numpy.generate(*arguments, strategy, TINY)
        assert expected.shape == (3, TINY.num_new_tokens)
        for found in (
            in_numpy.generate_without_cache(*arguments, strategy, TINY),
            compiled(in_jax.generate)(*on_device(arguments), strategy, TINY),
            compiled(in_jax.generate_without_cache)(*on_device(arguments), strategy, TINY),
        ):
            np.testing.assert_array_equal(found, expected)


def test_reading_a_text_in_pieces_gives_the_logits_of_reading_it_at_once():
    inputs = inputs_of(TINY, np.float64)
    params, tokens = inputs.params, inputs.tokens[:, :9]
    whole = in_numpy.predict(params, tokens, TINY)
    cache = in_numpy.empty_cache(params, len(tokens), TINY.context, TINY)
    for start, stop in ((0, 4), (4, 5), (5, 9)):
        logits, cache = in_numpy.extend(params, cache, tokens[:, start:stop], start, TINY)
        np.testing.assert_allclose(logits, whole[:, stop - 1], rtol=1e-10, atol=1e-12)


def test_no_logits_depend_on_later_tokens():
    inputs = inputs_of(TINY, np.float64)
    tokens = inputs.tokens[:1, :8]
    other = tokens.copy()
    other[:, 5:] = (other[:, 5:] + 1) % TINY.vocab_size
    ours, theirs = (in_numpy.predict(inputs.params, t, TINY) for t in (tokens, other))
    np.testing.assert_array_equal(ours[:, :5], theirs[:, :5])
    assert (ours[:, 5:] != theirs[:, 5:]).any()


def test_the_maps_of_attention_are_distributions_over_the_past():
    inputs = inputs_of(TINY)
    maps = in_numpy.attention_maps(inputs.params, inputs.tokens[:1, :8], TINY)
    assert len(maps) == TINY.num_layers
    for weights in maps:
        assert weights.shape == (1, TINY.num_heads, 8, 8)
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
        assert (np.triu(weights, 1) == 0).all()


def test_no_draw_that_is_timed_is_a_near_tie():
    """In float32 the twins then choose the same tokens, whatever the rounding."""
    for config in comparison.COMPARISON.sizes.values():
        inputs = inputs_of(config)
        params, prompt, noise = inputs.params, inputs.prompt, inputs.noise
        arguments = on_device((params, prompt, noise))
        chosen = compiled(in_jax.generate)(*arguments, comparison.STRATEGY, config)
        text = np.concatenate([prompt, chosen], axis=1)
        logits = np.asarray(in_jax.predict(on_device(params), jnp.asarray(text), config))
        scores = np.sort(logits[:, prompt.shape[1] - 1 : -1] + noise, axis=-1)
        assert (scores[..., -1] - scores[..., -2]).min() > 1e-4


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_a_text_that_outgrows_the_context_is_refused(twin):
    inputs = inputs_of(TINY)
    noise = np.zeros((1, TINY.context, TINY.vocab_size), np.float32)
    arguments = inputs.params, inputs.prompt, noise
    arguments = on_device(arguments) if twin is in_jax else arguments
    for generate in (twin.generate, twin.generate_without_cache):
        with pytest.raises(ValueError, match="positions for 24"):
            generate(*arguments, GREEDY, TINY)


def test_a_prompt_of_one_token_and_one_new_token_work_alike_in_both():
    config = dataclasses.replace(TINY, prompt_length=1, num_new_tokens=1)
    inputs = inputs_of(config)
    arguments = inputs.params, inputs.prompt, inputs.noise
    ours = in_numpy.generate(*arguments, GREEDY, config)
    theirs = compiled(in_jax.generate)(*on_device(arguments), GREEDY, config)
    np.testing.assert_array_equal(ours, theirs)


# --- Learning ---------------------------------------------------------------------------------


REPETITION = Config(
    vocab_size=300,
    context=24,
    width=32,
    num_layers=2,
    num_heads=2,
    batch_size=8,
    num_steps=120,
    warmup_steps=10,
    prompt_length=12,
    num_new_tokens=8,
)
"""A model that can learn a text by heart in a second or two."""


def fitted(text: np.ndarray, config: Config, seed: int = 0):
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    state = in_jax.start(in_jax.create(config, create_key), config)
    return in_jax.fit(state, jnp.asarray(text), fit_key, config)


@pytest.fixture(scope="module")
def period() -> np.ndarray:
    return np.random.default_rng(0).permutation(REPETITION.vocab_size)[:16].astype(np.int32)


@pytest.fixture(scope="module")
def by_heart(period: np.ndarray):
    return fitted(np.tile(period, 30), REPETITION)


def test_it_learns_a_text_by_heart_and_continues_it(period: np.ndarray, by_heart):
    state, losses = by_heart
    assert losses[-1] < 0.1 < 3 < losses[0]
    text = np.tile(period, 2)
    noise = jnp.zeros((1, 8, REPETITION.vocab_size))
    prompt = jnp.asarray(text[None, :12])
    chosen = compiled(in_jax.generate)(state.params, prompt, noise, GREEDY, REPETITION)
    np.testing.assert_array_equal(chosen[0], text[12:20])


def test_one_seed_repeats_and_two_seeds_differ(period: np.ndarray):
    short = dataclasses.replace(REPETITION, num_steps=3)
    text = np.tile(period, 4)
    first, again, other = (fitted(text, short, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# --- The data, the windows, the rivals -----------------------------------------------------


def test_documents_are_split_without_overlap():
    texts = problem.load_texts(TINY)
    parts = [set(texts.train), set(texts.development), set(texts.test)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert problem.num_bytes([*texts.train, *texts.development, *texts.test]) >= TINY.text_bytes


def test_the_real_text_is_shakespeare_and_is_capped(monkeypatch: pytest.MonkeyPatch):
    speeches = tuple(f"Citizen {i}:\nspeak, speak." for i in range(5_000))
    monkeypatch.setattr(tinyshakespeare, "load_tinyshakespeare", lambda: speeches)
    texts = problem.load_texts(dataclasses.replace(TINY, source="real"))
    total = problem.num_bytes([*texts.train, *texts.development, *texts.test])
    assert TINY.text_bytes <= total < TINY.text_bytes + 100
    assert "Shakespeare" in texts.source


@pytest.mark.parametrize("length", [2, 12, 24, 25, 26, 49, 200])
def test_every_token_but_the_first_is_judged_once(length: int):
    tokens = np.arange(length, dtype=np.int32)
    found = problem.windows(tokens, TINY)
    judged = found.tokens[:, 1:][found.judged > 0]
    np.testing.assert_array_equal(np.sort(judged), tokens[1:])


def test_bits_per_byte_count_bytes_and_not_letters():
    assert problem.bits_per_byte(6 * np.log(2), ["né", "x"]) == pytest.approx(1.5)


def test_the_probabilities_of_an_n_gram_add_up_to_one():
    rng = np.random.default_rng(0)
    text = rng.integers(0, 5, 200)
    model = KneserNey(text, order=3, num_symbols=5)
    for history in [(0, 1), (4, 4), tuple(text[:2])]:
        every = np.array([[*history, symbol] for symbol in range(5)])
        total = sum(float(model.probabilities(row)[0]) for row in every)
        assert total == pytest.approx(1)


def test_an_n_gram_fits_what_it_has_seen_better_than_what_it_has_not():
    text = np.tile(np.arange(6), 20)
    model = KneserNey(text, order=3, num_symbols=7)
    assert model.total_nats(text) < model.total_nats(text[::-1]) / 3


def test_the_development_text_chooses_the_order():
    text = np.tile([0, 0, 1, 0, 1, 1], 40)  # two symbols tell the third, one does not
    noise = np.random.default_rng(0).integers(0, 2, 60)
    texts = Texts(["?" * len(text)], ["?" * 60], ["?" * 60], source="two symbols")
    order, score = evaluation.best_ngram(text, text[:60], noise, texts, num_symbols=2)
    assert order >= 3
    assert score.development is not None
    assert score.development < 0.2 < 1 < score.held_out
    other, _ = evaluation.best_ngram(text, noise, text[:60], texts, num_symbols=2)
    assert other < 3


def test_the_judgement_sets_what_was_trained_beside_the_best_n_grams():
    trained = evaluation.train(TINY, seed=1)
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    again = evaluation.train(TINY, seed=1)
    assert judgement.value == evaluation.bits_per_byte(again.params, trained.data, TINY)
    assert judgement.training_seconds == trained.seconds
    tokens, of_bytes = judgement.baselines
    assert tokens.endswith("-gram of tokens")
    assert of_bytes.endswith("-gram of bytes")


def test_the_recorded_trainings_are_those_that_are_asked_for(monkeypatch: pytest.MonkeyPatch):
    ladder = longer.read()
    assert [rung.name for rung in ladder.rungs] == list(longer.RUNGS)
    assert len(longer.table(ladder).rows) == len(longer.RUNGS)
    monkeypatch.setattr(longer, "RUNGS", {"another": TINY})
    with pytest.raises(ValueError, match="measure again"):
        longer.read()


def test_a_ladder_says_whether_a_training_passes_the_n_gram():
    ladder = longer.read()
    first, last = ladder.rungs[0], ladder.rungs[-1]
    below = ladder._replace(rungs=(first._replace(line=first.reached - 1.0), last))
    assert f"“{last.name}” comes closest" in longer.glossed(below)["outcome"]
    above = ladder._replace(rungs=(first, last._replace(line=last.reached + 0.1)))
    assert f"“{last.name}” is the first to pass" in longer.glossed(above)["outcome"]


def test_a_rung_is_trained_and_judged():
    rung = longer.climb("short", TINY)
    judgement = evaluation.judge(TINY, seed=0)
    assert (rung.reached, (rung.rival, rung.line)) == (judgement.value, judgement.strongest)


def test_settings_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="3 heads"):
        Config(num_heads=3)
    with pytest.raises(ValueError, match="positions for 32"):
        Config(context=32)
    with pytest.raises(ValueError, match="63 bits"):
        KneserNey(np.arange(9), order=8, num_symbols=1024)
