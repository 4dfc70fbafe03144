"""One function on its way: NumPy's calls, jaxpr, StableHLO, and the kernels of optimised HLO."""

import re
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# ---------------------------------------------------------------- the function that is followed


def classify(
    x: Float[Array, "rows features"],
    weights: Float[Array, "features classes"],
    bias: Float[Array, " classes"],
) -> Float[Array, "rows classes"]:
    """The probability of every class for every row: a matrix product and a softmax."""
    with jax.named_scope("scores"):
        scores = x @ weights + bias
    with jax.named_scope("softmax"):
        shares = jnp.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)


def classify_in_numpy(
    x: Float[np.ndarray, "rows features"],
    weights: Float[np.ndarray, "features classes"],
    bias: Float[np.ndarray, " classes"],
) -> Float[np.ndarray, "rows classes"]:
    """The same in NumPy."""
    scores = x @ weights + bias
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def example(num_rows: int, num_features: int, num_classes: int) -> tuple[np.ndarray, ...]:
    """Random arguments for `classify`, in float32."""
    rng = np.random.default_rng(0)
    shapes = ((num_rows, num_features), (num_features, num_classes), (num_classes,))
    scale = num_features**-0.5
    return tuple((scale * rng.standard_normal(shape)).astype(np.float32) for shape in shapes)


# ---------------------------------------------------------------- NumPy: calls and buffers


class Call(NamedTuple):
    """One pass of NumPy over its arrays, with the bytes that it reads and writes."""

    name: str
    bytes_read: int
    bytes_written: int


def numpy_calls(function: Callable, *arrays: np.ndarray) -> list[Call]:
    """The universal functions that NumPy runs for `function(*arrays)`, in their order."""
    calls = []

    class Watched(np.ndarray):
        """An array that reports what is done to it."""

        def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any):
            plain = [np.asarray(x) if isinstance(x, Watched) else x for x in inputs]
            result = getattr(ufunc, method)(*plain, **kwargs)
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            read = sum(x.nbytes for x in plain if isinstance(x, np.ndarray))
            calls.append(Call(name, read, result.nbytes))
            return np.asarray(result).view(Watched)

    function(*(array.view(Watched) for array in arrays))
    return calls


def numpy_peak_bytes(function: Callable, *arrays: np.ndarray) -> int:
    """The most memory that NumPy holds at once during a call, beside the arguments."""
    tracemalloc.start()
    try:
        function(*arrays)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------- reading the stages


def primitives(jaxpr: Any) -> list[str]:
    """The names of the primitives in a jaxpr, those of inner jaxprs included."""
    names = []
    for equation in jaxpr.eqns:
        names.append(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple) else (value,):
                if hasattr(inner, "eqns"):
                    names += primitives(inner)
    return names


def stablehlo_operations(text: str) -> list[str]:
    """The names of the operations in the text of a StableHLO module, one for each statement."""
    return re.findall(r'^\s*(?:%[\w:#]+ = )?"?stablehlo\.(?!return)(\w+)', text, re.MULTILINE)


class Instruction(NamedTuple):
    """A line of HLO: `%name = type opcode(...)`, inside a computation.

    `path` is where it comes from, such as `jit(classify)/softmax/exp`, and `calls` the
    computation that a fusion contains; both may be empty.
    """

    computation: str
    name: str
    type: str
    opcode: str
    path: str
    calls: str


_COMPUTATION = re.compile(r"^\s*(?P<entry>ENTRY )?%?(?P<name>[\w.-]+) .*->.*\{\s*$")
_INSTRUCTION = re.compile(
    r"^\s*(?:ROOT )?%?(?P<name>[\w.-]+) = (?P<type>\(.*?\)|\S+) (?P<opcode>[a-z][\w-]*)\("
)
_BOOKKEEPING = frozenset({"parameter", "constant", "tuple", "get-tuple-element", "bitcast"})
ENTRY = "ENTRY"
"""The name that `instructions` gives to the computation that runs first."""


def instructions(hlo: str) -> list[Instruction]:
    """The instructions of optimised HLO, without parameters, constants and tuples."""
    computation, found = "", []
    for line in hlo.splitlines():
        if head := _COMPUTATION.match(line):
            computation = ENTRY if head["entry"] else head["name"]
        elif (match := _INSTRUCTION.match(line)) and match["opcode"] not in _BOOKKEEPING:
            path = re.search(r'op_name="([^"]*)"', line)
            calls = re.search(r"calls=%?([\w.-]+)", line)
            kind = re.sub(r"\{.*?\}", "", match["type"])  # how it lies in memory
            ends = (path[1] if path else "", calls[1] if calls else "")
            found.append(Instruction(computation, match["name"], kind, match["opcode"], *ends))
    return found


class Kernel(NamedTuple):
    """A piece of a compiled program that runs as one, and the instructions inside it."""

    name: str
    type: str
    inside: tuple[Instruction, ...]

    @property
    def operations(self) -> str:
        """The operations in it, as JAX names them, without repetition."""
        return ", ".join(dict.fromkeys(each.path.rpartition("/")[2] for each in self.inside))

    @property
    def scopes(self) -> str:
        """The names that the author gave to parts of the function (`jax.named_scope`)."""
        paths = [each.path.split("/")[1:-1] for each in self.inside]
        return ", ".join(dict.fromkeys("/".join(path) for path in paths if path))


def kernels(hlo: str) -> list[Kernel]:
    """What the entry computation of optimised HLO runs, one after the other."""
    every = instructions(hlo)
    found = []
    for line in (each for each in every if each.computation == ENTRY):
        inside = tuple(each for each in every if each.computation == line.calls and each.path)
        found.append(Kernel(line.name, line.type, inside or (line,)))
    return found


def shortened(lines: Iterable[str], *, width: int = 92) -> str:
    """The lines without what surrounds them, cut at `width` characters."""
    plain = (line.strip() for line in lines)
    return "\n".join(line if len(line) <= width else f"{line[: width - 2]} …" for line in plain)


def stablehlo_lines(text: str) -> list[str]:
    """The statements of a StableHLO module, without what surrounds them."""
    return [line for line in text.splitlines() if "stablehlo." in line]


def entry_lines(hlo: str) -> list[str]:
    """The entry computation of optimised HLO, without memory layouts, origins and settings."""
    _, _, entry = hlo.partition("\nENTRY ")
    plain = (re.sub(r", (metadata|backend_config)=.*", "", line) for line in entry.splitlines())
    body = (line for line in plain if "=" in line and "->" not in line)
    return [re.sub(r"\{[\d,]*\}", "", line) for line in body]
