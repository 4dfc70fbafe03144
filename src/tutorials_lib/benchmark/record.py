"""The result of a comparison as plain data: what a page emits and the ledger reads.

`record.schema.json` beside this file is the same, for readers in other languages; a test
keeps the two equal.
"""

import dataclasses
import json
import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SCHEMA_VERSION = 2
MIME_TYPE = "application/vnd.tutorials-lib.record+json"

Verdict = Literal["below", "borderline", "within", "above"]

TIE = (0.85, 1.15)
"""Ratios that count as a tie with NumPy: about the spread between runs."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A median with its quartiles."""

    median: float
    q1: float
    q3: float


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One variant at one size: seconds per unit of work."""

    variant: str
    backend: str
    explains: str
    seconds: Spread
    ratio: Spread
    """How many times faster than the NumPy twin, sample by sample, within the process."""
    repeats: int
    threads: int | None
    """Threads given to NumPy or to a peer; None where the library chose for itself."""


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """NumPy's time over JAX's, from fresh processes that gave one ratio each.

    `center` is their geometric mean. Nine times of ten, a re-run on the same machine is expected
    between `low` and `high`; see `tutorials_lib.benchmark.interval`.
    """

    center: float
    low: float
    high: float
    processes: int


@dataclass(frozen=True, kw_only=True)
class EndPoint:
    """The twin, JAX's headline variant or a peer, timed in fresh processes at the headline size."""

    variant: str
    backend: str
    seconds: tuple[float, ...]
    """The median of each process, per unit of work, at its better number of threads."""
    threads: tuple[int | None, ...]
    """That number of threads, in each process; None where the library chose for itself."""

    @property
    def center(self) -> float:
        """The geometric mean of the seconds: those of two end points divide to their ratio."""
        return math.exp(statistics.fmean(map(math.log, self.seconds)))

    @property
    def usual_threads(self) -> int | None:
        """The number of threads that was the better one in most processes."""
        return statistics.mode(self.threads)


@dataclass(frozen=True, kw_only=True)
class SizeResult:
    """All variants at one size, and what JAX's headline variant costs before steady state."""

    label: str
    timings: tuple[Timing, ...]
    compile_seconds: float
    transfer_seconds: float
    first_call_seconds: float
    break_even_calls: float | None
    """Calls after which compiling has paid for itself; None when JAX is not faster."""

    def timing(self, variant: str) -> Timing:
        """The timing of `variant`."""
        return next(timing for timing in self.timings if timing.variant == variant)


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What the tutorial reached on held-out data, beside its baselines on the same split.

    The value must be better than every baseline, by more than `margin`; as good as one is not
    enough. `training_seconds` is what training took on the page.
    """

    metric: str
    value: float
    baselines: dict[str, float]
    higher_is_better: bool = True
    margin: float = 0.0
    training_seconds: float | None = None

    @property
    def strongest(self) -> str:
        """The name of the strongest baseline: the line to beat."""
        sign = 1.0 if self.higher_is_better else -1.0
        return max(self.baselines, key=lambda name: sign * self.baselines[name])

    @property
    def met(self) -> bool:
        """Whether the value beats every baseline by more than the margin."""
        sign = 1.0 if self.higher_is_better else -1.0
        return all(sign * (self.value - other) > self.margin for other in self.baselines.values())


@dataclass(frozen=True, kw_only=True)
class AgreementRow:
    """One line of the agreement table; the errors are relative."""

    name: str
    float64_error: float
    float32_error: float | None
    float32_tolerance: float | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that one run of one comparison found."""

    schema: int
    slug: str
    unit: str
    note: str
    preset: str
    data_source: str
    code_digest: str
    machine: dict[str, str]
    agreement: tuple[AgreementRow, ...]
    tolerance: float
    tolerance_reason: str
    sizes: tuple[SizeResult, ...]
    """Timed in the process of the page; the result itself comes from fresh ones."""
    headline: str
    baseline_variant: str
    headline_variant: str
    ratio: Ratio
    end_points: tuple[EndPoint, ...]
    unsteady: bool
    """Whether a re-run may well be more than 15 % away."""
    load: float | None
    """The largest share of the processor's time that others took while something was timed."""
    busy: bool
    """Whether that was too much, again and again."""
    quality: Quality | None

    @property
    def headline_size(self) -> SizeResult:
        """The size at which the page trains."""
        return next(size for size in self.sizes if size.label == self.headline)

    @property
    def numpy(self) -> EndPoint:
        """The NumPy twin at the headline size."""
        return self.end_point(self.baseline_variant)

    @property
    def jax(self) -> EndPoint:
        """JAX's headline variant at the headline size."""
        return self.end_point(self.headline_variant)

    @property
    def peer(self) -> EndPoint | None:
        """The first peer at the headline size, where there is one."""
        ours = (self.baseline_variant, self.headline_variant)
        return next((each for each in self.end_points if each.variant not in ours), None)

    def end_point(self, variant: str) -> EndPoint:
        """The end point of `variant`."""
        return next(each for each in self.end_points if each.variant == variant)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def from_json(data: dict[str, Any]) -> Record:
    """The record that `to_json` wrote; raises `ValueError` for another schema version."""
    if data.get("schema") != SCHEMA_VERSION:
        raise ValueError(
            f"record of schema {data.get('schema')!r}; this version reads schema "
            f"{SCHEMA_VERSION}. Run the comparison again: python -m tutorials_lib.benchmark"
        )
    quality = data["quality"]
    return Record(
        **{
            **data,
            "agreement": tuple(AgreementRow(**row) for row in data["agreement"]),
            "sizes": tuple(_size_from_json(size) for size in data["sizes"]),
            "ratio": Ratio(**data["ratio"]),
            "end_points": tuple(_end_point_from_json(each) for each in data["end_points"]),
            "quality": None if quality is None else Quality(**quality),
        }
    )


def _size_from_json(data: dict[str, Any]) -> SizeResult:
    timings = tuple(
        Timing(**{**row, "seconds": Spread(**row["seconds"]), "ratio": Spread(**row["ratio"])})
        for row in data["timings"]
    )
    return SizeResult(**{**data, "timings": timings})


def _end_point_from_json(data: dict[str, Any]) -> EndPoint:
    return EndPoint(
        **{**data, "seconds": tuple(data["seconds"]), "threads": tuple(data["threads"])}
    )


def load(path: Path) -> Record:
    """The record stored in the file `path`."""
    return from_json(json.loads(path.read_text(encoding="utf-8")))


def verdict(ratio: Ratio, claim: tuple[float, float]) -> Verdict:
    """Where a measured ratio falls against a claimed range.

    Borderline when an edge of the claim lies inside the interval of a re-run.
    """
    low, high = claim
    if any(ratio.low < edge < ratio.high for edge in claim):
        return "borderline"
    if ratio.center < low:
        return "below"
    return "above" if ratio.center > high else "within"


def is_tie(ratio: Ratio) -> bool:
    """Whether the center counts as a tie with NumPy."""
    return TIE[0] <= ratio.center <= TIE[1]
