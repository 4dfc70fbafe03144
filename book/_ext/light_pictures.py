"""Pictures within drawings as lossless WebP, which takes half the bytes of PNG and no point away.

Matplotlib draws photographs and heat maps into an SVG as PNG. The site alone has them mended, in
its copies of figures and, by `embedded`, in the steppers of its pages: books on paper and for
readers have other forms, and a figure's own file stays as it is.
"""

import base64
import re
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx

_PNG = re.compile(r'(?<=")data:image/png;base64,([^"]+)(?=")')


def lighter(markup: str) -> str:
    """The drawing, or a page with drawings, with each picture in the smaller of the two forms."""
    return _PNG.sub(lambda found: _encoded(found[1]) or found[0], markup)


@cache
def _encoded(png: str) -> str | None:
    """The picture as WebP, unless that is larger, or this is no picture but an example of one."""
    after = BytesIO()
    try:
        before = base64.b64decode("".join(png.split()), validate=True)
        with Image.open(BytesIO(before)) as picture:
            picture.save(after, "WEBP", lossless=True, exact=True, quality=100, method=4)
    except (ValueError, OSError):
        return None
    if after.tell() >= len(before):
        return None
    return f"data:image/webp;base64,{base64.b64encode(after.getvalue()).decode()}"


def mend_figures(app: Sphinx, exception: Exception | None) -> None:
    """Mend the figures that this build has copied into the site."""
    if exception is not None or app.builder.name != "html":
        return
    for name in sorted(set(app.builder.images.values())):
        path = Path(app.outdir, app.builder.imagedir, name)
        if path.suffix != ".svg":
            continue
        svg = path.read_text(encoding="utf-8")
        if (mended := lighter(svg)) != svg:
            path.write_text(mended, encoding="utf-8")
    _encoded.cache_clear()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("build-finished", mend_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
