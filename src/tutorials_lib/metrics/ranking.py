"""How good a short list of recommendations is, for a person with known likes."""

import numpy as np
from jaxtyping import Bool, Float, Int

Lists = Int[np.ndarray, "users length"]
Likes = Bool[np.ndarray, "users items"]


def recommend(scores: Float[np.ndarray, "users items"], seen: Likes, *, length: int) -> Lists:
    """The items with the largest scores that a user has not `seen`, best first."""
    open_scores = np.where(seen, -np.inf, scores)
    return np.argsort(-open_scores, axis=1, kind="stable")[:, :length]


def recall(lists: Lists, liked: Likes) -> float:
    """The share of what a user likes that is on the list, averaged over users who like anything."""
    hits, counts = _hits(lists, liked)
    return float((hits.sum(axis=1) / counts).mean())


def ndcg(lists: Lists, liked: Likes) -> float:
    """Normalized discounted cumulative gain (Järvelin and Kekäläinen 2002), averaged likewise.

    A hit on place i counts 1 / log2(i + 1); the sum is divided by that of the best list.
    """
    hits, counts = _hits(lists, liked)
    discounts = 1 / np.log2(np.arange(lists.shape[1]) + 2)
    best = np.append(0, discounts.cumsum())[np.minimum(counts, lists.shape[1])]
    return float((hits @ discounts / best).mean())


def _hits(
    lists: Lists, liked: Likes
) -> tuple[Bool[np.ndarray, "some length"], Int[np.ndarray, " some"]]:
    """Which places of each list are hits, and how much is liked, of users who like anything.

    Raises:
        ValueError: nobody likes anything.
    """
    counts = liked.sum(axis=1)
    if not counts.any():
        raise ValueError("nobody likes any item, so no list can be judged; give more held-out data")
    return np.take_along_axis(liked, lists, axis=1)[counts > 0], counts[counts > 0]
