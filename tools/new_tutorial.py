"""Start a tutorial: `make new TUTORIAL=tabular/gmm`.

Writes the files of the tutorial, its page and its test from `tools/templates`: a small example
that runs, agrees, is judged and is measured, with `TO WRITE` wherever something takes its place.
The page is added to `_toc.yml`, in the order of the catalog, and has a heading for everything that
`covers.yml` says of it. Nothing is overwritten, and nothing is left half done: either every file is
written or none. A tutorial outside the thirty needs a row in the catalog, which is made from the
options, and one in `cards.yml`.
"""

import argparse
import ast
import contextlib
import keyword
import math
import re
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import NamedTuple

import yaml

from tools import ROOT, contract
from tutorials_lib import catalog
from tutorials_lib.catalog import PARTS, Tutorial

TEMPLATES = Path(__file__).parent / "templates"
MODULES = (
    "__init__",
    "problem",
    "in_numpy",
    "in_jax",
    "comparison",
    "rivals",
    "evaluation",
    "figures",
    "reading",
    "timings",
)

STEPS = """
{files} files are written or changed. They hold a small example that works: a network with one
hidden layer, trained by Adam on small batches, answers with numbers. Put yours in its place, and
delete what you do not need; for work of another kind look at linear_regression (models without a
network), kmeans (scikit-learn beside the twins) or predictive_maintenance (yes-or-no answers).
.venv/bin/python -m tools.contract {slug} lists what is left to write. To take all of this back:

  {undo}

In {package}:

  1. problem.py: the settings, the data, and the presets TINY, PAGE and FULL.
  2. in_numpy.py and in_jax.py: the same functions, each as good as its library allows.
  3. comparison.py: the unit of work and the headline size, before the first timing.
     make bench TUTORIAL={slug} measures it, in minutes; ARGS="--preset tiny" tries it out.
  4. rivals.py and evaluation.py: the rivals, and what training reaches beside them.
     .venv/bin/python -m tutorials_lib.judge {slug} judges it with three seeds.
  5. {test}: the gradient, a known answer, an edge case, the seeds.
     make test TUTORIAL={slug} runs these, and what every tutorial owes;
     make lint TUTORIAL={slug} checks the types of this tutorial alone.
  6. {page}, with figures.py for its pictures, reading.py for its tables and
     sentences, and timings.py for its reason; its sources in book/references-{part}.bib.
     TUTORIALS_PRESET=tiny make page PAGE={slug} builds it alone, and without the preset whole;
     make shots PAGE={slug} ALONE=1 pictures it in light, dark and on a phone.
  7. When the code stands (the page says of a record that it is older than the code):
     .venv/bin/python -m tutorials_lib.judge {slug} --data real --record
     make lint test book check, a line in CHANGELOG.md, and commit.

The title and the claim stand in src/tutorials_lib/catalog.py, the title over the page, too.
"""

CARD = f"""{{slug}}:
  method: ["{contract.TO_WRITE}: by which methods it works"]
  data: ["{contract.TO_WRITE}: on which data"]
"""
"""The row of `cards.yml` for a tutorial outside the thirty, which have theirs."""

MOST_LETTERS = {"slug": 30, "text": 80}
"""What fits in a line of the files, of a slug and of a title, a reason or a change."""

_NO_TEXT = re.compile(r'"""|[\\`$|<>{}]')
"""What ends a docstring, or begins something else, in Python, MyST or YAML."""


class Refused(Exception):
    """The tutorial cannot be started; the message says why and what to do."""


def new_files(tutorial: Tutorial, root: Path) -> dict[Path, str]:
    """Every file of a new tutorial with its text, those of a new part included."""
    caption = PARTS[tutorial.part]
    values = {
        "title": tutorial.title,
        "part": tutorial.part,
        "slug": tutorial.slug,
        "label": tutorial.slug.replace("_", "-"),
        "claim": _claim(tutorial),
        "covered": "".join(map(_section, headings_of(tutorial).values())),
        "caption": caption,
        "lower_caption": caption[0].lower() + caption[1:],
    }

    def fill(template: str) -> str:
        text = (TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
        return Template(text).substitute(values)

    package = root / "src" / "tutorials_lib" / tutorial.coordinate
    test = root / "tests" / tutorial.part / f"test_{tutorial.slug}.py"
    files = {package / f"{name}.py": _in_house_style(fill(f"{name}.py")) for name in MODULES}
    files[root / "book" / f"{tutorial.coordinate}.md"] = _with_sorted_imports(fill("page.md"))
    files[test] = _in_house_style(fill("test.py"))
    if not (package.parent / "__init__.py").exists():
        files[package.parent / "__init__.py"] = f'"""The tutorials of the part {caption}."""\n'
    api = root / "book" / "reference" / f"api_{tutorial.part}.md"
    if not api.exists():
        files[api] = fill("api.md")
    return files


def headings_of(tutorial: Tutorial) -> dict[str, str]:
    """For everything that `covers.yml` says of the tutorial, the heading that its page has."""
    covers = contract.covers().get(tutorial.slug, {})
    return {
        item: heading or f"{contract.TO_WRITE}: a heading over {item}"
        for item, heading in covers.items()
    }


def _section(heading: str) -> str:
    return f"## {heading}\n\n% Its words stand in tools/covers.yml, too: change both.\n\n"


def _claim(tutorial: Tutorial) -> str:
    """The sentence of the page that says what is tested."""
    if tutorial.slug in contract.covers():
        who, names = "The source document claims", "names"
    else:
        who, names = "The claim is", "for the reason"
    change = ", and speaks of {claim}`change`" if tutorial.claimed_change else ""
    return f"{who} {{claim}}`range`, {names} {{claim}}`reason`{change}."


def _in_house_style(text: str) -> str:
    """A module with its imports in order, and lines that depend on the length of the slug."""
    return _ruff(_sorted(text), "format")


def _sorted(text: str, *settings: str) -> str:
    """The text of a module with its imports in order, whose modules need not exist yet."""
    options = ["lint.isort.known-first-party = ['tutorials_lib']", *settings]
    configured = [part for option in options for part in ("--config", option)]
    return _ruff(text, "check", "--select", "I", "--fix-only", "--quiet", *configured)


def _with_sorted_imports(page: str) -> str:
    """A page with the imports of its first cell in order, each in a line: cells are to be short."""
    return re.sub(
        r"^import dataclasses\n.*?\n(?=\nconfig = )",
        lambda match: _sorted(match[0], "line-length = 160"),
        page,
        count=1,
        flags=re.MULTILINE | re.DOTALL,
    )


def _ruff(text: str, *command: str, filename: str = "module.py") -> str:
    """What ruff makes of the text of a module."""
    finished = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--stdin-filename", filename, "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return finished.stdout


# ---------------------------------------------------------------- the table of contents


def add_to_toc(text: str, tutorial: Tutorial) -> str:
    """`_toc.yml` with the page of the tutorial, and the API page of its part, in their places."""
    lines = text.splitlines()
    _add_page(lines, tutorial)
    _add_api_page(lines, tutorial.part)
    changed = "\n".join(lines) + "\n"
    added = set(_documents(changed)) - set(_documents(text))
    if not added <= {f"book/{tutorial.coordinate}", f"book/reference/api_{tutorial.part}"}:
        raise Refused(f"_toc.yml has a form that is not understood; add book/{tutorial.coordinate}")
    return changed


def _documents(text: str) -> list[str]:
    yaml.safe_load(text)  # still well formed
    return re.findall(r"^\s*(?:- file|root): (\S+)", text, re.MULTILINE)


def _row_of(lines: list[str], document: str) -> int | None:
    row = re.compile(rf"^\s*- file: {re.escape(document)}\s*(#.*)?$")
    return next((i for i, line in enumerate(lines) if row.match(line)), None)


def _add_page(lines: list[str], tutorial: Tutorial) -> None:
    """Insert the row after the nearest tutorial before it, else before the nearest after it."""
    document = f"book/{tutorial.coordinate}"
    if _row_of(lines, document) is not None:
        return
    part = [other for other in catalog.TUTORIALS if other.part == tutorial.part]
    order = [f"book/{other.coordinate}" for other in part]
    place = order.index(document) if document in order else len(order)
    for before in reversed(order[:place]):
        if (index := _row_of(lines, before)) is not None:
            lines.insert(index + 1, _like(lines[index], document))
            return
    for after in order[place:]:
        if (index := _row_of(lines, after)) is not None:
            lines.insert(index, _like(lines[index], document))
            return
    _add_part(lines, tutorial.part, document)


def _like(line: str, document: str) -> str:
    """A row for the document, indented like another one."""
    return f"{line[: len(line) - len(line.lstrip())]}- file: {document}"


def _add_part(lines: list[str], part: str, document: str) -> None:
    """Open a part of the book: before the next part that is there, else before what is no part."""
    captions = {
        match[1].strip("\"'"): index
        for index, line in enumerate(lines)
        if (match := re.match(r"^\s*- caption:\s*(.+?)\s*$", line))
    }
    order = list(PARTS.values())
    here = order.index(PARTS[part])
    later = [captions[caption] for caption in order[here + 1 :] if caption in captions]
    earlier = [captions[caption] for caption in order[:here] if caption in captions]
    others = [index for caption, index in captions.items() if caption not in order]
    following = later or [index for index in others if not earlier or index > max(earlier)]
    index = min(following) if following else len(lines)
    lines[index:index] = [
        f"  - caption: {PARTS[part]}",
        "    chapters:",
        f"      - file: {document}",
    ]


def _add_api_page(lines: list[str], part: str) -> None:
    """Insert the row of the part's API page among those of the other parts."""
    document = f"book/reference/api_{part}"
    if _row_of(lines, document) is not None:
        return
    order = list(PARTS)
    for other in reversed(order[: order.index(part)]):
        if (index := _row_of(lines, f"book/reference/api_{other}")) is not None:
            lines.insert(index + 1, _like(lines[index], document))
            return
    for other in order[order.index(part) :]:
        if (index := _row_of(lines, f"book/reference/api_{other}")) is not None:
            lines.insert(index, _like(lines[index], document))
            return
    if (index := _row_of(lines, "book/reference/api")) is not None:
        indent = " " * (len(lines[index]) - len(lines[index].lstrip()))
        lines[index + 1 : index + 1] = [f"{indent}  sections:", f"{indent}    - file: {document}"]


# ---------------------------------------------------------------- what the page covers


def add_to_covers(text: str, tutorial: Tutorial) -> str:
    """`covers.yml` with the headings of the new page, where it had none."""
    before, row, block = text.partition(f"\n{tutorial.slug}:\n")
    for item, heading in headings_of(tutorial).items():
        empty = re.compile(rf"^(  {re.escape(item)}:) *(?:~|null)? *$", re.MULTILINE)
        block = empty.sub(lambda match, heading=heading: f"{match[1]} {_quote(heading)}", block, 1)
    changed = before + row + block
    if yaml.safe_load(changed).get(tutorial.slug, {}) != headings_of(tutorial):
        raise Refused(
            f"covers.yml has a form that is not understood; write a row a line for {tutorial.slug}"
        )
    return changed


# ---------------------------------------------------------------- the catalog


def add_to_catalog(text: str, tutorial: Tutorial) -> str:
    """`catalog.py` with a row for the tutorial, after the last one of its part."""
    tree = ast.parse(text)
    rows = next(
        node.value.elts
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Tuple)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "TUTORIALS"
    )
    ends = [
        row.end_lineno or row.lineno
        for row in rows
        if isinstance(row, ast.Call)
        and isinstance(row.args[1], ast.Constant)
        and str(row.args[1].value).startswith(f"{tutorial.part}/")
    ]
    row = (
        f"    _row({tutorial.number}, {_quote(tutorial.coordinate)}, {_quote(tutorial.title)}, "
        f"{tutorial.claim!r}, {_quote(tutorial.claimed_reason)}, "
        f"{_quote(tutorial.claimed_change)}),"
    )
    lines = text.splitlines()
    lines.insert(max(ends), row)
    return _ruff("\n".join(lines) + "\n", "format", filename="catalog.py")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ---------------------------------------------------------------- all or nothing


def write_all(files: dict[Path, str]) -> None:
    """Write every file, or leave everything as it was."""
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    folders: list[Path] = []
    try:
        for path, text in files.items():
            missing = [folder for folder in path.parents if not folder.exists()]
            folders += missing
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except BaseException:
        for path, content in before.items():
            with contextlib.suppress(OSError):  # the first failure is the one to report
                path.write_bytes(content) if content is not None else path.unlink()
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            if folder.is_dir():
                folder.rmdir()
        raise


class Written(NamedTuple):
    """The files that a new tutorial has made, and those that it has changed."""

    made: list[Path]
    changed: list[Path]


def start(tutorial: Tutorial, root: Path = ROOT) -> Written:
    """Write a new tutorial into a checkout.

    Raises `Refused` when one of its files is there already.
    """
    files = new_files(tutorial, root)
    taken = [path.relative_to(root).as_posix() for path in files if path.exists()]
    if taken:
        others = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise Refused(
            f"{tutorial.coordinate} has been started: {taken[0]}{others} would be lost. "
            f".venv/bin/python -m tools.contract {tutorial.slug} lists what is left to write"
        )
    toc = root / "_toc.yml"
    files[toc] = add_to_toc(toc.read_text(encoding="utf-8"), tutorial)
    if headings_of(tutorial):
        covers = root / "tools" / "covers.yml"
        files[covers] = add_to_covers(covers.read_text(encoding="utf-8"), tutorial)
    if tutorial not in catalog.TUTORIALS:
        rows = root / "src" / "tutorials_lib" / "catalog.py"
        files[rows] = add_to_catalog(rows.read_text(encoding="utf-8"), tutorial)
        cards = root / contract.CARDS
        files[cards] = cards.read_text(encoding="utf-8") + CARD.format(slug=tutorial.slug)
    there = {path for path in files if path.exists()}
    write_all(files)
    return Written([path for path in files if path not in there], sorted(there))


def how_to_undo(written: Written, tutorial: Tutorial, root: Path = ROOT) -> str:
    """The commands that remove what was made, and take what was changed from the last commit."""
    package = root / "src" / "tutorials_lib" / tutorial.coordinate
    made = [package, *(path for path in written.made if package not in path.parents)]
    changed, new = (
        " ".join(path.relative_to(root).as_posix() for path in paths)
        for paths in (written.changed, made)
    )
    return f"git restore {changed}\n  git clean -fdxq {new}"


# ---------------------------------------------------------------- the command line


def choose(arguments: argparse.Namespace) -> Tutorial:
    """The tutorial that the command line asks for, from the catalog or from its options."""
    coordinate = arguments.coordinate.strip("/")
    for tutorial in catalog.TUTORIALS:
        if coordinate in (tutorial.coordinate, tutorial.slug):
            return tutorial
    if not coordinate:
        raise Refused("Name the tutorial: make new TUTORIAL=<part>/<slug>, like tabular/gmm")
    part, _, slug = coordinate.partition("/")
    if part not in PARTS or not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        raise Refused(
            f"{coordinate!r} is no coordinate; it is <part>/<slug>, like tabular/gmm, with one of "
            f"the parts {', '.join(PARTS)} and a slug of small letters, digits and underscores"
        )
    if len(slug) > MOST_LETTERS["slug"]:
        raise Refused(f"{slug} has {len(slug)} letters; a slug has {MOST_LETTERS['slug']} at most")
    if keyword.iskeyword(slug):
        raise Refused(
            f"{slug!r} is a word of Python's, which no module can be named; choose another"
        )
    if slug in {tutorial.slug for tutorial in catalog.TUTORIALS}:
        raise Refused(f"{catalog.find(slug).coordinate} has this slug already; choose another one")
    if not arguments.title or not arguments.claim:
        raise Refused(
            f"{coordinate} is not in the catalog. A new row needs its title and the claim that it "
            f"tests: make new TUTORIAL={coordinate} ARGS='--title \"Do something\" --claim 2 4'"
        )
    low, high = arguments.claim
    if not 0 < low <= high < math.inf:
        raise Refused(f"--claim {low:g} {high:g} is no range of speedups, such as --claim 2 4")
    for option in ("title", "reason", "change"):
        _check_text(f"--{option}", getattr(arguments, option))
    return Tutorial(
        number=1 + max(tutorial.number for tutorial in catalog.TUTORIALS),
        part=part,
        slug=slug,
        title=arguments.title,
        claim=(low, high),
        claimed_reason=arguments.reason,
        claimed_change=arguments.change,
    )


def _check_text(option: str, text: str) -> None:
    """Refuse what would not stay text in the docstrings, headings and tables that it goes into."""
    wrong = sorted({*_NO_TEXT.findall(text), *(each for each in text if not each.isprintable())})
    if wrong:
        found = " ".join(map(repr, wrong))
        raise Refused(f"{option} goes into source files and may not have {found}; leave them out")
    if len(text) > MOST_LETTERS["text"]:
        raise Refused(f"{option} has {len(text)} letters; {MOST_LETTERS['text']} at most fit")


def main() -> int:
    """Read the command line, write the files and print what to do next."""
    parser = argparse.ArgumentParser(
        prog="make new", description=(__doc__ or "").splitlines()[0], add_help=True
    )
    parser.add_argument("coordinate", nargs="?", default="", help="<part>/<slug>, like tabular/gmm")
    outside = parser.add_argument_group("a tutorial outside the thirty")
    outside.add_argument("--title", help="a title that begins with a verb")
    outside.add_argument("--claim", nargs=2, type=float, metavar=("LOW", "HIGH"))
    outside.add_argument("--reason", default="JAX", help="the reason that the claim gives")
    outside.add_argument("--change", default="", help="the second half of the claim")
    try:
        tutorial = choose(parser.parse_args())
        written = start(tutorial)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    for path in (*written.made, *written.changed):
        print(f"  {path.relative_to(ROOT)}")
    print(
        STEPS.format(
            files=len(written.made) + len(written.changed),
            slug=tutorial.slug,
            part=tutorial.part,
            undo=how_to_undo(written, tutorial),
            package=f"src/tutorials_lib/{tutorial.coordinate}",
            page=f"book/{tutorial.coordinate}.md",
            test=f"tests/{tutorial.part}/test_{tutorial.slug}.py",
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
