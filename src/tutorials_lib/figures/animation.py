"""Films of a process: a loop of frames on the site, a strip of them in print."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tutorials_lib.figures.showing import Shown, description, to_pdf, to_svg

_FIRST_GROUP = '<g id="figure_1">'
_DEFINITIONS = re.compile(r"<defs>.*?</defs>", re.DOTALL)
_PART_NAME = re.compile(r' id="[a-z0-9.]+_\d+"')  # every frame numbers its parts alike

_STILL = "<style>.frame{visibility:hidden}.still{visibility:visible}</style>"
_FILM = """<style class="film">
.frame{{visibility:hidden;animation:film {seconds:.3f}s step-end infinite}}
@keyframes film{{0%{{visibility:visible}}{share:.4f}%{{visibility:hidden}}}}
</style>"""


def show_animation(
    frames: Iterable[Figure], *, strip: Figure, seconds_per_frame: float, alt: str
) -> Shown:
    """Play `frames` in an endless loop on the site, and print `strip` in their place.

    The site offers a box that stops the film. A reader who has asked for less motion, or stops
    it, sees the middle frame.

    Args:
        frames: drawn in this module's colours, all of one size; each is closed as soon as it has
            been taken, so that a generator needs memory for one of them.
        strip: a few of the frames side by side, for print; it is closed.
        seconds_per_frame: how long each frame stands.
        alt: what is to be seen, in a sentence or two, with every number computed.

    Raises:
        ValueError: there are no frames, or `alt` does not say anything.
    """
    alt = description(alt)
    pdf = to_pdf(strip)
    plt.close(strip)
    layers = overlay(frames, alt)
    groups = []
    for number, frame in enumerate(layers.frames):
        kind = "frame still" if number == len(layers.frames) // 2 else "frame"
        begins = f"animation-delay:{number * seconds_per_frame:.3f}s"
        groups.append(f'<g class="{kind}" style="{begins}">{frame}</g>')
    count = len(groups)
    film = _FILM.format(seconds=count * seconds_per_frame, share=100 / count)
    return Shown("".join([layers.head, film, layers.definitions, *groups, "</svg>\n"]), pdf, alt)


class Layers(NamedTuple):
    """Drawings of one size in the parts of one SVG: `head definitions <g>frame</g> ... </svg>`."""

    head: str
    definitions: str
    """Of letters and clippings; those that several frames use are kept once."""
    frames: tuple[str, ...]


def overlay(figures: Iterable[Figure], alt: str) -> Layers:
    """Lay figures of one size over each other in one SVG; each is closed as soon as it is drawn.

    Raises:
        ValueError: there are none.
    """
    pictures = [to_svg(figure, alt) for figure in figures]
    if not pictures:
        raise ValueError("there is nothing to show; give at least one frame")
    definitions, frames = dict[str, None](), []
    for picture in pictures:
        body = picture.partition(_FIRST_GROUP)[2].rpartition("</svg>")[0]
        definitions |= dict.fromkeys(_DEFINITIONS.findall(body))
        frames.append(f"<g>{_PART_NAME.sub('', _DEFINITIONS.sub('', body))}")
    head = pictures[0].partition(_FIRST_GROUP)[0]
    return Layers(head, "".join(definitions), tuple(frames))


def is_animated(svg: str) -> bool:
    """Whether `svg` comes from `show_animation`."""
    return '<style class="film">' in svg


def stop(svg: str) -> str:
    """The middle frame of an animation."""
    return re.sub(r'<style class="film">.*?</style>', _STILL, svg, flags=re.DOTALL)
