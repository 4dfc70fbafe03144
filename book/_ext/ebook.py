"""The book as an EPUB, for reading programs: no script, and nothing of the site's theme.

The pages change as `ebook_pages` says; the settings are in `_config.yml`, the look is in
`book/_print/ebook.css`, and `tools/ebook.py` checks what comes out.
"""

import importlib.metadata
import re
import shutil
import textwrap
import xml.etree.ElementTree as ET
from html import escape
from pathlib import Path
from typing import Any

import pygments.formatters
from PIL import Image, ImageDraw, ImageFont
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.epub3 import HTML_TAG, Epub3Builder, NavPoint
from sphinx.config import Config

import print_cover
from ebook_pages import TRANSFORMS
from print_symbols import SANS

SHEET = Path(__file__).parents[1] / "_print/ebook.css"
COVER = "_static/cover.jpg"
CODE = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}
"""The colours of code, those of the site."""

BAND = 760
"""Pixels of the cover above the pictures, for the title."""

OPF = "http://www.idpf.org/2007/opf"
ACCESSIBILITY = (
    ("accessMode", "textual"),
    ("accessMode", "visual"),
    ("accessModeSufficient", "textual,visual"),
    ("accessModeSufficient", "textual"),
    ("accessibilityFeature", "alternativeText"),
    ("accessibilityFeature", "MathML"),
    ("accessibilityFeature", "structuralNavigation"),
    ("accessibilityFeature", "tableOfContents"),
    ("accessibilityHazard", "none"),
    (
        "accessibilitySummary",
        "Figures have alternative texts that say what is to be seen, formulas are MathML, "
        "headings are nested, and nothing moves.",
    ),
)
"""What stores and readers are told, in the words of https://www.w3.org/TR/epub-a11y/."""


class EBookBuilder(Epub3Builder):
    """Sphinx's builder of EPUB 3, with a look of its own in place of the site's."""

    html_tag = HTML_TAG.replace(">", ' lang="en" xml:lang="en">')

    def init(self) -> None:
        """Leave out what makes pages of the site: its templates, and handlers that mend them."""
        self.config.templates_path = []
        for event in ("html-page-context", "html-collect-pages"):
            self.app.events.listeners.pop(event, None)
        super().init()

    def add_css_file(self, filename: str, **kwargs: Any) -> None:
        """Link the two style sheets of this edition; extensions ask for those of the site."""
        if filename in ("pygments.css", SHEET.name):
            super().add_css_file(filename, **kwargs)

    def copy_static_files(self) -> None:
        """Write the style sheets and the cover; what extensions have put there is the site's."""
        folder = Path(self.outdir, "_static")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy2(SHEET, folder)
        light, dark = (
            pygments.formatters.HtmlFormatter(style=style).get_style_defs(".highlight")
            for style in CODE.values()
        )
        colors = f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
        (folder / "pygments.css").write_text(colors, encoding="utf-8")
        cover(print_cover.mosaic(self.app), self.config.epub_title).save(
            Path(self.outdir, COVER), "JPEG", quality=85, optimize=True
        )

    def copy_image_files(self) -> None:
        """Copy the pictures, drawings as this format wants them."""
        super().copy_image_files()
        for path in Path(self.outdir, self.imagedir).glob("*.svg"):
            path.write_text(plain_drawing(path.read_text("utf-8")), encoding="utf-8")

    def get_toc(self) -> None:
        """List the pages alone: with their sections, the contents would have a thousand lines."""
        super().get_toc()
        self.refnodes = [node for node in self.refnodes if "#" not in node["refuri"]]

    def build_navlist(self, navnodes: list[dict[str, Any]]) -> list[NavPoint]:
        """Put the chapters under their parts, of which Sphinx's list knows nothing."""
        contents = self.env.get_doctree(self.config.root_doc)
        parts = {
            self.get_target_uri(docname): escape(str(toctree["caption"]))
            for toctree in contents.findall(addnodes.toctree)
            for _, docname in toctree["entries"]
            if toctree.get("caption")
        }
        grouped: list[NavPoint] = []
        for point in super().build_navlist(navnodes):
            part = parts.get(point.refuri)
            if part is None:
                grouped.append(point)
                continue
            if not grouped or grouped[-1].text != part:
                grouped.append(NavPoint(part, point.refuri, []))
            grouped[-1].children.append(point)
        return grouped

    def build_content(self) -> None:
        """Say in the list of files what Sphinx does not: formulas, the cover, for whom it is."""
        super().build_content()
        path = Path(self.outdir, "content.opf")
        for prefix, space in (("", OPF), ("dc", "http://purl.org/dc/elements/1.1/")):
            ET.register_namespace(prefix, space)
        package = ET.parse(path)
        for item in package.iter(f"{{{OPF}}}item"):
            if "properties" not in item.attrib and (kind := self._kind_of(item.attrib["href"])):
                item.set("properties", kind)
        metadata = package.find(f"{{{OPF}}}metadata")
        assert metadata is not None
        for name, text in ACCESSIBILITY:
            ET.SubElement(metadata, f"{{{OPF}}}meta", property=f"schema:{name}").text = text
        package.write(path, encoding="utf-8", xml_declaration=True)

    def _kind_of(self, name: str) -> str:
        """What the standard wants to be told of a file."""
        if name == COVER:
            return "cover-image"
        if name.endswith(".xhtml") and "<math" in Path(self.outdir, name).read_text("utf-8"):
            return "mathml"
        return ""


def cover(picture: Image.Image | None, title: str) -> Image.Image:
    """The title in a band above the picture, if there is one."""
    width = 5 * print_cover.TILE[0] + 6 * print_cover.GAP
    height = 3 * width // 2 - BAND if picture is None else picture.height
    whole = Image.new("RGB", (width, BAND + height), print_cover.INK)
    if picture is not None:
        whole.paste(picture, (0, BAND))
    bold = str(SANS.with_name("DejaVuSans-Bold.ttf"))
    lines, draw = "\n".join(textwrap.wrap(title, 20)), ImageDraw.Draw(whole)
    left, top, right, bottom = draw.multiline_textbbox((0, 0), lines, ImageFont.truetype(bold, 100))
    fits = min(0.85 * width / (right - left), 0.6 * BAND / (bottom - top))
    font = ImageFont.truetype(bold, 100 * fits)
    place = (width / 2, BAND / 2)
    draw.multiline_text(place, lines, "white", font, anchor="mm", align="center")
    return whole


def plain_drawing(drawing: str) -> str:
    """A drawing without document type and metadata, each name once, a course for every path."""
    seen: set[str] = set()

    def once(found: re.Match[str]) -> str:
        first = found[1] not in seen
        seen.add(found[1])
        return found[0] if first else ""

    drawing = re.sub(r"<!DOCTYPE[^>]*>|<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r' id="([^"]+)"', once, drawing)
    return re.sub(r"<path(?![^>]*\sd=)([^>]*?)/>", r'<path\1 d="M0 0"/>', drawing)


def complete_settings(app: Sphinx, config: Config) -> None:
    """Set what `_config.yml` cannot say; for all builders, which share what has been read."""
    config.epub_cover = (COVER, "epub-cover.html")
    config.version = importlib.metadata.version("tutorials_lib")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_builder(EBookBuilder, override=True)
    app.connect("config-inited", complete_settings)
    for transform in TRANSFORMS:
        app.add_post_transform(transform)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
