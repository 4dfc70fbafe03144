"""Cross-entropy with label smoothing in NumPy: `value, dlogits = loss(logits, labels, ...)`."""

import numpy as np
from jaxtyping import Float, Int

Logits = Float[np.ndarray, "rows classes"]


def smoothed_cross_entropy(
    logits: Logits, labels: Int[np.ndarray, " rows"], *, smoothing: float
) -> tuple[np.floating, Logits]:
    r"""The mean cross-entropy to labels that leave something to all classes (Szegedy et al. 2016).

    A label is $1 - s$ on its class and $s / K$ on each of the $K$ classes besides, so that the
    loss is $\log \sum_k e^{z_k} - (1 - s) z_y - s \bar z$. The logits are overwritten by their
    gradient.
    """
    rows, (count, num_classes) = np.arange(len(labels)), logits.shape
    logits -= np.maximum.reduce(logits, -1, keepdims=True)
    wanted = (1 - smoothing) * logits[rows, labels]
    if smoothing:
        wanted += np.add.reduce(logits, -1) * (smoothing / num_classes)
    exp = np.exp(logits, out=logits)
    total = np.add.reduce(exp, -1)
    value = np.mean(np.log(total) - wanted)
    exp *= (1 / (total * count))[:, None]
    if smoothing:
        exp -= smoothing / (num_classes * count)
    exp[rows, labels] -= (1 - smoothing) / count
    return value, exp
