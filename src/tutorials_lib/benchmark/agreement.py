"""The gate before every timing: the twins compute the same numbers, or nothing is measured."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import jax
import numpy as np

from tutorials_lib.benchmark.comparison import (
    Backend,
    Check,
    Comparison,
    Config,
    Jit,
    Tree,
    Variant,
    backend_of,
    compiled,
)
from tutorials_lib.benchmark.record import AgreementRow

FLOAT64_TOLERANCE = 1e-9
"""The largest relative error between the twins in float64."""

_NEGLIGIBLE = 1e-6
"""Leaves this much smaller than the largest one are compared on the larger one's scale."""


class AgreementError(Exception):
    """Two implementations that should compute the same thing do not."""


def agree(comparison: Comparison) -> tuple[AgreementRow, ...]:
    """Run the gate of `comparison`.

    Every check is compared in float64, then in float32 where it states a tolerance. Every
    variant is compared with the NumPy twin in float64; peers, which choose their own
    precision, are held to the comparison's tolerance.

    Raises:
        AgreementError: naming the check or the variant, its error and the tolerance.
    """
    config = comparison.agreement
    inputs = make_inputs(comparison, config)
    # JAX keeps the programs of each precision of products apart, so none of these is ever timed.
    with _compiled_quickly(), jax.default_matmul_precision("highest"):
        results = _Results(comparison, inputs)
        agreements = tuple(_check(comparison.slug, check, results) for check in comparison.checks)
        with jax.enable_x64(True):
            outputs = run_all(comparison, cast(inputs, np.float64), config)
    for variant, error in errors_against_baseline(comparison, outputs, inputs, config):
        tolerance = comparison.tolerance if variant.peer else FLOAT64_TOLERANCE
        _require(error, tolerance, f"{comparison.slug}: variant {variant.name!r}, float64")
    return agreements


class _Results:
    """What the checks of a comparison compute, kept so that those with one function share it."""

    def __init__(self, comparison: Comparison, inputs: Tree) -> None:
        self._comparison = comparison
        self._inputs = inputs
        self._kept: dict[tuple[Any, Jit, str, type], Tree] = {}
        self._programs: dict[tuple[Any, Jit, str], Callable[[Tree, Config], Tree]] = {}

    def error(self, check: Check, dtype: type) -> float:
        """The relative error between the twins in `dtype`."""
        ours, theirs = (
            self._result(check, variant.twin, dtype)
            for variant in (self._comparison.baseline, self._comparison.jax_headline)
        )
        if check.pick is not None:
            ours, theirs = check.pick(ours), check.pick(theirs)
        return relative_error(self._comparison.canonical(ours), self._comparison.canonical(theirs))

    def _result(self, check: Check, twin: ModuleType, dtype: type) -> Tree:
        program = (check.run, check.jit, twin.__name__)
        if (*program, dtype) not in self._kept:
            if program not in self._programs:
                self._programs[program] = compiled(check.run, twin, check.jit)
            inputs = prepared(self._comparison, twin, cast(self._inputs, dtype), self._config)
            self._kept[*program, dtype] = self._programs[program](inputs, self._config)
        return self._kept[*program, dtype]

    @property
    def _config(self) -> Config:
        return self._comparison.agreement


def make_inputs(comparison: Comparison, config: Config, dtype: type = np.float32) -> Tree:
    """The inputs of `comparison` for `config`, with floating-point numbers in `dtype`."""
    return cast(comparison.make_inputs(config), dtype)


@contextmanager
def _compiled_quickly() -> Iterator[None]:
    """Compile quickly instead of for speed: programs that run once or twice and are not timed."""
    option = "jax_disable_most_optimizations"
    before = jax.config.values[option]
    jax.config.update(option, True)
    try:
        yield
    finally:
        jax.config.update(option, before)


def _check(slug: str, check: Check, results: _Results) -> AgreementRow:
    with jax.enable_x64(True):
        float64_error = results.error(check, np.float64)
    _require(float64_error, FLOAT64_TOLERANCE, f"{slug}: {check.name}, float64")
    float32_error = None
    if check.float32_tolerance is not None:
        float32_error = results.error(check, np.float32)
        _require(float32_error, check.float32_tolerance, f"{slug}: {check.name}, float32")
    return AgreementRow(
        name=check.name,
        float64_error=float64_error,
        float32_error=float32_error,
        float32_tolerance=check.float32_tolerance,
    )


def prepared(comparison: Comparison, twin: ModuleType, inputs: Tree, config: Config) -> Tree:
    """`inputs` where `twin` wants them, with what is its own, such as an optimizer's state."""
    backend = backend_of(twin)
    inputs = place(inputs, backend)
    if comparison.prepare is None:
        return inputs
    return place(comparison.prepare(twin, inputs, config), backend)


def run_all(comparison: Comparison, inputs: Tree, config: Config) -> dict[str, Tree]:
    """What each installed variant returns for `inputs` in canonical form, by the variant's name."""
    return {
        variant.name: comparison.canonical(
            variant.call(prepared(comparison, variant.twin, inputs, config), config)
        )
        for variant in installed(comparison.variants)
    }


def errors_against_baseline(
    comparison: Comparison, outputs: dict[str, Tree], inputs: Tree, config: Config
) -> list[tuple[Variant, float]]:
    """The relative error of every variant's output against the NumPy twin's."""
    observe = comparison.observe or (lambda output, inputs, config: output)
    expected = observe(outputs[comparison.baseline.name], inputs, config)
    return [
        (variant, relative_error(expected, observe(outputs[variant.name], inputs, config)))
        for variant in installed(comparison.variants)
        if variant is not comparison.baseline
    ]


def require_agreement(
    comparison: Comparison, outputs: dict[str, Tree], inputs: Tree, config: Config
) -> None:
    """Raise `AgreementError` unless every variant is within the comparison's tolerance."""
    for variant, error in errors_against_baseline(comparison, outputs, inputs, config):
        _require(
            error, comparison.tolerance, f"{comparison.slug}: variant {variant.name!r}, float32"
        )


def _require(error: float, tolerance: float, what: str) -> None:
    if not error <= tolerance:  # also refuses NaN
        raise AgreementError(
            f"{what}: the results differ by {error:.2e} relative to the NumPy twin; at most "
            f"{tolerance:.0e} is allowed. Nothing is timed until they agree."
        )


def installed(variants: Iterable[Variant]) -> list[Variant]:
    """The variants whose software is there."""
    from importlib.util import find_spec

    return [v for v in variants if v.requires is None or find_spec(v.requires) is not None]


def cast(tree: Tree, dtype: type) -> Tree:
    """`tree` with its floating-point leaves in `dtype`; integers and booleans stay."""

    def cast_leaf(leaf: object) -> np.ndarray:
        array = np.asarray(leaf)
        return array.astype(dtype) if _is_float(array) else array

    return jax.tree.map(cast_leaf, tree)


def place(tree: Tree, backend: Backend) -> Tree:
    """`tree` where `backend` wants it: on the JAX device, or as NumPy arrays."""
    if backend == "jax":
        return jax.block_until_ready(jax.device_put(tree))
    return jax.tree.map(np.asarray, tree)


def relative_error(expected: Tree, found: Tree) -> float:
    """The largest error of any leaf, relative to that leaf's largest magnitude.

    Integers and booleans must be equal (the error is infinite otherwise). A leaf more than a
    million times smaller than the tree's largest, such as a gradient that is zero but for
    rounding, is judged on the scale of the largest.

    Raises:
        AgreementError: when the trees or their shapes differ, or a value is not finite.
    """
    if jax.tree.structure(expected) != jax.tree.structure(found):
        raise AgreementError(
            f"the results have different structures: {jax.tree.structure(expected)} "
            f"and {jax.tree.structure(found)}"
        )
    pairs = [
        (np.asarray(a), np.asarray(b))
        for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True)
    ]
    for a, b in pairs:
        if a.shape != b.shape:
            raise AgreementError(f"the results have different shapes: {a.shape} and {b.shape}")
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise AgreementError("a result is not finite")
    scale = max((float(np.abs(a).max(initial=0)) for a, _ in pairs if _is_float(a)), default=0.0)
    return max((_leaf_error(a, b, floor=_NEGLIGIBLE * scale) for a, b in pairs), default=0.0)


def _is_float(array: np.ndarray) -> bool:
    return np.issubdtype(array.dtype, np.floating)


def _leaf_error(a: np.ndarray, b: np.ndarray, *, floor: float) -> float:
    if not _is_float(a):
        return 0.0 if np.array_equal(a, b) else np.inf
    largest = max(float(np.abs(a).max(initial=0.0)), floor, np.finfo(np.float64).tiny)
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0.0)) / largest
