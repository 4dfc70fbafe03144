"""What the page reads off pictures and scores: places, tables and sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics import images
from tutorials_lib.vision.srcnn import resizing
from tutorials_lib.vision.srcnn.evaluation import Enlarged
from tutorials_lib.vision.srcnn.problem import Config, multiply_adds, original
from tutorials_lib.vision.srcnn.resizing import AnyPicture

Pictures = Mapping[str, AnyPicture]


class Place(NamedTuple):
    """A square of a picture."""

    name: str
    top: int
    left: int
    side: int

    def cut(self, picture: AnyPicture) -> AnyPicture:
        """The square out of a picture."""
        return picture[self.top : self.top + self.side, self.left : self.left + self.side]


# ---------------------------------------------------------------- places


def hardest_places(
    bicubic: Pictures, test: Pictures, config: Config, *, count: int = 3, side: int = 72
) -> list[Place]:
    """In each of the first pictures, the square in which the bicubic enlargement errs most."""
    return [
        hardest_place(name, bicubic[name], test[name], config, side) for name in [*test][:count]
    ]


def hardest_place(
    name: str, bicubic: AnyPicture, true: AnyPicture, config: Config, side: int
) -> Place:
    """The square whose corner lies on the grid of the small picture, away from the border."""
    errors = uniform_filter((bicubic - true) ** 2, side)
    margin = side // 2 + config.scale
    inside = errors[margin:-margin, margin:-margin]
    middle = np.array(np.unravel_index(inside.argmax(), inside.shape)) + margin
    top, left = (middle - side // 2) // config.scale * config.scale
    return Place(name, int(top), int(left), side)


def close_look(
    places: Sequence[Place], found: Mapping[str, Enlarged], test: Pictures, config: Config
) -> tuple[dict[str, list[AnyPicture]], dict[str, list[str]]]:
    """Columns of squares with their PSNR: the small picture, every technique, and the truth."""
    small = [
        place.cut(resizing.repeat(resizing.shrink(test[place.name], config.scale), config.scale))
        for place in places
    ]
    columns = {"low resolution": small}
    columns |= {
        name: [place.cut(each.pictures[place.name]) for place in places]
        for name, each in found.items()
    }
    truth = [place.cut(test[place.name]) for place in places]
    notes = {
        name: [f"{images.psnr(*pair):.1f} dB" for pair in zip(squares, truth, strict=True)]
        for name, squares in columns.items()
    }
    return columns | {"truth": truth}, notes | {"truth": [place.name for place in places]}


def describe_close_look(places: Sequence[Place], notes: Mapping[str, Sequence[str]]) -> str:
    """Alternative text of a close look: what each technique reaches in each square."""
    rows = "; ".join(
        f"{place.name}: "
        + ", ".join(f"{name} {each[i]}" for name, each in notes.items() if name != "truth")
        for i, place in enumerate(places)
    )
    return (
        "Squares of photographs, enlarged by each technique, from blocks of pixels on the left to "
        f"the true picture on the right. PSNR in them, {rows}."
    )


# ---------------------------------------------------------------- worked examples


def edge() -> MarkdownRows:
    """A sharp edge made small and large again, and another row that becomes the same when small.

    Of the rows that become the same, it is the one with the least sum of squares.
    """
    edge = np.repeat(np.array([40, 200], np.float32), 6)
    down, up = resizing.resampling(12, 6), resizing.resampling(6, 12)
    small = down @ edge
    rows = {
        "a sharp edge": edge,
        "large again": up @ small,
        "another": np.linalg.pinv(down) @ small,
    }
    table = [[name, *(f"{level:.0f}" for level in levels)] for name, levels in rows.items()]
    table.insert(1, ["made small", *(cell for level in small for cell in (f"{level:.0f}", ""))])
    return MarkdownRows(["Pixels of a row", *map(str, range(1, 13))], table)


def restored_pixel(
    place: Place, found: Mapping[str, Enlarged], test: Pictures, config: Config
) -> Place:
    """Of the pixels at low resolution, the one at which the last technique gains most on the first.

    It is a square of `config.scale` pixels at high resolution.
    """
    truth, side = place.cut(test[place.name]), place.side // config.scale
    first, *_, last = (
        (place.cut(each.pictures[place.name]) - truth) ** 2 for each in found.values()
    )
    gain = (first - last).reshape(side, config.scale, side, config.scale).sum((1, 3))
    row, column = np.unravel_index(gain.argmax(), gain.shape)
    top, left = place.top + int(row) * config.scale, place.left + int(column) * config.scale
    return Place(place.name, top, left, config.scale)


def one_pixel(
    place: Place, found: Mapping[str, Enlarged], test: Pictures, config: Config
) -> MarkdownRows:
    """What becomes of one pixel at low resolution: its sub-pixels, in grey levels from 0 to 255."""
    low = resizing.shrink(test[place.name], config.scale)
    level = low[place.top // config.scale, place.left // config.scale]
    rows = {"the small picture's pixel": np.full(config.scale**2, level)}
    rows |= {name: place.cut(each.pictures[place.name]).ravel() for name, each in found.items()}
    rows["the truth"] = place.cut(test[place.name]).ravel()
    header = [
        f"row {place.top + i + 1}, column {place.left + j + 1}"
        for i in range(config.scale)
        for j in range(config.scale)
    ]
    cells = [[name, *(f"{255 * v:.0f}" for v in values)] for name, values in rows.items()]
    return MarkdownRows([f"In *{place.name}*", *header], cells)


def equal_errors(picture: AnyPicture) -> dict[str, AnyPicture]:
    """The picture lighter, with noise, and out of focus: three errors of the same mean square."""
    noise = np.random.default_rng(0).standard_normal(picture.shape).astype(np.float32)
    blurred = gaussian_filter(picture, 1.5)
    root = np.sqrt(((blurred - picture) ** 2).mean())
    noise *= root / np.sqrt((noise**2).mean())
    return {"lighter": picture + root, "noisy": picture + noise, "blurred": blurred}


# ---------------------------------------------------------------- scores


def psnr_by_picture(
    found: Mapping[str, Enlarged], test: Pictures, config: Config
) -> dict[str, list[float]]:
    """The PSNR of every picture, by technique."""
    return {
        name: [images.psnr(each.pictures[n], test[n], border=config.scale) for n in test]
        for name, each in found.items()
    }


def score_table(found: Mapping[str, Enlarged], test: Pictures, config: Config) -> MarkdownRows:
    """PSNR and SSIM of every picture by every technique, and the means."""
    pairs = {
        name: np.array(
            [
                [score(each.pictures[n], test[n], border=config.scale) for n in test]
                for score in (images.psnr, images.ssim)
            ]
        )
        for name, each in found.items()
    }
    columns = {name: np.c_[scores, scores.mean(1)] for name, scores in pairs.items()}
    rows = [
        [
            name,
            *(f"{scores[0, i]:.2f}\u00a0/\u00a0{scores[1, i]:.3f}" for scores in columns.values()),
        ]
        for i, name in enumerate([*test, "**mean**"])
    ]
    return MarkdownRows(["PSNR in dB / SSIM", *columns], rows)


def say_whether_met(judgement: Judgement, psnrs: Mapping[str, Sequence[float]]) -> str:
    """Whether the line is beaten, and on how many of the pictures."""
    rival, line = judgement.strongest
    *_, own = psnrs.values()
    wins = sum(a > b for a, b in zip(own, psnrs[rival], strict=True))
    word = "is met" if judgement.met else "is *not met*"
    return (
        f"The line, {line:.2f} dB ({rival}), {word} with {judgement.value:.2f} dB. The network "
        f"restores {wins} of {len(own)} pictures better than this rival."
    )


def say_original(ours: float, theirs: float, config: Config) -> str:
    """How the layers of the paper do for the arithmetic that they were given."""
    own, paper = (multiply_adds(each) * each.num_steps for each in (config, original(config)))
    level = abs(paper / own - 1) < 0.05
    spent = "the same arithmetic" if level else f"{paper / own:.1f} times the arithmetic"
    gap = abs(ours - theirs)
    word = "less" if ours > theirs else "more"
    compared = "about as much as" if gap < 0.05 else f"{gap:.2f} dB {word} than"
    return (
        f"For {spent}, the layers of the paper reach {theirs:.2f} dB, {compared} the network that "
        "works on the small picture. The two also differ in layers and in sums of maps, so this "
        "does not say what the place of the enlargement alone would change."
    )


def score_errors(wrong: Pictures, true: AnyPicture) -> dict[str, list[str]]:
    """PSNR and SSIM of each picture, as the note below it."""
    notes = {
        name: [f"{images.psnr(picture, true):.1f} dB, SSIM {images.ssim(picture, true):.2f}"]
        for name, picture in wrong.items()
    }
    return notes | {"truth": [""]}


def describe_errors(notes: Mapping[str, Sequence[str]]) -> str:
    """Alternative text of pictures that are wrong in different ways."""
    told = "; ".join(f"{name} ({each[0]})" for name, each in notes.items() if each[0])
    return f"One piece of a photograph, made wrong in {len(notes) - 1} ways: {told}; and the truth."


def describe_training(watched: np.ndarray, high: AnyPicture, labels: Sequence[str]) -> str:
    """Alternative text of the stepper: the PSNR of the square at its ends."""
    first, last = (images.psnr(picture, high) for picture in (watched[0], watched[-1]))
    return (
        f"A square of a photograph after {labels[0]} to {labels[-1]} training steps, with what is "
        f"wrong in it and the truth. Its PSNR goes from {first:.1f} to {last:.1f} dB."
    )


def describe_colors(found: dict[str, np.ndarray], true: np.ndarray) -> str:
    """Alternative text of one photograph in colour, enlarged in several ways."""
    flat = {
        name: picture.reshape(len(picture), -1) for name, picture in (found | {"": true}).items()
    }
    told = ", ".join(f"{name} {images.psnr(flat[name], flat['']):.1f} dB" for name in found)
    return (
        f"One piece of a photograph in colour, a cat's face, enlarged in {len(found)} ways. PSNR "
        f"over all colours: {told}."
    )
