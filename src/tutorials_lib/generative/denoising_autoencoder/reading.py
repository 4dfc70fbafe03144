"""What the page reads off pictures and scores: places, tables and sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.generative.denoising_autoencoder import evaluation
from tutorials_lib.generative.denoising_autoencoder.evaluation import BySigma
from tutorials_lib.generative.denoising_autoencoder.problem import SIGMAS, AnyPicture, Pictures
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics import images

Columns = dict[str, list[AnyPicture]]
Notes = dict[str, list[str]]
Levels = Float[np.ndarray, " points"]


# ---------------------------------------------------------------- one pixel


class TwoLevels(NamedTuple):
    """A pixel that is dark or light, equally often, and is seen with Gaussian noise.

    Attributes:
        levels: of the dark and of the light one, in grey levels.
        sigma: standard deviation of the noise, likewise.
    """

    levels: tuple[float, float] = (60.0, 180.0)
    sigma: float = 50.0

    def _likelihoods(self, seen: Levels) -> Float[np.ndarray, "2 points"]:
        distances = (seen - np.array(self.levels)[:, None]) / self.sigma
        return np.exp(-0.5 * distances**2) / (self.sigma * np.sqrt(2 * np.pi))

    def density(self, seen: Levels) -> Levels:
        """How often a level is seen, for each grey level."""
        return self._likelihoods(seen).mean(0)

    def chance_of_light(self, seen: Levels) -> Levels:
        """The probability that the pixel is light, given what is seen (Bayes)."""
        dark, light = self._likelihoods(seen)
        return light / (dark + light)

    def posterior_mean(self, seen: Levels) -> Levels:
        """The mean of the true level, given what is seen."""
        dark, light = self.levels
        return dark + (light - dark) * self.chance_of_light(seen)

    def by_tweedie(self, seen: Levels) -> Levels:
        r"""The same from the density alone: $y + \sigma^2 \, (\log p)'(y)$."""
        step = 1e-3
        up, down = (np.log(self.density(seen + each)) for each in (step, -step))
        return seen + self.sigma**2 * (up - down) / (2 * step)


def pixel_table(example: TwoLevels, seen: Sequence[float]) -> MarkdownRows:
    """What is seen, what is then believed, the mean of it, and the same by the density."""
    levels = np.array(seen, float)
    columns = (
        example.chance_of_light(levels),
        example.posterior_mean(levels),
        example.by_tweedie(levels),
    )
    rows = [
        [f"{y:.0f}", f"{chance:.3f}", f"{mean:.1f}", f"{tweedie:.1f}"]
        for y, chance, mean, tweedie in zip(levels, *columns, strict=True)
    ]
    dark, light = example.levels
    header = ["seen", f"probability of {light:.0f}", f"mean of {dark:.0f} and {light:.0f}"]
    return MarkdownRows([*header, "by Tweedie's formula"], rows)


def patch_table(
    code: Float[np.ndarray, " features"],
    keep: Float[np.ndarray, " features"],
    clean: Float[np.ndarray, " features"],
    *,
    count: int = 8,
) -> MarkdownRows:
    """The largest numbers of the code of one patch: noisy, share kept, kept, and without noise."""
    chosen = np.argsort(-np.abs(code))[:count]
    rows = {
        "with noise": [f"{v:.1f}" for v in code[chosen]],
        "share that the gate keeps": [f"{v:.2f}" for v in keep[chosen]],
        "kept": [f"{v:.1f}" for v in (code * keep)[chosen]],
        "without noise": [f"{v:.1f}" for v in clean[chosen]],
    }
    header = ["Number of the code, in sigma", *(f"{i + 1}." for i in range(count))]
    return MarkdownRows(header, [[name, *cells] for name, cells in rows.items()])


# ---------------------------------------------------------------- places


class Place(NamedTuple):
    """A square of a picture."""

    name: str
    top: int
    left: int
    side: int

    def cut(self, picture: AnyPicture) -> AnyPicture:
        """The square out of a picture."""
        return picture[self.top : self.top + self.side, self.left : self.left + self.side]


def busiest_places(test: Pictures, *, count: int = 3, side: int = 96) -> list[Place]:
    """In each of the first pictures, the square with the most contrast."""
    return [
        _highest(name, uniform_filter(p**2, side) - uniform_filter(p, side) ** 2, side)
        for name, p in list(test.items())[:count]
    ]


def worst_places(
    found: Mapping[str, BySigma], test: Pictures, sigma: int, *, side: int = 36
) -> dict[str, Place]:
    """For each technique, the square in which it loses most to the best other one."""
    errors = {
        name: {n: uniform_filter((each[sigma].pictures[n] - p) ** 2, side) for n, p in test.items()}
        for name, each in found.items()
    }
    places = {}
    for name, own in errors.items():
        others = [errors[other] for other in found if other != name]
        lost = {n: own[n] - np.min([other[n] for other in others], axis=0) for n in test}
        worst = max(lost, key=lambda n: _inside(lost[n], side).max())
        places[name] = _highest(worst, lost[worst], side)
    return places


def _inside(values: AnyPicture, side: int) -> AnyPicture:
    """Where a square of this side has its middle without reaching over the border."""
    half = side // 2
    return values[half : values.shape[0] - half, half : values.shape[1] - half]


def _highest(name: str, values: AnyPicture, side: int) -> Place:
    inside = _inside(values, side)
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return Place(name, int(top), int(left), side)


def strip(
    places: Sequence[Place], noisy: Pictures, found: Mapping[str, Pictures], test: Pictures
) -> tuple[Columns, Notes]:
    """Columns of squares with their PSNR: with noise, by every technique, and the truth."""
    shown: dict[str, Pictures] = {"noisy": noisy, **found, "truth": test}
    columns = {
        name: [place.cut(pictures[place.name]) for place in places]
        for name, pictures in shown.items()
    }
    notes = {
        name: [f"{images.psnr(*pair):.1f} dB" for pair in zip(each, columns["truth"], strict=True)]
        for name, each in columns.items()
        if name != "truth"
    }
    return columns, notes | {"truth": [place.name for place in places]}


def failures(
    places: Mapping[str, Place], found: Mapping[str, BySigma], test: Pictures, sigma: int
) -> tuple[Columns, Notes]:
    """A column for each technique: its worst square, the truth there, and where that is."""
    columns = {
        name: [place.cut(found[name][sigma].pictures[place.name]), place.cut(test[place.name])]
        for name, place in places.items()
    }
    notes = {
        name: [f"{images.psnr(*columns[name]):.1f} dB", place.name]
        for name, place in places.items()
    }
    return columns, notes


def describe_notes(notes: Mapping[str, Sequence[str]], *, what: str) -> str:
    """Alternative text of squares in columns: the note of each."""
    told = "; ".join(f"{name}: {', '.join(each)}" for name, each in notes.items())
    return f"{what} {told}."


# ---------------------------------------------------------------- scores


def score_table(found: Mapping[str, BySigma], test: Pictures) -> MarkdownRows:
    """The setting, PSNR and SSIM of every technique at every level of noise."""
    rows = []
    for name, each in found.items():
        cells = [
            f"{evaluation.mean_psnr(restored.pictures, test):.2f}\u00a0/\u00a0"
            f"{evaluation.mean_ssim(restored.pictures, test):.3f}"
            for restored in each.values()
        ]
        settings = [each[sigma].setting for sigma in SIGMAS]
        shown = "" if name == evaluation.MODEL else ", ".join(f"{v:g}" for v in settings)
        rows.append([name, *cells, shown])
    return MarkdownRows(
        ["PSNR in dB / SSIM", *(f"sigma {sigma}" for sigma in SIGMAS), "settings"], rows
    )


def psnr_by_sigma(found: Mapping[str, BySigma], test: Pictures) -> dict[str, list[float]]:
    """The mean PSNR at every level of noise, by technique."""
    return {
        name: [evaluation.mean_psnr(restored.pictures, test) for restored in each.values()]
        for name, each in found.items()
    }


def say_who_wins(judgement: Judgement, scores: Mapping[str, Sequence[float]]) -> str:
    """Whether the line is beaten, and by how much at every level of noise."""
    rival, line = judgement.strongest
    word = "is met" if judgement.met else "is *not met*"
    gains = np.subtract(scores[evaluation.MODEL], scores[rival])
    told = ", ".join(
        f"{gain:+.2f} at sigma {sigma}" for sigma, gain in zip(SIGMAS, gains, strict=True)
    )
    better = [sigma for sigma, gain in zip(SIGMAS, gains, strict=True) if gain > 0]
    places = ", ".join(map(str, better)) or "no level here"
    return (
        f"Learning is better than {rival} at noise of {places}. "
        f"The line, {line:.2f} dB ({rival}), {word} with {judgement.value:.2f} dB. The "
        f"network's difference from this rival in dB: {told}."
    )
