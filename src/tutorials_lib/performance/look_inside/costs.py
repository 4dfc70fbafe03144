"""What a program costs before it runs: XLA's estimates of arithmetic, traffic and memory."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tutorials_lib.benchmark import median_seconds


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


class Counted(NamedTuple):
    """Operations as a person counts them, and XLA's estimate for the compiled program."""

    by_hand: float
    estimate: Costs


def counted_twice(size: int) -> dict[str, Counted]:
    """Programs on matrices of `size` rows and columns, counted by hand and by XLA.

    An exponential counts as one operation by hand, and a linear system as the textbook has it:
    two thirds of the cube for the factors, and twice the square for each right side.
    """
    x, images = jnp.ones((size, size)), jnp.ones((8, 16, 32, 32))
    product, pixels = 2 * size**3, 8 * 32 * 32

    def written_out(y: Array) -> Array:
        for _ in range(10):
            y = y @ x
        return y

    def in_a_scan(y: Array) -> Array:
        return jax.lax.scan(lambda y, _: (y @ x, None), y, length=10)[0]

    def convolve(images: Array) -> Array:
        return jax.lax.conv(images, jnp.ones((32, 16, 3, 3)), (1, 1), "SAME")

    programs: dict[str, tuple[Callable, Array, float]] = {
        "one matrix product": (lambda y: y @ x, x, product),
        "ten products, written out": (written_out, x, 10 * product),
        "ten products, `scan`": (in_a_scan, x, 10 * product),
        "exponential of every number": (jnp.exp, x, size**2),
        "linear system": (lambda y: jnp.linalg.solve(y, x), x, 2 / 3 * size**3 + product),
        "convolution, zeros at the edge": (convolve, images, 2 * pixels * 9 * 16 * 32),
    }
    return {
        name: Counted(float(by_hand), costs(jax.jit(program).lower(argument).compile()))
        for name, (program, argument, by_hand) in programs.items()
    }


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

    With `recompute`, the backward pass starts from the input of each block and
    computes the rest again (`jax.checkpoint`). With `scan`, the blocks are a loop of
    the program, else one of Python.
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


class Gradient(NamedTuple):
    """What a gradient costs: bytes of temporaries, XLA's estimate of arithmetic, and seconds."""

    temporaries: int
    flops: float
    seconds: float


def kept_and_recomputed(*, num_blocks: int, num_rows: int, width: int) -> dict[str, Gradient]:
    """What a gradient of `deep_loss` costs, for each way to take it.

    Each block has four layers of `width` features. The arithmetic of a scan is that of one block.
    """
    weights, x = jnp.full((num_blocks, 4, width, width), 0.1), jnp.ones((num_rows, width))
    found = {}
    for scan, loop in ((True, "`scan` over blocks"), (False, "Python loop over blocks")):
        for recompute, what in ((False, "kept"), (True, "recomputed")):
            gradient = jax.jit(jax.grad(partial(deep_loss, recompute=recompute, scan=scan)))
            flops = costs(gradient.lower(weights, x).compile()).flops
            temporaries = memory(gradient, weights, x).temporaries
            seconds = median_seconds(gradient, weights, x)
            found[f"{loop}, {what}"] = Gradient(temporaries, flops, seconds)
    return found
