"""What a program costs before it runs: XLA's estimates of arithmetic, traffic and memory."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Costs(NamedTuple):
    """XLA's estimate: arithmetic, transcendental functions, and bytes read and written."""

    flops: float
    transcendentals: float
    bytes: float


def costs(stage: jax.stages.Lowered | jax.stages.Compiled) -> Costs:
    """The estimate for a lowered program, each operation by itself, or for a compiled one."""
    analysis: Any = stage.cost_analysis() or {}
    names = ("flops", "transcendentals", "bytes accessed")
    return Costs(*(float(analysis.get(name, 0)) for name in names))


class Memory(NamedTuple):
    """Bytes that a compiled program needs; `shared` are outputs in the place of arguments."""

    arguments: int
    outputs: int
    temporaries: int
    shared: int

    @property
    def total(self) -> int:
        """All of them together."""
        return self.arguments + self.outputs + self.temporaries - self.shared


def memory(function: Callable, *args: Any, donate: tuple[int, ...] = ()) -> Memory:
    """What the compiled `function` needs when it may reuse the arguments `donate`."""
    program = jax.jit(function, donate_argnums=donate).lower(*args).compile()
    analysis: Any = program.memory_analysis()
    kinds = ("argument", "output", "temp", "alias")
    return Memory(*(int(getattr(analysis, f"{kind}_size_in_bytes")) for kind in kinds))


def deep_loss(
    weights: Float[Array, "blocks layers width width"],
    x: Float[Array, "rows width"],
    *,
    recompute: bool,
    scan: bool,
) -> Float[Array, ""]:
    """A loss behind many layers, in blocks.

    With `recompute`, the backward pass starts from the input of each block and computes the rest
    again (`jax.checkpoint`). With `scan` the blocks are a loop of the program, else one of Python.
    """

    def block(x: Array, weights: Array) -> tuple[Array, None]:
        for layer in weights:
            x = jnp.tanh(x @ layer)
        return x, None

    run = jax.checkpoint(block) if recompute else block
    if scan:
        x, _ = jax.lax.scan(run, x, weights)
    else:
        for each in weights:
            x, _ = run(x, each)
    return jnp.mean(x**2)
