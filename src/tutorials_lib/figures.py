"""One look for every picture in the book.

`show` turns a figure into SVG for the site and PDF for print. The SVG is drawn once, in the
colours of the light theme; the book's extension recolours a copy for the dark theme with
`darken`, so every figure must take its colours from this module.
"""

import base64
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.figure import Figure

INK = "#1f2328"
"""Text, axes and outlines."""

MUTED = "#646c76"
"""Secondary lines and notes."""

GRID = "#d5dae0"
"""Grid lines and faint fills."""

COLORS: Mapping[str, str] = {"numpy": "#0072b2", "jax": "#d55e00", "sklearn": "#00866a"}
"""One colour per backend, everywhere; blue, vermilion and green of Okabe and Ito (2008)."""

CYCLE = ("#8250a0", "#b07400", "#2e86a8", "#c0567f", "#5c7a1e", "#74675a", "#3f51b5", "#a0522d")
"""Categories that are not backends, such as clusters and classes."""

SEQUENTIAL = "viridis"
"""The colour map of quantities."""

DIVERGING = "RdBu_r"
"""The colour map of signed quantities."""

_DARK = {
    INK: "#e6e9ed",
    MUTED: "#a3acb8",
    GRID: "#3b444f",
    COLORS["numpy"]: "#58b5ea",
    COLORS["jax"]: "#ff9052",
    COLORS["sklearn"]: "#3ccfa6",
    CYCLE[0]: "#c39be0",
    CYCLE[1]: "#e0a93b",
    CYCLE[2]: "#6cc3e4",
    CYCLE[3]: "#ee8fb4",
    CYCLE[4]: "#a8cc5c",
    CYCLE[5]: "#bfb0a0",
    CYCLE[6]: "#93a1f0",
    CYCLE[7]: "#dd8b63",
}

_STYLE: dict[Any, Any] = {
    "figure.figsize": (7.0, 3.6),
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "font.size": 10.5,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path",
    "svg.hashsalt": "tutorials_lib",  # the same figure gives the same file
}


def use_style() -> None:
    """Make the book's style matplotlib's default; done when this module is imported.

    It starts from Matplotlib's own defaults, not from a reader's `matplotlibrc`.
    """
    plt.rcdefaults()
    plt.rcParams.update(_STYLE)


class Shown:
    """A finished figure, as a notebook displays it: SVG, PDF and the alternative text."""

    def __init__(self, svg: str, pdf: bytes, alt: str) -> None:
        self.svg = svg
        self.pdf = pdf
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {
            "image/svg+xml": self.svg,
            "application/pdf": base64.b64encode(self.pdf).decode(),
            "text/plain": self.alt,
        }


def show(figure: Figure, *, alt: str) -> Shown:
    """Finish `figure` and return what the notebook displays.

    Args:
        figure: drawn in this module's colours; it is closed.
        alt: what is to be seen, in a sentence or two, with every number computed.

    Raises:
        ValueError: when `alt` does not say anything.
    """
    alt = _description(alt)
    pdf = _to_pdf(figure)
    return Shown(_to_svg(figure, alt), pdf, alt)


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
    alt = _description(alt)
    pdf = _to_pdf(strip)
    plt.close(strip)
    pictures = [_to_svg(frame, alt) for frame in frames]
    if not pictures:
        raise ValueError("an animation needs at least one frame")
    head = pictures[0].partition(_FIRST_GROUP)[0]
    definitions, groups = dict[str, None](), []  # of letters and clippings; each is kept once
    for number, picture in enumerate(pictures):
        body = picture.partition(_FIRST_GROUP)[2].rpartition("</svg>")[0]
        definitions |= dict.fromkeys(_DEFINITIONS.findall(body))
        body = _PART_NAME.sub("", _DEFINITIONS.sub("", body))
        kind = "frame still" if number == len(pictures) // 2 else "frame"
        begins = f"animation-delay:{number * seconds_per_frame:.3f}s"
        groups.append(f'<g class="{kind}" style="{begins}"><g>{body}</g>')
    film = _FILM.format(seconds=len(pictures) * seconds_per_frame, share=100 / len(pictures))
    return Shown("".join([head, film, *definitions, *groups, "</svg>\n"]), pdf, alt)


def is_animated(svg: str) -> bool:
    """Whether `svg` comes from `show_animation`."""
    return '<style class="film">' in svg


def stop(svg: str) -> str:
    """The middle frame of an animation."""
    return re.sub(r'<style class="film">.*?</style>', _STILL, svg, flags=re.DOTALL)


_FIRST_GROUP = '<g id="figure_1">'
_DEFINITIONS = re.compile(r"<defs>.*?</defs>", re.DOTALL)
_PART_NAME = re.compile(r' id="[a-z0-9.]+_\d+"')  # every frame numbers its parts alike

_STILL = "<style>.frame{visibility:hidden}.still{visibility:visible}</style>"
_FILM = """<style class="film">
.frame{{visibility:hidden;animation:film {seconds:.3f}s step-end infinite}}
@keyframes film{{0%{{visibility:visible}}{share:.4f}%{{visibility:hidden}}}}
</style>"""


def _description(alt: str) -> str:
    if len(alt.split()) < 4:
        raise ValueError(
            f"alt={alt!r} does not describe the figure; say in a sentence what is to be seen"
        )
    return " ".join(alt.split())


def _to_pdf(figure: Figure) -> bytes:
    pdf = io.BytesIO()
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    return pdf.getvalue()


def _to_svg(figure: Figure, alt: str) -> str:
    """The figure as SVG, which ends its life."""
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Description": alt})
    plt.close(figure)
    return svg.getvalue()


def darken(svg: str) -> str:
    """The same drawing in the colours of the dark theme."""
    for light, dark in _DARK.items():
        svg = svg.replace(light, dark)
    return svg


use_style()
