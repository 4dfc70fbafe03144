"""Every figure has one look, two colour schemes and an alternative text."""

import base64
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from tutorials_lib import figures


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
