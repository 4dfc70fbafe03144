"""Numbers behind the links of the printed book: on paper, a bare title leads nowhere."""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from print_marks import around, chapters, files_of, key_of, latex

WITHOUT = {"std-term", "std-numref", "py", "bibtex"}
"""Classes of links that need no number: terms, figures, names of the package, the literature."""


class NumberReferences(SphinxPostTransform):
    """Add the chapter or the section that a link leads to, once in each section."""

    default_priority = 750
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Go through the links of the whole book."""
        self._chapters = chapters(self.document)
        files = [file for file, _ in files_of(self.document)]
        self._files = {file["docname"] for file in files}
        self._sections = {
            f"{file['docname']}#{name}"
            for file in files
            for section in file.findall(nodes.section)
            for name in section["ids"]
        }
        said: set[tuple[int, str]] = set()
        for link in list(self.document.findall(nodes.reference)):
            where = self._where(link)
            if not where or _stands_in_heading(link):
                continue
            section = next((n for n in around(link) if isinstance(n, nodes.section)), None)
            if (id(section), where) in said:
                continue
            said.add((id(section), where))
            form = ", {}" if _is_in_brackets(link) else " ({})"
            before, after = form.split("{}")
            place = link.parent.index(link) + 1
            link.parent.insert(place, [nodes.Text(before), latex(where), nodes.Text(after)])

    def _where(self, link: nodes.reference) -> str:
        """The words for the place that `link` leads to; empty where none are needed."""
        own = next((n for n in around(link) if isinstance(n, addnodes.start_of_file)), None)
        home = own["docname"] if own is not None else ""
        uri = link.get("refuri", "")
        if not uri and "refid" in link:
            uri = f"%{home}#{link['refid']}"
        classes = {name for node in link.findall(nodes.Element) for name in node.get("classes", ())}
        if not uri.startswith("%") or WITHOUT & classes:
            return ""
        docname, _, name = uri[1:].partition("#")
        if name and f"{docname}#{name}" in self._sections:
            return f"section~\\ref*{{{key_of(docname, name)}}}"
        if docname == home or docname not in self._files:
            return ""
        if docname not in self._chapters:
            return f"section~\\ref*{{{key_of(docname, ':doc')}}}"
        word = "ch." if any(isinstance(n, nodes.entry) for n in around(link)) else "chapter"
        return f"{word}~\\ref*{{{key_of(docname, ':doc')}}}"


def _stands_in_heading(link: nodes.Node) -> bool:
    return any(isinstance(node, nodes.title | nodes.caption) for node in around(link))


def _is_in_brackets(link: nodes.reference) -> bool:
    """Whether the text before the link has a bracket that is still open."""
    before = "".join(n.astext() for n in link.parent.children[: link.parent.index(link)])
    return before.count("(") > before.count(")")
