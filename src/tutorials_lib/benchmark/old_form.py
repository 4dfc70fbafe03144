"""Comparisons that still have a function for each twin, until the last of them has been moved."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark import comparison

_TWINS = {"numpy": np, "jax": jnp, "sklearn": ModuleType("in_sklearn")}


def Check(
    *,
    name: str,
    in_numpy: Callable[[Any, Any], Any],
    in_jax: Callable[[Any, Any], Any],
    float32_tolerance: float | None = None,
) -> comparison.Check:
    """A check with one function for NumPy and one for JAX."""

    def run(twin: Any, inputs: Any, config: Any) -> Any:
        return (in_jax if twin is jnp else in_numpy)(inputs, config)

    return comparison.Check(name=name, run=run, float32_tolerance=float32_tolerance, jit="own")


def Variant(
    *,
    name: str,
    backend: str,
    run: Callable[[Any, Any], Any],
    explains: str = "",
    requires: str | None = None,
) -> comparison.Variant:
    """A variant that names its backend and takes inputs and configuration only."""

    def work(twin: Any, inputs: Any, config: Any) -> Any:
        return run(inputs, config)

    jit = "whole" if hasattr(run, "lower") else "own"
    return comparison.Variant(
        name=name, run=work, twin=_TWINS[backend], jit=jit, explains=explains, requires=requires
    )
