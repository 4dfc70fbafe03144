"""How close a restored picture comes to the true one, as papers on super-resolution score it.

The scores themselves are scikit-image's.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

Picture = Float[np.ndarray, "height width"]


def psnr(found: Picture, true: Picture, *, border: int = 0) -> float:
    r"""Peak signal-to-noise ratio in decibels: $-10 \log_{10}$ of the mean squared error.

    Args:
        found: a picture, cut off below 0 and above 1.
        true: what it should be, from 0 to 1.
        border: pixels along the edge that do not count.
    """
    return float(peak_signal_noise_ratio(*_compared(found, true, border), data_range=1))


def ssim(found: Picture, true: Picture, *, border: int = 0) -> float:
    """Structural similarity, the mean over all windows (Wang et al. 2004); 1 for equal pictures.

    The windows are Gaussian with a standard deviation of 1.5 pixels, 11 pixels wide. The arguments
    are those of `psnr`.
    """
    as_in_paper = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    score: Any = structural_similarity(*_compared(found, true, border), data_range=1, **as_in_paper)
    return float(score)


def _compared(
    found: Picture, true: Picture, border: int
) -> tuple[Float[np.ndarray, "rows columns"], Float[np.ndarray, "rows columns"]]:
    height, width = true.shape
    inside = slice(border, height - border), slice(border, width - border)
    return found.clip(0, 1)[inside], true[inside]
