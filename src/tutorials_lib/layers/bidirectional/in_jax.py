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

    def __call__(self, x: Inputs, mask: Mask) -> States:
        """The states at every element, those of `forward` first; at padding they say nothing.

        The products of the inputs stand before the loop.

        Args:
            x: the inputs, time first.
            mask: True at real elements.
        """

        def step(states: tuple[Array, Array], this: tuple[Array, ...]) -> tuple:
            (forward, backward), (ahead, behind, is_real) = states, this
            forward = self.forward.step(forward, ahead)
            backward = jnp.where(is_real[:, None], self.backward.step(backward, behind), backward)
            return (forward, backward), (forward, backward)

        drives = self.forward.drive(x), self.backward.drive(x)[::-1]
        zeros = jnp.zeros((x.shape[1], self.hidden), x.dtype)
        _, (forward, backward) = jax.lax.scan(step, (zeros, zeros), (*drives, mask[::-1]))
        return jnp.concatenate([forward, backward[::-1]], axis=-1)
