"""A judgement sets a value beside its rivals, and several seeds together decide."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats

from tutorials_lib import catalog
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.judge.evaluation import NoEvaluationError, load_config, load_evaluation
from tutorials_lib.judge.report import rivals_table
from tutorials_lib.judge.seeds import Run, Summary, judge_with_seeds

RIVALS = {"linear": Score(0.7, 0.75), "trees": Score(0.8, 0.72), "majority": Score(None, 0.5)}


def judged(value: float, *, metric: str = "held-out accuracy", **settings) -> Judgement:
    return Judgement(metric=metric, value=value, **{"baselines": RIVALS, **settings})


def summary(*values: float, **settings) -> Summary:
    return Summary(
        runs=tuple(
            Run(seed=seed, judgement=judged(value, **settings), seconds=1.0)
            for seed, value in enumerate(values)
        )
    )


def test_the_line_to_beat_is_the_strongest_rival_held_out():
    judgement = judged(0.8)
    assert judgement.strongest == ("linear", 0.75), "trees is stronger on the development split"
    assert judgement.difference == pytest.approx(0.05)
    assert judgement.met


def test_where_lower_is_better_the_line_is_the_lowest():
    judgement = judged(0.4, metric="held-out error", higher_is_better=False)
    assert judgement.strongest == ("majority", 0.5)
    assert judgement.difference == pytest.approx(0.1)
    assert judgement.met
    assert not judged(0.6, higher_is_better=False).met


def test_a_tie_is_not_met_and_a_margin_has_to_be_exceeded():
    assert not judged(0.75).met
    assert judged(np.nextafter(0.75, 1)).met
    assert not judged(1.0, margin=0.25).met
    assert judged(1.0, margin=0.2).met


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baselines": {}}, "has no rival"),
        ({"margin": -0.1}, "margin is -0.1; it must be zero or more"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"value": float("nan")}, "of the model is nan, which cannot be judged"),
        ({"baselines": {"linear": Score(None, float("inf"))}}, "of linear is inf"),
        ({"baselines": {"knn": Score(float("nan"), 0.5)}}, "of knn on the development split"),
    ],
)
def test_what_cannot_be_judged_is_refused(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        judged(**{"value": 0.8, **settings})


def test_the_quality_of_a_record_has_the_held_out_scores():
    quality = judged(0.8, margin=0.01, training_seconds=3.0).quality()
    assert quality.baselines == {"linear": 0.75, "trees": 0.72, "majority": 0.5}
    assert (quality.metric, quality.value, quality.margin) == ("held-out accuracy", 0.8, 0.01)
    assert quality.training_seconds == 3.0
    assert quality.met


def test_the_interval_is_that_of_student():
    values = (0.80, 0.79, 0.84, 0.78)
    differences = np.subtract(values, 0.75)
    low, high = scipy.stats.t.interval(
        0.9, len(values) - 1, differences.mean(), scipy.stats.sem(differences)
    )
    assert summary(*values).interval == pytest.approx((low, high))
    assert summary(*values).met == (low > 0)


def test_seeds_that_beat_the_line_on_average_only_have_not_met_it():
    unsure = summary(0.95, 0.76, 0.70)
    assert unsure.difference > 0
    assert unsure.num_met == 2
    assert not unsure.met
    assert summary(0.95, 0.96, 0.94).met


def test_the_interval_has_to_lie_above_the_margin():
    assert summary(0.80, 0.81, 0.82, margin=0.01).met
    assert not summary(0.80, 0.81, 0.82, margin=0.05).met


def test_seeds_that_all_reach_the_same_are_judged_by_it():
    assert summary(0.8, 0.8, 0.8).met
    assert not summary(0.75, 0.75, 0.75).met


def test_a_single_seed_has_no_interval_and_its_own_judgement_stands():
    assert summary(0.8).interval is None
    assert summary(0.8).met
    assert not summary(0.7).met


def test_every_seed_is_set_beside_its_own_strongest_rival():
    swapped = {"linear": Score(None, 0.6), "trees": Score(None, 0.9), "majority": Score(None, 0.5)}
    runs = (
        Run(seed=0, judgement=judged(0.8), seconds=2.0),
        Run(seed=1, judgement=judged(0.8, baselines=swapped), seconds=3.0),
    )
    both = Summary(runs=runs)
    assert both.line == pytest.approx((0.75 + 0.9) / 2)
    assert both.difference == pytest.approx(both.value - both.line)
    assert both.seconds == 5.0


def test_seeds_of_different_kinds_are_not_summed_up():
    runs = (
        Run(seed=0, judgement=judged(0.8), seconds=1.0),
        Run(seed=1, judgement=judged(0.8, metric="held-out error"), seconds=1.0),
    )
    with pytest.raises(ValueError, match="must be the same for every seed"):
        Summary(runs=runs)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ((), "there is no seed"),
        ((0, 1, 0), "seeds are 0, 1, 0; each may be given once"),
        ((0, -1), "each must be zero or more"),
    ],
)
def test_seeds_are_checked_before_any_work(small: SimpleNamespace, seeds, message: str):
    small.evaluation.judge = lambda config, *, seed, trained=None: pytest.fail("worked")
    with pytest.raises(ValueError, match=message):
        judge_with_seeds("small", seeds)


def test_every_seed_is_judged_once(small: SimpleNamespace):
    done: list[int] = []
    found = judge_with_seeds("small", (2, 0, 1), advance=done.append)
    assert found.seeds == (2, 0, 1)
    assert done == [2, 0, 1]
    assert [each.value for each in found.judgements] == [0.91, 0.90, 0.92]
    assert all(run.seconds >= 0 for run in found.runs)


def test_the_configuration_is_the_one_that_the_environment_asks_for(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TUTORIALS_DATA", "real")
    assert load_config("small").source == "real"
    monkeypatch.setenv("TUTORIALS_PRESET", "full")
    with pytest.raises(ValueError, match="TUTORIALS_PRESET=full, but this tutorial has only"):
        load_config("small")


def test_a_tutorial_without_evaluation_says_so(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    del small.evaluation.judge
    with pytest.raises(NoEvaluationError, match="evaluation has no function judge"):
        load_evaluation("small")
    monkeypatch.delitem(sys.modules, small.evaluation.__name__)
    with pytest.raises(NoEvaluationError, match="no function baselines and no function judge"):
        load_evaluation("small")


def test_an_error_inside_an_evaluation_is_not_taken_for_a_missing_one(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    def broken(name: str):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("tutorials_lib.judge.evaluation.importlib.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="torch"):
        load_evaluation("small")


def test_an_unknown_tutorial_is_named():
    with pytest.raises(KeyError, match="no tutorial is named 'chess'"):
        load_evaluation("chess")
    assert "chess" not in catalog._BY_SLUG


def test_the_table_of_a_page_has_every_rival_and_then_the_model():
    table = rivals_table(judged(0.8), model="ours", more={"on new data": 0.7}).markdown()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    rivals = judged(0.8).baselines
    assert [row[0] for row in rows[2:]] == [*rivals, "ours", "on new data"]
    assert [row[2] for row in rows[-2:]] == ["0.800", "0.700"]
    untuned = next(name for name, score in rivals.items() if score.development is None)
    assert dict(zip(rivals, rows[2:], strict=False))[untuned][1] == ""
