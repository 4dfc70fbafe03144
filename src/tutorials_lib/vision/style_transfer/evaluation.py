"""The rivals of style transfer, and what the optimization reaches beside them.

Whoever optimizes a loss wins by that loss, so pictures are judged by *other* random filters, which
no optimization has seen, and at equal content loss: that of the photograph in the colours of the
style. There is one trained SqueezeNet alone: with real data it judges its own work.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2gray
from skimage.exposure import match_histograms

from tutorials_lib.judge import Judgement, Score
from tutorials_lib.vision.style_transfer import in_jax
from tutorials_lib.vision.style_transfer.problem import (
    STYLE_WEIGHTS,
    Config,
    Pair,
    Picture,
    first_picture,
    load,
    load_params,
)

Pictures = Mapping[float, Picture]
"""What the optimization ends with, from 0 to 1, by its style weight."""

MARGIN = 0.05
"""How much less of the photograph's style loss has to be left than by the strongest rival."""

SHARES = np.linspace(0.1, 1, 10)
"""How far rivals go from the photograph to the picture where their way ends."""

BLURS = (1, 2, 4)
"""Settings of `lay_over`, in pixels."""

_UNSEEN = 1_000
"""Added to a seed, it gives filters to judge by."""

_fit = jax.jit(in_jax.fit, static_argnames="config")
_loss = jax.jit(in_jax.loss, static_argnames="config")


class Curve(NamedTuple):
    """The losses of some pictures."""

    contents: Float[np.ndarray, " pictures"]
    styles: Float[np.ndarray, " pictures"]


def judge(config: Config, *, seed: int, trained: Pictures | None = None) -> Judgement:
    """The style loss that the optimization leaves at equal content loss, beside the rivals.

    `trained` has pictures painted with several style weights; by default they are painted here.
    """
    pair = load(config)
    pictures = paint(pair, config, seed=seed) if trained is None else trained
    content = content_of_matched(pair, config, seed=seed + _UNSEEN)
    return Judgement(
        metric="style loss at equal content loss",
        value=at_equal_content(losses_of(pictures, pair, config, seed=seed), content),
        baselines=baselines(pair, config, seed=seed),
        higher_is_better=False,
        margin=MARGIN,
    )


def paint(pair: Pair, config: Config, *, seed: int) -> Pictures:
    """What the optimization ends with for each of `STYLE_WEIGHTS`."""
    params = load_params(config, seed=seed)
    targets = in_jax.make_targets(params, *pair, config=config)
    state = in_jax.start(jnp.asarray(first_picture(pair.content, config, seed=seed)))
    pictures = {}
    for weight in STYLE_WEIGHTS:
        painted, _ = _fit(params, state, targets, np.float32(weight), config=config)
        pictures[weight] = np.asarray(painted.picture).clip(0, 1)
    return pictures


def baselines(data: Pair, config: Config, *, seed: int) -> dict[str, Score]:
    """The style loss that each rival leaves at equal content loss."""
    return {name: rival.score for name, rival in tune(data, config, seed=seed).items()}


# --- By other filters -------------------------------------------------------------------------


def measure(pictures: Collection[Picture], pair: Pair, config: Config, *, seed: int) -> Curve:
    """Content and style loss of each picture by the filters of `seed`."""
    params = load_params(config, seed=seed)
    targets = in_jax.make_targets(params, *pair, config=config)
    weight = np.float32(1)
    found = [_loss(params, each, targets, weight, config=config)[1][:2] for each in pictures]
    return Curve(*np.array(found, np.float64).T)


def losses_of(pictures: Pictures, pair: Pair, config: Config, *, seed: int) -> Curve:
    """The losses of what filters of `seed` have painted, by filters that are held out."""
    return measure(list(pictures.values()), pair, config, seed=seed + _UNSEEN)


def content_of_matched(pair: Pair, config: Config, *, seed: int) -> float:
    """The content loss at which all are compared: that of the style's colours, fully matched."""
    return float(measure([match_colors(pair)], pair, config, seed=seed).contents[0])


def at_equal_content(curve: Curve, content: float) -> float:
    """The least style loss of a curve at a content loss of at most `content`.

    Between two pictures, and between the photograph (content 0, style 1) and the first, it is
    read off a straight line.
    """
    order = np.argsort(curve.contents)
    contents, styles = np.r_[0, curve.contents[order]], np.r_[1, curve.styles[order]]
    return float(min(np.interp(content, contents, styles), *styles[contents <= content]))


# --- The border -------------------------------------------------------------------------------


def border_variance(pictures: Collection[Picture], *, width: int = 4) -> float:
    """The variance of fine detail near the border over that in the interior, of all pictures.

    Fine detail is what blurring takes away. The border is a strip of `width` pixels.
    """
    details = [each - gaussian_filter(each, (2, 2, 0), mode="mirror") for each in pictures]
    is_border = np.ones(details[0].shape[:2], bool)
    is_border[width:-width, width:-width] = False
    border, interior = (
        np.mean([np.square(detail[where]).mean() for detail in details])
        for where in (is_border, ~is_border)
    )
    return float(border / interior)


# --- The rivals -------------------------------------------------------------------------------


class Rival(NamedTuple):
    """A rival with its chosen setting.

    Attributes:
        end: the picture where its way from the photograph ends.
        score: the style loss that it leaves at equal content loss.
        curve: the losses along its way, by filters that are held out.
    """

    end: Picture
    score: Score
    curve: Curve


def tune(pair: Pair, config: Config, *, seed: int) -> dict[str, Rival]:
    """Each rival by its name, with the setting that the filters of the optimization choose.

    These filters are the development split; others are held out.
    """
    splits = seed, seed + _UNSEEN
    contents = [content_of_matched(pair, config, seed=split) for split in splits]
    tuned = {}
    for name, ends in all_ends(pair).items():
        found = []
        for end in ends:
            curves = [measure(way_to(end, pair), pair, config, seed=split) for split in splits]
            styles = map(at_equal_content, curves, contents)
            found.append((*styles, end, curves[-1]))
        development, held_out, end, curve = min(found, key=lambda each: each[0])
        score = Score(development if len(ends) > 1 else None, held_out)
        tuned[name] = Rival(end, score, curve)
    return tuned


def all_ends(pair: Pair) -> dict[str, list[Picture]]:
    """Where the way of each rival ends: one picture for each of its settings."""
    return {
        "matched colours": [match_colors(pair)],
        "sorted pixels": [sort_pixels(pair)],
        "double exposure": [pair.style],
        "texture laid over": [lay_over(pair, blur) for blur in BLURS],
    }


def way_to(end: Picture, pair: Pair) -> list[Picture]:
    """The photograph, `SHARES` of the way to the picture `end`, from 0 to 1."""
    steps = (pair.content + share * (end - pair.content) for share in SHARES)
    return [step.clip(0, 1).astype(np.float32) for step in steps]


def match_colors(pair: Pair) -> Picture:
    """The photograph whose red, green and blue have the histograms of the style."""
    matched = match_histograms(pair.content, pair.style, channel_axis=-1)
    return matched.astype(np.float32)


def sort_pixels(pair: Pair) -> Picture:
    """The pixels of the style, in the order in which those of the photograph are bright."""
    found = np.empty_like(pair.content)
    places, pixels = (np.argsort(rgb2gray(each), axis=None) for each in pair)
    found.reshape(-1, 3)[places] = pair.style.reshape(-1, 3)[pixels]
    return found


def lay_over(pair: Pair, blur: int) -> Picture:
    """The photograph in the colours of the style, plus what blurring takes away from the style."""
    detail = pair.style - gaussian_filter(pair.style, (blur, blur, 0))
    return (match_colors(pair) + detail).clip(0, 1)
