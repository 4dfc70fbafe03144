"""Where the time of a compiled program goes: what JAX's profiler records, read without a viewer."""

import gzip
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax


class Event(NamedTuple):
    """A bar of a trace: what ran from when, for how long (seconds), and if XLA ran it."""

    name: str
    start: float
    seconds: float
    is_kernel: bool


HAND_OVER, WAIT = "hand over", "wait"
"""Names that `trace` gives to the two parts of a call, as Python sees it."""


def trace(function: Callable, *args: Any, calls: int = 3) -> list[Event]:
    """What the profiler records during some calls, after one that is not recorded."""
    jax.block_until_ready(function(*args))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(calls):
                with jax.profiler.TraceAnnotation(HAND_OVER):
                    result = function(*args)
                with jax.profiler.TraceAnnotation(WAIT):
                    jax.block_until_ready(result)
        return read_trace(Path(folder))


def read_trace(folder: Path) -> list[Event]:
    """The events of the profile under `folder`, by their start; the first starts at zero.

    Raises:
        FileNotFoundError: there is no profile.
    """
    path = next(folder.rglob("*.trace.json.gz"), None)
    if path is None:
        raise FileNotFoundError(f"no *.trace.json.gz under {folder}")
    rows = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    events = [
        Event(row["name"], 1e-6 * row["ts"], 1e-6 * row["dur"], "hlo_op" in row.get("args", {}))
        for row in rows
        if row.get("ph") == "X"
    ]
    begin = min((event.start for event in events), default=0.0)
    ordered = sorted(events, key=lambda event: event.start)
    return [event._replace(start=event.start - begin) for event in ordered]


def longest(events: Iterable[Event]) -> dict[str, float]:
    """Seconds by name, summed over events, longest first."""
    seconds: dict[str, float] = {}
    for event in events:
        seconds[event.name] = seconds.get(event.name, 0.0) + event.seconds
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))
