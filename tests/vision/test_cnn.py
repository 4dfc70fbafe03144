"""Classify images with a convolutional network: the twins agree, and it learns."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from skimage.feature import hog

from tutorials_lib.benchmark.agreement import agree, make_inputs
from tutorials_lib.datasets import cifar10
from tutorials_lib.datasets.shapes10 import shapes10
from tutorials_lib.vision.cnn import comparison, evaluation, figures, in_jax, in_numpy, problem
from tutorials_lib.vision.cnn.problem import PAGE, TINY, Config, Data

EASY = Config(
    num_train=1024,
    num_test=256,
    channels=(8, 16, 32),
    batch_size=32,
    num_epochs=6,
    peak_learning_rate=0.05,
    max_shift=0,
    cutout_size=0,
)
"""Enough pictures and steps to beat a linear classifier, in a second or two."""


def inputs_of(config: Config, dtype: type = np.float32):
    """Parameters, statistics, one batch of pictures, and its labels."""
    inputs = make_inputs(comparison.COMPARISON, config, dtype)
    return inputs.params, inputs.statistics, inputs.images[0], inputs.labels[0]


def fitted(config: Config, data: Data, seed: int = 0) -> tuple[in_jax.State, in_jax.History]:
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    params, statistics = in_jax.create(config, create_key)
    state = in_jax.start(params, statistics, config)
    return in_jax.fit(state, *map(jnp.asarray, prepared(data)), fit_key, config)


def prepared(data: Data) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    images, test_images = evaluation.scaled(data)
    return images, data.train_labels, test_images, data.test_labels


@pytest.fixture(scope="module")
def easy_data() -> Data:
    return problem.load(EASY)


@pytest.fixture(scope="module")
def easy_fit(easy_data: Data) -> tuple[in_jax.State, in_jax.History]:
    return fitted(EASY, easy_data)


# --- The twins --------------------------------------------------------------------------------


def test_the_hand_gradient_equals_that_of_jax():
    with jax.enable_x64(True):
        params, statistics, images, labels = inputs_of(TINY, np.float64)
        _, _, grads = in_numpy.loss_and_grads(params, statistics, images, labels, TINY)
        on_device = jax.tree.map(jnp.asarray, (params, statistics, images, labels))
        loss = partial(in_jax.loss, config=TINY)
        expected, _ = jax.jit(jax.grad(loss, has_aux=True))(*on_device)
    assert jax.tree.structure(grads) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(grads), jax.tree.leaves(expected), strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_loss_and_its_gradient_promote_nothing_silently():
    inputs = jax.tree.map(jnp.asarray, inputs_of(TINY))
    loss = partial(in_jax.loss, config=TINY)
    with jax.numpy_dtype_promotion("strict"):
        grads, _ = jax.eval_shape(jax.grad(loss, has_aux=True), *inputs)
    assert {leaf.dtype for leaf in jax.tree.leaves(grads)} == {np.dtype(np.float32)}


def test_the_learning_rate_rises_and_falls_and_ends_at_zero():
    rates = problem.learning_rates(PAGE)
    top = rates.argmax()
    assert (np.diff(rates[:top]) > 0).all()
    assert (np.diff(rates[top + 1 :]) < 0).all()
    assert 0 < rates[:-1].min() < rates.max() <= PAGE.peak_learning_rate
    assert len(rates) == PAGE.num_steps + 1
    assert rates[-1] == 0


def test_prediction_does_not_depend_on_the_other_pictures_of_the_batch():
    params, statistics, images, _ = inputs_of(TINY)
    together = in_numpy.predict(params, statistics, images, TINY)
    alone = in_numpy.predict(params, statistics, images[:1], TINY)
    np.testing.assert_allclose(alone, together[:1], rtol=1e-4, atol=1e-5)


# --- Learning ---------------------------------------------------------------------------------


def test_it_learns_and_beats_classifiers_of_pixels_and_its_own_random_filters(easy_data, easy_fit):
    state, history = easy_fit
    assert history.train_loss[-1] < history.train_loss[0]
    judgement = evaluation.judge(EASY, seed=0, trained=evaluation.Trained(easy_data, state))
    assert judgement.value == pytest.approx(float(history.test_accuracy[-1]), abs=2e-3)
    rivals = {name: score.held_out for name, score in judgement.baselines.items()}
    edges = rivals.pop("HOG + kernel ridge")
    assert judgement.value > max(rivals.values()) + 0.1
    assert edges > max(rivals.values())


def test_what_was_not_trained_is_trained_by_the_judge():
    judgement = evaluation.judge(TINY, seed=1)
    again = evaluation.judge(TINY, seed=1, trained=evaluation.train(TINY, seed=1))
    assert judgement.value == again.value
    assert judgement.baselines == again.baselines


def test_the_histograms_of_gradients_are_those_of_scikit_image():
    images = np.random.default_rng(0).standard_normal((3, 32, 32, 3)).astype(np.float32)
    for image, found in zip(images, evaluation.oriented_gradients(images), strict=True):
        expected = hog(
            image,
            orientations=9,
            pixels_per_cell=(4, 4),
            cells_per_block=(2, 2),
            block_norm="L2",
            channel_axis=-1,
        )
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_learning_curve_ends_at_the_accuracy_of_the_returned_network(easy_data, easy_fit):
    state, history = easy_fit
    _, _, test_images, test_labels = prepared(easy_data)
    logits = in_numpy.predict(
        jax.tree.map(np.asarray, state.params),
        jax.tree.map(np.asarray, state.statistics),
        test_images,
        EASY,
    )
    assert (logits.argmax(-1) == test_labels).mean() == pytest.approx(
        float(history.test_accuracy[-1]), abs=1 / len(test_labels)
    )


def test_one_seed_repeats_and_two_seeds_differ(easy_data: Data, easy_fit):
    data = Data(*(array[:64] for array in easy_data))
    (first, _), (again, _), (other, _) = (fitted(TINY, data, seed) for seed in (0, 0, 1))
    for one, two in zip(jax.tree.leaves(first.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.params["dense"]["kernel"], other.params["dense"]["kernel"])
    other_data = problem.load(TINY, seed=1)
    assert not np.array_equal(problem.load(TINY).train_pictures, other_data.train_pictures)


# --- Augmentation -----------------------------------------------------------------------------


def test_augmentation_shifts_and_blanks_but_does_not_mirror_letters():
    image = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (32, 32, 3)).astype(np.float32))
    keys = jax.random.split(jax.random.key(0), 40)
    augment = jax.jit(jax.vmap(partial(in_jax.augment, config=PAGE), in_axes=(None, 0)))
    reach = PAGE.max_shift
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    for augmented in np.asarray(augment(image, keys)):
        kept = augmented != 0
        assert 1 <= (~kept[..., 0]).sum() <= PAGE.cutout_size**2
        shifts = np.ndindex(2 * reach + 1, 2 * reach + 1)
        assert any(
            np.array_equal(augmented[kept], padded[i : i + 32, j : j + 32][kept]) for i, j in shifts
        )


def test_augmentation_mirrors_photographs():
    config = dataclasses.replace(TINY, source="real", max_shift=0, cutout_size=0)
    image = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (32, 32, 3)).astype(np.float32))
    keys = jax.random.split(jax.random.key(0), 20)
    augmented = jax.vmap(partial(in_jax.augment, config=config), in_axes=(None, 0))(image, keys)
    mirrored = (np.asarray(augmented) == np.asarray(image)[:, ::-1]).all((1, 2, 3))
    same = (np.asarray(augmented) == np.asarray(image)).all((1, 2, 3))
    assert (mirrored | same).all()
    assert 0 < mirrored.sum() < len(keys)


# --- Edges ------------------------------------------------------------------------------------


def test_a_batch_of_one_picture_and_one_block_trains_alike_in_both():
    config = dataclasses.replace(TINY, batch_size=1, channels=(2,))
    agree(dataclasses.replace(comparison.COMPARISON, agreement=config))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": (4,) * 6}, "6 blocks"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 65}, "64 pictures"),
        ({"source": "imagenet"}, "offline, real"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **settings)


def test_pictures_of_one_colour_cannot_be_scaled():
    with pytest.raises(ValueError, match="same in every pixel"):
        problem.fit_scaling(np.full((2, 4, 4, 3), 7, np.uint8))


def test_scaled_channels_have_mean_zero_and_standard_deviation_one():
    pictures = problem.load(TINY).train_pictures
    images = problem.to_images(pictures, problem.fit_scaling(pictures))
    np.testing.assert_allclose(images.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(images.std((0, 1, 2)), 1, atol=1e-4)


def test_real_pictures_come_from_cifar10(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def load_cifar10(num_train: int, num_test: int) -> tuple:
        asked.append((num_train, num_test))
        return shapes10(num_train, 0) + shapes10(num_test, 1)

    monkeypatch.setattr(cifar10, "load_cifar10", load_cifar10)
    config = dataclasses.replace(TINY, source="real")
    assert len(problem.load(config).test_labels) == TINY.num_test
    assert asked == [(TINY.num_train, TINY.num_test)]
    assert "frog" in problem.class_names(config)
    assert "frog" not in problem.class_names(TINY)


# --- The network and its pictures -------------------------------------------------------------


def test_the_network_has_the_parameters_that_the_page_names():
    params, statistics = in_jax.create(PAGE, jax.random.key(0))
    assert params["blocks"][0]["conv"]["kernel"].shape == (3, 3, 3, 16)
    assert params["dense"]["kernel"].shape == (4 * 4 * 64, 10)
    assert set(statistics["blocks"][2]["norm"]) == {"mean", "var"}
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 33_946
    assert isinstance(in_jax.graph(PAGE), nnx.GraphDef)


def test_the_pictures_of_the_page_can_be_drawn_and_described():
    counts = problem.confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]))
    names = problem.class_names(TINY)
    assert names[0] in figures.describe_confusion(counts, names)
    assert figures.answers(figures.BAR, figures.EDGE).tolist() == [27, 27, 0, -27, -27, 0]
    assert "27, 27, 0, -27, -27, 0" in figures.describe_slide(figures.BAR, figures.EDGE)
    pictures = problem.load(TINY).train_pictures[:3]
    drawn = (
        figures.gallery(pictures, ["a", "b", "c"], columns=2, wrong=np.array([True, False, True])),
        figures.confusion_matrix(counts, names),
        figures.slide_strip(figures.BAR, figures.EDGE),
        *figures.slide_frames(figures.BAR, figures.EDGE),
        figures.filters(np.random.default_rng(0).normal(size=(3, 3, 3, 10))),
    )
    for figure in drawn:
        figure.canvas.draw()
        figure.clear()
