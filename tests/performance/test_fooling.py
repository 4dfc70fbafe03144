"""The eight ways to fool yourself: the work is the same each time, but where it should differ."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

from tutorials_lib.benchmark import AgreementError, machine, timing
from tutorials_lib.performance.fooling import classifier, mistakes, pictures

pytestmark = pytest.mark.clock


@pytest.fixture(scope="module")
def work() -> classifier.Work:
    return classifier.make_work(12, num_features=5, num_classes=3)


def test_every_row_of_every_version_is_a_softmax(work: classifier.Work) -> None:
    scores = (work.x @ work.weights).astype(np.float64)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    for found in (
        classifier.probabilities_in_numpy(work.x, work.weights),
        classifier.probabilities_in_a_loop(work.x, work.weights),
        work.compiled(*work.on_device),
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_versions_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "probabilities_in_a_loop", lambda x, weights: np.ones((4, 3)))
    with pytest.raises(AgreementError, match="the probabilities differ"):
        classifier.make_work(4, num_features=5, num_classes=3)


def test_the_race_is_run_in_both_precisions_and_numpy_at_its_best(
    work: classifier.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def run_once(contestants: list) -> list:
        for each in contestants:
            seen[each.variant.name] = each.call().dtype.name
            each.samples = [2.0, 8.0] if each.threads else [1.0, 2.0]
        return contestants

    monkeypatch.setattr(classifier, "race", run_once)
    found = classifier.race_all(work)
    assert seen == {
        "NumPy": "float32", "JAX": "float32", "NumPy, float64": "float64",
        "JAX, float64": "float64", "JAX, jnp.array inside": "float32",
        "JAX, jnp.asarray inside": "float32", "JAX, jax.device_put inside": "float32",
    }  # fmt: skip
    assert found.threads == machine.num_cores()  # the last that entered
    assert found.median("NumPy") == 5
    assert found.ratio() == found.ratio("NumPy, float64", "JAX, float64") == 3


def test_everybody_in_the_race_is_sampled_once_a_round(
    work: classifier.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "blas_spin_seconds", lambda: 0.0)
    monkeypatch.setattr(timing, "SAMPLE_SECONDS", 1e-4)
    monkeypatch.setattr(timing, "VARIANT_SECONDS", 0.0)
    found = classifier.race_all(work)
    assert {len(samples) for samples in found.seconds.values()} == {timing.REPEATS}
    assert len(found.seconds) == 7
    assert found.ratio() > 0


def test_a_copy_lies_elsewhere_and_a_shared_array_does_not() -> None:
    x = np.ones(1_000, np.float32)
    assert not classifier.shares_memory(jnp.array, x)  # it promises a copy
    shared = classifier.shares_memory(jax.device_put, x)
    assert shared == np.shares_memory(np.asarray(jax.device_put(x)), x)


def test_ten_calls_in_one_compile_to_the_operations_of_one(work: classifier.Work) -> None:
    one = mistakes.operations(classifier.probabilities, *work.on_device)
    assert one >= 2 * 12 * 5 * 3  # the product alone
    assert mistakes.operations(mistakes.ten_calls, *work.on_device) == one
    assert mistakes.operations(mistakes.first_number_only, *work.on_device) == 0


def test_less_work_still_returns_what_it_says(work: classifier.Work) -> None:
    x, weights = work.on_device
    np.testing.assert_allclose(
        jax.jit(mistakes.ten_calls)(x, weights), work.compiled(x, weights), rtol=1e-6
    )
    assert float(mistakes.first_number_only(x, weights)) == work.x[0, 0]
    assert len(mistakes.seconds_of_less_work(work, repeats=1)) == 3


def test_the_first_call_takes_longer_than_a_later_one_needs_to_return(
    work: classifier.Work,
) -> None:
    unwaited = mistakes.seconds_unwaited(work, repeats=5)
    assert 0 < unwaited < mistakes.seconds_of_first_call(work)


def test_turns_give_a_sample_of_either_library_each(work: classifier.Work) -> None:
    assert mistakes.single_ratios(work, threads=1, num_pairs=4).shape == (4,)
    for threads in (1, None):
        assert min(mistakes.medians_in_turns(work, threads=threads, repeats=2)) > 0
    assert mistakes.seconds_of_loop(work, repeats=1) > 0


@pytest.mark.parametrize(
    ("wrong", "expected"), [(2.1, "neither"), (1.9, "neither"), (2.5, "JAX"), (1.0, "NumPy")]
)
def test_a_ratio_flatters_a_library_if_it_is_off_by_more_than_a_tie(
    wrong: float, expected: str
) -> None:
    assert mistakes.flattered(wrong, 2.0) == expected


def test_the_figures_show_a_row_for_each_mistake() -> None:
    figure = pictures.draw_bent({"not waiting": (90.0, 90.0), "one run": (1.5, 4.0)}, 2.5)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["not waiting", "one run"]
    single = pictures.draw_single_ratios(np.array([1.5, 2.0, 3.0]), 2.5)
    assert isinstance(single, Figure)
