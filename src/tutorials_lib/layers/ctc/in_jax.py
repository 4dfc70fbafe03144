r"""Connectionist temporal classification in JAX, once derived and once with its gradient by hand.

`tutorials_lib.layers.ctc.in_numpy` says what is computed; `optax.ctc_loss` computes the same.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from tutorials_lib.layers.ctc import BLANK

Logits = Float[Array, "time batch classes"]
Labels = Int[Array, "batch labels"]
Lengths = Int[Array, " batch"]

_NEVER = -1e30


def ctc_loss(logits: Logits, labels: Labels, lengths: Lengths) -> Float[Array, " batch"]:
    r"""$-\ln p$ of the labels of every sequence (Graves et al. 2006).

    Args:
        logits: of every class at every frame, the first of them that of blank.
        labels: numbers of classes, filled up with `BLANK`.
        lengths: how many frames of each sequence are real, at least one; the others count nothing.

    Returns:
        The losses; about `1e30` where there are fewer frames than the labels need.
    """
    batch, most = labels.shape
    classes = jnp.full((batch, 2 * most + 1), BLANK, labels.dtype).at[:, 1::2].set(labels)
    differs = (labels[:, 1:] != labels[:, :-1]) & (labels[:, 1:] != BLANK)
    may_skip = jnp.zeros(classes.shape, bool).at[:, 3::2].set(differs)
    log_probs = jax.nn.log_softmax(logits)
    emitted = jnp.take_along_axis(log_probs, classes[None], axis=-1)
    scores = _walk(emitted, may_skip, lengths)
    last = 2 * (labels != BLANK).sum(1)
    ends = jnp.take_along_axis(scores, jnp.stack([last, (last - 1).clip(0)], 1), axis=1)
    ends = jnp.where((last[:, None] == 0) & (jnp.arange(2) == 1), _NEVER, ends)
    return -jax.nn.logsumexp(ends, axis=1)


def _walk(
    emitted: Float[Array, "time batch states"],
    may_skip: Bool[Array, "batch states"],
    lengths: Lengths,
) -> Float[Array, "batch states"]:
    """The logarithm of the sum over all paths up to each state, at the last real frame."""

    def step(scores: Array, this: tuple[Array, Array]) -> tuple[Array, None]:
        t, emission = this
        padded = jnp.pad(scores, ((0, 0), (2, 0)), constant_values=_NEVER)
        skip = jnp.where(may_skip, padded[:, :-2], _NEVER)
        ways = jnp.stack([scores, padded[:, 1:-1], skip])
        moved = jax.nn.logsumexp(ways, axis=0) + emission
        return jnp.where((t < lengths)[:, None], moved, scores), None

    first = jnp.where(jnp.arange(emitted.shape[-1]) < 2, emitted[0], _NEVER)
    scores, _ = jax.lax.scan(step, first, (jnp.arange(1, len(emitted)), emitted[1:]))
    return scores
