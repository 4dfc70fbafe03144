"""The bidirectional gated recurrent unit for Flax NNX, over padded sequences."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from tutorials_lib.layers.recurrent.in_jax import GRU

Inputs = Float[Array, "time batch features"]
Mask = Bool[Array, "time batch"]
States = Float[Array, "time batch states"]


class BidirectionalGRU(nnx.Module):
    """Two units, of which one reads from the first real element and the other from the last.

    Padding stands behind the real elements, so that the second one meets it first; there its
    state stays zero. Both are in one loop, with half as many steps as two loops would have.
    """

    def __init__(self, features: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.forward = GRU(features, hidden, rngs=rngs)
        self.backward = GRU(features, hidden, rngs=rngs)
        self.hidden = hidden

    def __call__(self, x: Inputs, mask: Mask, *, hoist: bool = False) -> States:
        """The states at every element, those of `forward` first; at padding they say nothing.

        Args:
            x: the inputs, time first.
            mask: True at real elements.
            hoist: whether the products of the inputs are computed before the loop.
        """

        def step(states: tuple[Array, Array], this: tuple[Array, ...]) -> tuple:
            ahead, behind, is_real = this
            forward, backward = states
            if not hoist:
                ahead, behind = self.forward.drive(ahead), self.backward.drive(behind)
            forward = self.forward.step(forward, ahead)
            backward = jnp.where(is_real[:, None], self.backward.step(backward, behind), backward)
            return (forward, backward), (forward, backward)

        ahead, behind = x, x[::-1]
        if hoist:
            ahead, behind = self.forward.drive(ahead), self.backward.drive(behind)
        zeros = jnp.zeros((x.shape[1], self.hidden), x.dtype)
        _, (forward, backward) = jax.lax.scan(step, (zeros, zeros), (ahead, behind, mask[::-1]))
        return jnp.concatenate([forward, backward[::-1]], axis=-1)
