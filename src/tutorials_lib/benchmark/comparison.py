"""What a tutorial says about its own comparison: the unit of work, the sizes, the variants.

Each tutorial's `comparison.py` exposes one module constant, `COMPARISON`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Tree = Any
"""A nested dict, tuple or list of arrays and numbers (a JAX pytree)."""

Config = Any
"""A tutorial's frozen dataclass of settings."""

Backend = Literal["numpy", "jax", "sklearn"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that both backends must compute alike: a loss, a gradient, a state after k steps.

    Both functions take `(inputs, config)` and return trees of the same structure. They are
    compared in float64 at a relative error of 1e-9, and in float32 at `float32_tolerance`
    unless that is None, which says that rounding may legitimately tip a discrete choice.
    """

    name: str
    in_numpy: Callable[[Tree, Config], Tree]
    in_jax: Callable[[Tree, Config], Tree]
    float32_tolerance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to do the unit of work.

    `run(inputs, config)` gets inputs that already lie where the backend wants them (NumPy
    arrays, or device arrays for `jax`) and returns the same tree as every other variant.
    `explains` says in a few words what this variant adds to the one before it.
    `requires` is the module that a peer needs; without it the variant is left out.
    """

    name: str
    backend: Backend
    run: Callable[[Tree, Config], Tree]
    explains: str = ""
    requires: str | None = None

    @property
    def peer(self) -> bool:
        """Whether this is somebody else's software, shown beside the twins."""
        return self.backend not in ("numpy", "jax")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything `tutorials_lib.benchmark` needs in order to compare and time one tutorial.

    Attributes:
        slug: the tutorial's name in the catalog.
        unit: the unit of work in words, "one training step, batch 128".
        sizes: label to configuration, in growing order; at least three, one of them small
            enough for NumPy to win if it can.
        headline: the label of the size at which the page trains, fixed before any timing.
        agreement: the configuration at which the float64 gate runs (seconds at most).
        make_inputs: configuration to a tree of NumPy arrays, the same for every backend.
        checks: what the gate compares.
        variants: the NumPy twin first, then each JAX step, the JAX headline last of the JAX
            ones; peers anywhere after the twin. The steps between are timed at the headline
            size, the others at every size.
        observe: what is compared between variants before they are timed, from a variant's
            output (default: all of it). Long runs are compared by their objective.
        tolerance: the relative error allowed between variants in float32 ...
        tolerance_reason: ... and why it is that large.
        note: one sentence printed under the table, such as a setting the result depends on.
    """

    slug: str
    unit: str
    sizes: Mapping[str, Config]
    headline: str
    agreement: Config
    make_inputs: Callable[[Config], Tree]
    checks: tuple[Check, ...]
    variants: tuple[Variant, ...]
    observe: Callable[[Tree, Tree, Config], Tree] | None = None
    tolerance: float
    tolerance_reason: str
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a comparison that could not be measured; the message says what is wrong."""
        ours = [variant for variant in self.variants if not variant.peer]
        if self.headline not in self.sizes:
            raise ValueError(f"{self.slug}: headline {self.headline!r} is not one of the sizes")
        if len(self.sizes) < 3:
            raise ValueError(f"{self.slug}: {len(self.sizes)} sizes; at least three are needed")
        if self.variants[0].backend != "numpy" or ours[-1].backend != "jax":
            raise ValueError(f"{self.slug}: the first variant must be NumPy and the last JAX")
        if not self.checks:
            raise ValueError(f"{self.slug}: no checks; without agreement nothing is timed")

    @property
    def baseline(self) -> Variant:
        """The NumPy twin, to which everything is compared."""
        return self.variants[0]

    @property
    def jax_headline(self) -> Variant:
        """The JAX variant whose ratio to the twin is the tutorial's result."""
        return [variant for variant in self.variants if variant.backend == "jax"][-1]

    @property
    def endpoints(self) -> tuple[Variant, ...]:
        """The NumPy twin, JAX's headline and the peers: what is timed at every size."""
        ends = (self.baseline, self.jax_headline)
        return tuple(variant for variant in self.variants if variant.peer or variant in ends)
