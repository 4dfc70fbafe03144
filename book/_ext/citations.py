"""An entry of the bibliography is worded once in a build, however often the library asks for it.

Whatever has changed, the library words every entry, for the bibliography, and again for what a
citation shows under the pointer. In a build that has been made ready, all of it has been done.
"""

from typing import Any, ClassVar

import pybtex.plugin
from pybtex.database import Entry
from pybtex.style import FormattedEntry
from pybtex.style.formatting import plain
from sphinx.application import Sphinx

STYLE = "plain-once"
"""For `bibtex_default_style`: Pybtex's `plain`, with a memory."""


class Style(plain.Style):
    """Pybtex's `plain` style, which words an entry once."""

    _known: ClassVar[dict[tuple[int, str], tuple[Entry, FormattedEntry]]] = {}
    """By identity, as entries have no hash; each is kept, so that no other one gets its number."""

    def format_entry(self, label: str, entry: Entry, bib_data: Any = None) -> FormattedEntry:
        """The entry in words, behind its label."""
        key = (id(entry), label)
        if key not in self._known:
            self._known[key] = (entry, super().format_entry(label, entry, bib_data))
        return self._known[key][1]


def foresee_wording(app: Sphinx) -> None:
    """Word the entries, which the next build will ask for as long as the files stay as they are."""
    citations: Any = app.env.domains["cite"]
    citations.env_updated()


def setup(app: Sphinx) -> dict[str, bool]:
    """Name the style to Pybtex."""
    pybtex.plugin.register_plugin("pybtex.style.formatting", STYLE, Style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
