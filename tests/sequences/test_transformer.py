"""Translate with a transformer: the twins agree, masks hide, the cache changes nothing."""

import dataclasses
from functools import partial
from types import ModuleType
from unittest.mock import Mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.benchmark.reasons import Times
from tutorials_lib.benchmark.record import Ratio, Record
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.translation import LengthScore
from tutorials_lib.sequences.transformer import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    problem,
    reading,
    timings,
)
from tutorials_lib.sequences.transformer.comparison import COMPARISON
from tutorials_lib.sequences.transformer.problem import PAGE, TINY, Batch
from tutorials_lib.text.parallel import END, START
from tutorials_lib.text.vocabulary import PADDING

SMALL = COMPARISON.agreement


@pytest.fixture(scope="module")
def inputs() -> comparison.Inputs:
    return make_inputs(COMPARISON, SMALL, np.float32)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.with_outputs(evaluation.train(TINY, seed=0))


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_is_the_slope_of_the_loss():
    inputs = make_inputs(COMPARISON, SMALL, np.float64)
    params, batch = inputs.params, inputs.batch
    value, grads = in_numpy.loss_and_grads(params, batch, SMALL)
    assert value == in_numpy.loss(params, batch, SMALL)
    rng = np.random.default_rng(0)
    direction = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape), params)
    ahead, behind = (
        in_numpy.loss(
            jax.tree.map(lambda a, d, s=sign: a + s * 1e-7 * d, params, direction), batch, SMALL
        )
        for sign in (1, -1)
    )
    slope = sum(np.vdot(g, d) for g, d in _pairs(grads, direction))
    np.testing.assert_allclose((ahead - behind) / 2e-7, slope, rtol=1e-5)


def _pairs(one: dict, other: dict) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    jax.tree.map(lambda a, b: found.append((a, b)), one, other)
    return found


def test_the_loss_promotes_nothing_silently(inputs: comparison.Inputs):
    arrays = jax.tree.map(jnp.asarray, (inputs.params, inputs.batch))
    with jax.numpy_dtype_promotion("strict"):
        _, grads = jax.eval_shape(partial(in_jax.loss_and_grads, config=SMALL), *arrays)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


# --- Masks ------------------------------------------------------------------------------------


def with_padding(batch: Batch, columns: int) -> Batch:
    source, target = (np.pad(ids, ((0, 0), (0, columns))) for ids in (batch.source, batch.target))
    return Batch(source, target, batch.starts)


def predict(twin: ModuleType, params: in_numpy.Params, batch: Batch) -> np.ndarray:
    if twin is in_jax:
        params, batch = jax.tree.map(jnp.asarray, (params, batch))
    return np.asarray(twin.predict(params, batch, SMALL))


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_more_padding_changes_nothing_else(twin: ModuleType, inputs: comparison.Inputs):
    wider = with_padding(inputs.batch, 3)
    before, after = (predict(twin, inputs.params, batch) for batch in (inputs.batch, wider))
    np.testing.assert_allclose(after[:, : before.shape[1]], before, rtol=1e-5, atol=1e-6)
    assert not after[:, before.shape[1] :].any()
    if twin is in_numpy:  # JAX derives its loss from these logits
        losses = (twin.loss(inputs.params, batch, SMALL) for batch in (inputs.batch, wider))
        np.testing.assert_allclose(*losses, rtol=1e-6)


def test_other_sentences_of_the_batch_change_nothing(inputs: comparison.Inputs):
    alone = Batch(inputs.batch.source[:1], inputs.batch.target[:1], inputs.batch.starts)
    together = in_numpy.predict(inputs.params, inputs.batch, SMALL)
    found = in_numpy.predict(inputs.params, alone, SMALL)
    np.testing.assert_allclose(found[0], together[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_no_word_sees_a_later_one_of_the_target_but_all_of_the_source(
    twin: ModuleType, inputs: comparison.Inputs
):
    batch = inputs.batch
    target = batch.target.copy()
    target[:, 3] = np.where(target[:, 3] == 5, 6, 5)
    before, after = (
        predict(twin, inputs.params, batch._replace(target=each)) for each in (batch.target, target)
    )
    np.testing.assert_allclose(before[:, :3], after[:, :3], rtol=1e-6, atol=1e-7)
    assert np.abs(before[:, 3] - after[:, 3]).max() > 1e-3
    source = batch.source.copy()
    source[:, 0] = np.where(source[:, 0] == 5, 6, 5)
    other = predict(twin, inputs.params, batch._replace(source=source))
    assert np.abs(before[:, 0] - other[:, 0]).max() > 1e-3


def test_attention_looks_at_words_alone(inputs: comparison.Inputs):
    is_word = inputs.batch.source != PADDING
    for scores, weights in in_numpy.cross_looks(inputs.params, inputs.batch, SMALL):
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
        hidden = np.broadcast_to(~is_word[:, None, None], weights.shape)
        assert not weights[hidden].any()
        exponentials = np.where(hidden, 0, np.exp(scores))
        np.testing.assert_allclose(
            weights, exponentials / exponentials.sum(-1, keepdims=True), rtol=1e-4
        )


# --- Translation ------------------------------------------------------------------------------


@pytest.mark.parametrize("num_beams", [1, 3])
def test_the_cache_changes_no_translation(num_beams: int, inputs: comparison.Inputs):
    config, source = dataclasses.replace(SMALL, max_length=8), inputs.batch.source[:3]
    cached, plain = (
        translate(inputs.params, source, config, num_beams=num_beams)
        for translate in (in_numpy.translate, in_numpy.translate_without_cache)
    )
    np.testing.assert_array_equal(cached, plain)


def test_both_twins_reorder_their_caches_while_beams_end_one_after_the_other(
    trained: evaluation.Trained,
):
    config, params = trained.config, trained.params
    host = jax.tree.map(np.asarray, params)
    source = problem.encode(trained.data.test[:3], trained.data.words, config).source
    plain = in_numpy.translate_without_cache(host, source, config, num_beams=3)
    cached = in_numpy.translate(host, source, config, num_beams=3)
    theirs = in_jax.compiled_translate(params, jnp.asarray(source), config, num_beams=3)
    lengths = (plain != PADDING).sum(1)
    assert len(set(lengths.tolist())) > 1
    assert (plain == END).any(1).all()
    np.testing.assert_array_equal(cached, plain)
    np.testing.assert_array_equal(theirs, plain)


def test_greedy_takes_the_most_probable_word_each_time(inputs: comparison.Inputs):
    source = inputs.batch.source[:1]
    words = [START]
    for _ in range(SMALL.max_length):
        target = np.array([[*words, END]], np.int32)  # the last one is not read
        batch = Batch(source, target, np.zeros(2, np.int32))
        words.append(int(in_numpy.predict(inputs.params, batch, SMALL)[0, -1].argmax()))
        if words[-1] == END:
            break
    found = in_numpy.translate(inputs.params, source, SMALL)[0]
    assert found[: len(words) - 1].tolist() == words[1:]


def test_a_batch_translates_as_its_sentences_do_alone(inputs: comparison.Inputs):
    source = inputs.batch.source[:2]
    together = in_numpy.translate(inputs.params, source, SMALL, num_beams=2)
    for row, words in zip(source, together, strict=True):
        alone = in_numpy.translate(inputs.params, row[row != PADDING][None], SMALL, num_beams=2)
        np.testing.assert_array_equal(alone[0], words)


# --- Data, schedule, judgement ----------------------------------------------------------------


def test_positions_of_source_and_target_begin_anywhere_up_to_the_last_start():
    config = dataclasses.replace(TINY, num_steps=200, batch_size=4)
    starts = problem.draw_batches(10, config, rng=np.random.default_rng(0)).starts
    assert set(starts.ravel().tolist()) == set(range(config.max_start + 1))
    assert (starts[:, 0] != starts[:, 1]).any()


def test_positions_beyond_the_table_are_refused(trained: evaluation.Trained):
    config = trained.config
    few = problem.encode(trained.data.test[:2], trained.data.words, config)
    last = config.num_positions - config.target_length
    assert problem.make_batch(few, config, start=last).starts.tolist() == [last, last]
    with pytest.raises(ValueError, match="the table has 0 to 39"):
        problem.make_batch(few, config, start=last + 1)


def test_the_rate_warms_up_and_fades_away():
    rates = problem.learning_rates(PAGE)
    assert rates.argmax() == pytest.approx(PAGE.warm_up * PAGE.num_steps, abs=1)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert np.all(np.diff(rates[: rates.argmax()]) > 0)


def test_every_position_differs_from_every_other():
    table = problem.waves(PAGE.num_positions, PAGE.width)
    distances = np.linalg.norm(table[:, None] - table[None], axis=-1)
    assert distances[~np.eye(len(table), dtype=bool)].min() > 0.5
    np.testing.assert_allclose(table[0, 0::2], 0)
    np.testing.assert_allclose(table[0, 1::2], 1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"num_heads": 3}, "multiple of their number"),
        ({"num_steps": 0}, "num_steps is 0; it must be at least 1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"num_beams": 0}, "num_beams is 0"),
        ({"max_start": -1}, "must not be negative"),
        ({"warm_up": 0.0}, "a share between 0 and 1"),
        ({"smoothing": 2.0}, "below 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict, said: str):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(PAGE, **settings)


def test_the_published_captions_get_more_steps_than_a_short_preset_has_and_no_fewer():
    short, long = (dataclasses.replace(PAGE, source="real", num_steps=n) for n in (10, 99_999))
    assert problem.for_source(short).num_steps > 10
    assert problem.for_source(long).num_steps == 99_999
    assert problem.for_source(PAGE) == PAGE


def test_a_short_training_lowers_the_loss_and_repeats_by_its_seed(trained: evaluation.Trained):
    assert trained.losses[-5:].mean() < 0.8 * trained.losses[:5].mean()
    again, other = (evaluation.train(TINY, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(again.losses, trained.losses)
    assert not np.array_equal(other.losses, trained.losses)


def test_every_method_is_judged_on_every_split(trained: evaluation.Trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    columns = {
        f"{what}, {name}" for what in ("BLEU", "exact") for name in ("test", "pairs", "long")
    }
    assert {frozenset(row) for row in judgement.details.values()} == {frozenset(columns)}
    scores = evaluation.baselines(trained.data, TINY, seed=0)
    assert scores == judgement.baselines
    assert scores[evaluation.PHRASES].held_out > scores[evaluation.WORDS].held_out
    assert judgement.strongest[0] == evaluation.PHRASES
    assert not judgement.met  # so short a training cannot
    assert "does not beat" in reading.say_whether_met(judgement)


def test_translations_come_back_in_the_order_of_the_sentences(trained: evaluation.Trained):
    found = evaluation.translate(trained, trained.data.test)
    assert found == (trained.outputs or {})[evaluation.MODEL]["test"]


# --- What the page shows ----------------------------------------------------------------------


def test_long_sentences_are_told_whoever_wins():
    def details(long: float) -> dict[str, dict[str, float]]:
        ours = {"exact, pairs": 0.8, "exact, long": long}
        return {
            evaluation.MODEL: ours,
            evaluation.PHRASES: {"exact, pairs": 0.1, "exact, long": 0.3},
        }

    assert "A likely reason" in reading.say_splits(details(0.2))
    assert "it wins there, too" in reading.say_splits(details(0.4))
    won = Judgement(metric="BLEU", value=90.0, baselines={"phrases": Score(80.0, 80.0)})
    assert "It beats the line" in reading.say_whether_met(won)


def test_wrong_and_missing_words_are_marked():
    assert reading._marked(["les", "clés", "vues"], ["les", "clés", "vue", "."]) == (
        "les clés **vues**"
    )
    assert reading._marked(["la", "clé"], ["la", "petite", "clé"]) == "la **(...)** clé"


def test_the_page_can_look_at_its_example(trained: evaluation.Trained):
    looking = reading.look(reading.EXAMPLE, trained)
    assert looking.last.shape == (len(looking.french), len(looking.english))
    np.testing.assert_allclose(looking.weights.sum(-1), 1, rtol=1e-5)
    figures.attention(looking.last, looking.english, looking.french)
    text = figures.describe_attention(looking.last, looking.english, looking.french)
    assert "dessinées looks most at" in text
    lengths = reading.lengths_of(trained)
    figures.by_length(lengths)
    told = figures.describe_by_length(lengths)
    for name, classes in lengths.items():
        assert f"{name} {', '.join(f'{each.score:.2f}' for each in classes)}" in told


def test_it_is_counted_how_many_heads_look_at_a_word():
    scores = np.zeros((2, 2, 1, 3))
    scores[0, 0, 0, 1] = scores[1, 1, 0, 1] = scores[0, 1, 0, 2] = scores[1, 0, 0, 2] = 1
    looking = reading.Looking(scores, scores, ("a", "b", "c"), ("x",))
    assert reading.say_who_looks(looking, "x", "b") == (
        "Of the 4 heads of the decoder, 2 look most at *b* then. The others look most at *c* (2)."
    )
    assert "None of the 4 heads" in reading.say_who_looks(looking, "x", "a")


def test_sentences_on_which_two_methods_part_are_counted(trained: evaluation.Trained):
    pairs = trained.data.test
    right, wrong = [pair.french for pair in pairs], [("non",)] * len(pairs)
    ours = [*right[:5], *wrong[5:]]
    theirs = [*wrong[:3], *right[3:]]
    outputs = {
        evaluation.MODEL: {"test": ours},
        evaluation.PHRASES: {"test": theirs},
        evaluation.BEAMS: {"test": right},
    }
    made = trained._replace(outputs=outputs)
    parting = reading.parting(made)
    assert parting[1:] == (3, 15, 20)
    assert 8 <= len(pairs[parting.example].english) <= 12
    assert "alone gets 3 right, and the phrase table alone 15" in reading.say_parting(parting)
    assert "15 of 20" in reading.say_beams(made)
    assert "15 become right by it, and 0 become wrong" in reading.say_beams(made)


def test_the_largest_gap_is_described():
    def line(*scores: float) -> tuple[LengthScore, ...]:
        return tuple(LengthScore(4 * i + 1, 4 * i + 4, 9, each) for i, each in enumerate(scores))

    told = figures.describe_by_length(
        {"one": line(1.0, 0.9, 0.5, np.nan), "two": line(0.9, 0.3, 0.6, np.nan)}
    )
    assert "one 1.00, 0.90, 0.50, nan; two 0.90, 0.30, 0.60, nan." in told
    assert "The largest gap, 0.60, is between one and two at 5 to 8 words." in told


def test_the_products_of_a_block_are_those_of_its_layers():
    config = dataclasses.replace(SMALL, width=8, num_heads=2)
    batch = Batch(np.ones((3, 5), int), np.ones((3, 6), int), np.zeros(2, int))
    factors = timings.factors_of(batch, config)
    ours, theirs = timings.products(factors), jax.jit(timings.products)(factors)
    assert [y.shape for y in ours[::3]] == [
        (15, 24), (3, 2, 5, 5), (3, 2, 5, 4), (15, 8), (15, 32), (15, 8),
    ]  # fmt: skip
    for i, pair in enumerate(factors):
        assert [each.shape for each in ours[3 * i + 1 : 3 * i + 3]] == [f.shape for f in pair]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


def test_every_reason_has_a_paragraph(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timings, "lead_reason", lambda *_: "It is a tie.")
    names = (timings.PADDED, timings.FILLED, timings.PRODUCTS, timings.CACHED, timings.PLAIN)
    times: dict[str, Times] = dict.fromkeys(names, Times(1.0, 1.0))
    batch = Batch(np.array([[5, PADDING]]), np.array([[START, 5, END]]), np.zeros(2, int))
    record = Mock(spec=Record, ratio=Ratio(center=1.0, low=0.9, high=1.1, processes=3))
    lead, document, padding, cache = timings.explain(record, times, batch).split("\n\n")
    assert lead == "It is a tie."
    assert "explains nothing here" in document
    assert padding.startswith("Of the places of a batch, 50% of the English and 0% of the French")
    assert cache.startswith("Without the cache")


@pytest.mark.parametrize(
    ("times", "step", "said"),
    [
        (Times(1.0, 1.0), 2.0, "explains nothing here"),
        (Times(1.0, 2.0), 2.0, "does not hold"),
        (Times(3.0, 1.0), 2.0, "holds for the products; a whole step takes NumPy 2"),
        (Times(3.0, 1.0), 0.5, "does not carry a whole step"),
    ],
)
def test_the_reason_of_the_document_is_answered(times: Times, step: float, said: str):
    assert said in timings.say_products(times, step)
