"""Generate digits with a GAN: the twins agree, the judge can be trusted, and it learns."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib import devices
from tutorials_lib.benchmark.agreement import make_inputs, prepared
from tutorials_lib.datasets import mnist
from tutorials_lib.generative.gan import (
    comparison,
    evaluation,
    figures,
    in_jax,
    in_numpy,
    parallel,
    problem,
    reading,
    rivals,
)
from tutorials_lib.generative.gan.problem import GAIN, PAGE, TINY
from tutorials_lib.metrics import digit_reader
from tutorials_lib.trees import leaves, tree_map


@pytest.fixture(scope="module")
def trained() -> evaluation.Trained:
    return evaluation.train(TINY, seed=0)


@pytest.fixture(scope="module")
def found(trained: evaluation.Trained) -> dict[str, rivals.Choice]:
    with pytest.MonkeyPatch.context() as few:
        few.setattr(rivals, "DIMENSIONS", (3, 6))
        few.setattr(rivals, "NUM_COMPONENTS", (2, 4))
        few.setattr(rivals, "NUM_PER_CLASS", (1, 2))
        return evaluation.choose_rivals(trained.judge, trained.wishes.labels)


def inputs_of(dtype: type = np.float64) -> comparison.Inputs:
    """The inputs of the comparison, with NumPy's own state."""
    inputs = make_inputs(comparison.COMPARISON, TINY, dtype)
    return prepared(comparison.COMPARISON, in_numpy, inputs, TINY)


# --- The networks and their losses ------------------------------------------------------------


def test_the_hand_gradients_are_the_slopes_of_the_losses():
    inputs = inputs_of()
    images, labels = inputs.images[:8], inputs.labels[:8]
    latents, directions = inputs.latents[0, 0], inputs.state.directions
    generator, discriminator = inputs.params["generator"], inputs.params["discriminator"]
    for _ in range(300):  # along which the normalization no longer moves
        _, _, directions = in_numpy.spectral_norm(discriminator, directions)

    def loss_of_discriminator(params):
        return in_numpy.discriminator_loss_and_grads(
            params, directions, images, images[::-1], labels, TINY
        )

    def loss_of_generator(params):
        return in_numpy.generator_loss_and_grads(params, discriminator, latents, labels, TINY)

    rng = np.random.default_rng(0)
    for loss, params in (
        (loss_of_discriminator, discriminator),
        (loss_of_generator, generator),
    ):
        grads = loss(params)[1]
        step = tree_map(lambda leaf: 1e-6 * rng.standard_normal(leaf.shape), params)
        ends = [tree_map(lambda p, d, s=sign: p + s * d, params, step) for sign in (1, -1)]
        rise = (loss(ends[0])[0] - loss(ends[1])[0]) / 2
        slope = sum(
            np.vdot(g, d) for g, d in zip(leaves(grads, like=params), leaves(step), strict=True)
        )
        assert rise == pytest.approx(slope, rel=1e-5)


def test_the_losses_and_their_gradients_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(np.float32))
    state = in_jax.start(inputs.params, TINY)
    generator, discriminator = inputs.params["generator"], inputs.params["discriminator"]
    batch = inputs.images[:8], inputs.labels[:8]
    with jax.numpy_dtype_promotion("strict"):
        _, grads, _ = jax.eval_shape(
            lambda: in_jax.discriminator_loss_and_grads(
                discriminator, state.directions, batch[0], *batch, TINY
            )
        )
        _, more = jax.eval_shape(
            lambda: in_jax.generator_loss_and_grads(
                generator, discriminator, inputs.latents[0, 0], batch[1], TINY
            )
        )
    assert {leaf.dtype for leaf in jax.tree.leaves((grads, more))} == {np.dtype(np.float32)}


def test_after_enough_steps_the_normalization_finds_the_largest_singular_value():
    inputs = inputs_of()
    discriminator, directions = inputs.params["discriminator"], inputs.state.directions
    weights = discriminator
    for _ in range(200):
        weights, _, directions = in_numpy.spectral_norm(discriminator, directions)
    for layer in weights.values():
        matrix = layer["kernel"].reshape(-1, layer["kernel"].shape[-1])
        assert np.linalg.norm(matrix, 2) == pytest.approx(GAIN, rel=1e-3)


def test_the_losses_hold_for_scores_of_any_size():
    scores = np.array([-1e4, 0.0, 1e4])
    np.testing.assert_allclose(in_numpy.softplus(scores), [0, np.log(2), 1e4])


def test_the_slope_of_the_non_saturating_loss_stays_where_the_other_vanishes():
    rows = reading.slopes(np.array([-8.0, 0.0, 8.0]))
    assert abs(rows.saturating[0]) < 1e-3 < 0.99 < abs(rows.non_saturating[0])
    assert rows.saturating[1] == rows.non_saturating[1] == -0.5


def test_a_batch_of_equal_pictures_has_no_spread():
    same = np.tile(np.random.default_rng(0).random((1, 3, 3, 2)), (4, 1, 1, 1))
    spread, vjp = in_numpy.batch_spread(same, 1.0)
    assert spread == pytest.approx(0, abs=1e-3)
    assert np.isfinite(vjp(1.0)).all()


def test_the_networks_have_the_parameters_that_the_page_names():
    params = in_jax.create.trace(PAGE, jax.random.key(0)).out_info
    sizes = {
        name: sum(leaf.size for leaf in jax.tree.leaves(each)) for name, each in params.items()
    }
    assert sizes == {"generator": 86_500, "discriminator": 36_326}


def test_the_average_follows_the_generator_slowly():
    inputs = inputs_of()
    state, _ = in_numpy.train_step(
        inputs.state, inputs.images[:8], inputs.labels[:8], inputs.latents[0], inputs.rates, TINY
    )
    before, after = inputs.state.average["conv1"]["bias"], state.average["conv1"]["bias"]
    moved = state.generator.params["conv1"]["bias"] - before
    np.testing.assert_allclose(after - before, (1 - TINY.average_decay) * moved)


def test_devices_that_share_the_batch_train_like_one():
    compared = devices.run(parallel.compare, num_devices=4, num_steps=2)
    assert compared["devices"] == 4
    assert compared["difference"] < 1e-9 < 1e-4 < compared["moved"]
    np.testing.assert_allclose(*compared["values"], rtol=1e-9)
    assert compared["all-reduces"] > 0


# --- Digits and draws -------------------------------------------------------------------------


def test_the_parts_share_no_digit_and_two_seeds_differ():
    data = problem.load(PAGE)
    assert [len(part.labels) for part in data] == [3_500, 500, 1_000]
    pictures = {image.tobytes() for part in data for image in part.images}
    assert len(pictures) == 5_000
    assert data.train.images.min() == 0
    assert data.train.images.max() == 1
    other = problem.load(PAGE, seed=1)
    assert not np.array_equal(data.train.labels, other.train.labels)


def test_the_rates_are_level_for_half_of_the_steps_and_end_at_a_tenth():
    rates = problem.learning_rates(PAGE)
    assert rates.dtype == np.float32
    assert rates.shape == (PAGE.num_steps + 1, 2)
    assert (rates[: PAGE.num_steps // 2] == np.float32(PAGE.learning_rate)).all()
    assert rates[-1] == pytest.approx(PAGE.learning_rate / 10)


def test_each_digit_is_asked_for_equally_often():
    assert np.bincount(problem.wishes(TINY, seed=0).labels).tolist() == [4] * 10


def test_published_digits_can_be_taken(published_data: Path, monkeypatch: pytest.MonkeyPatch):
    config = dataclasses.replace(TINY, source="real")
    first = problem.load(config)
    assert [len(part.labels) for part in first] == list(config.sizes)
    held_out = {image.tobytes() for image in mnist.load_mnist().test_images}
    assert {np.uint8(255 * image + 0.5).tobytes() for image in first.test.images} <= held_out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 1}, "batch_size is 1"),
        ({"num_steps": 5}, "num_steps is 5"),
        ({"num_judged": 25}, "num_judged is 25"),
        ({"source": "celeba"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_more_digits_than_there_are_are_refused():
    with pytest.raises(ValueError, match="5,000"):
        problem.load(dataclasses.replace(TINY, num_train=6_000))


# --- Judging ----------------------------------------------------------------------------------


def test_real_digits_are_nearer_than_noise_and_what_is_the_same_everywhere_covers_one(
    trained: evaluation.Trained,
):
    judge, test = trained.judge, trained.data.test
    noise = np.random.default_rng(0).random(test.images.shape, np.float32)
    real, far = (evaluation.report(images, test.labels, judge) for images in (test.images, noise))
    assert real.distance < 1e-4 < far.distance
    same = evaluation.report(np.repeat(test.images[:1], 40, axis=0), test.labels, judge)
    assert (same.covered, same.smallest) == (1, 0)
    assert same.diversity == pytest.approx(0, abs=1e-6)


def test_the_nearest_known_digit_of_a_known_one_is_itself(trained: evaluation.Trained):
    known = trained.data.train.images
    places, distances = evaluation.nearest(known[:9], known)
    assert places.tolist() == list(range(9))
    np.testing.assert_allclose(distances, 0, atol=1e-2)


def test_the_reader_needs_digits():
    with pytest.raises(ValueError, match="no digit"):
        digit_reader.train(np.zeros((0, 28, 28, 1), np.float32), np.zeros(0, int), num_steps=1)


def test_rivals_choose_on_the_development_digits(found: dict[str, rivals.Choice]):
    assert set(found) == {rivals.GAUSSIAN, rivals.MIXTURE, rivals.PER_CLASS}
    for choice in found.values():
        assert choice.images.shape == (TINY.num_judged, 28, 28, 1)
        assert np.isfinite(choice.development)
        assert 0 <= choice.images.min() <= choice.images.max() <= 1
    assert found[rivals.GAUSSIAN].setting.components == 1


def test_the_judgement_has_all_rivals_and_a_row_of_scores_for_each(
    trained: evaluation.Trained, found: dict[str, rivals.Choice]
):
    judgement = evaluation.judge(TINY, seed=0, trained=trained._replace(rivals=found))
    assert set(judgement.baselines) == set(found)
    assert not judgement.higher_is_better
    assert judgement.value == judgement.details[evaluation.GAN]["distance"]
    assert set(judgement.details[evaluation.TEST]) == set(evaluation.COLUMNS)


# --- Training ---------------------------------------------------------------------------------


def test_training_reports_digits_and_losses_and_one_seed_repeats(trained: evaluation.Trained):
    assert list(trained.frames) == [2, 4]
    assert trained.images.shape == (TINY.num_judged, 28, 28, 1)
    assert trained.losses.shape == (2, 2)
    images = []
    for seed in (0, 1):
        state = in_jax.start(in_jax.create(TINY, jax.random.key(seed)), TINY)
        rates = problem.learning_rates(TINY)
        images.append(evaluation.run(state, trained.data, rates, TINY, seed=seed).frames[4])
    np.testing.assert_array_equal(images[0], trained.images)
    assert not np.array_equal(images[0], images[1])


def test_where_a_rate_is_zero_only_the_other_network_moves(trained: evaluation.Trained):
    rates = problem.learning_rates(TINY) * np.array([0, 1], np.float32)
    after = evaluation.run(trained.state, trained.data, rates, TINY, seed=0).state
    for name, moves in (("discriminator", False), ("generator", True)):
        states = trained.state, after
        one, other = (getattr(state, name).params["conv1"]["kernel"] for state in states)
        assert np.array_equal(one, other) != moves


# --- The page ---------------------------------------------------------------------------------


def test_the_pictures_of_the_page_can_be_drawn(trained: evaluation.Trained):
    labels = trained.wishes.labels
    grids = [figures.by_digit(images, labels, rows=2) for images in trained.frames.values()]
    drawn = (
        figures.sheets({"one": grids[0], "two": grids[1], "three": grids[0]}),
        *figures.growing(grids),
        figures.strip(grids, ["2", "4"]),
        figures.rows_of_digits({"a": trained.images[:3], "b": trained.images[3:6]}),
    )
    for figure in drawn:
        figure.canvas.draw()
