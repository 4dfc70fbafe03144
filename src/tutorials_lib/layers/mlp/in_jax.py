"""A multilayer perceptron in Flax NNX."""

from itertools import pairwise

from flax import nnx
from jaxtyping import Array, Float


class MLP(nnx.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, *widths: int, rngs: nnx.Rngs) -> None:
        initialize = nnx.initializers.he_normal()
        self.layers = nnx.List(
            nnx.Linear(before, after, kernel_init=initialize, rngs=rngs)
            for before, after in pairwise(widths)
        )

    def __call__(self, x: Float[Array, "batch features"]) -> Float[Array, "batch outputs"]:
        """The output of the last layer, which is not cut."""
        *hidden, last = self.layers
        for layer in hidden:
            x = nnx.relu(layer(x))
        return last(x)
