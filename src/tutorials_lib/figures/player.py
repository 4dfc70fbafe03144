"""Sounds that the reader can play, as part of the page; print shows their waves."""

import base64
import io
import wave
from collections.abc import Mapping
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from tutorials_lib.figures.showing import Shown, description, to_pdf, to_svg
from tutorials_lib.figures.style import COLORS, INK

LARGEST = 600_000
"""Bytes that the players of one cell may weigh."""

_LOUDEST = 0.9  # of what 16 bits can say
_ROW = (
    '<div style="display:flex;align-items:center;gap:1em;flex-wrap:wrap;margin:0.4em 0">'
    '<audio controls preload="none" aria-label="{label}" src="data:audio/wav;base64,{data}">'
    '</audio><span style="flex:1;min-width:12em">{label}</span></div>'
)


class Player(Shown):
    """Sounds as HTML, their waves as SVG and PDF, and the alternative text."""

    def __init__(self, html: str, svg: str, pdf: bytes, alt: str) -> None:
        super().__init__(svg, pdf, alt)
        self.html = html

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return super()._repr_mimebundle_() | {"text/html": self.html}


def player(sounds: Mapping[str, Float[np.ndarray, "_"]], *, rate: int, alt: str) -> Player:
    """A row for each sound, with the buttons that the reader's browser has for it.

    The sounds are part of the page, with 16 bits a sample, each as loud as it can be; nothing is
    loaded from elsewhere, and no script is needed.

    Args:
        sounds: samples by what stands beside their buttons.
        rate: samples in a second.
        alt: what is to be heard, in a sentence, for print and for who cannot hear it.

    Raises:
        ValueError: there is no sound, one is empty or silent, `alt` says nothing, or the result
            would weigh more than `LARGEST`.
    """
    alt = description(alt)
    if not sounds:
        raise ValueError("there is nothing to play; give at least one sound")
    for label, samples in sounds.items():
        if not np.any(samples):
            raise ValueError(f"{label!r} has no sample that is not zero; there is nothing to hear")
    rows = "".join(
        _ROW.format(label=escape(label), data=base64.b64encode(to_wav(each, rate)).decode())
        for label, each in sounds.items()
    )
    html = f'<div class="players">{rows}</div>'
    if len(html) > LARGEST:
        raise ValueError(
            f"the players weigh {len(html):,} bytes, and {LARGEST:,} at most are allowed: give "
            "fewer or shorter sounds, or a lower rate"
        )
    figure = _waves(sounds, rate)
    pdf = to_pdf(figure)
    return Player(html, to_svg(figure, alt), pdf, alt)


def to_wav(samples: Float[np.ndarray, "_"], rate: int) -> bytes:
    """A WAV file with 16 bits a sample, in which the loudest sample is nearly as loud as can be."""
    scaled = samples / np.abs(samples).max() * (_LOUDEST * (2**15 - 1))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(scaled.round().astype("<i2").tobytes())
    return file.getvalue()


def _waves(sounds: Mapping[str, Float[np.ndarray, "_"]], rate: int) -> Figure:
    """The course of each sound over time."""
    figure, axes = plt.subplots(
        len(sounds), 1, figsize=(7.0, 0.5 + 0.9 * len(sounds)), sharex=True, squeeze=False
    )
    for ax, (label, samples) in zip(axes[:, 0], sounds.items(), strict=True):
        seconds = np.arange(len(samples)) / rate
        ax.plot(seconds, samples, color=COLORS["jax"], linewidth=0.3, rasterized=True)
        ax.set_title(label, fontsize=9, color=INK)
        ax.set_yticks([])
    axes[-1, 0].set_xlabel("seconds")
    return figure
