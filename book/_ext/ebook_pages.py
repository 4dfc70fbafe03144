"""What the pages of the EPUB have in place of what needs the site: its style sheets and scripts.

The tabs of a set stand one below the other. What moves, is stepped through or is heard is shown as
on paper. Code that the site folds up is left out, solutions stand at the end of their page, and
entries of the reference have their first paragraph.
"""

from pathlib import Path

import pypdfium2
from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import is_exercise_node, solution_node

from print_api import arguments_of, name_of
from print_edition import PrintCards
from print_marks import around

PIXELS_PER_POINT = 2.6
"""What is drawn of a figure for print: 1300 pixels across seven inches."""

SAME_IDS = ("exercise-content", "solution-content")
"""What every exercise and every solution is called alike, to which nothing links."""

NOTE = (
    "In this edition, each entry has its arguments and its first paragraph. The types, the "
    "defaults and the rest of the descriptions are on the site and in the source."
)


class _ForEBooks(SphinxPostTransform):
    """A change that this builder alone needs; before Sphinx-Design and MyST-NB make HTML."""

    default_priority = 198
    builders = ("epub",)


class CardsAsParagraphs(PrintCards):
    """As on paper."""

    formats = ()
    builders = ("epub",)


class FiguresAsOnPaper(_ForEBooks):
    """The strip, the frame or the wave that print has of a film, of steps or of a sound."""

    default_priority = 3  # MyST-NB has not chosen yet what is shown

    def run(self, **kwargs: object) -> None:
        """Draw the PDF of all that the site does not show as a still picture."""
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            kinds = {
                child["mime_type"]: list(child.findall(nodes.image))
                for child in bundle.children
                if isinstance(child, nodes.Element)
            }
            drawn = kinds.get("image/svg+xml", [])
            moving = any("moving" in image["classes"] for image in drawn)
            if (printed := kinds.get("application/pdf")) and (moving or "text/html" in kinds):
                shown = self._draw(printed[0]["uri"], alt=drawn[0]["alt"])
                bundle.children = [nodes.container("", shown, mime_type="image/png")]
                bundle.children[0].parent = bundle

    def _draw(self, uri: str, *, alt: str) -> nodes.image:
        picture = uri.removesuffix(".pdf") + ".png"
        target = Path(self.app.srcdir, picture)
        with pypdfium2.PdfDocument(Path(self.app.srcdir, uri)) as document:
            width = f"{document[0].get_width() / 0.75:.0f}px"  # as wide as a drawing of its inches
            if not target.is_file():  # the name of the PDF is a digest of it
                document[0].render(scale=PIXELS_PER_POINT).to_pil().save(target, optimize=True)
        self.env.images.add_file(self.env.docname, picture)
        return nodes.image(uri=picture, candidates={"*": picture}, alt=alt, width=width)


class LightFigures(_ForEBooks):
    """The light one of the two copies of a figure: no style sheet here hides the other."""

    def run(self, **kwargs: object) -> None:
        """Take out the dark copies."""
        for image in list(self.document.findall(nodes.image)):
            if "only-dark" in image["classes"]:
                image.parent.remove(image)


class TabsBelowEachOther(_ForEBooks):
    """The label of a tab above what it holds."""

    def run(self, **kwargs: object) -> None:
        """Let Sphinx-Design know nothing of the tabs."""
        for node in self.document.findall(nodes.Element):
            if str(node.get("design_component", "")).startswith("tab-"):
                del node["design_component"]


class NoHiddenCode(_ForEBooks):
    """The outputs of cells whose code the site folds up, without that code."""

    def run(self, **kwargs: object) -> None:
        """Take the code away."""
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") == "cell_code" and cell.get("hide_mode") == "input":
                source = [
                    part
                    for part in cell.children
                    if isinstance(part, nodes.Element)
                    and part.get("nb_element") == "cell_code_source"
                ]
                for part in source:
                    cell.remove(part)
                del cell["hide_mode"]


class NoRawHtml(_ForEBooks):
    """A word in angle brackets, which Markdown takes for HTML, as the word that it is."""

    def run(self, **kwargs: object) -> None:
        """Write all that is left as it was read."""
        for raw in list(self.document.findall(nodes.raw)):
            if "html" in raw["format"].split():
                raw.replace_self(nodes.Text(raw.astext()))


class SolutionsAtTheEnd(_ForEBooks):
    """The solutions of a page behind its text, with links both ways: nothing can be folded up."""

    def run(self, **kwargs: object) -> None:
        """Move them into a section of their own."""
        exercises = {node["label"]: node for node in self.document.findall(is_exercise_node)}
        found = list(self.document.findall(solution_node))
        for section in self.document.findall(nodes.section):
            section["ids"] = [each for each in section["ids"] if each not in SAME_IDS]
        for solution in found:
            solution.parent.remove(solution)
            if (exercise := exercises.get(solution["target_label"])) is not None:
                link = nodes.reference("", "Solution", refid=solution["label"], internal=True)
                exercise += nodes.paragraph("", "", link)
        if found:
            title = nodes.title("", "Solutions")
            section = nodes.section("", title, *found, ids=["solutions-of-this-page"])
            next(iter(self.document.findall(nodes.section))).append(section)


class FirstParagraphs(_ForEBooks):
    """The reference of the package: names, arguments and first paragraphs."""

    default_priority = 5  # so that links in what is left out need not be looked up

    def run(self, **kwargs: object) -> None:
        """Shorten every entry; links to what an entry had lead to the entry."""
        entries = [
            node
            for node in self.document.findall(addnodes.desc)
            if not any(isinstance(each, addnodes.desc) for each in around(node))
        ]
        for entry in entries:
            signature = next(iter(entry.findall(addnodes.desc_signature)))
            content = next(iter(entry.findall(addnodes.desc_content)))
            for inner in content.findall(addnodes.desc_signature):
                signature["ids"] += [each for each in inner["ids"] if each not in signature["ids"]]
            name, arguments = name_of(signature), arguments_of(signature)
            signature[:] = [addnodes.desc_name("", name), nodes.Text(arguments)]
            content[:] = [each for each in content if isinstance(each, nodes.paragraph)][:1]
        if entries:
            next(iter(self.document.findall(nodes.section))).insert(1, nodes.paragraph("", NOTE))


TRANSFORMS = (
    *(CardsAsParagraphs, FiguresAsOnPaper, LightFigures, TabsBelowEachOther, NoHiddenCode),
    *(NoRawHtml, SolutionsAtTheEnd, FirstParagraphs),
)
