"""Give every figure of a page its alternative text and a copy in the dark theme's colours.

`tutorials_lib.figures.show` writes the alternative text into the SVG itself. The theme shows
an image of class `only-light` or `only-dark` according to the reader's choice.
"""

import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from tutorials_lib.figures import darken

_DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)


class DarkFigures(SphinxTransform):
    """Runs after the notebook has become a document, before Sphinx collects the images."""

    default_priority = 500

    def apply(self) -> None:
        """Add the dark copy beside every SVG that carries a description."""
        for image in list(self.document.findall(nodes.image)):
            uri = image.get("uri", "")
            if not uri.endswith(".svg"):
                continue
            path = Path(self.env.relfn2path(uri, self.env.docname)[1])
            description = _DESCRIPTION.search(path.read_text(encoding="utf-8"))
            if description is None:
                continue
            image["alt"] = html.unescape(" ".join(description[1].split()))
            image.parent.insert(image.parent.index(image) + 1, dark_copy(image, path))


def dark_copy(image: nodes.image, path: Path) -> nodes.image:
    """An image node for the dark theme, whose file is written beside the light one's."""
    dark_path = path.with_name(f"{path.stem}-dark.svg")
    dark_path.write_text(darken(path.read_text(encoding="utf-8")), encoding="utf-8")
    dark = image.deepcopy()
    dark["uri"] = image["uri"].removesuffix(".svg") + "-dark.svg"
    dark["classes"] = [*image["classes"], "only-dark"]
    image["classes"] = [*image["classes"], "only-light"]
    return dark


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_transform(DarkFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
