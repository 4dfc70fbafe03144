"""A process that unfolds, as frames that the reader steps through."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tutorials_lib.figures.animation import overlay
from tutorials_lib.figures.showing import Shown, description, to_pdf
from tutorials_lib.figures.style import DARK

LARGEST = 1_000_000
"""Bytes that a stepper may weigh."""


class Stepped(Shown):
    """Frames with a row of buttons as HTML, a strip of them as PDF, and the alternative text."""

    def __init__(self, html: str, svg: str, pdf: bytes, alt: str) -> None:
        super().__init__(svg, pdf, alt)
        self.html = html

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return super()._repr_mimebundle_() | {"text/html": self.html}


def stepper(
    frames: Iterable[Figure],
    labels: Sequence[str],
    *,
    strip: Figure,
    alt: str,
    legend: str = "Step",
    start: int = 0,
) -> Stepped:
    """Show one of `frames` at a time, chosen by the reader; print `strip` in their place.

    A row of buttons, one a frame, stands above the picture: a group of radio buttons, so that the
    arrow keys step through it and no script is needed. The drawing follows the theme of the page.

    Args:
        frames: drawn in the colours of `figures`, all of one size; each is closed as soon as it
            has been taken.
        labels: what the buttons say, a word or a number each.
        strip: a few of the frames side by side, for print; it is closed.
        alt: what is to be seen from the first frame to the last, with every number computed.
        legend: what the labels count or name, for all of them.
        start: the index of the frame that is shown first.

    Raises:
        ValueError: there is no frame, the labels are not as many or not different, `start` is no
            index of them, `alt` says nothing, or the result would weigh more than `LARGEST`.
    """
    alt = description(alt)
    layers = overlay(frames, alt)
    count = len(layers.frames)
    if len(labels) != count or len(set(labels)) != count:
        raise ValueError(f"{count} frames need as many different labels; there are {list(labels)}")
    if not 0 <= start < count:
        raise ValueError(f"start={start} is no index of {count} frames")
    pdf = to_pdf(strip)
    plt.close(strip)

    groups = "".join(f'<g class="frame">{frame}</g>' for frame in layers.frames)
    drawing = f"{layers.head}{layers.definitions}{groups}</svg>"
    name = f"stepper-{hashlib.sha256((drawing + repr(labels)).encode()).hexdigest()[:8]}"
    html = _HTML.format(
        name=name,
        rules=_rules(name, count),
        legend=escape(legend),
        buttons="".join(_button(name, label, i == start) for i, label in enumerate(labels)),
        svg=_inline(drawing, name, alt),
    )
    if len(html) > LARGEST:
        raise ValueError(
            f"the stepper weighs {len(html):,} bytes, and {LARGEST:,} at most are allowed: show "
            "fewer or smaller frames, or draw what has many points with rasterized=True"
        )
    return Stepped(html, drawing, pdf, alt)


_HTML = """<div class="stepper" id="{name}">
<style>{rules}</style>
<fieldset><legend>{legend}</legend>{buttons}</fieldset>
{svg}
</div>
"""


def _button(name: str, label: str, checked: bool) -> str:
    state = " checked" if checked else ""
    return f'<label><input type="radio" name="{name}"{state}>{escape(label)}</label>'


def _rules(name: str, count: int) -> str:
    """The button at a place shows the frame at that place; colours are variables of the theme."""
    shown = ",".join(
        f"#{name}:has(label:nth-of-type({i}) :checked) .frame:nth-of-type({i})"
        for i in range(1, count + 1)
    )
    dark = ";".join(f"--c{light[1:]}:{color}" for light, color in DARK.items())
    return (
        f"#{name} .frame{{visibility:hidden}}{shown}{{visibility:visible}}"
        f'html[data-theme="dark"] #{name}{{{dark}}}'
    )


def _inline(svg: str, name: str, alt: str) -> str:
    """The drawing inside a page: names of its own, colours by variable, and its description."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _join_marks(svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for light in DARK:
        svg = svg.replace(light, f"var(--c{light[1:]},{light})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)


_CIRCLE = re.compile(r"M 0 ([\d.]+) *\n?C")
_DASH = re.compile(r"M (-?[\d.]+) (-?[\d.]+) *\n?L (-?[\d.]+) (-?[\d.]+) *\n?$")
_MARK = re.compile(r'<path id="([^"]+)" d="([^"]+)"(?: style="([^"]*)")?/>')
_RUN = re.compile(
    r'(?:<use xlink:href="#(?P<mark>[^"]+)" x="[^"]+" y="[^"]+" style="(?P<style>[^"]*)"/>\s*)'
    r'(?:<use xlink:href="#(?P=mark)" x="[^"]+" y="[^"]+" style="(?P=style)"/>\s*){3,}'
)
_PLACE = re.compile(r' x="([^"]+)" y="([^"]+)"')


def _join_marks(svg: str) -> str:
    """The drawing with one path in the place of many equal dots or dashes.

    A browser lays out every mark by itself, and nine frames of a scatter plot have thousands. A dot
    is a line of no length with round ends. Dots of one path that overlap are as pale as one alone.
    """
    marks = {found[1]: (found[2], found[3] or "") for found in _MARK.finditer(svg)}

    def join(run: re.Match[str]) -> str:
        shape, own_style = marks.get(run["mark"], ("", ""))
        style = "; ".join(filter(None, (own_style, run["style"])))
        places = [(float(x), float(y)) for x, y in _PLACE.findall(run[0])]
        circle, dash = _CIRCLE.match(shape), _DASH.match(shape)
        if circle and "stroke" not in style:
            path = "".join(f"M{x:.2f} {y:.2f}h0" for x, y in places)
            looks = style.replace("fill", "stroke") + "; fill: none; stroke-linecap: round"
            return f'<path d="{path}" style="{looks}; stroke-width: {2 * float(circle[1]):g}"/>'
        if dash:
            dx, dy, ex, ey = map(float, dash.groups())
            path = "".join(f"M{x + dx:.2f} {y + dy:.2f}l{ex - dx:g} {ey - dy:g}" for x, y in places)
            return f'<path d="{path}" style="{style}"/>'
        return run[0]

    return _RUN.sub(join, svg)
