"""What the page times beside its comparison, and what the bars say about the reason."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import MarkdownRows, format_seconds
from tutorials_lib.benchmark.timing import median_seconds, median_seconds_at_best
from tutorials_lib.vision.siamese_tracking import in_jax, in_numpy, problem, pyramid, rivals
from tutorials_lib.vision.siamese_tracking.problem import Clips, Config, Settings

NUM_FRAMES = 30
"""Frames of a recorded clip that are tracked, at most."""

ONE_FRAME, RECORDED = "one frame from the host", "a recorded clip"
STEPS = ("running the same operations in XLA", "compiling a frame into one program")
"""From bar to bar of the waterfall."""


def tracking(
    params: in_jax.Params, clips: Clips, settings: Settings, config: Config
) -> dict[str, Times]:
    """Seconds for one frame that is not yet on the device, and for a recorded clip."""
    ours = partial(in_numpy.follow, config=config)
    theirs = jax.jit(partial(in_jax.follow, config=config))
    host = jax.tree.map(np.asarray, params)
    some = first_of(clips, 1)
    return {
        ONE_FRAME: one_frame(host, clips, settings, config),
        RECORDED: time_both(ours, theirs, host, some.frames, some.boxes[:, 0], settings),
    }


def one_frame(params: in_numpy.Params, clips: Clips, settings: Settings, config: Config) -> Times:
    """A call for a single frame; JAX gets it from the host each time, as from a camera."""
    some = first_of(clips, 1)
    first, frame = some.frames[:, 0], some.frames[:, 1]
    track = in_numpy.start_track(params, first, some.boxes[:, 0], config)
    step = jax.jit(partial(in_jax.track_frame, config=config))
    network, known, chosen = jax.device_put((params, track, settings))
    known = in_jax.Track(*known)

    def from_host(frame: np.ndarray) -> in_jax.Track:
        return step(network, known, frame, chosen)

    numpy = partial(in_numpy.track_frame, params, track, config=config)
    return Times(
        numpy=median_seconds_at_best(partial(numpy, settings=settings), frame),
        jax=median_seconds(from_host, frame),
    )


def frames_per_second(
    times: Mapping[str, Times], clips: Clips, chosen: Mapping[str, Settings]
) -> MarkdownRows:
    """How many frames a second has: both twins, and every rival in NumPy."""
    some = first_of(clips, 1)
    one, recorded = times[ONE_FRAME], times[RECORDED]
    seconds = {
        "network, JAX": one.jax,
        "network, NumPy": one.numpy,
        "network, JAX, recorded": recorded.jax / (some.frames.shape[1] - 1),
    }
    for name, rival in rivals.RIVALS.items():
        follow = partial(rivals.follow, rival)
        whole = median_seconds_at_best(follow, some, chosen[name])
        seconds[f"{name}, NumPy"] = whole / (some.frames.shape[1] - 1)
    rows = [[name, format_seconds(each), f"{1 / each:,.0f}"] for name, each in seconds.items()]
    return MarkdownRows(["Tracker", "a frame", "frames per second"], rows)


def first_of(clips: Clips, count: int) -> Clips:
    """The first frames of the first clips, as many as there are."""
    frames, boxes, pixels = clips
    return Clips(frames[:count, :NUM_FRAMES], boxes[:count, :NUM_FRAMES], pixels[:count])


def share_of_convolutions(config: Config) -> float:
    """Of the multiplications of a frame in JAX, the share that convolutions do."""
    scales, features = len(pyramid.SCALES), config.channels[-1]
    areas, templates = scales * problem.SEARCH**2, problem.TEMPLATE**2
    convolved, places = 0.0, (areas + templates) / 4
    for before, after in pairwise((12, *config.channels)):
        convolved += places * 9 * before * after
        places = (areas + templates) / problem.STRIDE**2
    cells = problem.SEARCH**2 / problem.STRIDE**2
    correlated = scales * cells * problem.CELLS**2 * features
    row = 3 * problem.SIZE
    cropped = sum(
        count * side * row * (problem.SIZE + side)
        for count, side in ((scales, problem.SEARCH), (1, problem.TEMPLATE))
    )
    return convolved / (convolved + correlated + cropped)


def explain(record: Record, times: Mapping[str, Times]) -> str:
    """The reason by the bars, and whether it is enough for a camera."""
    enough = times[ONE_FRAME].jax < 1 / 30
    return (
        f"{lead_reason(record, STEPS)} A camera with 30 frames a second "
        f"{'does not have' if enough else 'has'} to wait for JAX."
    )
