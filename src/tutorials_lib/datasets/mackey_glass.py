r"""A series whose next value is a non-linear function of its past (Mackey and Glass 1977)."""

import numpy as np
from jaxtyping import Float64

_DELAY, _STEPS_PER_UNIT = 17, 10
_WARM_UP = 500


def mackey_glass(count: int, *, noise: float, seed: int) -> Float64[np.ndarray, " times"]:
    r"""Values at whole times of $\dot x(t) = 0.2\, x(t - 17) / (1 + x(t - 17)^{10}) - 0.1\, x(t)$.

    With a delay of 17 the equation is chaotic: it follows a rule, and never repeats. It is solved
    by Euler's method in tenths of a unit, from a start that `seed` draws.

    Args:
        count: the number of values.
        noise: the standard deviation of what is added to each of them when it is measured, in that
            of the series; the rule itself is not disturbed.
        seed: of start and noise.
    """
    rng = np.random.default_rng(seed)
    delay = _DELAY * _STEPS_PER_UNIT
    path = np.empty(delay + (count + _WARM_UP) * _STEPS_PER_UNIT)
    path[:delay] = 1.2 + 0.1 * rng.standard_normal()
    x = path[delay - 1]
    for i in range(delay, len(path)):
        past = path[i - delay]
        x += (0.2 * past / (1 + past**10) - 0.1 * x) / _STEPS_PER_UNIT
        path[i] = x
    values = path[delay + _WARM_UP * _STEPS_PER_UNIT :: _STEPS_PER_UNIT]
    return values + noise * values.std() * rng.standard_normal(count)
