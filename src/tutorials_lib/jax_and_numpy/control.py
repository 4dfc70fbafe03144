"""Loops and branches inside compiled programs: what each form costs to compile and to run."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from tutorials_lib import figures
from tutorials_lib.benchmark import compile_seconds

State = Float[Array, " units"]
Weights = Float[Array, "units units"]


def unrolled(weights: Weights, state: State, num_steps: int) -> State:
    """A Python loop: the trace writes every step out."""
    for _ in range(num_steps):
        state = jnp.tanh(weights @ state)
    return state


def scanned(weights: Weights, state: State, num_steps: int) -> State:
    """A loop of the compiled program: the step is written once."""

    def step(state: State, _: None) -> tuple[State, None]:
        return jnp.tanh(weights @ state), None

    return jax.lax.scan(step, state, length=num_steps)[0]


def compile_by_steps(counts: Sequence[int]) -> dict[str, list[float]]:
    """Seconds to trace and compile loops of so many steps, unrolled and scanned."""
    weights, state = jnp.eye(16), jnp.ones(16)

    def compile_one(loop: Callable, num_steps: int) -> float:
        return compile_seconds(lambda w, s: loop(w, s, num_steps), weights, state)

    return {
        "Python loop, unrolled": [compile_one(unrolled, count) for count in counts],
        "`jax.lax.scan`": [compile_one(scanned, count) for count in counts],
    }


def collatz_steps(start: Float[Array, ""]) -> Float[Array, ""]:
    """How often to halve, or triple and add one, until 1 is reached; the number of steps varies."""

    def step(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        value, steps = carry
        value = jnp.where(value % 2 == 0, value // 2, 3 * value + 1)
        return value, steps + 1

    return jax.lax.while_loop(lambda carry: carry[0] > 1, step, (start, 0.0 * start))[1]


def collatz_steps_in_numpy(start: float) -> int:
    """The same in Python."""
    steps = 0
    while start > 1:
        start = start // 2 if start % 2 == 0 else 3 * start + 1
        steps += 1
    return steps


def draw_compile(counts: Sequence[int], seconds: dict[str, list[float]]) -> Figure:
    """The time to compile against the number of steps, by loop."""
    figure, axes = plt.subplots(figsize=(7.0, 3.0))
    for (name, each), dashes in zip(seconds.items(), ("--", "-"), strict=True):
        label = name.replace("`", "")
        color = figures.COLORS["jax"]
        axes.loglog(counts, np.array(each), dashes, marker="o", color=color, label=label)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel("steps")
    axes.set_ylabel("seconds to compile")
    axes.legend()
    axes.grid(axis="y")
    return figure
