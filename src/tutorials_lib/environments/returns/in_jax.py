"""Generalized advantage estimation in JAX."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

PerStep = Float[Array, "steps envs"]
Flags = Bool[Array, "steps envs"]


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
    """How much better each action was than the average one; see `in_numpy.advantages`."""
    surprise = reward + discount * jnp.where(terminated, 0.0, value_tp1) - value_t
    passed = discount * trace * (~is_over).astype(surprise.dtype)

    def backward(later: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        surprise, passed = now
        advantage = surprise + passed * later
        return advantage, advantage

    nothing = jnp.zeros_like(surprise[0])
    return jax.lax.scan(backward, nothing, (surprise, passed), reverse=True)[1]
