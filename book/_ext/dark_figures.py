"""Give every figure of a page its alternative text and a copy in the dark theme's colours.

`tutorials_lib.figures.show` writes the alternative text into the SVG itself. The theme shows
an image of class `only-light` or `only-dark` according to the reader's choice. An animation gets
a still copy as well, and a box that stops it: `site.css` shows the one or the other.
"""

import html
import re
from collections.abc import Callable
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from tutorials_lib.figures import darken, is_animated, stop

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
            place = image.parent.index(image)
            image.parent[place : place + 1] = versions(image, path)


def versions(image: nodes.image, path: Path) -> list[nodes.Node]:
    """The image and its copies: dark, and for an animation also still, with a box to stop it."""
    dark = changed_copy(image, path, "-dark", darken, "only-dark")
    if not is_animated(path.read_text(encoding="utf-8")):
        image["classes"].append("only-light")
        return [image, dark]
    still = changed_copy(image, path, "-still", stop, "motionless")
    still_path = path.with_name(Path(still["uri"]).name)
    still_dark = changed_copy(still, still_path, "-dark", darken, "only-dark")
    for moving in (image, dark):
        moving["classes"].append("moving")
    for light in (image, still):
        light["classes"].append("only-light")
    box = '<label class="stop"><input type="checkbox"> Stop the film</label>'
    return [nodes.raw("", box, format="html"), image, dark, still, still_dark]


def changed_copy(
    image: nodes.image, path: Path, suffix: str, change: Callable[[str], str], kind: str
) -> nodes.image:
    """An image node of class `kind` for a changed SVG file, which is written beside the first."""
    copy = path.with_name(f"{path.stem}{suffix}.svg")
    copy.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    node = image.deepcopy()
    node["uri"] = image["uri"].removesuffix(".svg") + f"{suffix}.svg"
    node["classes"] = [*image["classes"], kind]
    return node


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_transform(DarkFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
