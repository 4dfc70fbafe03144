"""Generalized advantage estimation in NumPy."""

import numpy as np
from jaxtyping import Bool, Float

PerStep = Float[np.ndarray, "steps envs"]
Flags = Bool[np.ndarray, "steps envs"]


def advantages(
    reward: PerStep,
    value_t: PerStep,
    value_tp1: PerStep,
    terminated: Flags,
    is_over: Flags,
    *,
    discount: float,
    trace: float,
) -> PerStep:
    r"""How much better each action was than the average one (GAE, Schulman et al. 2016).

    $A_t = \delta_t + \gamma \lambda A_{t+1}$ with the surprise
    $\delta_t = r_t + \gamma V(s_{t+1}) - V(s_t)$. A state that is `terminated` is worth nothing;
    where an episode is over for any reason, the next row belongs to another one, of which nothing
    is passed back.
    """
    surprise = discount * value_tp1
    surprise *= ~terminated
    surprise += reward
    surprise -= value_t
    passed = (discount * trace * ~is_over).astype(surprise.dtype)
    for t in range(len(surprise) - 2, -1, -1):
        surprise[t] += passed[t] * surprise[t + 1]
    return surprise
