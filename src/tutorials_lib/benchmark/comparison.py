"""What a tutorial says about its own comparison: the unit of work, the sizes, the variants.

Each tutorial's `comparison.py` exposes one module constant, `COMPARISON`. The twins of a tutorial
have functions of the same names, so whatever is compared or timed is written once, as a function
of the twin:

    def step(twin, inputs, config):
        return twin.train_step(inputs.state, inputs.images, inputs.labels, config)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType
from typing import Any, Literal

import jax

from tutorials_lib.benchmark.canonical import canonical_form

Tree = Any
"""A nested dict, tuple or list of arrays and numbers (a JAX pytree)."""

Config = Any
"""A tutorial's frozen dataclass of settings."""

Work = Callable[[Any, Any, Any], Tree]
"""A function of the twin (a module), its inputs and the configuration."""

Prepare = Callable[[Any, Any, Any], Tree]
"""As `Work`, but it returns the inputs, with each twin's own state among them."""

Backend = Literal["numpy", "jax", "sklearn"]

Jit = Literal["whole", "none", "own"]
"""What JAX compiles: all of it as one program, nothing, or what the function itself compiles."""

_BACKENDS: dict[str, Backend] = {
    "in_numpy": "numpy",
    "in_jax": "jax",
    "in_sklearn": "sklearn",
    "numpy": "numpy",
    "jax.numpy": "jax",
}


def backend_of(twin: ModuleType) -> Backend:
    """Whose arrays `twin` takes, from its name: `in_numpy`, `in_jax`, `in_sklearn`, NumPy itself.

    Raises:
        ValueError: the module has another name.
    """
    name = twin.__name__
    backend = _BACKENDS.get(name) or _BACKENDS.get(name.rpartition(".")[2])
    if backend is None:
        raise ValueError(f"{name} is no twin; its name must end in one of {', '.join(_BACKENDS)}")
    return backend


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that both twins must compute alike: a loss, a gradient, a state after k steps.

    `run` is called with each twin. JAX compiles it as one program, unless `jit` says otherwise.
    The results are compared in float64 at a relative error of 1e-9, and in float32 at
    `float32_tolerance` unless that is None, which says that rounding may legitimately tip a
    discrete choice. Checks with the same `run` share its programs and results: `pick` says which
    part of the result is meant.
    """

    name: str
    run: Work
    pick: Callable[[Tree], Tree] | None = None
    float32_tolerance: float | None = None
    jit: Jit = "whole"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to do the unit of work.

    `run(twin, inputs, config)` gets inputs that already lie where the twin wants them (NumPy
    arrays, or device arrays for JAX) and returns the same, in canonical form, as every other
    variant. `jit` says what JAX compiles; functions that a variant calls carry no `jit` of their
    own, so that it means what it says. `explains` says in a few words what this variant adds to
    the one before it. `requires` is the module that a peer needs; without it the variant is left
    out.
    """

    name: str
    run: Work
    twin: ModuleType
    jit: Jit = "none"
    explains: str = ""
    requires: str | None = None

    @property
    def backend(self) -> Backend:
        """Whose arrays the variant takes."""
        return backend_of(self.twin)

    @property
    def peer(self) -> bool:
        """Whether this is somebody else's software, shown beside the twins."""
        return self.backend not in ("numpy", "jax")

    @cached_property
    def call(self) -> Callable[[Tree, Config], Tree]:
        """The unit of work as a function of the inputs and the configuration, compiled or not."""
        return compiled(self.run, self.twin, self.jit)


def compiled(run: Work, twin: ModuleType, jit: Jit) -> Callable[[Tree, Config], Tree]:
    """`run` with the twin filled in; one program where the twin is JAX's and `jit` says so."""
    call = partial(run, twin)
    if jit != "whole" or backend_of(twin) != "jax":
        return call
    named: Any = lambda inputs, config: call(inputs, config)  # noqa: E731
    named.__name__ = getattr(run, "__name__", "work")  # what profiles and logs call the program
    return jax.jit(named, static_argnums=1)


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
        make_inputs: configuration to a tree of NumPy arrays, the same for every twin.
        prepare: adds what differs between the twins, such as the state of an optimizer. Not timed.
        canonical: a result of either twin as one tree of arrays, with the same keys for both.
        checks: what the gate compares.
        variants: the NumPy twin first, then each JAX step, the JAX headline last of the JAX
            ones; peers anywhere after the twin. The steps between are timed at the headline
            size, the others at every size.
        observe: what is compared between variants before they are timed, from a variant's
            output in canonical form (default: all of it). Long runs are compared by their
            objective.
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
    prepare: Prepare | None = None
    canonical: Callable[[Tree], Tree] = canonical_form
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
        if self.jax_headline.jit != "whole":
            raise ValueError(
                f"{self.slug}: the headline {self.jax_headline.name!r} has jit="
                f"{self.jax_headline.jit!r}; it must be 'whole', so that its compilation is timed"
            )
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
