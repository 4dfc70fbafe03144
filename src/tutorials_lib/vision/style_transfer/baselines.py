"""What the optimization has to beat: the photograph with the colours of the style."""

import numpy as np
from jaxtyping import Float
from skimage.exposure import match_histograms

from tutorials_lib.vision.style_transfer.problem import Pair, Picture


def match_colors(pair: Pair, share: float = 1.0) -> Picture:
    """The photograph whose red, green and blue have the histograms of the style.

    Args:
        pair: the photograph and the style.
        share: how far to go from the photograph (0) to matched histograms (1).
    """
    matched = match_histograms(pair.content, pair.style, channel_axis=-1)
    return (pair.content + share * (matched - pair.content)).astype(np.float32)


def at_equal_content(
    contents: Float[np.ndarray, " weights"], styles: Float[np.ndarray, " weights"], content: float
) -> float:
    """The style loss of a result whose content loss is `content`.

    It is read off the line through the photograph (content 0, style 1) and the results, which
    come in the order of their content losses.
    """
    return float(np.interp(content, [0.0, *contents], [1.0, *styles]))
