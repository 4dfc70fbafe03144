"""Which page a command means: all of them take the same names."""

from collections.abc import Iterable


def page_named(name: str, pages: Iterable[str]) -> str:
    """The page that is meant by `book/tabular/kmeans.md`, `tabular/kmeans` or `kmeans`.

    Args:
        name: its place or the end of it, with the suffix of a file or without.
        pages: all places without suffixes.

    Raises:
        ValueError: no page has this name, or more than one; the message lists what may be meant.
    """
    known = list(pages)
    end = name.rsplit(".", 1)[0] if name.endswith((".md", ".html", ".ipynb")) else name
    if end in known:
        return end
    found = [page for page in known if page.endswith(f"/{end}")]
    if len(found) == 1:
        return found[0]
    what = f"More than one page is named {name}" if found else f"No page is named {name}"
    raise ValueError("\n  ".join([f"{what}. The pages are:", *(found or known)]))
