"""Every figure has one look, two colour schemes and an alternative text."""

import base64
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.figures.architecture import architecture, trace
from tutorials_lib.figures.curves import learning_curve, spread
from tutorials_lib.figures.stepper import Stepped, stepper


def draw() -> Figure:
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], color=figures.COLORS["jax"])
    axes.set_xlabel("steps")
    return figure


def test_a_shown_figure_is_svg_and_pdf_and_is_closed() -> None:
    figure = draw()
    bundle = figures.show(figure, alt="A line that rises from zero to one.")._repr_mimebundle_()
    assert bundle["image/svg+xml"].lstrip().startswith("<?xml")
    assert base64.b64decode(bundle["application/pdf"]).startswith(b"%PDF")
    assert not plt.fignum_exists(figure.number)


def test_the_alternative_text_travels_inside_the_svg() -> None:
    shown = figures.show(draw(), alt="A line that rises & rises < one.")
    assert "<dc:description>A line that rises &amp; rises &lt; one.</dc:description>" in shown.svg


def test_the_same_figure_gives_the_same_file() -> None:
    alt = "A line that rises from zero to one."
    assert figures.show(draw(), alt=alt).svg == figures.show(draw(), alt=alt).svg


def test_a_figure_without_a_description_is_refused() -> None:
    figure = draw()
    with pytest.raises(ValueError, match="does not describe the figure"):
        figures.show(figure, alt="plot")
    plt.close(figure)


def film(num_frames: int) -> figures.Shown:
    strip, _ = plt.subplots(1, 3)
    return figures.show_animation(
        (draw() for _ in range(num_frames)),
        strip=strip,
        seconds_per_frame=0.5,
        alt="A line that stays where it is.",
    )


def test_an_animation_is_one_valid_svg_with_a_group_for_every_frame_and_a_strip_for_print() -> None:
    shown = film(4)
    root = ElementTree.fromstring(shown.svg)
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names)), "two parts of the drawing have the same name"
    frames = [
        group.get("class") for group in root if (group.get("class") or "").startswith("frame")
    ]
    assert frames == ["frame", "frame", "frame still", "frame"]
    assert "animation:film 2.000s" in shown.svg
    assert base64.b64decode(shown._repr_mimebundle_()["application/pdf"]).startswith(b"%PDF")
    assert not plt.get_fignums()


def test_a_stopped_animation_moves_no_more() -> None:
    shown = film(2)
    assert figures.is_animated(shown.svg)
    still = figures.stop(shown.svg)
    assert not figures.is_animated(still)
    assert "@keyframes" not in still


def test_an_animation_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        film(0)


def test_no_light_colour_is_left_in_the_dark_copy() -> None:
    dark = figures.darken(figures.show(draw(), alt="A line that rises from zero to one.").svg)
    assert figures.INK not in dark
    assert figures.COLORS["jax"] not in dark


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [*figures.COLORS.values(), *figures.CYCLE, figures.MUTED])
def test_lines_stand_out_on_both_backgrounds(color: str) -> None:
    assert contrast(color, "#ffffff") >= 3
    assert contrast(figures.darken(color), "#121212") >= 4.5


def test_text_is_readable_on_both_backgrounds() -> None:
    assert contrast(figures.INK, "#ffffff") >= 7
    assert contrast(figures.darken(figures.INK), "#121212") >= 7


def steps(num_frames: int, labels: list[str] | None = None, **arguments) -> Stepped:
    strip, _ = plt.subplots(1, 3)
    return stepper(
        (draw() for _ in range(num_frames)),
        [str(i) for i in range(num_frames)] if labels is None else labels,
        strip=strip,
        alt="A line that stays where it is & rises.",
        **arguments,
    )


def test_a_stepper_has_a_button_for_every_frame_and_no_script() -> None:
    html = steps(4, start=2)._repr_mimebundle_()["text/html"]
    drawing = ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])
    assert drawing.get("aria-label") == "A line that stays where it is & rises."
    assert [group.get("class") for group in drawing if group.get("class")] == ["frame"] * 4
    buttons = re.findall(r'<label><input type="radio" name="stepper-\w+"( checked)?>(\d)', html)
    assert buttons == [("", "0"), ("", "1"), (" checked", "2"), ("", "3")]
    assert "<script" not in html
    names = re.findall(r'\bid="([^"]+)"', html)
    assert len(names) == len(set(names)), "two parts of the page would have the same name"


def test_a_stepper_takes_its_colours_from_the_theme_and_prints_as_a_strip() -> None:
    bundle = steps(2)._repr_mimebundle_()
    ink = f"var(--c{figures.INK[1:]},{figures.INK})"
    assert ink in bundle["text/html"]
    assert f"--c{figures.INK[1:]}:{figures.darken(figures.INK)}" in bundle["text/html"]
    assert base64.b64decode(bundle["application/pdf"]).startswith(b"%PDF")
    assert not plt.get_fignums()


def marked(draw: Callable[[Any, np.ndarray], object]) -> tuple[str, str]:
    """The inline drawing of twenty marks, and the drawing with all of them."""

    def frame() -> Figure:
        fig, ax = plt.subplots()
        draw(ax, np.linspace(0, 1, 20))
        return fig

    alt = "Twenty marks in a row that stand for nothing at all."
    made = stepper([frame()], ["only"], strip=plt.figure(), alt=alt)
    return made.html, made.svg


MARK = re.compile(r'<use xlink:href="#m[^"]+" x="([^"]+)" y="([^"]+)" style="[^"]*fill-opacity')


def test_equal_dots_of_a_stepper_are_one_path_in_their_places() -> None:
    html, svg = marked(
        lambda ax, x: ax.plot(x, x**2, ".", markersize=4, markeredgewidth=0, alpha=0.5)
    )
    places = [(float(x), float(y)) for x, y in MARK.findall(svg)]
    assert len(places) == 20
    [path, look] = re.search(r'<path d="((?:M[^"]*h0)+)" style="([^"]*)"', html).groups()  # type: ignore[union-attr]
    found = [tuple(map(float, dot.split())) for dot in re.findall(r"M([^h]+)h0", path)]
    np.testing.assert_allclose(found, places, atol=0.006)
    assert "stroke-linecap: round" in look
    assert "stroke-width: 2" in look, "a dot is half as wide as its size says"
    assert "stroke-opacity: 0.5" in look
    assert "fill: none" in look
    assert not MARK.findall(html)


def test_equal_dashes_of_a_stepper_are_one_path_and_marks_with_an_edge_stay() -> None:
    html, svg = marked(lambda ax, x: ax.plot(x, x, "|", markersize=6))
    before, after = (text.count("<use xlink:href") for text in (svg, html))
    assert before - after >= 20
    assert len(re.findall(r"M[\d.]+ [\d.]+l0 -6", html)) == 20
    html, svg = marked(lambda ax, x: ax.scatter(x, x, edgecolor="black"))
    edged = 'stroke: #000000"/>'
    assert html.count(edged) == svg.count(edged) >= 20


def test_two_steppers_of_a_page_do_not_share_names() -> None:
    names = [
        set(re.findall(r'\bid="([^"]+)"', steps(2, labels).html))
        for labels in (["a", "b"], ["c", "d"])
    ]
    assert not names[0] & names[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_frames": 2, "labels": ["a"]}, "2 frames need as many different labels"),
        ({"num_frames": 2, "labels": ["a", "a"]}, "2 frames need as many different labels"),
        ({"num_frames": 2, "start": 2}, "start=2 is no index of 2 frames"),
        ({"num_frames": 0}, "at least one frame"),
    ],
)
def test_a_stepper_that_would_mislead_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        steps(**arguments)
    plt.close("all")


def test_a_stepper_that_is_too_heavy_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutorials_lib.figures.stepper.LARGEST", 1000)
    with pytest.raises(ValueError, match="fewer or smaller frames"):
        steps(2)


def test_a_learning_curve_says_where_every_line_begins_and_ends() -> None:
    shown = learning_curve(
        {"ours": np.array([0.2, 0.5, 0.75])},
        y="accuracy",
        baselines={"the majority": 0.31},
        loss={"ours": np.array([2.0, 1.5, 1.25])},
    )
    assert shown.alt == (
        "Line chart of the accuracy against the epoch: ours goes from 0.20 to 0.75. Beside it the "
        "training loss: ours goes from 2 to 1.25. Dashed lines: the majority at 0.31."
    )
    assert not plt.get_fignums()
    with pytest.raises(ValueError, match="nothing has been trained"):
        learning_curve({"ours": np.array([])}, y="accuracy")


def test_names_of_close_baselines_are_spread_in_the_order_of_their_lines() -> None:
    assert spread([1.0, 5.0, 9.0], gap=2.0, highest=10.0) == [1, 5, 9]
    assert spread([1.0, 1.5, 2.0], gap=2.0, highest=10.0) == [1, 3, 5]
    assert spread([8.0, 9.0, 9.5], gap=2.0, highest=10.0) == [6, 8, 10]
    assert spread([], gap=2.0, highest=10.0) == []


def forward(x: jax.Array) -> dict[str, jax.Array]:
    hidden = x.reshape(len(x), -1) @ jnp.ones((12, 5))
    return {"picture": x, "hidden": hidden, "score": hidden.sum(1)}


def test_a_network_is_drawn_with_the_shapes_that_its_code_has() -> None:
    shapes = trace(forward, jax.ShapeDtypeStruct((2, 4, 3), jnp.float32))
    assert shapes == {"picture": (2, 4, 3), "hidden": (2, 5), "score": (2,)}
    shown = architecture(
        shapes, operations=["flatten, linear", "sum"], skips=[("picture", "score")]
    )
    assert shown.alt == (
        "Boxes from top to bottom: picture, 4 × 3; flatten, linear gives hidden, 5; sum gives "
        "score, one number. picture is also joined to score."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operations": ["linear"]}, "3 stages have 2 arrows between them"),
        ({"operations": ["a", "b"], "skips": [("picture", "end")]}, "no stage is named end"),
    ],
)
def test_a_diagram_that_does_not_fit_its_network_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        architecture({"picture": (1, 4), "hidden": (1, 5), "score": (1,)}, **arguments)
