"""What a tutorial must have, and what it must never do: `python -m tools.contract [SLUG ...]`.

`unfinished` lists what is still to write in one tutorial; somebody who has just made one with
`make new` works through that list. `broken_rules` looks at the whole package.
Sources are read, not imported, so that a half-written tutorial gives a list and not a traceback;
`tests/test_contract.py` adds what only an import can tell.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tools import ROOT
from tools.markdown import Page, parse
from tutorials_lib import catalog
from tutorials_lib.catalog import PARTS, Tutorial
from tutorials_lib.digest import imported_modules

TO_WRITE = "TO WRITE"
"""The mark that the scaffold leaves wherever something is to be written."""

MODULES = ("__init__", "problem", "in_numpy", "in_jax", "comparison")
BACKENDS = ("in_numpy", "in_jax", "in_sklearn", "in_torch")
CARDS = Path("book/_data/cards.yml")
"""What the index says of every tutorial."""

HEADINGS = (
    "What you will do",
    "Check that the twins agree",
    "On the published data",
    "How fast?",
    "Why",
    "On your own",
    "In practice",
    "Further reading",
)
"""Headings of the second level that every tutorial has, in this order, among its own."""

EVALUATION = {"baselines": ("data", "config", "seed"), "judge": ("config", "seed", "trained")}
"""Functions of `evaluation.py` with their parameters."""

JUDGED_HEADING = "On the published data"
"""The heading that only a tutorial with such an `evaluation.py` needs."""


# ---------------------------------------------------------------- what is still to write


def unfinished(tutorial: Tutorial, root: Path = ROOT) -> list[str]:
    """Everything that is still to write in a tutorial, a line each."""
    package = root / "src" / "tutorials_lib" / tutorial.coordinate
    page = root / "book" / f"{tutorial.coordinate}.md"
    test = root / "tests" / tutorial.part / f"test_{tutorial.slug}.py"
    needed = [*(package / f"{name}.py" for name in MODULES), page, test]
    findings = [f"{_relative(path, root)}: is missing" for path in needed if not path.is_file()]
    for path in [*sorted(package.glob("*.py")), page, test]:
        if path.is_file():
            findings += _marks(path, root)
    findings += _twins(package, root)
    findings += _evaluation(package, root)
    if test.is_file() and not _tests(test):
        findings.append(f"{_relative(test, root)}: has no test")
    if page.is_file():
        findings += _page(tutorial, page, root, judged=is_judged(package))
    listed = toc_files(root)
    for document in (f"book/{tutorial.coordinate}", f"book/reference/api_{tutorial.part}"):
        if document not in listed:
            findings.append(f"_toc.yml: has no row for {document}")
    return findings + list(_card(tutorial, root))


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _marks(path: Path, root: Path) -> Iterator[str]:
    """The marks of the scaffold; where the last one is gone, bodies that were forgotten."""
    lines = path.read_text(encoding="utf-8").splitlines()
    mark = TO_WRITE if any(TO_WRITE in line for line in lines) else "raise NotImplementedError"
    for number, line in enumerate(lines, start=1):
        if mark in line:
            what = line.partition(mark)[2].strip(" :\"'),}")
            what = what.rstrip("`") if what.count("`") % 2 else what  # opened before the mark
            yield f"{_relative(path, root)}:{number}: write {what or 'the body'}"


def _twins(package: Path, root: Path) -> Iterator[str]:
    """Functions of the same name take parameters of the same names, and there are some."""
    functions = {
        backend: _public_functions(package / f"{backend}.py")
        for backend in BACKENDS
        if (package / f"{backend}.py").is_file()
    }
    if not {"in_numpy", "in_jax"} <= functions.keys():
        return
    ours = functions["in_numpy"]
    if not ours.keys() & functions["in_jax"].keys():
        yield f"{_relative(package, root)}: in_numpy.py and in_jax.py share no function"
    for backend, theirs in functions.items():
        for name in sorted(ours.keys() & theirs.keys()):
            if ours[name] != theirs[name]:
                yield (
                    f"{_relative(package, root)}: {name}({', '.join(ours[name])}) in in_numpy.py, "
                    f"but {name}({', '.join(theirs[name])}) in {backend}.py"
                )


def is_judged(package: Path) -> bool:
    """Whether the tutorial in the folder `package` has an `evaluation.py` that judges it."""
    path = package / "evaluation.py"
    return path.is_file() and "judge" in _public_functions(path)


def _evaluation(package: Path, root: Path) -> Iterator[str]:
    """The functions of `evaluation.py` are those that `tutorials_lib.judge` calls."""
    if not is_judged(package):
        return
    functions = _public_functions(package / "evaluation.py")
    for name, parameters in EVALUATION.items():
        if functions.get(name) != parameters:
            expected = f"{name}({', '.join(parameters)})"
            yield f"{_relative(package / 'evaluation.py', root)}: has no function {expected}"


def _public_functions(path: Path) -> dict[str, tuple[str, ...]]:
    """Public functions at the top of a file, with the names of their parameters."""
    return {
        node.name: tuple(
            argument.arg
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        )
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def _tests(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [name for name in functions if name.startswith("test_")]


def _card(tutorial: Tutorial, root: Path) -> Iterator[str]:
    """What the index says of the tutorial is written."""
    path = root / CARDS
    if path.is_file():
        row = yaml.safe_load(path.read_text(encoding="utf-8")).get(tutorial.slug, {})
        for field in ("method", "data"):
            if not row.get(field) or TO_WRITE in str(row[field]):
                yield f"{CARDS.as_posix()}: write the {field} of {tutorial.slug}"


# ---------------------------------------------------------------- the page


def _page(tutorial: Tutorial, path: Path, root: Path, *, judged: bool) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    page = parse(text)
    name = _relative(path, root)
    titles = [heading.text for heading in page.headings if heading.level == 1]
    if titles != [tutorial.title]:
        yield f"{name}: its title is not “{tutorial.title}”, which the catalog has"
    needed = [heading for heading in HEADINGS if judged or heading != JUDGED_HEADING]
    yield from (f"{name}: {finding}" for finding in _headings(page, needed))
    yield from (f"{name}: {finding}" for finding in _parts_of_page(tutorial, page, text))
    yield from (f"{name}: {finding}" for finding in _covered(tutorial, page))
    if judged:
        yield from (f"{name}: {finding}" for finding in _judged_parts(page))


def _headings(page: Page, needed_headings: Sequence[str]) -> Iterator[str]:
    headings = [heading.text for heading in page.headings if heading.level == 2]
    last = -1
    for needed in needed_headings:
        places = [i for i, text in enumerate(headings) if text.startswith(needed)]
        if not places:
            yield f"has no heading “{needed}”"
        elif places[0] < last:
            yield f"“{needed}” comes too early; the order is {', '.join(needed_headings)}"
        else:
            last = places[0]


def _parts_of_page(tutorial: Tutorial, page: Page, text: str) -> Iterator[str]:
    """What else every page of a tutorial holds."""
    code = _code(page)
    included = {Path(directive.argument).name for directive in page.named("literalinclude")}
    exercises = len(list(page.named("exercise", "exercise-start")))
    solutions = len(list(page.named("solution", "solution-start")))
    slug = re.escape(tutorial.slug)
    needed = {
        "a description for search engines (myst: html_meta: description)": (
            (page.metadata.get("myst") or {}).get("html_meta", {}).get("description")
        ),
        "the measured line ({measured})": any(page.named("measured")),
        "the NumPy code ({literalinclude} of in_numpy.py)": "in_numpy.py" in included,
        "the JAX code ({literalinclude} of in_jax.py)": "in_jax.py" in included,
        f'a cell that calls benchmark.agree("{tutorial.slug}")': re.search(
            rf"benchmark\.agree\(\s*['\"]{slug}['\"]", code
        ),
        f'a cell that calls benchmark.measure("{tutorial.slug}")': re.search(
            rf"benchmark\.measure\(\s*['\"]{slug}['\"]", code
        ),
        "the claim of the source document ({claim})": "{claim}`" in text,
        "the verdict ({glue:text}`verdict`)": re.search(r"\{glue[\w:]*\}`verdict`", text),
        "two to four exercises": 2 <= exercises <= 4,
        "a solution for every exercise": solutions == exercises,
        "a citation ({cite:p})": re.search(r"\{cite(:\w+)?\}`", text),
    }
    yield from (f"lacks {what}" for what, there in needed.items() if not there)


def covers() -> dict[str, dict[str, str | None]]:
    """What the source document says that each tutorial covers, with the heading for it.

    A heading is None where the page is still to be written.
    """
    return yaml.safe_load(Path(__file__).with_name("covers.yml").read_text(encoding="utf-8"))


def _covered(tutorial: Tutorial, page: Page) -> Iterator[str]:
    headings = {heading.text for heading in page.headings}
    for item, heading in covers().get(tutorial.slug, {}).items():
        if heading is None:
            yield f"covers {item}: name the heading for it in tools/covers.yml"
        elif heading not in headings:
            yield f"covers {item} under “{heading}”, says tools/covers.yml; it has no such heading"


def _judged_parts(page: Page) -> Iterator[str]:
    """What the page of a tutorial with an `evaluation.py` holds besides."""
    if not any(page.named("published")):
        yield "lacks the record on the published data ({published})"
    if not re.search(r"\bevaluation\.judge\(", _code(page)):
        yield "lacks a cell that calls evaluation.judge with what the page has trained"


def _code(page: Page) -> str:
    return "\n".join(line for cell in page.cells for line in cell.body)


def toc_files(root: Path = ROOT) -> list[str]:
    """Every document that `_toc.yml` names, in its order."""
    return list(_files(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))


def _files(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("root", "file"):
                yield str(value)
            else:
                yield from _files(value)
    elif isinstance(node, list):
        for item in node:
            yield from _files(item)


# ---------------------------------------------------------------- what nobody may do


NUMPY_ONLY = ("problem.py", "in_numpy.py", "in_sklearn.py")
"""Files that never import JAX, wherever they lie."""

CLOCKS = frozenset({"time", "timeit"})


def broken_rules(root: Path = ROOT) -> list[str]:
    """Imports that the layout forbids, a line each."""
    package = root / "src" / "tutorials_lib"
    return [
        f"{_relative(path, root)}: {finding}"
        for path in sorted(package.rglob("*.py"))
        for finding in _forbidden(path, package)
    ]


def _forbidden(path: Path, package: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    parts = path.relative_to(package).parent.parts
    outside = _outside_imports(source)
    if path.name in NUMPY_ONLY and (jax := outside & {"jax", "jaxlib", "flax", "optax"}):
        yield f"imports {', '.join(sorted(jax))}, but this file is NumPy's"
    if parts[:1] != ("benchmark",) and (clocks := outside & CLOCKS):
        yield f"imports {', '.join(sorted(clocks))}; only tutorials_lib.benchmark reads a clock"
    here = "/".join(parts[:2]) if parts and parts[0] in PARTS else None
    inside = imported_modules(source, package=".".join(["tutorials_lib", *parts]))
    for other in sorted({found for name in inside if (found := _coordinate(name, package))}):
        if here is None:
            yield f"imports the tutorial {other}; outside the five parts only its name is used"
        elif other != here:
            yield f"imports the tutorial {other}; what both need moves to a shared package"


def _outside_imports(source: str) -> set[str]:
    """The top-level packages that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names


def _coordinate(module: str, package: Path) -> str | None:
    """`part/slug` of a module that belongs to a tutorial."""
    parts = module.split(".")[1:3]
    is_tutorial = len(parts) == 2 and parts[0] in PARTS and package.joinpath(*parts).is_dir()
    return "/".join(parts) if is_tutorial else None


def main() -> int:
    """List what is still to write, in the tutorials named or in all that have been started."""
    tutorials = [catalog.find(slug) for slug in sys.argv[1:]] or list(catalog.available())
    findings = [finding for tutorial in tutorials for finding in unfinished(tutorial)]
    findings += broken_rules()
    print("\n".join(findings) or "Nothing is missing.")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
