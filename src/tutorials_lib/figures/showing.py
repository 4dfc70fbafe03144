"""What a notebook displays of a finished figure: SVG, PDF and the alternative text."""

import base64
import io

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


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
    alt = description(alt)
    pdf = to_pdf(figure)
    return Shown(to_svg(figure, alt), pdf, alt)


def description(alt: str) -> str:
    """`alt` on one line; raises `ValueError` where it says nothing."""
    if len(alt.split()) < 4:
        raise ValueError(
            f"alt={alt!r} does not describe the figure; say in a sentence what is to be seen"
        )
    return " ".join(alt.split())


def to_pdf(figure: Figure) -> bytes:
    """The figure as PDF, without a date, so that the same figure gives the same file."""
    pdf = io.BytesIO()
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    return pdf.getvalue()


def to_svg(figure: Figure, alt: str) -> str:
    """The figure as SVG, which ends its life."""
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Description": alt})
    plt.close(figure)
    return svg.getvalue()
