"""Only the icons that the site shows: the theme brings two thousand, and each page loads them all.

When the site is built, the names in its pages and scripts and the codes in its style sheets say
which ones are used. The others' rules are taken out of the theme's style sheet, and their drawings
out of its font.
"""

import logging
import re
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import purge

STYLE_SHEET = "styles/pydata-sphinx-theme.css"
FONTS = "vendor/fontawesome/webfonts"
FONT = "fa-solid-900"
"""Of the theme's fonts the one that is used; the others hold outlines and trade marks."""

_NAME = re.compile(r"\bfa-[a-z0-9-]+")
_RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:+before,?)+)\{content:"([^"]*)"\}')
_CODE = re.compile(r"\\(f[0-9a-f]{3}|e[0-9a-f]{3})\b")
_SOURCE = re.compile(
    rf'url\([^()]*/{FONT}\.woff2\) format\("woff2"\),url\([^()]*\.ttf\) format\("truetype"\)'
)


def keep_rules(sheet: str, names: Iterable[str]) -> str:
    """`sheet` without the rules for icons that are not among `names`, such as `fa-bars`."""
    kept = set(names)

    def decide(rule: re.Match[str]) -> str:
        return rule[0] if kept.intersection(_NAME.findall(rule[1])) else ""

    return _RULE.sub(decide, sheet)


def codes_in(sheets: Iterable[str]) -> set[int]:
    """The characters of the icon font that style sheets name."""
    return {int(code, 16) for sheet in sheets for code in _CODE.findall(sheet)}


def write_font(source: Path, target: Path, codes: set[int]) -> None:
    """Write the drawings of `codes`, as far as the font `source` has them, to a WOFF file."""
    options = subset.Options(notdef_outline=True, glyph_names=False, hinting=False)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each table
    font = TTFont(source)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=codes)
    chosen.subset(font)
    font.flavor = "woff"
    font.save(target)


def keep_used_icons(app: Sphinx, exception: Exception | None) -> None:
    """Make the theme's style sheet and font small; runs before its TrueType fonts are dropped.

    Raises:
        ExtensionError: the theme has changed, and names its font in another way.
    """
    if exception is not None or app.builder.name != "html":
        return
    static = Path(app.outdir, "_static")
    sheet, fonts = static / STYLE_SHEET, static / FONTS
    source, icons = sheet.read_text("utf-8"), f'url(../{FONTS}/{FONT}.woff) format("woff")'
    if icons in source:
        return  # no page was written, and so the theme's files were not copied again
    names = purge.words_of_site(Path(app.outdir)).names
    slim, found = _SOURCE.subn(icons, keep_rules(source, names))
    if found != 1:
        raise ExtensionError(
            f"{sheet.name} names the font {FONT} {found} times; it was once: icons.py must follow"
        )
    others = [path.read_text("utf-8") for path in static.rglob("*.css") if path != sheet]
    write_font(fonts / f"{FONT}.ttf", fonts / f"{FONT}.woff", codes_in([slim, *others]))
    sheet.write_text(slim, encoding="utf-8")
    (fonts / f"{FONT}.woff2").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the end of the build, before `site_theme` drops what is not of use."""
    app.connect("build-finished", keep_used_icons, priority=850)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
