"""Solutions of exercises at the end of the printed book, chapter by chapter.

On the site a solution is folded up below its exercise. Paper cannot fold.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.builders.latex.nodes import thebibliography
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import is_exercise_node, solution_node

from print_marks import chapters, files_of, key_of, latex

PART, CHAPTER = "Appendix", "Solutions of the exercises"
INTRODUCTION = "Try an exercise before you look here: most take a few lines."


class CollectSolutions(SphinxPostTransform):
    """Move every solution into the appendix, with links both ways."""

    default_priority = 720  # parts and chapters are arranged, exercises have their numbers
    formats = ("latex",)

    def run(self, **kwargs: object) -> None:
        """Make the appendix, unless the book has no solution."""
        exercises = {node["label"]: node for node in self.document.findall(is_exercise_node)}
        numbers = chapters(self.document)
        sections = []
        for file, outer in list(files_of(self.document)):
            found = [
                node for node in file.findall(solution_node) if node["docname"] == file["docname"]
            ]
            if not found or len(outer) != 1:
                continue
            docname = file["docname"]
            section = nodes.section("", ids=[f"solutions-{numbers[docname]}"])
            title = self.env.titles[docname].astext()
            section += nodes.title("", f"Chapter {numbers[docname]}: {title}")
            for solution in found:
                section += _move(solution, exercises[solution["target_label"]])
            sections.append(section)
        if sections:
            literature = self.document.first_child_matching_class(thebibliography)
            place = len(self.document) if literature is None else literature
            self.document.insert(place, _part(sections))


def _move(solution: nodes.Element, exercise: nodes.Element) -> nodes.Node:
    """Take a solution out of its page; what stands for it in the appendix."""
    docname = solution["docname"]
    here, there = key_of(docname, solution["label"]), f"exercise:{exercise['label']}"
    exercise += latex(f"\\booksolved{{{here}}}")
    title, *content = solution.children
    solution.parent.remove(solution)
    heading = latex(f"\\booksolution{{{here}}}{{{title.astext()}}}{{{there}}}")
    file = addnodes.start_of_file("", heading, *content)  # labels begin with the page's name
    file["docname"] = docname
    return file


def _part(sections: list[nodes.section]) -> nodes.Node:
    chapter = nodes.section("", nodes.title("", CHAPTER), ids=["solutions"])
    chapter += [nodes.paragraph("", INTRODUCTION), latex("\\setcounter{secnumdepth}{0}"), *sections]
    chapter += latex("\\setcounter{secnumdepth}{2}")
    part = nodes.section("", nodes.title("", PART), latex("\\appendix"), _file(CHAPTER, chapter))
    return _file(PART, part)


def _file(name: str, section: nodes.section) -> nodes.Element:
    file = addnodes.start_of_file("", section)
    section["docname"] = file["docname"] = name
    return nodes.compound("", file, classes=["toctree-wrapper"])
