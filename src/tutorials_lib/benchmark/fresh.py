"""The headline, timed in fresh processes.

How fast a program runs depends on where its memory lies and on which cores its threads run, and
that is drawn once a process. So a ratio taken within one process is one draw, however often it
is repeated there, and two processes can differ by more than a figure's last digit. Here every
process gives one ratio, and their spread is the uncertainty of the result.
"""

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tutorials_lib import catalog, devices, presets
from tutorials_lib.benchmark import agreement as gate
from tutorials_lib.benchmark import settings
from tutorials_lib.benchmark.comparison import Comparison
from tutorials_lib.benchmark.interval import estimate, is_steady
from tutorials_lib.benchmark.load import Meter, is_busy
from tutorials_lib.benchmark.record import EndPoint, Ratio
from tutorials_lib.benchmark.timing import enter_all, race

FEWEST, MOST = 5, 9
"""Processes of a measurement: the fewest, and the most while the interval is still wide."""

ROUNDS = 5
"""Samples in a process, however short; the spread between processes is larger than within one."""

Advance = Callable[[str], None]
"""Called with a few words whenever a step of the measurement has finished."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The end points of a comparison, the twin first, over several fresh processes."""

    ratio: Ratio
    end_points: tuple[EndPoint, ...]
    load: float | None
    """The largest share of the time that others had in any of the processes."""

    @property
    def unsteady(self) -> bool:
        """Whether a re-run may well be more than 15 % away."""
        return not is_steady(self.ratio)

    @property
    def busy(self) -> bool:
        """Whether others took too much of the processor."""
        return is_busy(self.load)

    @property
    def saved_seconds(self) -> float:
        """What a call of JAX's headline variant saves; negative where it is the slower one."""
        jax = next(each for each in self.end_points if each.backend == "jax")
        return self.end_points[0].center - jax.center


def load_comparison(slug: str) -> Comparison:
    """The comparison of the tutorial `slug`; raises `KeyError` for a name not in the catalog."""
    return importlib.import_module(f"{catalog.find(slug).module}.comparison").COMPARISON


def measure_headline(
    comparison: Comparison, size: str, *, advance: Advance = lambda step: None
) -> Headline:
    """Time the end points of `comparison` at `size` in as many fresh processes as it takes.

    Nothing is compared here: the gate comes before.

    Args:
        comparison: of a tutorial in the catalog, since a process gets its name alone.
        size: the label of the size.
        advance: called after each process.

    Raises:
        ProcessError: a process failed.
    """
    # The preset for tests times little, and how well it is known does not matter there.
    fewest, most = (2, 2) if presets.preset_name() == "tiny" else (FEWEST, MOST)
    found: list[dict[str, Any]] = []
    with _environment() as environment:
        while len(found) < fewest or (
            len(found) < most and not is_steady(estimate(_ratios(comparison, found)))
        ):
            found.append(
                devices.run(
                    time_end_points, environment=environment, slug=comparison.slug, size=size
                )
            )
            advance(f"fresh process {len(found)}")
    loads = [each["load"] for each in found if each["load"] is not None]
    return Headline(
        ratio=estimate(_ratios(comparison, found)),
        end_points=tuple(
            _end_point(variant.name, variant.backend, found)
            for variant in gate.installed(comparison.endpoints)
        ),
        load=max(loads, default=None),
    )


def time_end_points(slug: str, size: str) -> dict[str, Any]:
    """Called in a fresh process: make the inputs, let the end points race, and say who took what.

    Returns the median seconds and the best number of threads by variant, and the load.
    """
    comparison = load_comparison(slug)
    comparison = replace(comparison, variants=comparison.endpoints)
    config, meter = comparison.sizes[size], Meter()
    contestants = enter_all(comparison, gate.make_inputs(comparison, config), config)
    fastest = race(contestants, repeats=ROUNDS, seconds=0.0, meter=meter)
    return {
        "seconds": {each.variant.name: each.median for each in fastest},
        "threads": {each.variant.name: each.threads for each in fastest},
        "load": meter.share,
    }


@contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """What the processes are given: the settings of this one, and a shared cache of programs.

    Compiling is not what they time, so the first of them compiles for all.
    """
    given = settings.as_environment() | {
        "TUTORIALS_PRESET": presets.preset_name(),
        "TUTORIALS_DATA": presets.data_source(),
    }
    if "XLA_FLAGS" in os.environ:
        given["XLA_FLAGS"] = os.environ["XLA_FLAGS"]
    with tempfile.TemporaryDirectory(prefix="tutorials_lib-") as folder:
        cache = os.environ.get("JAX_COMPILATION_CACHE_DIR") or folder
        yield given | {"JAX_COMPILATION_CACHE_DIR": cache}


def _ratios(comparison: Comparison, found: Sequence[dict[str, Any]]) -> list[float]:
    ours, theirs = comparison.baseline.name, comparison.jax_headline.name
    return [each["seconds"][ours] / each["seconds"][theirs] for each in found]


def _end_point(name: str, backend: str, found: Sequence[dict[str, Any]]) -> EndPoint:
    return EndPoint(
        variant=name,
        backend=backend,
        seconds=tuple(each["seconds"][name] for each in found),
        threads=tuple(each["threads"][name] for each in found),
    )
