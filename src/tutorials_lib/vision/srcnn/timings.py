"""What the page times beside its comparison, and what the bars say about the reason."""

from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio, format_seconds
from tutorials_lib.vision.srcnn import in_jax, in_numpy
from tutorials_lib.vision.srcnn.problem import Config, original

SIDE = 512
"""Height and width of the picture that is enlarged to, in pixels."""

STEPS = ("running the same operations in XLA", "compiling a step into one program")
"""From bar to bar of the waterfall."""


def one_picture(config: Config) -> dict[str, Times]:
    """Seconds to enlarge a picture to `SIDE` pixels (or a few less): both networks, and bicubic."""
    rng = np.random.default_rng(0)
    side = SIDE // config.scale
    low = rng.random((1, side, side), np.float32)
    times = {}
    for name, each in {"this network": config, "the paper's layers": original(config)}.items():
        ours, theirs = (partial(twin.predict, config=each) for twin in (in_numpy, in_jax))
        params = draw_params(in_jax.create, each, rng=rng)
        times[name] = time_both(ours, jax.jit(theirs), params, low)
    ours, theirs = (partial(twin.enlarge, config=config) for twin in (in_numpy, in_jax))
    return times | {"bicubic alone": time_both(ours, jax.jit(theirs), low)}


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and how it stands with the whole picture that the claim means."""
    network = times["this network"]
    ratio = network.numpy / network.jax
    word = "faster" if ratio > 1.15 else "slower" if ratio < 1 / 1.15 else "about as fast"
    return (
        f"{lead_reason(record, STEPS)} On one whole picture JAX is {word} "
        f"({format_seconds(network.numpy)} and {format_seconds(network.jax)}, "
        f"{format_ratio(ratio)})."
    )
