"""Pictures and sounds within a page's markup become files, so that the text need not wait for them.

What a cell of a notebook shows is one text: a stepper or a player holds its pictures or sounds in
it. A browser draws a page when it has the text before it, and fetches files meanwhile.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from light_pictures import lighter

ENDINGS = {"image/png": "png", "image/webp": "webp", "image/jpeg": "jpg", "audio/wav": "wav"}

SMALLEST = 4096
"""Characters; what is shorter costs less than a request of its own."""

_DATA = re.compile(rf'"data:({"|".join(ENDINGS)});base64,([^"]{{{SMALLEST},}})"')


def take_out(markup: str, write: Callable[[str, bytes], str]) -> str:
    """`markup` with addresses in the place of the larger pictures and sounds in it.

    Args:
        markup: of a page.
        write: stores the content of a file of this name, and returns its address.
    """

    def store(found: re.Match[str]) -> str:
        try:
            content = base64.b64decode("".join(found[2].split()), validate=True)
        except ValueError:
            return found[0]  # shown as an example, perhaps
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{ENDINGS[found[1]]}"
        return f'"{write(name, content)}"'

    return _DATA.sub(store, markup)


def take_out_of_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Write what the page holds beside the pictures of the site."""
    if app.builder.name != "html" or "body" not in context:
        return

    def write(name: str, content: bytes) -> str:
        path = Path(app.outdir, "_images", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return context["pathto"](f"_images/{name}", 1)

    context["body"] = take_out(lighter(context["body"]), write)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the last moment before a page is written."""
    app.connect("html-page-context", take_out_of_page, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
