"""Characters that the fonts of the printed book lack: another font, or the character's name.

The fallback is DejaVu, as it comes with Matplotlib, in which code is set as well.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

import matplotlib
from docutils import nodes
from fontTools.ttLib import TTFont
from sphinx.transforms.post_transforms import SphinxPostTransform

_FOLDER = Path(matplotlib.get_data_path()) / "fonts/ttf"
MONO, SANS = _FOLDER / "DejaVuSansMono.ttf", _FOLDER / "DejaVuSans.ttf"
FONTS = (
    MONO,
    SANS,
    *(_FOLDER / f"DejaVuSansMono-{style}.ttf" for style in ("Bold", "Oblique", "BoldOblique")),
)
"""The files that stand beside the LaTeX sources."""

FIRST = 0x2300
"""The first code point that is not left to the font of the text."""

_HIGH = re.compile(f"[{chr(FIRST)}-{chr(0x10FFFF)}]")

_HEAD = r"""\NeedsTeXFormat{LaTeX2e}
\ProvidesPackage{booksymbols}
\newfontfamily\booksans{DejaVuSans.ttf}[Path=./]
\protected\def\booksymbol#1{{\booksans\symbol{#1}}}
\protected\def\bookcode#1{{\ttfamily\symbol{#1}}}
\def\bookfallback#1#2{\catcode#2=\active
  \begingroup\lccode`\~=#2\lowercase{\endgroup\protected\def~}{#1{#2}}}
"""


@cache
def covered(font: Path) -> frozenset[int]:
    """The code points from `FIRST` on that a font has."""
    with TTFont(font, lazy=True) as opened:
        return frozenset(point for point in opened.getBestCmap() if point >= FIRST)


def write_symbols(path: Path) -> None:
    """Write the package that takes symbols from the font that has them."""
    lines = [f"\\bookfallback\\bookcode{{{point}}}\n" for point in sorted(covered(MONO))]
    lines += [f"\\bookfallback\\booksymbol{{{p}}}\n" for p in sorted(covered(SANS) - covered(MONO))]
    path.write_text("".join([_HEAD, *lines, "\\endinput\n"]), encoding="utf-8")


def replace(text: str) -> str:
    """The text with the names of characters that no font of the book has."""
    known = covered(MONO) | covered(SANS)
    return _HIGH.sub(lambda m: m[0] if ord(m[0]) in known else f"[{name_of(m[0])}]", text)


def name_of(char: str) -> str:
    """What Unicode calls a character, in small letters."""
    return unicodedata.name(char, f"U+{ord(char):X}").lower()


class ReplaceSymbols(SphinxPostTransform):
    """Write the names of characters that cannot be printed, in text and code."""

    default_priority = 990
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Look at every text of the book."""
        for text in list(self.document.findall(nodes.Text)):
            changed = replace(text)
            if changed != text:
                block = text.parent
                if block.rawsource == block.astext():  # code; otherwise it would lose its colours
                    block.rawsource = changed
                block.replace(text, nodes.Text(changed))
