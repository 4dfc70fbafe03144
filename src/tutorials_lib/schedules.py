"""Schedules: a number for every step of a training, as an array that both twins index.

JAX indexes with the counter that it traces, and takes the last number beyond the end; NumPy uses
`at`. Every schedule has one number more than there are steps, which is that of all further ones.
"""

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

Schedule = Float32[np.ndarray, " counts"]


def constant(values: Float[np.ndarray, " counts"]) -> Schedule:
    """The values in float32, read-only: what is kept for every caller must not change."""
    schedule = values.astype(np.float32)
    schedule.flags.writeable = False
    return schedule


def at(schedule: Schedule, step: Any) -> np.float32:
    """The number of `step`; the last one from there on."""
    return schedule[min(int(step), len(schedule) - 1)]


@cache
def line(num_steps: int, first: float, last: float, *, share: float = 1.0) -> Schedule:
    """From `first` to `last` in a straight line over a `share` of the steps, then `last`."""
    progress = np.minimum(np.arange(num_steps + 1) / max(share * num_steps, 1), 1)
    return constant(first + progress * (last - first))


@cache
def cosine(num_steps: int, first: float) -> Schedule:
    """From `first` to zero along half a cosine (Loshchilov and Hutter 2017)."""
    done = np.arange(num_steps + 1) / num_steps
    return constant(0.5 * first * (1 + np.cos(np.pi * done)))


@cache
def one_cycle(num_steps: int, peak: float, *, rising: float, straight: bool = False) -> Schedule:
    """Up to `peak` in a straight line over a share `rising` of the steps, then down to zero.

    Down goes along half a cosine, or in a straight line (Smith 2018).
    """
    count, top = np.arange(num_steps + 1), rising * num_steps
    up, done = (count + 1) / top, (count - top).clip(0) / (num_steps - top)
    down = 1 - done if straight else (1 + np.cos(np.pi * done)) / 2
    return constant(peak * np.minimum(np.minimum(up, down), 1))
