"""What every tutorial owes, over every one there is."""

import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

from tutorials_lib import benchmark, catalog
from tutorials_lib.benchmark.agreement import make_inputs, prepared
from tutorials_lib.benchmark.comparison import Jit, compiled
from tutorials_lib.benchmark.fresh import load_comparison
from tutorials_lib.catalog import Tutorial

AVAILABLE = [pytest.param(tutorial, id=tutorial.slug) for tutorial in catalog.available()]
each_tutorial = pytest.mark.parametrize("tutorial", AVAILABLE)


def states_in(result: Any, like: Any) -> Iterator[Any]:
    """Every part of `result` that is a state of the kind of `like`."""
    if type(result) is type(like):
        yield result
    elif isinstance(result, dict):
        for part in result.values():
            yield from states_in(part, like)
    elif isinstance(result, tuple | list):
        for part in result:
            yield from states_in(part, like)


def dtypes(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf).dtype.name, tree)


@each_tutorial
def test_the_twins_agree_in_float64_on_everything_that_the_page_compares(tutorial: Tutorial):
    assert benchmark.agree(tutorial.slug).rows


@each_tutorial
def test_a_step_keeps_the_dtype_of_every_part_of_the_state(tutorial: Tutorial):
    comparison = load_comparison(tutorial.slug)
    config = comparison.agreement
    inputs = make_inputs(comparison, config)
    work: dict[Any, Jit] = {check.run: check.jit for check in comparison.checks}
    work[comparison.baseline.run] = "whole"
    kept = 0
    for twin in (comparison.baseline.twin, comparison.jax_headline.twin):
        own = prepared(comparison, twin, inputs, config)
        state = getattr(own, "state", None)
        if state is None:
            continue
        for run, jit in work.items():
            for after in states_in(compiled(run, twin, jit)(own, config), state):
                assert dtypes(after) == dtypes(state), f"{twin.__name__}, {run.__name__}"
                kept += 1
    assert comparison.prepare is None or kept >= 2, "no check returns the state of a step"


@each_tutorial
def test_no_setting_is_a_seed(tutorial: Tutorial):
    """A seed in `Config` would make another program of every seed."""
    config = importlib.import_module(f"{tutorial.module}.problem").Config
    assert not [field.name for field in dataclasses.fields(config) if "seed" in field.name]
