"""Lloyd's algorithm, half a step at a time: what the page lets its reader step through."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.tabular.kmeans.in_numpy import assign, update

IN_HALVES = 2
"""The first steps, of which both halves are shown."""

SHOWN = (4, 8, 16)
"""Later steps that are shown as a whole, if there are as many."""


class Moment(NamedTuple):
    """Where the centers stand at one moment, and whose customers are whose.

    Attributes:
        name: what has been done last: `start`, `assign 1`, `move 1`, ..., `step 4`, ..., `settled`.
        steps: how many steps have begun.
        path: where the centers have stood up to now; the last entry is where they stand.
        labels: the group of each point; -1 before the first assignment.
        num_changed: points whose group is another one than at the moment before.
        inertia: the squared distances to the center of the own group, added up.
    """

    name: str
    steps: int
    path: Float[np.ndarray, "places clusters features"]
    labels: Int[np.ndarray, " points"]
    num_changed: int
    inertia: float


def unfold(
    points: Float[np.ndarray, "points features"], centers: Float[np.ndarray, "clusters features"]
) -> list[Moment]:
    """Begin at `centers` and take turns until no point changes its group.

    That comes after a finite number of steps: there are finitely many groupings, and none comes
    back once the inertia has fallen below it.
    """
    path, labels = [centers], np.full(len(points), -1)
    moments = [Moment("start", 0, np.array(path), labels, 0, np.inf)]
    steps = 0
    while True:
        new = assign(points, path[-1])
        num_changed = int((new != labels).sum())
        if num_changed == 0:
            break
        labels, steps = new, steps + 1
        path.append(update(points, labels, path[-1]))
        if steps <= IN_HALVES:
            assigned, moved = _inertia(points, labels, path[-2]), _inertia(points, labels, path[-1])
            half = np.array(path[:-1])
            moments.append(Moment(f"assign {steps}", steps, half, labels, num_changed, assigned))
            moments.append(Moment(f"move {steps}", steps, np.array(path), labels, 0, moved))
        elif steps in SHOWN:
            moved = _inertia(points, labels, path[-1])
            moments.append(
                Moment(f"step {steps}", steps, np.array(path), labels, num_changed, moved)
            )
    settled = _inertia(points, labels, path[-1])
    moments.append(Moment("settled", steps, np.array(path), labels, 0, settled))
    return moments


def _inertia(
    points: Float[np.ndarray, "points features"],
    labels: Int[np.ndarray, " points"],
    centers: Float[np.ndarray, "clusters features"],
) -> float:
    return float(((points - centers[labels]) ** 2).sum())
