"""What becomes of calls and habits of NumPy in JAX: rows that are run before they are shown."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jax.experimental import checkify

from tutorials_lib.jax_and_numpy.habits.rows import HABITS, Habit

SAME, OTHER = "The same", "**Another result**"
"""What taking a line of NumPy over may lead to, if it does not raise."""


@dataclass(frozen=True)
class Effect:
    """What a piece of code leads to: the value it leaves and what it prints, or an exception."""

    value: Any = None
    printed: str = ""
    raised: str = ""

    def equals(self, other: "Effect") -> bool:
        """Whether both lead to the same; numbers may differ by the rounding of float32."""
        if (self.printed, self.raised) != (other.printed, other.raised):
            return False
        if isinstance(self.value, str | None):
            return self.value == other.value
        ours, theirs = np.asarray(self.value), np.asarray(other.value)
        return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-5, equal_nan=True)


def in_numpy(habit: Habit) -> Effect:
    """The line of NumPy, run by NumPy; a warning about a quotient is left unsaid."""
    with np.errstate(divide="ignore"):
        return _effect(lambda: _run(habit.in_numpy, habit.result, np, lambda f: f))


def taken_over(habit: Habit) -> Effect:
    """The line of NumPy with `np` replaced by `jax.numpy`, on arrays of JAX."""
    return _in_jax(habit, habit.in_numpy, jnp)


def in_jax(habit: Habit) -> Effect:
    """The line of JAX."""
    return _in_jax(habit, habit.in_jax, np)


def fate(habit: Habit) -> str:
    """What the line of NumPy leads to in JAX, in a few words of Markdown.

    Raises:
        ArithmeticError: the line of JAX does not lead to what NumPy's does.
    """
    expected, found = in_numpy(habit), in_jax(habit)
    if not found.equals(expected):
        raise ArithmeticError(f"{habit.in_jax} leads to {found}, NumPy to {expected}")
    literal = taken_over(habit)
    if literal.equals(expected):
        return SAME
    return f"`{literal.raised}`" if literal.raised else OTHER


def rows() -> list[list[str]]:
    """All habits as rows of a table, each one run: NumPy, JAX, and the fate of NumPy's line."""
    return [
        [_shown(habit.in_numpy), _shown(habit.in_jax), f"{fate(habit)}. {habit.explained}"]
        for habit in HABITS
    ]


def _shown(code: str) -> str:
    """Code as a block in a cell of a table, indented by two spaces, since cells are narrow."""
    return f"```python\n{code.replace('    ', '  ')}\n```"


def _in_jax(habit: Habit, code: str, library: Any) -> Effect:
    def run() -> Any:
        return _run(code, habit.result, library, jax.jit)

    if habit.mode == "op by op":
        return _effect(run)
    if habit.mode == "compiled" or library is jnp:
        return _effect(jax.jit(run))
    return _effect(lambda: jax.jit(checkify.checkify(run))()[0].throw())


def _effect(run: Callable[[], Any]) -> Effect:
    """Run code and see what it leads to."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            value = jax.block_until_ready(run())
            jax.effects_barrier()
    except Exception as error:  # whatever it is, the table names it
        kind = AssertionError if isinstance(error, checkify.JaxRuntimeError) else type(error)
        return Effect(raised=kind.__name__)
    return Effect(value=value, printed=printed.getvalue())


def _run(code: str, result: str, library: Any, jit: Callable) -> Any:
    """Execute a habit's code, on arrays of NumPy or of JAX; the value of its `result`.

    Inside of a compiled function the arrays are made by an operation, so that they are traced.
    """
    make = np.array if jit is not jax.jit else lambda x: jax.lax.optimization_barrier(jnp.array(x))
    names = {
        "np": library, "jnp": jnp, "jax": jax, "lax": jax.lax, "checkify": checkify,
        "scipy": scipy, "jit": jit, "suppress": contextlib.suppress, "file": io.BytesIO(),
        "x": make(np.array([3, -1, 2, -3], np.float32)),
        "k": make(np.array([1, 3, 3], np.int32)),
        "A": make(np.array([[2, 1], [1, 3]], np.float32)),
        "b": make(np.array([1, 2], np.float32)),
        "f": lambda x: 0.5 * x + 1,
    }  # fmt: skip
    exec(code, names)
    return eval(result, names)
