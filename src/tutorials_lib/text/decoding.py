r"""How to choose the next token: greedy, temperature, top-k and nucleus, as pure functions.

Each takes logits and returns logits. What may not be chosen gets $-\infty$, so that strategies can
be applied one after the other. Drawing is separate: `choose` takes the noise as an argument.

Everything here works on NumPy and on JAX arrays alike: the functions ask the array for its
namespace, as the array API standard says, and import neither.
"""

from dataclasses import dataclass
from typing import Any

Array = Any
"""A NumPy or a JAX array."""


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """How to choose from the logits of the next token; hashable, so a static argument.

    Attributes:
        temperature: what the logits are divided by; 0 is greedy, 1 draws from the model's own
            distribution, and more is bolder.
        top_k: how many of the most probable tokens may be chosen; None for all.
        top_p: the probability that the tokens that may be chosen must have together; 1 for all.

    Raises:
        ValueError: a setting is outside its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ValueError(f"temperature is {self.temperature}; it must be zero or more")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}; at least one token must remain")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")

    def __call__(self, logits: Array) -> Array:
        """The logits to draw from: first the temperature, then top-k, then the nucleus."""
        if self.temperature == 0:
            return keep_top_k(logits, 1)
        if self.temperature != 1:
            logits = with_temperature(logits, self.temperature)
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        return logits if self.top_p == 1 else keep_nucleus(logits, self.top_p)


GREEDY = Strategy(temperature=0.0)
"""Always the most probable token."""


def probabilities(logits: Array) -> Array:
    r"""$\mathrm{softmax}(z)_i = e^{z_i} / \sum_j e^{z_j}$ over the last axis."""
    xp = logits.__array_namespace__()
    exp = xp.exp(logits - xp.max(logits, axis=-1, keepdims=True))
    return exp / xp.sum(exp, axis=-1, keepdims=True)


def with_temperature(logits: Array, temperature: float) -> Array:
    r"""$z / T$: below 1 the probable becomes more probable, above 1 less (Ackley et al. 1985)."""
    return logits / temperature


def keep_top_k(logits: Array, k: int) -> Array:
    r"""The `k` largest logits; the others become $-\infty$ (Fan et al. 2018).

    Tokens that tie with the last one kept are kept too. A `k` above their number keeps all.
    """
    xp = logits.__array_namespace__()
    if k >= logits.shape[-1]:
        return logits
    if k == 1:
        smallest = xp.max(logits, axis=-1, keepdims=True)
    else:
        smallest = xp.sort(logits, axis=-1)[..., -k][..., None]
    return xp.where(logits >= smallest, logits, -xp.inf)


def keep_nucleus(logits: Array, p: float) -> Array:
    r"""The fewest most probable tokens that have the probability `p` together (Holtzman 2020).

    The others become $-\infty$. The most probable token always remains, and so do tokens that
    tie with the last one kept.
    """
    xp = logits.__array_namespace__()
    probs = probabilities(logits)
    ordered = xp.flip(xp.sort(probs, axis=-1), axis=-1)
    before = xp.cumulative_sum(ordered, axis=-1) - ordered
    smallest = xp.min(xp.where(before < p, ordered, xp.inf), axis=-1, keepdims=True)
    return xp.where(probs >= smallest, logits, -xp.inf)


def choose(logits: Array, noise: Array) -> Array:
    r"""Draw a token: $\arg\max_i (z_i + g_i)$ is distributed as $\mathrm{softmax}(z)$.

    Args:
        logits: of the tokens, along the last axis.
        noise: one number for each logit, drawn from the standard Gumbel distribution
            $-\log(-\log u)$ with $u$ uniform (Gumbel 1954); zeros choose the largest logit.

    Returns:
        The numbers of the tokens, as int32.
    """
    xp = logits.__array_namespace__()
    return xp.argmax(logits + noise, axis=-1).astype(xp.int32)
