"""What the page times beside its comparison: a stream of frames, and what the bars say."""

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, UInt8
from threadpoolctl import threadpool_limits

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import MarkdownRows, format_seconds
from tutorials_lib.benchmark.timing import timed
from tutorials_lib.vision.yolo import in_jax, in_numpy
from tutorials_lib.vision.yolo.problem import Config

STEPS = ("running the same operations in XLA", "compiling them into one program")
"""From bar to bar of the waterfall."""

BATCH = 32
"""Frames that are detected together, where nobody waits for each."""

Frames = UInt8[np.ndarray, "frames height width 3"]
Seconds = Float[np.ndarray, "passes frames"]


NUM_PASSES = 5
"""How often a stream is played; what is told of it is the median over the passes."""

_TIE = 1.15
"""Two times that differ by less than this factor are called equal, as everywhere in the book."""


class Stream(NamedTuple):
    """The seconds from each frame of a stream to its boxes, in both libraries."""

    numpy: Seconds
    jax: Seconds

    def quantiles(self, share: float) -> tuple[float, float]:
        """The time that so many of the frames keep, in each library."""
        ours, theirs = (float(np.median(np.quantile(each, share, axis=1))) for each in self)
        return ours, theirs


def stream(state: in_jax.State, frames: Frames, config: Config) -> Stream:
    """Give the frames to both twins one by one, as a camera would, in passes that take turns.

    JAX gets them from the host's memory, so that the way to the device counts. NumPy has one
    thread of BLAS or all, whichever is faster on the median.
    """
    folded = in_jax.fold(state.params, state.statistics)
    ours = partial(in_numpy.detect, config=config), jax.tree.map(np.asarray, folded)
    theirs = jax.jit(partial(in_jax.detect, config=config)), folded
    passes = []
    for _ in range(NUM_PASSES):
        for limit in (None, 1):  # what follows all threads may meet some that still spin
            with threadpool_limits(limit, user_api="blas"):
                passes.append(_latencies(*ours, frames))
        passes.append(_latencies(*theirs, frames))
    many, one, jax_seconds = (np.stack(passes[i::3]) for i in range(3))
    return Stream(min(one, many, key=np.median), jax_seconds)


def _latencies(detect: Any, folded: Any, frames: Frames) -> Float[np.ndarray, " frames"]:
    timed(detect, folded, frames[:1])  # compiles, where it has to
    return np.array([timed(detect, folded, frame[None])[1] for frame in frames])


def stream_table(seconds: Stream) -> MarkdownRows:
    """The latency that half, all but a twentieth and all but a hundredth of the frames keep."""
    kept = zip(*(seconds.quantiles(share) for share in (0.5, 0.95, 0.99)), strict=True)
    rows = [
        [name, *map(format_seconds, times), f"{each.size / each.sum():,.0f}"]
        for name, times, each in zip(("NumPy", "JAX"), kept, seconds, strict=True)
    ]
    return MarkdownRows(["Stream", "p50", "p95", "p99", "frames a second"], rows)


def in_batches(state: in_jax.State, frames: Frames, config: Config) -> dict[str, Times]:
    """Detection and its last part alone, for some frames together."""
    folded = jax.tree.map(np.asarray, in_jax.fold(state.params, state.statistics))
    batch = frames[:BATCH]
    found = in_numpy.detect(folded, batch, config)
    suppress = jax.vmap(partial(in_jax.suppress, overlap=config.overlap))
    return {
        f"detect in {len(batch)} frames at once": time_both(
            partial(in_numpy.detect, config=config),
            jax.jit(partial(in_jax.detect, config=config)),
            folded,
            batch,
        ),
        f"the suppression of these {len(batch)} frames alone": time_both(
            partial(in_numpy.suppress, overlap=config.overlap),
            jax.jit(suppress),
            found.boxes,
            found.labels,
        ),
    }


def explain(record: Record, seconds: Stream) -> str:
    """The reason by the bars, and what became of it in the stream."""
    return f"{lead_reason(record, STEPS)} {say_stream(seconds)}"


def say_stream(seconds: Stream) -> str:
    """Which twin is faster on the median frame, and which on the slowest of a hundred."""

    def faster(share: float) -> str:
        ours, theirs = seconds.quantiles(share)
        ratio = max(ours / theirs, theirs / ours)
        if ratio < _TIE:
            return "neither is faster"
        return f"{'JAX' if theirs < ours else 'NumPy'} is faster by {ratio:.2g} times"

    return (
        f"Over a stream of {seconds.numpy.shape[1]} frames, {faster(0.5)} on the median frame, and "
        f"{faster(0.99)} at the 99th percentile."
    )


def say_real_time(seconds: Stream, rate: int = 30) -> str:
    """Which twins keep up with a camera that gives `rate` frames a second."""
    late = [int((each > 1 / rate).sum()) for each in seconds]
    played = seconds.numpy.size
    if not any(late):
        return f"At {rate} frames a second, both keep up: none of {played:,} frames comes late."
    told = " and ".join(
        f"{name} is late for {count}" for name, count in zip(("NumPy", "JAX"), late, strict=True)
    )
    return f"Of {played:,} frames at {rate} a second, {told}."
