"""What NumPy's users write, and what they write in JAX.

The code runs as it is shown, on `x = [3, -1, 2, -3]`, `k = [1, 3, 3]`, a matrix `A`, a vector `b`
and a function `f`.
"""

from dataclasses import dataclass
from typing import Literal

CHAPTERS = {
    "border": "NumPy and JAX side by side",
    "control": "control flow",
    "debugging": "debugging",
    "execution": "execution",
    "random": "random numbers",
    "transformations": "transformations",
    "types": "number types",
    "updates": "updates",
}
"""The chapters that a row can point to, and what to call them."""


@dataclass(frozen=True)
class Habit:
    """A line or two of NumPy, and the same in JAX."""

    in_numpy: str
    in_jax: str
    why: str
    where: str
    """The chapter that shows more, or an address."""
    result: str = "y"
    """What is compared afterwards."""
    mode: Literal["compiled", "op by op", "checked"] = "compiled"
    """How JAX runs the code; `checked` is compiled, with the errors of `checkify` raised."""

    @property
    def explained(self) -> str:
        """The reason, and a link to where more is said."""
        if self.where in CHAPTERS:
            link = f"{{doc}}`{CHAPTERS[self.where]} </book/jax_and_numpy/{self.where}>`"
        else:
            link = f"[documentation]({self.where})"
        return f"{self.why[:-1]} ({link})."


_LISTS = (
    "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html"
    "#non-array-inputs-numpy-vs-jax"
)
_SAVE = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.save.html"
_SCIPY = "https://docs.jax.dev/en/latest/jax.scipy.html"
_NUMPY = "https://docs.jax.dev/en/latest/jax.numpy.html"

HABITS = (
    Habit("x[1] = 7", "x = x.at[1].set(7)", "Arrays do not change.", "updates", "x"),
    Habit(
        "y = x\nx += 1", "x = y = x + 1",
        "`+=` binds a name to a new array; other names keep the old one.", "updates",
    ),
    Habit(
        "row = A[0]\nrow *= 2", "A = A.at[0].multiply(2)",
        "A slice is no view.", "updates", "A",
    ),
    Habit(
        "np.add.at(x, k, 1)", "x = x.at[k].add(1)",
        "This counts every mention of a place.", "updates", "x",
    ),
    Habit("np.add(x, 1, out=x)", "x = x + 1", "XLA chooses the memory.", "updates", "x"),
    Habit(
        "x.sort()", "x = jnp.sort(x)",
        "In JAX the method returns a sorted copy.", "updates", "x",
    ),
    Habit(
        "y = 0.0\nwith suppress(IndexError):\n    y = x[9]",
        'y = x.at[9].get(\n    mode="fill",\n    fill_value=0)',
        "An index out of bounds reads the last element.", "control",
    ),
    Habit(
        "x[x < 0] = 0", "x = jnp.where(\n    x < 0, 0, x)",
        "A mask chooses values, not places.", "updates", "x",
    ),
    Habit(
        "y = x[x > 0].sum()", "y = jnp.where(\n    x > 0, x, 0).sum()",
        "The length of `x[x > 0]` is not known while tracing.", "control",
    ),
    Habit(
        "y = np.nonzero(x > 0)[0]", "(y,) = jnp.nonzero(\n    x > 0, size=4,\n    fill_value=-1)",
        "The length is fixed, the rest filled.", "control", "y[:2]",
    ),
    Habit(
        "y = np.unique(k)", "y = jnp.unique(\n    k, size=3,\n    fill_value=-1)",
        "The length is fixed, the rest filled.", "control", "y[:2]",
    ),
    Habit(
        "y = x[: k[0]].sum()", "i = jnp.arange(4)\ny = jnp.where(\n    i < k[0], x, 0).sum()",
        "A slice has a fixed length.", "control",
    ),
    Habit(
        "y = []\nfor each in x:\n    y.append(f(each))\ny = np.array(y)", "y = lax.map(f, x)",
        "A Python loop is written out in the program, and a list has no fixed size.", "control",
    ),
    Habit(
        "for _ in range(9):\n    x = f(x)",
        "x = lax.fori_loop(\n    0, 9,\n    lambda i, x: f(x), x)",
        "The program holds the step once.", "control", "x",
    ),
    Habit(
        "while x.max() > 2.1:\n    x = f(x)",
        "x = lax.while_loop(\n    lambda x: x.max() > 2.1,\n    f, x)",
        "A tracer has no value to decide on.", "control", "x",
    ),
    Habit(
        "if x.sum() > 0:\n    x = f(x)", "x = lax.cond(\n    x.sum() > 0,\n    f, lambda x: x, x)",
        "A tracer has no value; `jnp.where` would compute both sides.", "control", "x",
    ),
    Habit(
        "y = np.vectorize(f)(x)", "y = jax.vmap(f)(x)",
        "`vmap` also maps over several axes, and functions of arrays.", "transformations",
    ),
    Habit(
        "rng = np.random.default_rng(0)\ny = rng.normal(size=3)",
        "key = jax.random.key(0)\ny = jax.random.normal(\n    key, (3,))",
        "There is no hidden state; the numbers differ.", "random", "y.shape",
    ),
    Habit(
        "y = np.zeros(3)", "with jax.enable_x64(True):\n    y = jnp.zeros(3)",
        "Numbers have 32 bits unless JAX is told otherwise.", "types", "str(y.dtype)", "op by op",
    ),
    Habit(
        "y = np.array(2**20) * 2**12", "x = jnp.array(2.0**20)\ny = x * 2**12",
        "Whole numbers have 32 bits, and overflow in silence.", "types",
    ),
    Habit(
        "y = k // (k - 1)", "n = k - 1\ny = jnp.where(\n    n == 0, 0, k // n)",
        "By zero, NumPy warns and says 0; JAX says something else.", "types",
    ),
    Habit(
        "y = k / 2", "with jax.enable_x64(True):\n    y = k / jnp.array(2.0)",
        "A quotient of whole numbers has 32 bits, too.", "types", "str(y.dtype)", "op by op",
    ),
    Habit(
        "y = x * np.arange(4)",
        "with jax.enable_x64(True):\n    x = jnp.float64(x)\n    y = x * np.arange(4)",
        "A whole number does not widen float32.", "types", "str(y.dtype)", "op by op",
    ),
    Habit(
        "y = np.sum([1, 2])", "x = jnp.array([1, 2])\ny = jnp.sum(x)",
        "Lists are refused: each element would be an input.", _LISTS,
    ),
    Habit(
        "import numpy\ny = numpy.sin(x)", "y = jnp.sin(x)",
        "Functions of NumPy want numbers; outside of `jit` they leave the device.", "border",
    ),
    Habit(
        "y = x.sum().item()", "y = x.sum()",
        "A tracer has no number to give; outside, asking for one waits.", "execution",
    ),
    Habit(
        "y = np.linalg.inv(A) @ b", "y = jnp.linalg.solve(A, b)",
        "The names are the same; `solve` is better in both.", _NUMPY,
    ),
    Habit(
        "y = False\ntry:\n    np.linalg.cholesky(-A)\nexcept np.linalg.LinAlgError:\n    y = True",
        "root = jnp.linalg.cholesky(-A)\ny = jnp.isnan(root).any()",
        "A program cannot raise; NaN takes the place of an error.", "debugging",
    ),
    Habit(
        "y = scipy.special.logsumexp(x)", "special = jax.scipy.special\ny = special.logsumexp(x)",
        "A part of SciPy is there.", _SCIPY,
    ),
    Habit(
        "print(x.sum())", 'jax.debug.print(\n    "{}", x.sum())',
        "`print` sees a tracer, once.", "debugging", "None",
    ),
    Habit(
        "assert x.sum() > 9", 'checkify.check(\n    x.sum() > 9, "small")',
        "Works in a function that `checkify.checkify` wraps.", "debugging", "None", "checked",
    ),
    Habit(
        'with np.errstate(invalid="raise"):\n    np.sqrt(x)',
        "with jax.debug_nans(True):\n    jnp.sqrt(x)",
        "This finds the first NaN, also in a compiled function.", "debugging", "None", "op by op",
    ),
    Habit(
        "scale = 2\ng = jit(lambda x: scale * x)\ny, scale = g(x), 3\ny = g(x)",
        "g = jit(lambda x, s: s * x)\ny = g(x, 3)",
        "A global is read while tracing.", "debugging", "y", "op by op",
    ),
    Habit(
        "# timed\ny = f(x)", "# timed\ny = f(x)\ny.block_until_ready()",
        "A call returns before its result is there.", "execution", "y", "op by op",
    ),
    Habit(
        "np.save(file, x)\nfile.seek(0)\ny = np.load(file)",
        "np.save(file, x)\nfile.seek(0)\ny = np.load(file)\ny = jnp.array(y)",
        "NumPy takes arrays of JAX; what it reads is NumPy's.", _SAVE, "y", "op by op",
    ),
)  # fmt: skip
"""Calls and habits of NumPy."""
