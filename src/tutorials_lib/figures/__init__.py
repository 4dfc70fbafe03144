"""One look for every picture in the book.

`show` turns a figure into SVG for the site and PDF for print. The SVG is drawn once, in the
colours of the light theme; the book's extension recolours a copy for the dark theme with
`darken`, so every figure must take its colours from this module. Kinds of figures that several
tutorials draw have modules of their own: `stepper`, `curves`, `architecture`, `attention`, `bars`,
`confusion`, `filters`, `panels`, `player`.
"""

from tutorials_lib.figures.animation import is_animated, show_animation, stop
from tutorials_lib.figures.showing import Shown, show
from tutorials_lib.figures.style import (
    COLORS,
    CYCLE,
    DIVERGING,
    GRID,
    INK,
    MUTED,
    SEQUENTIAL,
    darken,
    use_style,
)

__all__ = [
    "COLORS",
    "CYCLE",
    "DIVERGING",
    "GRID",
    "INK",
    "MUTED",
    "SEQUENTIAL",
    "Shown",
    "darken",
    "is_animated",
    "show",
    "show_animation",
    "stop",
    "use_style",
]
