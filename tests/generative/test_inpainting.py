"""Fill in the missing parts of an image: the Gaussian is right, the twins agree, and it learns."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib.benchmark.agreement import make_inputs, prepared
from tutorials_lib.generative.inpainting import (
    comparison,
    evaluation,
    face_reader,
    figures,
    gaussian,
    in_jax,
    in_numpy,
    problem,
    reading,
    rivals,
)
from tutorials_lib.generative.inpainting.problem import KINDS, TINY, Batch
from tutorials_lib.judge import Judgement, Score


@pytest.fixture(scope="module")
def data() -> problem.Data:
    return problem.load(TINY)


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train(TINY, seed=0)


@pytest.fixture(scope="module")
def fills(data: problem.Data) -> dict[str, rivals.Fills]:
    return rivals.fill_all(data)


@pytest.fixture(scope="module")
def told(
    trained: evaluation.Trained, fills: dict[str, rivals.Fills]
) -> dict[str, evaluation.Report]:
    return evaluation.reports(trained, fills, TINY)


def inputs_of(dtype: type = np.float64) -> comparison.Inputs:
    """The inputs of the comparison, with NumPy's own state."""
    inputs = make_inputs(comparison.COMPARISON, TINY, dtype)
    return prepared(comparison.COMPARISON, in_numpy, inputs, TINY)


# --- The Gaussian -----------------------------------------------------------------------------


def test_the_guess_and_the_covariance_are_those_of_the_joint_gaussian(data: problem.Data):
    model = gaussian.fit(data.train.pictures, TINY.num_coords)
    part = data.development
    found = gaussian.condition(model, part.holes)
    guess = gaussian.guess(model, found, part.pictures, part.holes, part.which)
    u, prior = model.directions.astype(float), np.diag(model.variances.astype(float))
    seen = ~part.missing[0]
    pixels = u[:, seen].T @ prior @ u[:, seen] + model.noise * np.eye(seen.sum())
    gain = prior @ u[:, seen] @ np.linalg.inv(pixels)
    expected = gain @ (part.pictures[0] - model.mean)[seen]
    np.testing.assert_allclose(guess[0], expected, atol=1e-4)
    left = prior - gain @ u[:, seen].T @ prior
    np.testing.assert_allclose(found.covariances[part.which[0]], left, atol=1e-5)


def test_draws_have_the_covariance_of_their_hole(data: problem.Data):
    model = gaussian.fit(data.train.pictures, 3)
    found = gaussian.condition(model, data.train.holes)
    noise = np.random.default_rng(0).standard_normal((40_000, 3)).astype(np.float32)
    drawn = gaussian.draw(found, noise, np.ones(len(noise), int))
    np.testing.assert_allclose(np.cov(drawn.T), found.covariances[1], rtol=0.1, atol=2e-3)


def test_more_coordinates_than_pictures_are_refused(data: problem.Data):
    with pytest.raises(ValueError, match="60 coordinates of 60 pictures"):
        gaussian.fit(data.train.pictures, 60)


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        inputs = inputs_of()
        batch = Batch(*(each[0] for each in inputs.batches))
        arrays = inputs.params, batch, inputs.holes, inputs.space
        value, grads = in_numpy.loss_and_grads(*arrays, TINY)
        expected, found = jax.jit(in_jax.loss_and_grads, static_argnames="config")(*arrays, TINY)
        assert value == pytest.approx(float(expected))
        for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(found), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-12)


def test_the_loss_promotes_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(np.float32))
    batch = Batch(*(each[0] for each in inputs.batches))
    with jax.numpy_dtype_promotion("strict"):
        value, grads = jax.eval_shape(
            lambda: in_jax.loss_and_grads(inputs.params, batch, inputs.holes, inputs.space, TINY)
        )
    assert {leaf.dtype for leaf in jax.tree.leaves((value, grads))} == {np.dtype(np.float32)}


def test_several_fills_at_once_are_the_ends_of_their_ways():
    inputs = inputs_of()
    arrays = inputs.guess, inputs.cells, inputs.space, TINY
    together = in_numpy.sample(inputs.params, inputs.starts, *arrays)
    for start, end in zip(inputs.starts, together, strict=True):
        np.testing.assert_allclose(in_numpy.flow(inputs.params, start, *arrays)[-1], end)


def test_before_training_every_fill_is_the_guess_of_the_gaussian():
    inputs = inputs_of(np.float32)
    params = in_jax.create(TINY, jax.random.key(0))
    arrays = inputs.guess, inputs.cells, inputs.space, TINY
    np.testing.assert_array_equal(in_jax.compiled_predict(params, *arrays), inputs.guess)
    found = in_jax.compiled_sample(params, inputs.starts, *arrays)
    expected = np.broadcast_to(inputs.guess, inputs.starts.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_at_time_zero_the_start_tells_the_network_nothing():
    inputs = inputs_of()
    times = np.zeros(len(inputs.guess))
    arrays = times, inputs.guess, inputs.cells, inputs.space, TINY
    one, other = (in_numpy.expect(inputs.params, start, *arrays) for start in inputs.starts[:2])
    np.testing.assert_array_equal(one, other)


# --- Pictures and holes -----------------------------------------------------------------------


def test_the_parts_share_no_picture_and_two_seeds_differ(data: problem.Data):
    pictures = {picture.tobytes() for part in data for picture in part.pictures}
    assert len(pictures) == TINY.num_train + TINY.num_development + TINY.num_test
    again, other = problem.load(TINY), problem.load(TINY, seed=1)
    np.testing.assert_array_equal(again.train.pictures, data.train.pictures)
    np.testing.assert_array_equal(again.test.holes, data.test.holes)
    assert not np.array_equal(other.train.pictures, data.train.pictures)


@pytest.mark.parametrize("side", [28, 32])
def test_every_hole_leaves_something_and_takes_something(side: int):
    shares = problem.draw_holes(300, side, np.random.default_rng(0)).mean(1)
    for kind, (low, high) in enumerate([(0.4, 0.6), (0.12, 0.35), (0.05, 0.6)]):
        of_kind = shares[kind :: len(KINDS)]
        assert low < of_kind.min() <= of_kind.max() < high


def test_the_cells_are_the_missing_shares_of_squares_in_both_libraries():
    hole = np.zeros((8, 8), bool)
    hole[:4, :2] = hole[4:, 4:] = True
    found = problem.cells(hole.reshape(1, -1))
    np.testing.assert_allclose(found, [[0.5, 0, 0, 1]])
    flat = jnp.asarray(hole.reshape(1, -1), jnp.float32)
    np.testing.assert_allclose(in_jax.cells(flat), found)


def test_a_share_of_a_batch_trains_the_mean(data: problem.Data):
    model = gaussian.fit(data.train.pictures, TINY.num_coords)
    found = gaussian.condition(model, data.train.holes)
    for share in (0.0, 0.5, 1.0):
        batches = problem.draw_batches(
            data.train,
            model,
            found,
            TINY,
            num_steps=100,
            mean_share=share,
            rng=np.random.default_rng(0),
        )
        assert (batches.times == 0).mean() == pytest.approx(share, abs=0.1)


def test_published_digits_can_be_taken(published_data: Path):
    config = dataclasses.replace(TINY, source="real")
    digits = problem.load(config)
    assert [len(part.pictures) for part in digits] == [60, 12, 18]
    assert digits.train.pictures.shape[1] == config.num_pixels == 784
    with pytest.raises(ValueError, match="60,000"):
        problem.load(dataclasses.replace(config, num_train=60_000))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_steps": 5}, "num_steps is 5"),
        ({"num_masks": 4}, "num_masks is 4"),
        ({"width": 0}, "width is 0"),
        ({"mean_share": 1.5}, "mean_share is 1.5"),
        ({"source": "celeba"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


# --- Rivals and judging -----------------------------------------------------------------------


def test_nobody_changes_what_is_seen(fills: dict[str, rivals.Fills], data: problem.Data):
    for each in fills.values():
        changed = each.pictures != data.test.pictures
        assert not (changed & ~data.test.missing).any()


def test_a_plane_is_filled_by_the_biharmonic_equation(data: problem.Data):
    rows, columns = np.indices((32, 32)) / 100
    plane = np.float32(0.1 + rows + columns).reshape(1, -1)
    part = data.test._replace(pictures=plane, which=np.array([1], np.int32))
    np.testing.assert_allclose(rivals.biharmonic(part), plane, atol=1e-3)


def test_a_known_picture_is_its_own_neighbour(data: problem.Data):
    known = data.train.pictures
    for found in (
        rivals.neighbours(data.train, known, 1),
        rivals.kernel_regression(data.train, known, 1e-4),
    ):
        np.testing.assert_allclose(found, known, atol=1e-3)


def test_settings_are_chosen_on_the_development_pictures(data: problem.Data):
    wanted = data.development.pictures

    def fill(part: problem.Part, setting: float) -> np.ndarray:
        good = (setting == 2) == (len(part.pictures) == len(wanted))
        return part.pictures if good else 0 * part.pictures

    chosen = rivals._tuned(fill, (1, 2, 3), data)
    assert chosen.setting == 2  # the worst on the test pictures
    assert chosen.development is not None
    assert chosen.development > 100 > rivals.psnr(chosen.pictures, data.test)


def test_without_a_missing_pixel_there_is_nothing_to_judge(data: problem.Data):
    part = data.test._replace(holes=np.zeros_like(data.test.holes))
    with pytest.raises(ValueError, match="no pixel is missing"):
        rivals.psnr(part.pictures, part)


def test_whole_pictures_are_at_no_distance_and_noise_is_far(data: problem.Data):
    judge = evaluation.make_judge(data, TINY)
    whole = evaluation.report(data.test.pictures, judge, 0.0)
    noise = np.random.default_rng(0).random(data.test.pictures.shape, np.float32)
    far = evaluation.report(rivals.paste(noise, data.test), judge, 0.0)
    assert whole.distance == pytest.approx(0, abs=1e-4)
    assert far.distance > 1e-3
    assert whole.psnr > 100 > far.psnr


def test_the_face_reader_needs_faces():
    empty = np.zeros((0, 32, 32, 1), np.float32), np.zeros((0, 21), np.float32)
    with pytest.raises(ValueError, match="no face"):
        face_reader.train(*empty, num_steps=1)


def test_the_judgement_has_all_rivals_and_a_row_of_scores_for_each(
    trained: evaluation.Trained,
    fills: dict[str, rivals.Fills],
    told: dict[str, evaluation.Report],
):
    judgement = evaluation.judge(TINY, seed=0, trained=trained._replace(fills=fills, told=told))
    assert set(judgement.baselines) == set(rivals.RIVALS)
    assert judgement.value == told[evaluation.MODEL].psnr
    assert set(judgement.details) == {*fills, evaluation.MODEL, evaluation.SAMPLE}


# --- Training ---------------------------------------------------------------------------------


def test_training_reports_and_one_seed_repeats(trained: evaluation.Trained):
    assert len(trained.development) == 1 + len(trained.losses) == 3
    again = evaluation.train(TINY, seed=0)
    np.testing.assert_array_equal(again.losses, trained.losses)
    assert not np.array_equal(evaluation.train(TINY, seed=1).losses, trained.losses)


def test_the_mean_is_learned_where_it_is_not_linear():
    """A hole whose content is the product of two seen coordinates, which no Gaussian can tell."""
    rng = np.random.default_rng(0)
    config = dataclasses.replace(TINY, num_coords=3, width=32, learning_rate=1e-2, num_steps=300)
    guess = np.zeros((300, 64, 3))
    guess[..., :2] = rng.standard_normal((300, 64, 2))
    truth = np.zeros_like(guess)
    truth[..., 2] = guess[..., 0] * guess[..., 1]
    still = np.zeros((300, 64))
    batches = Batch(guess, np.zeros_like(guess), truth, still, still.astype(np.int32))
    space = problem.Space(np.eye(3, 1024), np.ones(3))
    params = jax.tree.map(np.asarray, in_jax.create(config, jax.random.key(0)))
    holes, rates = np.ones((1, 1024), bool), problem.learning_rates(config)
    start = in_numpy.start(jax.tree.map(np.float64, params), config)
    _, losses = in_numpy.train_steps(start, batches, holes, space, rates, config)
    assert losses[-20:].mean() < 0.2 * losses[:5].mean()


# --- The page ---------------------------------------------------------------------------------


def test_the_sentences_have_words_of_their_own_for_a_win_and_a_loss(
    told: dict[str, evaluation.Report],
):
    def with_distance(distance: float, psnr: float) -> dict[str, evaluation.Report]:
        each = told[evaluation.SAMPLE]._replace(distance=distance, psnr=psnr)
        return {**told, evaluation.SAMPLE: each, evaluation.MODEL: each}

    better, worse = with_distance(-1.0, 99.0), with_distance(1e6, -9.0)
    assert ": met" in reading.say_looks(better)
    assert "not met" in reading.say_looks(worse)
    assert "too near to the mean" in reading.say_looks(with_distance(1e6, 99.0))
    assert "gains" in reading.say_answer(better)
    assert "loses" in reading.say_answer(worse)
    assert "farther from whole" in reading.say_answer(worse)
    line = {"rival": Score(None, 20.0)}
    for value, word in ((21.0, ": met, by +1.00"), (19.0, "not met, by -1.00")):
        assert word in reading.say_mean(Judgement(metric="m", value=value, baselines=line))
    assert "looks less like" in reading.say_trade(
        told | {evaluation.MODEL: worse["biharmonic"]._replace(distance=1e6)}
    )
    assert set(KINDS) <= set(reading.say_gain(told).replace(",", "").split())


def test_the_pictures_and_tables_of_the_page_can_be_drawn(
    trained: evaluation.Trained,
    fills: dict[str, rivals.Fills],
    told: dict[str, evaluation.Report],
):
    test = trained.data.test
    frames = [test.pictures[:3], fills[rivals.MEAN].pictures[:3]]
    assert figures.with_holes(test.pictures, test.missing)[0].shape == (32, 32, 3)
    for figure in (*figures.growing(frames), figures.strip(frames, ["0", "1"])):
        figure.canvas.draw()
    stages = reading.example(trained, TINY, 1)
    assert len(reading.example_table(trained, stages, 1).rows) == len(stages)
    assert len(reading.report_table(told, fills, TINY).rows) == len(told)
    several = evaluation.sampled_fills(trained, test, TINY, count=2, seed=0)
    assert reading.spreads(np.repeat(several[:1], 2, axis=0), test) == dict.fromkeys(KINDS, 0.0)
    assert "noise" in reading.say_spread(reading.spreads(several, test), TINY)
