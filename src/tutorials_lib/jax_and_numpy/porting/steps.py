"""The eleven versions in order: their sources, the differences, their agreement, their cost."""

import ast
import difflib
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import jax
import numpy as np

from tutorials_lib.benchmark import timed
from tutorials_lib.benchmark.tables import MarkdownOutput
from tutorials_lib.jax_and_numpy.porting import problem

MAX_STEPS = 250
"""A simulation is given up after so many time steps."""


PATIENCE = 0.5
"""After so many seconds a version is timed no more than three times; the slow ones are slow enough
to see."""


@dataclass(frozen=True)
class Step:
    """One version of the program."""

    number: int
    name: str
    """What is done in this step, in a few words."""
    module_name: str
    tolerance: float = 1e-9
    """How far a temperature may lie from NumPy's, in degrees."""
    runs: bool = True
    float64: bool = True
    """Whether JAX is told to keep NumPy's 64 bits."""

    @property
    def module(self) -> ModuleType:
        """The version itself."""
        return importlib.import_module(f"{__package__}.{self.module_name}")

    @property
    def label(self) -> str:
        """Number and name, as figures and tables show them."""
        return f"{self.number}  {self.name}"


STEPS = (
    Step(0, "NumPy", "step_00_numpy", tolerance=0.0),
    Step(1, "swap the import", "step_01_import", runs=False),
    Step(2, "replace assignments", "step_02_at"),
    Step(3, "pass the noise in", "step_03_noise"),
    Step(4, "make the branch a value", "step_04_where"),
    Step(5, "write one expression", "step_05_pad"),
    Step(6, "compile the time step", "step_06_jit"),
    Step(7, "compile the loop", "step_07_scan"),
    Step(8, "stop early again", "step_08_while"),
    Step(9, "halve the numbers", "step_09_float32", tolerance=1e-2, float64=False),
    Step(10, "run many at once", "step_10_vmap", tolerance=1e-2, float64=False),
)
"""The program in NumPy, and the ten steps of its port."""

SHORT_NUMPY = Step(0, "NumPy, float32", "step_00_numpy", tolerance=1e-2, float64=False)
"""The program in NumPy in 32 bits, the measure for the steps that compute in 32 bits."""

MEASURED = (*STEPS[:9], SHORT_NUMPY, *STEPS[9:])
"""What is timed, in the order of tables and figures."""


class Outcome(NamedTuple):
    """What a simulation returns: the last temperatures, and the mean after every step."""

    temperature: np.ndarray
    means: np.ndarray


def simulation(
    step: Step,
    *,
    max_steps: int = MAX_STEPS,
    plate: problem.Plate = problem.DEFAULT,
) -> Callable[[], tuple]:
    """The whole simulation of `step` as a function without arguments; all see the same noise.

    Later versions take the draws that the earlier ones ask their generator for.
    """
    start, simulate = problem.start(), step.module.simulate
    if step == SHORT_NUMPY:
        start = start.astype(np.float32)
    if step.number <= 2:
        return lambda: simulate(start, np.random.default_rng(0), max_steps, plate)
    noise = np.random.default_rng(0).standard_normal(max_steps)
    with jax.enable_x64(step.float64):
        inputs = jax.device_put((start, noise))
    return lambda: simulate(*inputs, plate)


def outcome(step: Step, returned: tuple) -> Outcome:
    """What a simulation has returned, as NumPy's arrays, without means of steps not taken."""
    temperature, means = map(np.asarray, returned)
    return Outcome(temperature, means[~np.isnan(means)])


def require_agreement(step: Step, found: Outcome, expected: Outcome) -> None:
    """Hold an outcome to NumPy's.

    Raises:
        ArithmeticError: another number of time steps, or temperatures beyond the tolerance.
    """
    if len(found.means) != len(expected.means):
        taken = f"{len(found.means)} time steps instead of {len(expected.means)}"
        raise ArithmeticError(f"{step.label}: {taken}")
    for ours, theirs in zip(expected, found, strict=True):
        error = float(np.abs(ours - theirs).max())
        if not error <= step.tolerance:
            raise ArithmeticError(f"{step.label}: off by {error:.1e} degrees")


class Measured(NamedTuple):
    """A version's seconds for one simulation, and its largest error in degrees."""

    seconds: float
    error: float


def measure(
    *, repeats: int = 15, max_steps: int = MAX_STEPS, size: int = problem.SIZE
) -> dict[Step, Measured]:
    """Median seconds of one simulation and the error against NumPy, by `Step`; what raises is out.

    The first simulation of a version compiles; it is compared with NumPy's, and not timed.

    Raises:
        ArithmeticError: a version disagrees with NumPy.
    """
    expected = outcome(STEPS[0], simulation(STEPS[0], max_steps=max_steps)())
    measured = {}
    for step in filter(lambda step: step.runs, MEASURED):
        with jax.enable_x64(step.float64):
            run = simulation(step, max_steps=max_steps)
            found = outcome(step, timed(run)[0])
            require_agreement(step, found, expected)
            samples: list[float] = []
            while len(samples) < (repeats if sum(samples) < PATIENCE else min(repeats, 3)):
                samples.append(timed(run)[1])
        error = max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))
        measured[step] = Measured(float(np.median(samples)), error)
    return measured


def ratio(measured: dict[Step, Measured], step: Step) -> float:
    """The seconds of `step` over those of NumPy in the same precision."""
    in_numpy = STEPS[0] if step.float64 else SHORT_NUMPY
    return measured[step].seconds / measured[in_numpy].seconds


def seconds_per_plate(heats: Sequence[float], *, repeats: int = 3) -> tuple[float, float]:
    """Median seconds for one plate of many with different heaters: one after the other, at once.

    Raises:
        ArithmeticError: the two ways differ by more than one time step.
    """
    module, noise = STEPS[10].module, np.random.default_rng(0).standard_normal(MAX_STEPS)
    inputs = jax.device_put((problem.start(), noise))
    array = jax.numpy.array(heats)

    def one_by_one() -> list:
        plates = [problem.DEFAULT._replace(heat=heat) for heat in heats]
        return [module.simulate(*inputs, plate)[1] for plate in plates]

    def at_once() -> jax.Array:
        return module.simulate_many(*inputs, problem.DEFAULT, array)

    counts = [int(np.isfinite(means).sum()) for means in one_by_one()]
    if np.abs(np.array(counts) - at_once()).max() > 1:  # rounding may decide on the last step
        raise ArithmeticError("one plate after the other takes other steps than all at once")
    ways = (one_by_one, at_once)
    samples = [[timed(way)[1] for way in ways] for _ in range(repeats)]
    one, many = np.median(samples, axis=0) / len(heats)
    return float(one), float(many)


# ---------------------------------------------------------------- what changes in a step


def source(step: Step) -> list[str]:
    """The lines of a version, below the sentence that describes it."""
    text = inspect.getsource(step.module)
    (first, *_) = ast.parse(text).body
    return text.splitlines()[first.end_lineno :]


@dataclass(frozen=True)
class Difference(MarkdownOutput):
    """What a step changes in the version before it, with a line of context around each change."""

    step: Step

    @property
    def lines(self) -> list[str]:
        """The lines with a plus, a minus or a space in front; `@@` stands for lines that stay."""
        before, after = source(STEPS[self.step.number - 1]), source(self.step)
        lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[3:]
        return ["@@" if line.startswith("@@") else line for line in lines if line != " "]

    def markdown(self) -> str:
        """The lines as a block of code."""
        return "\n".join(["```diff", *self.lines, "```"])
