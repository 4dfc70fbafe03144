"""Where an experiment can tell, it gives the verdict that the table of statements has.

No experiment here reads a clock: a verdict does not rest on a ratio, which belongs to one machine.
"""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tutorials_lib import catalog, devices
from tutorials_lib.jax_and_numpy import execution
from tutorials_lib.jax_and_numpy.why_jax.receivers import locate_on_devices
from tutorials_lib.performance.look_inside.costs import costs, memory
from tutorials_lib.performance.statements import STATEMENTS, Verdict

VERDICTS = {statement.quote: statement.verdict for statement in STATEMENTS}


def judge(*, as_it_stands: bool, with_its_condition: bool = False) -> Verdict:
    """The verdict on a statement from what an experiment finds."""
    if as_it_stands:
        return Verdict.HOLDS
    return Verdict.CONDITION if with_its_condition else Verdict.FAILS


def flops(function: Callable, *args: jax.Array) -> float:
    """The arithmetic of a compiled function."""
    return costs(jax.jit(function).lower(*args).compile()).flops


def square_sum(x: jax.Array) -> jax.Array:
    return (x * x * x).sum()


def chain(x: jax.Array, length: int) -> jax.Array:
    for _ in range(length):
        x = x * 0.9 + 0.1
    return x


# ---------------------------------------------------------------- what is found


def python_functions_are_transformed() -> Verdict:
    """Array operations are; what else a Python function does happens while it is traced."""
    seen = []

    @jax.jit
    def impure(x: jax.Array) -> jax.Array:
        seen.append("called")
        return 2 * x

    results = [float(impure(jnp.float32(x))) for x in (1, 2)]
    return judge(as_it_stands=len(seen) == 2, with_its_condition=results == [2, 4])


def gradients_are_efficient() -> Verdict:
    inputs = [jnp.ones(n) for n in (10, 1_000)]
    dearer = [flops(jax.value_and_grad(square_sum), x) / flops(square_sum, x) for x in inputs]
    return judge(as_it_stands=max(dearer) < 5)


def automatic_differentiation_saves_work() -> Verdict:
    """Compared with finite differences it does; compared with a gradient on paper it does not."""
    x = jnp.ones(100)

    def on_paper(x: jax.Array) -> jax.Array:
        return 3 * x * x

    def by_differences(x: jax.Array) -> jax.Array:
        moved = jax.vmap(square_sum)(x + 1e-2 * jnp.eye(len(x)))
        return (moved - square_sum(x)) / 1e-2

    automatic = flops(jax.grad(square_sum), x)
    return judge(
        as_it_stands=automatic < 0.8 * flops(on_paper, x),
        with_its_condition=automatic < flops(by_differences, x) / 10,
    )


@cache
def devices_are_used() -> Verdict:
    found = devices.run(locate_on_devices, num_devices=4, num_receivers=8, repeats=1)
    spread = found["receivers on each"] == [2, 2, 2, 2] and found["difference"] < 1e-5
    return judge(as_it_stands=found["devices unless spread"] == 4, with_its_condition=spread)


def memory_manages_itself() -> Verdict:
    """It is freed without being told; an argument's is reused only when it is donated."""
    x = jnp.ones(1_000)
    before = len(jax.live_arrays())
    y = x + 1
    while_held = len(jax.live_arrays())
    del y
    freed = while_held == before + 1 and len(jax.live_arrays()) == before
    reused = [memory(lambda x: 2 * x, x, donate=which).shared for which in ((), (0,))]
    return judge(as_it_stands=reused[0] > 0, with_its_condition=freed and reused[1] == x.nbytes)


def jax_is_lazy() -> Verdict:
    return judge(as_it_stands=not execution.finishes_unasked(10))


def graphs_are_dynamic() -> Verdict:
    """A shape that depends on values cannot be compiled; a new length is a new program."""
    calls = [(jnp.ones(n),) for n in (3, 4, 5)]
    anew = execution.traces_by_call(lambda x: x.sum(), calls) == [1, 2, 3]
    try:
        jax.jit(lambda x: x[x > 0])(jnp.ones(3))
    except jax.errors.NonConcreteBooleanIndexError:
        return judge(as_it_stands=not anew)
    return judge(as_it_stands=True)


def arrays_are_immutable() -> Verdict:
    x = jnp.zeros(2)
    try:
        x[0] = 1  # type: ignore
    except TypeError:
        return judge(as_it_stands=float(x[0]) == 0)
    return judge(as_it_stands=False)


def numpy_arrays_are_mutable() -> Verdict:
    x = np.zeros(2)
    x[:1][0] = 1
    return judge(as_it_stands=x[0] == 1)


def there_are_differences() -> Verdict:
    with pytest.raises(IndexError):
        np.arange(3)[[5]]
    return judge(as_it_stands=int(jnp.arange(3)[jnp.array([5])][0]) == 2)


def composing_saves_passes() -> Verdict:
    return judge(as_it_stands=_passes_saved(8) > 4)


def deeper_composition_saves_more() -> Verdict:
    """Inside one `jit` it does; and the longer program is longer to compile."""
    x = jnp.ones(1_000)
    sizes = [len(jax.jit(lambda x, n=n: chain(x, n)).lower(x).as_text()) for n in (2, 8)]
    more = _passes_saved(8) > 2 * _passes_saved(2)
    return judge(as_it_stands=more and sizes[1] <= sizes[0], with_its_condition=more)


def _passes_saved(length: int) -> float:
    """The traffic of a chain op by op, divided by that of the compiled chain."""
    lowered = jax.jit(lambda x: chain(x, length)).lower(jnp.ones(1_000))
    return costs(lowered).bytes / costs(lowered.compile()).bytes


def types_change_the_work() -> Verdict:
    return judge(as_it_stands=np.ones(1).dtype != jnp.ones(1).dtype)


def float64_is_a_type_like_float32() -> Verdict:
    """Asking for float64 gives float32 and a warning, unless 64 bits are switched on."""
    with pytest.warns(UserWarning, match="float64"):
        x = jnp.ones(1, "float64")
    return judge(as_it_stands=x.dtype == np.float64)


def the_first_call_compiles() -> Verdict:
    calls = [(jnp.ones(3),), (jnp.zeros(3),)]
    return judge(as_it_stands=execution.traces_by_call(lambda x: x + 1, calls) == [1, 1])


def units_shrink() -> Verdict:
    """A time just above one unit does, in every line; a whole unit becomes the next in none."""
    with_units = [each for each in catalog.TUTORIALS if each.implied_factor is not None]
    return judge(
        as_it_stands=any((each.implied_factor or 0) <= each.claim[1] for each in with_units),
        with_its_condition=all(1.1 / each.claim[0] < 1 for each in with_units),
    )


EXPERIMENTS = {
    "JAX provides a set of transformations that can be applied to Python functions to optimize "
    "their performance.": python_functions_are_transformed,
    "JAX can compile Python functions to native machine code using XLA (Accelerated Linear "
    "Algebra), resulting in faster execution times.": python_functions_are_transformed,
    "JAX introduces a set of function transformations (e.g., `jit`, `grad`, `vmap`) that can be "
    "applied to Python functions to optimize their performance and enable automatic "
    "differentiation.": python_functions_are_transformed,
    "JAX allows for efficient computation of gradients through a technique called automatic "
    "differentiation.": gradients_are_efficient,
    "JAX's support for automatic differentiation": automatic_differentiation_saves_work,
    "JAX enables easy parallelization of numerical computations across multiple devices, such as "
    "GPUs and TPUs": devices_are_used,
    "JAX's ability to parallelize computations across multiple devices": devices_are_used,
    "without requiring explicit management of device memory": memory_manages_itself,
    "JAX, on the other hand, uses a lazy execution model by default, allowing for graph "
    "optimization and compilation.": jax_is_lazy,
    "JAX's support for dynamic computation graphs": graphs_are_dynamic,
    "In JAX, arrays are immutable, meaning they cannot be modified in-place.": arrays_are_immutable,
    "NumPy, on the other hand, allows mutable arrays.": numpy_arrays_are_mutable,
    "JAX is designed to be familiar to NumPy users, there are some key differences between the "
    "two libraries": there_are_differences,
    "JAX's function transformations, such as `jit` and `vmap`, can provide significant speedups "
    "when applied to composite functions.": composing_saves_passes,
    "The more complex and layered the function composition, the more benefit JAX can "
    "offer.": deeper_composition_saves_more,
    "The speedup can be influenced by the data types used.": types_change_the_work,
    "JAX is particularly efficient with float32 and float64 data types, which are commonly used "
    "in numerical computations.": float64_is_a_type_like_float32,
    "JAX's JIT compilation introduces an initial overhead when a function is first "
    "called.": the_first_call_compiles,
    catalog.find("cnn").claimed_change: units_shrink,
}


@pytest.mark.parametrize("quote", EXPERIMENTS)
def test_the_verdict_is_what_the_experiment_finds(quote: str) -> None:
    assert EXPERIMENTS[quote]() is VERDICTS[quote]


def test_everything_that_does_not_hold_is_put_to_an_experiment() -> None:
    wrong = [quote for quote, verdict in VERDICTS.items() if verdict is Verdict.FAILS]
    assert wrong
    assert [quote for quote in wrong if quote not in EXPERIMENTS] == []
