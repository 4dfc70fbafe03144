"""What the theme leaves broken or loads needlessly, mended from the book's own side."""

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the mends to Sphinx's events."""
    # Jupyter Book hands this setting on for sphinx_comments, which the book does not load.
    app.add_config_value("comments_config", {}, "env")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
