"""Fine-tune a pretrained network: the twins agree, frozen layers stay, and few labels go far."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import recall_score

from tutorials_lib import devices
from tutorials_lib.benchmark.agreement import make_inputs
from tutorials_lib.datasets import hymenoptera
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.pretrained.squeezenet import in_jax as squeezenet
from tutorials_lib.pretrained.squeezenet import weights
from tutorials_lib.vision.transfer_learning import (
    comparison,
    draws,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    parallel,
    photographs,
    problem,
    reading,
    rivals,
    timings,
)
from tutorials_lib.vision.transfer_learning.problem import LAYERS, PAGE, TINY, Config, Labelled
from tutorials_lib.vision.transfer_learning.rivals import Accuracies

SMALL = dataclasses.replace(TINY, channels=(2, 3, 2), num_hidden=4, tuning_batch_size=5)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    found = evaluation.train(TINY, seed=0)
    return found._replace(rivals=evaluation.choose_rivals(found))


# --- The twins --------------------------------------------------------------------------------


def inputs_of(config: Config, dtype: type = np.float32) -> tuple[Any, Any, Any]:
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, inputs.images[0], inputs.labels[0]


@pytest.mark.parametrize("layers", [LAYERS, LAYERS[2:], ("conv1", "head"), ("head",)])
def test_the_hand_gradient_of_any_layers_equals_that_of_jax(layers: tuple[str, ...]):
    with jax.enable_x64(True):
        inputs = inputs_of(SMALL, np.float64)
        value, grads = in_numpy.loss_and_grads(*inputs, SMALL, layers)
        expected, all_grads = value_and_grads(*jax.tree.map(jnp.asarray, inputs))
    assert grads.keys() == set(layers)
    np.testing.assert_allclose(value, expected)
    for layer in layers:
        for name, ours in grads[layer].items():
            np.testing.assert_allclose(ours, all_grads[layer][name], rtol=1e-9, atol=1e-12)


value_and_grads = jax.jit(jax.value_and_grad(partial(in_jax.loss, config=SMALL)))


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(SMALL))
    with jax.numpy_dtype_promotion("strict"):
        grads = jax.eval_shape(jax.grad(partial(in_jax.loss, config=SMALL)), *inputs)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_frozen_layers_stay_and_each_other_layer_moves_at_its_own_rate(twin: Any):
    """The first step of Adam moves every parameter by about the rate, whatever its gradient."""
    params, images, labels = inputs_of(SMALL)
    layers, rates = ("conv3", "head"), np.array([[1e-2, 1e-3], [0, 0]], np.float32)
    state = twin.start(params, layers)
    step = twin.train_step
    if twin is in_jax:
        step = jax.jit(step, static_argnames=in_jax.STATIC)
    after, _ = step(state, images, labels, rates, config=SMALL, trained=layers)
    for layer in LAYERS:
        moved = np.abs(np.asarray(after.params[layer]["kernel"]) - params[layer]["kernel"])
        expected = {"conv3": 1e-2, "head": 1e-3}.get(layer, 0)
        np.testing.assert_allclose(moved.max(), expected, rtol=0.01)


def test_a_step_of_the_head_alone_is_a_fraction_of_the_work():
    full, top, probe = timings.operations(SMALL).values()
    assert probe < 0.5 * full
    assert probe < top < full


def test_four_devices_end_where_one_does():
    found = devices.run(parallel.compare, num_devices=4, num_steps=3)
    assert (found["devices"], found["pictures on each"]) == (4, TINY.batch_size // 4)
    assert found["difference"] < 1e-9 < 1e-4 < found["moved"]
    assert found["loss"][0] == pytest.approx(found["loss"][1], rel=1e-9)
    assert found["all-reduces"] > 0
    told = dict(reading.devices_table(found).rows)
    assert told["loss of the last step, on one device"] == told["the same, on all"]
    assert all(len(value) < 12 for value in told.values())


# --- Data, draws and strategies ---------------------------------------------------------------


def test_the_parts_share_no_digit_and_two_seeds_differ():
    data = problem.load(PAGE)
    assert [len(part.labels) for part in data] == [500, 297, 1000]
    rows = np.concatenate([part.images.reshape(-1, 64) for part in data])
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert not np.array_equal(data.test.labels, problem.load(PAGE, seed=1).test.labels)


def test_a_lesson_has_as_many_labels_of_each_class_and_contains_the_smaller_one():
    pool = problem.load(TINY).train
    few, more = (draws.draw_lesson(pool, n, TINY, seed=0, draw=0) for n in (2, 5))
    assert np.bincount(more.examples.labels).tolist() == [5] * 10
    known = {image.tobytes() for image in more.examples.images}
    assert {image.tobytes() for image in few.examples.images} < known
    other = draws.draw_lesson(pool, 5, TINY, seed=0, draw=1)
    assert not np.array_equal(other.examples.images, more.examples.images)


def test_the_first_copy_is_the_picture_and_the_others_are_moved_a_little():
    pool = problem.load(TINY).train
    few = Labelled(pool.images[:6], pool.labels[:6])
    copies = draws.copies_of(few, 4, mirrored=False, rng=np.random.default_rng(0))
    images = copies.images.reshape(6, 4, 8, 8, 1)
    np.testing.assert_allclose(images[:, 0], few.images, atol=1e-6)
    differences = np.abs(images[:, 1:] - few.images[:, None]).mean((2, 3, 4))
    assert (differences > 0).all()
    assert differences.max() < 0.3
    np.testing.assert_array_equal(copies.labels, few.labels.repeat(4))


def test_about_half_of_the_mirrored_copies_are_mirrored():
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (1, 16, 1))[..., None]
    data = Labelled(ramp, np.zeros(1, np.int32))
    copies = draws.copies_of(data, 201, mirrored=True, rng=np.random.default_rng(0)).images
    falls = copies[:, 8, 4, 0] > copies[:, 8, 11, 0]
    assert not falls[0]
    assert 60 < falls.sum() < 140


def test_a_strategy_freezes_its_first_layers_and_rates_fall_from_the_head_down():
    found = problem.strategies(PAGE)
    assert found[problem.PROBE].trained(PAGE) == ("head",)
    assert found[problem.TOP].trained(PAGE) == ("conv3", "hidden", "head")
    rates = problem.learning_rates(found[problem.LAYER_WISE])
    assert rates.shape == (PAGE.num_tuning_steps + 1, 5)
    assert (np.diff(rates[0]) > 0).all()
    np.testing.assert_allclose(rates[0, -1], found[problem.LAYER_WISE].peak)
    assert (rates[-1] == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_printed": 9}, "no step of pretraining"),
        ({"labels_per_class": (1, 99)}, "at most 30 pictures"),
        ({"source": "kitchen"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- Learning ---------------------------------------------------------------------------------


def test_print_helps_with_handwriting_and_a_few_labels_help_more(trained: evaluation.Trained):
    history = trained.pretrained.history
    assert history is not None
    assert history.train_loss[-1] < 0.6 * history.train_loss[0]
    assert history.printed[-1] > history.handwritten[-1] > 0.2
    tuned = trained.accuracies[evaluation.JUDGED].test.mean(1)
    assert tuned[0] > trained.accuracies[problem.SCRATCH].test.mean(1)[0] + 0.05
    assert tuned[-1] > history.handwritten[-1]


def test_the_judgement_has_every_technique_at_every_number_of_labels(trained: evaluation.Trained):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    assert {problem.SCRATCH, evaluation.NO_LABEL} < judgement.baselines.keys()
    assert judgement.value == pytest.approx(
        np.mean(list(judgement.details[evaluation.JUDGED].values()))
    )
    assert list(judgement.details["nearest copy"]) == ["10 labels", "50 labels"]


def test_one_seed_repeats(trained: evaluation.Trained):
    again = evaluation.pretrain(trained.data, TINY, seed=0)
    jax.tree.map(np.testing.assert_array_equal, again.params, trained.pretrained.params)


def test_a_rival_is_tuned_on_the_development_split_alone():
    data = problem.load(TINY)
    lesson = draws.draw_lesson(data.train, 1, TINY, seed=0, draw=0)

    def rival(lesson: draws.Lesson, knows_test: bool) -> rivals.Classify:
        known = data.test if knows_test else data.development
        return lambda images: (
            known.labels if len(images) == len(known.labels) else 0 * images[:, 0, 0, 0]
        )

    found = rivals.choose(rival, [True, False], [[lesson, lesson]], data)
    assert found.development.tolist() == [[1, 1]]
    assert found.test.max() < 0.3


def test_the_nearest_copy_of_a_labelled_picture_is_itself():
    data = problem.load(TINY)
    lesson = draws.draw_lesson(data.train, 5, TINY, seed=0, draw=0)
    pairs: Any = ((rivals.nearest, 1), (rivals.support_vectors, (10.0, 6.0)))
    for rival, setting in pairs:
        assert rivals.accuracy(rival(lesson, setting), lesson.examples) == 1


# --- The published network --------------------------------------------------------------------


def test_squeezenet_is_taken_apart_by_layers_and_ends_in_a_head_of_two_classes():
    config = dataclasses.replace(TINY, source="real")
    params = jax.eval_shape(photographs.create, jax.random.key(0))
    assert set(params) == set(config.layers)
    images = jax.ShapeDtypeStruct((2, 40, 40, 3), np.float32)
    found = jax.eval_shape(partial(in_jax.stages, config=config), params, images)
    assert [found[name].shape for name in ("features", "head")] == [(2, 512), (2, 2)]


def test_every_layer_of_squeezenet_comes_back_to_its_place(monkeypatch: pytest.MonkeyPatch):
    numbers = iter(range(99))
    whole: dict[str, Any] = {name: {"kernel": next(numbers)} for name in ("conv1", "conv10")}
    whole["fires"] = {place: {"squeeze": next(numbers)} for place in range(8)}
    seen = []
    monkeypatch.setattr(weights, "load_squeezenet", lambda: whole)
    monkeypatch.setattr(
        squeezenet, "describe", lambda body, images: seen.append(body) or [jnp.ones((2, 3, 3, 512))]
    )
    found = photographs.stages(photographs.pretrained(), jnp.zeros((2, 9, 9, 3)))
    assert jax.tree.map(int, seen[0]["fires"]) == whole["fires"]
    assert int(seen[0]["conv1"]["kernel"]) == whole["conv1"]["kernel"]
    assert not found["head"].any()


def test_photographs_are_split_by_class_and_no_part_shares_one(monkeypatch: pytest.MonkeyPatch):
    def load(files: Any, *, size: int) -> hymenoptera.Photographs:
        start = 0 if files is hymenoptera.TRAIN else 50
        images = np.arange(start, start + 50, dtype=np.float32)[:, None, None, None]
        return hymenoptera.Photographs(
            np.broadcast_to(images, (50, 2, 2, 3)), np.arange(2).repeat(25).astype(np.int32)
        )

    monkeypatch.setattr(hymenoptera, "load_hymenoptera", load)
    data = problem.load(dataclasses.replace(PAGE, source="real"))
    assert [np.bincount(part.labels).tolist() for part in data] == [[15, 15], [10, 10], [25, 25]]
    assert len({int(i) for part in data for i in part.images[:, 0, 0, 0]}) == 100
    config = problem.affordable(dataclasses.replace(PAGE, source="real"))
    assert config.num_tuning_steps < PAGE.num_tuning_steps
    assert config.num_tuning_steps == config.num_scratch_steps == 15  # as the page says
    assert problem.affordable(PAGE) is PAGE


# --- The page ---------------------------------------------------------------------------------


def test_the_pictures_and_tables_of_the_page_can_be_made(trained: evaluation.Trained):
    digit = reading.telling_digit(
        trained.pretrained.params,
        trained.networks[evaluation.JUDGED][-1][0],
        trained.data.development,
        TINY,
    )
    assert digit.before.argmax() != digit.label == digit.after.argmax()
    assert f"shows a {digit.label}" in reading.say_digit(digit, 50)
    assert reading.strategy_table(TINY).rows[0][1] == "–"
    answers = reading.answer(trained, -1, TINY)
    places = answers.only_tuned(3)
    assert (answers.tuned[places] == answers.labels[places]).all()
    rows = {"from scratch": answers.scratch[:3], "fine-tuned": answers.tuned[:3]}
    recalls = {"no label": reading.recall(answers.no_label, answers.labels)}
    for figure in (
        figures.learning_curves(trained.accuracies, TINY.num_labels, floor=0.5),
        figures.two_sets({"handwritten": trained.data.development}),
        figures.beliefs(trained.data.test.images[0], {"before": digit.before}),
        figures.answers(trained.data.test.images[:3], rows),
        figures.recalls(recalls),
    ):
        figure.canvas.draw()
    assert "0.50" in figures.describe_learning_curves({}, TINY.num_labels, floor=0.5)
    assert "fine-tuned says" in figures.describe_answers(rows)
    assert "no label from" in figures.describe_recalls(recalls)


@pytest.mark.parametrize("line", [evaluation.NO_LABEL, problem.SCRATCH, "SVM on copies"])
def test_the_first_figure_has_three_curves_whatever_the_line_is(
    trained: evaluation.Trained, line: str
):
    judgement = evaluation.judge(TINY, seed=0, trained=trained)
    low = {name: Score(None, 0.5) for name in judgement.baselines} | {line: Score(None, 0.99)}
    shown = reading.at_the_top(trained, dataclasses.replace(judgement, baselines=low))
    first, second, third = shown
    assert (first, second) == (evaluation.JUDGED, problem.SCRATCH)
    assert third in (trained.rivals or {})
    assert third == line or line != "SVM on copies"


def test_no_two_curves_share_their_dashes_or_their_marker(trained: evaluation.Trained):
    (ax,) = figures.learning_curves(trained.accuracies, TINY.num_labels).axes
    curves: list[Any] = [line for line in ax.lines if str(line.get_marker()) in "os^Dv"]
    assert len({line.get_marker() for line in curves}) == len(curves) == 5
    assert len({str(line._dash_pattern) for line in curves}) == 5


def both(*rows: Sequence[float]) -> Accuracies:
    return Accuracies(np.array(rows), np.array(rows))


def test_a_gain_is_steadier_than_the_accuracies_when_draws_are_shared():
    ours, theirs = both([0.7, 0.8, 0.9]), both([0.6, 0.7, 0.8])
    found = reading.paired(ours, theirs)
    np.testing.assert_allclose(found.gain, 0.1)
    np.testing.assert_allclose(found.spread, 0, atol=1e-12)
    np.testing.assert_allclose(found.apart, np.sqrt(0.02))
    assert "At 1 of 1 numbers" in reading.say_paired(found)
    assert reading.paired_table(found, [10]).rows == [["10", "+0.100", "0.000", "0.141"]]


def test_what_the_page_says_follows_the_scores():
    ours = {"10 labels": 0.8, "50 labels": 0.9}
    for theirs, told in ((0.7, "every number of labels"), (0.95, "with 50 labels rival is")):
        details = {evaluation.JUDGED: ours, "rival": {"10 labels": 0.6, "50 labels": theirs}}
        judgement = Judgement(
            metric="accuracy", value=0.85, baselines={"rival": Score(0.5, 0.78)}, details=details
        )
        assert told in reading.say_where(judgement, TINY)
        worse = dataclasses.replace(judgement, details=details | {"rival": ours})
        assert reading.say_where(worse, TINY).startswith("At no number of labels")
        assert reading.say_whether_met(judgement, TINY).startswith("Met: ")
    gains = reading.paired(both([0.9, 0.9], [0.9, 0.9]), both([0.6, 0.5], [0.8, 0.7]))
    assert "The fewer the labels" in reading.say_shrinking(gains, [10, 50])
    for values, shrinking in (([3, 1, 2], "not at every step"), ([1, 3, 1], "does not shrink")):
        found = reading.Paired(np.array(values) / 10, np.zeros(3), np.zeros(3))
        assert shrinking in reading.say_shrinking(found, [10, 20, 50])
    told = reading.say_probe(both([0.9], [0.8]), both([0.8], [0.9]), [10, 50])
    assert "ahead of full fine-tuning with 10" in told
    assert "behind full fine-tuning with 50" in told
    same = reading.say_probe(both([0.9], [0.8]), both([0.9], [0.7999]), [10, 50])
    assert same.count("level with") == 2
    labels, said = np.array([0, 1, 1, 2, 9]), np.array([0, 1, 2, 2, 0])
    every = np.arange(problem.NUM_CLASSES)
    expected = recall_score(labels, said, labels=every, average=None, zero_division=0)
    np.testing.assert_allclose(reading.recall(said, labels), expected)


@pytest.mark.usefixtures("published_data")
def test_the_published_network_is_the_pinned_one():
    params = photographs.pretrained()
    assert params["fire9"]["expand3"]["kernel"].shape == (3, 3, *weights.FIRES[-1])
    assert not params["head"]["kernel"].any()
