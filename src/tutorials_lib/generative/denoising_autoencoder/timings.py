"""What the page times beside its comparison, and what the bars say about the reason."""

from functools import partial

import jax
import numpy as np

from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio, format_seconds
from tutorials_lib.generative.denoising_autoencoder import in_jax, in_numpy
from tutorials_lib.generative.denoising_autoencoder.problem import Config

SIDE = 256
"""Height and width of the picture that is denoised, in pixels."""

STEPS = ("running the same operations in XLA", "compiling a step into one program")
"""From bar to bar of the waterfall."""


def one_picture(config: Config) -> dict[str, Times]:
    """Seconds to denoise one picture of `SIDE` x `SIDE` pixels."""
    rng = np.random.default_rng(0)
    noisy, sigma = rng.random((1, SIDE, SIDE), np.float32), np.full(1, 0.1, np.float32)
    params = draw_params(in_jax.create, config, rng=rng)
    ours, theirs = (partial(twin.predict, config=config) for twin in (in_numpy, in_jax))
    name = f"one picture of {SIDE} × {SIDE} pixels"
    return {name: time_both(ours, jax.jit(theirs), params, noisy, sigma)}


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and how it stands with the whole picture that the claim means."""
    (picture,) = times.values()
    ratio = picture.numpy / picture.jax
    word = "faster" if ratio > 1.15 else "slower" if ratio < 1 / 1.15 else "about as fast"
    return (
        f"{lead_reason(record, STEPS)} On one whole picture JAX is {word} "
        f"({format_seconds(picture.numpy)} and {format_seconds(picture.jax)}, "
        f"{format_ratio(ratio)})."
    )
