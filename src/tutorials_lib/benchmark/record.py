"""The result of a comparison as plain data: what a page emits and the ledger reads.

`record.schema.json` beside this file is the same, for readers in other languages; a test
keeps the two equal.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SCHEMA_VERSION = 1
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
    """How many times faster than the NumPy twin, sample by sample."""
    repeats: int
    threads: int | None
    """Threads given to NumPy or to a peer; None where the library chose for itself."""


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

    The value must beat every baseline by `margin` (negative: may fall short by that much, for
    a parity). `training_seconds` is what training took on the page.
    """

    metric: str
    value: float
    baselines: dict[str, float]
    higher_is_better: bool = True
    margin: float = 0.0
    training_seconds: float | None = None

    @property
    def met(self) -> bool:
        """Whether the value beats every baseline by the margin."""
        sign = 1.0 if self.higher_is_better else -1.0
        return all(sign * (self.value - other) >= self.margin for other in self.baselines.values())


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
    headline: str
    baseline_variant: str
    headline_variant: str
    quality: Quality | None

    @property
    def headline_size(self) -> SizeResult:
        """The size at which the page trains."""
        return next(size for size in self.sizes if size.label == self.headline)

    @property
    def numpy(self) -> Timing:
        """The NumPy twin at the headline size."""
        return self.headline_size.timing(self.baseline_variant)

    @property
    def jax(self) -> Timing:
        """JAX's headline variant at the headline size."""
        return self.headline_size.timing(self.headline_variant)

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
            "quality": None if quality is None else Quality(**quality),
        }
    )


def _size_from_json(data: dict[str, Any]) -> SizeResult:
    timings = tuple(
        Timing(**{**row, "seconds": Spread(**row["seconds"]), "ratio": Spread(**row["ratio"])})
        for row in data["timings"]
    )
    return SizeResult(**{**data, "timings": timings})


def load(path: Path) -> Record:
    """The record stored in the file `path`."""
    return from_json(json.loads(path.read_text(encoding="utf-8")))


def verdict(ratio: Spread, claim: tuple[float, float]) -> Verdict:
    """Where a measured ratio falls against a claimed range.

    Borderline when an edge of the claim lies between the quartiles.
    """
    low, high = claim
    if any(ratio.q1 < edge < ratio.q3 for edge in claim):
        return "borderline"
    if ratio.median < low:
        return "below"
    return "above" if ratio.median > high else "within"


def is_tie(ratio: Spread) -> bool:
    """Whether the median counts as a tie with NumPy."""
    return TIE[0] <= ratio.median <= TIE[1]
