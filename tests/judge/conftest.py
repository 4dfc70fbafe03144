"""A small tutorial that can be judged at once; it stands in for the real ones."""

import dataclasses
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tutorials_lib import catalog, presets
from tutorials_lib.catalog import Tutorial
from tutorials_lib.judge import Judgement, Score

VALUES = {0: 0.90, 1: 0.92, 2: 0.91, 3: 0.60}
"""What the small tutorial reaches with each seed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of the small tutorial."""

    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)


def baselines(data: object, config: Config, *, seed: int) -> dict[str, Score]:
    """One rival that is tuned, and one that has nothing to tune."""
    return {"linear": Score(0.85, 0.80), "majority": Score(None, 0.50)}


def judge(config: Config, *, seed: int, trained: object = None) -> Judgement:
    """A judgement that needs no training."""
    rivals = baselines(None, config, seed=seed)
    return Judgement(metric="held-out accuracy", value=VALUES[seed], baselines=rivals)


def make_module(name: str, **functions: object) -> ModuleType:
    """A module with these functions."""
    module = ModuleType(name)
    vars(module).update(functions)
    return module


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The small tutorial in the catalog, as `tutorial` and its modules `problem`, `evaluation`."""
    tutorial = Tutorial(
        number=31,
        part="tabular",
        slug="small",
        title="Judge something small",
        claim=(1.0, 2.0),
        claimed_reason="JAX",
        claimed_change="",
    )
    problem = make_module(
        f"{tutorial.module}.problem",
        Config=Config,
        PRESETS={"tiny": Config(), "page": Config()},
    )
    evaluation = make_module(f"{tutorial.module}.evaluation", baselines=baselines, judge=judge)
    monkeypatch.setitem(sys.modules, tutorial.module, make_module(tutorial.module))
    monkeypatch.setitem(sys.modules, problem.__name__, problem)
    monkeypatch.setitem(sys.modules, evaluation.__name__, evaluation)
    monkeypatch.setitem(catalog._BY_SLUG, tutorial.slug, tutorial)
    monkeypatch.setattr(catalog, "available", lambda: (tutorial,))
    return SimpleNamespace(tutorial=tutorial, problem=problem, evaluation=evaluation)
