"""What the ratios of several fresh processes say together: a center, and where a re-run falls."""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from tutorials_lib.benchmark.record import Ratio

COVERAGE = 0.9
"""How often a re-run is meant to fall into the interval."""

CHANGE = 1 / 8
"""The variance by which a machine changes between two measurements, in that between processes.

Chosen by measuring tutorials ten times anew (`--repeat 10`): without it, eight of ten centers lay
in the interval of another measurement, with it nine.
"""

STEADY = 1.15
"""An interval that reaches further from its center than by this factor is unsteady."""


def estimate(ratios: Sequence[float]) -> Ratio:
    """The center of `ratios`, one a process, and the interval in which a re-run falls.

    A re-run is a whole new measurement: n other processes, later, on the same machine, and the
    center of their ratios. With the mean m and the standard deviation s of the n logarithms, the
    center is e^m and the interval m ± t s √(1/n + 1/n + c), where t is the 95th percentile of
    Student's distribution with n - 1 degrees of freedom: the 90 % prediction interval for the mean
    of n further processes (Hahn and Meeker, Statistical Intervals, 1991), with an allowance c.

    Were the machine the same all day, c would be 0. It is not: between two measurements it
    changes, which the spread within one does not show. `CHANGE` is what was seen of that.

    Raises:
        ValueError: there are fewer than two ratios, or one is not a positive number.
    """
    # Imported here: a process that measures starts sooner without it.
    from scipy.special import stdtrit

    logs = np.log(np.asarray(ratios, np.float64)) if min(ratios, default=0) > 0 else np.empty(0)
    if len(logs) < 2 or not np.isfinite(logs).all():
        raise ValueError(f"the ratios are {list(ratios)}; expected two or more positive numbers")
    n, center = len(logs), float(logs.mean())
    t = float(stdtrit(n - 1, (1 + COVERAGE) / 2))
    half = t * float(logs.std(ddof=1)) * math.sqrt(2 / n + CHANGE)
    return Ratio(
        center=math.exp(center),
        low=math.exp(center - half),
        high=math.exp(center + half),
        processes=n,
    )


def is_steady(ratio: Ratio) -> bool:
    """Whether a re-run is expected within 15 % of the center."""
    return ratio.high <= STEADY * ratio.center


def inside(ratios: Sequence[Ratio]) -> tuple[int, int]:
    """Of all ordered pairs of measurements: in how many one's center lies in the other's interval.

    Returns that number, and the number of pairs.
    """
    pairs = list(permutations(ratios, 2))
    return sum(one.low <= other.center <= one.high for one, other in pairs), len(pairs)
