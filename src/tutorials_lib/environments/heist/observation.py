"""What the thief sees: where each kind of number stands in an observation, and its scale."""

import numpy as np
from jaxtyping import Float32

from tutorials_lib.environments.heist.rules import (
    NUM_ACTIONS,
    NUM_COINS,
    NUM_GUARDS,
    NUM_ITEMS,
    SIDE,
    TIME_LIMIT,
)

_KINDS = {
    "cell": (2, 1 / (SIDE - 1)),
    "distance": (NUM_ITEMS, 1 / (2 * SIDE)),
    "taken": (NUM_COINS + 1, 1.0),
    "nearer": (NUM_ITEMS * 4, 1.0),
    "deadly": (NUM_ACTIONS, 1.0),
    "deadly after": (NUM_ACTIONS, 1 / NUM_ACTIONS),
    "guard row": (NUM_GUARDS, 1 / (SIDE - 1)),
    "guard column": (NUM_GUARDS, 1 / (SIDE - 1)),
    "guard moves": (NUM_GUARDS, 1.0),
    "clock": (1, 1 / TIME_LIMIT),
}
"""How many numbers there are of each kind, and what they are multiplied by."""

_ENDS = np.cumsum([count for count, _ in _KINDS.values()])

PLACES: dict[str, slice] = {
    kind: slice(int(end) - count, int(end))
    for (kind, (count, _)), end in zip(_KINDS.items(), _ENDS, strict=True)
}
"""Where each kind stands: the row and column of the thief; the steps to each item that is left,
which items are taken, and how much each of the four moves changes these steps (`nearer`); the
actions that are deadly, and how many are after each; where each guard is from the thief, and
whether it walks up or down; and the clock."""

NUM_OBSERVED = int(_ENDS[-1])

SCALE: Float32[np.ndarray, " features"] = np.repeat(
    [scale for _, scale in _KINDS.values()], [count for count, _ in _KINDS.values()]
).astype(np.float32)
SCALE.flags.writeable = False
