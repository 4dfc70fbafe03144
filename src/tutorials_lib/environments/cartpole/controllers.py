"""Policies that learn nothing, and how long any policy balances the pole (NumPy)."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from tutorials_lib.environments.cartpole import in_numpy as cartpole

Policy = Callable[[cartpole.Observations], cartpole.Actions]

LEADS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""How far ahead a damped controller may look, in seconds."""


def random_policy(rng: np.random.Generator) -> Policy:
    """Push either way with the same chance."""
    return lambda observation: rng.integers(0, 2, len(observation))


def controller(lead: float) -> Policy:
    r"""Push to the side to which the pole leans, or would lean `lead` seconds from now.

    Since a push has only one strength, its size is all that is left of a controller's gain: with
    a lead of 0 this is the proportional controller, and with a lead of $T$ the proportional one
    with damping, $K (\theta + T \dot\theta)$.
    """
    return lambda observation: (observation[:, 2] + lead * observation[:, 3] > 0).astype(np.int32)


def best_lead(observation: Float[np.ndarray, "envs 4"]) -> float:
    """The lead among `LEADS` with the highest mean return from these first observations."""
    return max(LEADS, key=lambda lead: mean_return(controller(lead), observation))


def mean_return(policy: Policy, observation: Float[np.ndarray, "envs 4"]) -> float:
    """How many steps `policy` balances the pole, on average over these first observations."""
    return float(cartpole.play(policy, observation).is_running.sum(0).mean())
