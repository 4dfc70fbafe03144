"""Check the pages of the book before they are built: `python -m tools.pages [PAGE ...]`.

Promise 3 of the book is that no measurement is typed by hand. A number with a unit of time, a
ratio, an error or a score must come from the run that built the page (`{glue:text}`), be quoted
(`{claim}`), or stand in a sentence that cites its source (`{cite:p}`). A number that is neither,
such as the length of a recording, is let through by a comment in front of its paragraph:

    % not a measurement: the recordings last this long
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tools import ROOT
from tools.markdown import Directive, Page, Prose, parse

MAX_LINES = 400
MAX_CELL_LINES = 25
MAX_PLOT_LINES = 10
EXEMPTION = "not a measurement:"

Finding = tuple[int, str]
"""A line of the page and what is wrong there."""

# ---------------------------------------------------------------- measurements in prose

_NUMBER = r"(?<![\w.^_])(?<![A-Za-z]-)[~≈<>]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
_DECIMAL = r"(?<![\w.^_])(?<![A-Za-z]-)[~≈<>]?\d[\d,]*\.\d+"
_WORD_NUMBER = (
    r"\b(?:half\ an?|an?\ quarter|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|"
    r"thirty|forty|fifty|sixty|a\ hundred|a\ thousand)"
)
_TIME = (
    r"(?:ns|µs|μs|us|ms|sec|secs|min|mins|h|nanoseconds?|microseconds?|milliseconds?|seconds?|"
    r"minutes?|hours?)"
)
_SCORE = (
    r"(?:accuracy|precision|recall|f1|auc|average\ precision|map|bleu|wer|cer|psnr|ssim|iou|dice|"
    r"rmse|mae|mse|r2|r²|perplexity|ndcg|silhouette|rand\ index|score|error|error\ rate|inertia|"
    r"speed-?up|loss|ratio|likelihood|return|reward)"
)
_MEASURED = re.compile(
    rf"""
      {_NUMBER}\s*(?:–|-|to)?\s*(?:×|x\b)(?!\s*\d)                     # 5x, but not 3 x 3
    | (?:{_NUMBER}|{_WORD_NUMBER})(?:\s+|-)times?\s+(?:as|faster|slower|quicker|more|less|better|
      worse|the\ (?:speed|time|cost))\b
    | \b(?:twice|thrice)\s+as\s+(?:fast|slow|quick|good|bad|long|accurate)\b
    | \b(?:{_NUMBER}|{_WORD_NUMBER})[-\s]*fold\s+(?:faster|slower|speed|gain|increase|decrease)
    | (?:{_NUMBER}|{_WORD_NUMBER})(?:\s|-)+(?:of\ an?\s+)?{_TIME}\b     # 3 ms, three minutes
    | {_NUMBER}(?:ns|µs|μs|us|ms|sec|min)\b                            # 3ms
    | (?<![\w.])\d{{1,3}}(?:\.\d+)?(?:\s+s|(?<=\.\d)s|(?<=\.\d\d)s)\b  # 3 s, but not the 1990s
    | {_NUMBER}\s*(?:%|percent\b|per\ cent\b|percentage)
      (?!\s+(?:confidence|interval|credible|prediction|quantile|percentile))
    | {_NUMBER}\s*(?:dB\b|fps\b|[GMT]?FLOP/?s\b|[kKMG]i?B/s\b)
    | {_NUMBER}\s+\w+\s+(?:per|a|each)\s+(?:second|minute|hour)\b
    | \b{_SCORE}(?:\s+\w+){{0,3}}?\s*(?:of|is|was|are|=|:|reaches|reached|to|at|about|around|near|
      ≈|~|above|below|under|over|beats)\s+(?:about\s+|only\s+|at\ (?:least|most)\s+)?
      {_DECIMAL}
    | (?<![\w.])\d+\.\d+\s+(?:\w+\s+)?{_SCORE}\b                       # 0.73 test accuracy
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WAY_OUT = (
    "is typed by hand: glue the measured value, cite its source in the same sentence, or write "
    f"“% {EXEMPTION} why” in front of the paragraph"
)
_SOURCED = re.compile(r"\{(?:glue[\w:]*|claim|cite[\w:]*|measured)\}`")
_SHOWN_CODE = re.compile(r"(`{2,}).+?\1")  # how to write a role, not a role
_ROLE = re.compile(r"\{[\w:.-]+\}`[^`]*`")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)|\$\$.+?\$\$|\$[^$]+\$")
_ADDRESS = re.compile(r"\]\([^)]*\)|<https?://[^>]*>|https?://\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!et al\.)\s+(?=[^a-z\d\s])")


def measurements(text: str) -> Iterator[str]:
    """The measurements typed into a paragraph, outside code, formulas and sourced sentences."""
    text = _SHOWN_CODE.sub(" … ", text)
    sentences = re.split(r"\|", text) if text.startswith("|") else _SENTENCE_END.split(text)
    for sentence in sentences:
        if _SOURCED.search(sentence):
            continue
        plain = _ADDRESS.sub("]", _CODE.sub(" … ", _ROLE.sub(" … ", sentence)))
        yield from (match[0].strip() for match in _MEASURED.finditer(plain))


def check_measurements(page: Page, path: Path) -> Iterator[Finding]:
    """No measurement is typed by hand in prose, captions and alternative texts."""
    exempt = {comment.line for comment in page.comments if comment.text.startswith(EXEMPTION)}
    texts = [*page.prose, *_alternative_texts(page)]
    description = (page.metadata.get("myst") or {}).get("html_meta") or {}
    texts += [Prose(1, str(text)) for text in description.values()]
    for prose in texts:
        if not {prose.line - 1, prose.line - 2} & exempt:
            yield from ((prose.line, f"“{m}” {_WAY_OUT}") for m in measurements(prose.text))


def check_exemptions(page: Page, path: Path) -> Iterator[Finding]:
    """An exemption says why."""
    for comment in page.comments:
        if comment.text.startswith(EXEMPTION) and len(comment.text.split()) < 6:
            yield comment.line, f"“% {EXEMPTION}” needs a reason"


def _alternative_texts(page: Page) -> Iterator[Prose]:
    """What cells pass as `alt=`: only the typed part, since numbers in braces are computed."""
    for cell in page.cells:
        for call in _calls(cell):
            for keyword in call.keywords:
                if keyword.arg == "alt":
                    parts = (
                        part.value if isinstance(part.value, str) else "…"
                        for part in ast.walk(keyword.value)
                        if isinstance(part, ast.Constant)
                    )
                    yield Prose(cell.body_line + call.lineno - 1, " ".join(parts))


# ---------------------------------------------------------------- prose

_EMPTY_WORDS = re.compile(
    r"\b(simply|just(?!-in-time| in time| after execution)|powerful|blazing(?:ly)?)\b", re.I
)


def check_headings(page: Page, path: Path) -> Iterator[Finding]:
    """One heading of the first level, at the top; no level is skipped."""
    top = [heading for heading in page.headings if heading.level == 1]
    if len(top) != 1:
        yield (top[1].line if top else 1), f"{len(top)} headings of the first level; one is needed"
    level = 0
    for heading in page.headings:
        if heading.level > level + 1:
            yield heading.line, f"“{heading.text}” skips a level of headings"
        level = heading.level


def check_words(page: Page, path: Path) -> Iterator[Finding]:
    """Words that add nothing."""
    for prose in page.prose:
        plain = _CODE.sub(" ", _ROLE.sub(" ", prose.text))
        for match in _EMPTY_WORDS.finditer(plain):
            yield prose.line, f"“{match[0]}” adds nothing; leave it out"


def check_fences(page: Page, path: Path) -> Iterator[Finding]:
    """Every fence is closed."""
    for directive in page.directives:
        if not directive.closed:
            yield directive.line, f"the fence of {directive.name or 'this block'} is not closed"


def check_length(page: Page, path: Path) -> Iterator[Finding]:
    """The page is short enough to be read."""
    solutions = sum(d.num_lines for d in page.named("solution"))
    gates = zip(page.named("solution-start"), page.named("solution-end"), strict=False)
    solutions += sum(end.line + end.num_lines - start.line for start, end in gates)
    options = sum(d.body_line - d.line - 1 for d in page.directives if d.name)
    num_lines = page.num_lines - page.metadata_lines - solutions - options
    if num_lines > MAX_LINES:
        yield 1, f"{num_lines} lines without metadata and solutions; at most {MAX_LINES}"


# ---------------------------------------------------------------- cells


def check_cells(page: Page, path: Path) -> Iterator[Finding]:
    """Cells are short Python that neither installs, downloads nor reads a clock."""
    plot_lines = 0
    for cell in page.cells:
        size = sum(bool(line.strip()) for line in cell.body)
        if size > MAX_CELL_LINES:
            yield cell.line, f"a cell of {size} lines; at most {MAX_CELL_LINES}, 12 as a guide"
        plot_lines += sum(bool(re.match(r"\s*(plt|axe?s?\w*)[.\[]", line)) for line in cell.body)
        magic = [i for i, line in enumerate(cell.body) if re.match(r"\s*[!%]", line)]
        if magic:
            line = cell.body_line + magic[0]
            yield line, "a shell command or a magic; cells are plain Python"
            continue
        try:
            tree = ast.parse("\n".join(cell.body))
        except SyntaxError as error:
            yield cell.body_line + (error.lineno or 1) - 1, f"no Python: {error.msg}"
            continue
        yield from _check_code(tree, cell)
    if plot_lines > MAX_PLOT_LINES:
        yield 1, f"{plot_lines} lines of plotting on the page; move them to the tutorial's figures"


_BANNED_MODULES = {
    **dict.fromkeys(("time", "timeit"), "only tutorials_lib.benchmark reads a clock"),
    **dict.fromkeys(("urllib", "requests", "pooch", "wget"), "pages download nothing"),
    **dict.fromkeys(("pip", "subprocess"), "pages install nothing and start no program"),
}


def _check_code(tree: ast.Module, cell: Directive) -> Iterator[Finding]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if why := _BANNED_MODULES.get(name.split(".")[0]):
                yield cell.body_line + node.lineno - 1, f"imports {name}: {why}"  # type: ignore


_TAKE_ALT = frozenset({"show", "show_animation", "stepper"})
_HAVE_ALT = frozenset({"waterfall", "growth", "learning_curve", "architecture"})


def check_figures(page: Page, path: Path) -> Iterator[Finding]:
    """Every figure has a name, a caption and an alternative text."""
    for cell in page.cells:
        calls = list(_calls(cell))
        shown = [call for call in calls if _name(call) in _TAKE_ALT]
        for call in shown:
            if "alt" not in {keyword.arg for keyword in call.keywords}:
                yield cell.body_line + call.lineno - 1, f"{_name(call)} has no alt"
        if shown or any(_name(call) in _HAVE_ALT for call in calls):
            figure = (cell.options.get("mystnb") or {}).get("figure") or {}
            for key in ("name", "caption"):
                if not figure.get(key):
                    yield cell.line, f"a figure without a {key} (mystnb: figure: {key}:)"
    for directive in page.named("figure", "image"):
        if not directive.options.get("alt"):
            yield directive.line, f"{directive.name} without an alternative text (:alt:)"
    for prose in page.prose:
        if re.search(r"!\[\s*\]\(", prose.text):
            yield prose.line, "a picture without an alternative text"


def _calls(cell: Directive) -> Iterator[ast.Call]:
    try:
        tree = ast.parse("\n".join(cell.body))
    except SyntaxError:
        return
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


# ---------------------------------------------------------------- what a page points to


def bibliographies(root: Path = ROOT) -> list[Path]:
    """The files of the bibliography: what several parts or chapters cite, and one file a part."""
    return sorted((root / "book").glob("references*.bib"))


@cache
def _bibliography(paths: tuple[Path, ...]) -> frozenset[str]:
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return frozenset(key for text in texts for key in bibliography_keys(text))


def bibliography_keys(text: str) -> list[str]:
    """The keys of a BibTeX file, in its order."""
    return re.findall(r"^\s*@(?!comment|string|preamble)\w+\{\s*([^,\s]+)\s*,", text, re.M | re.I)


def check_citations(page: Page, path: Path) -> Iterator[Finding]:
    """Every citation is in the bibliography."""
    known = _bibliography(tuple(bibliographies()))
    for prose in page.prose:
        text = _SHOWN_CODE.sub("", prose.text)
        for role in re.finditer(r"\{cite(?::\w+)?\}`([^`]*)`", text):
            for key in (key.strip() for key in role[1].split(",")):
                if key not in known:
                    yield prose.line, f"no book/references*.bib has an entry {key}"


def check_links(page: Page, path: Path) -> Iterator[Finding]:
    """Links to other pages and included files lead somewhere."""
    for prose in page.prose:
        plain = re.sub(r"`[^`]*`", "", prose.text)
        for target in re.findall(r"\]\(([^)\s]+)\)", plain):
            if re.match(r"[a-z]+:|#", target):
                continue
            file = target.partition("#")[0]
            base = ROOT if file.startswith("/") else path.parent
            if not (base / file.lstrip("/")).exists():
                yield prose.line, f"the link leads nowhere: {target}"
        for document in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`<>]+)>?`", prose.text):
            base = ROOT if document.startswith("/") else path.parent
            if not (base / f"{document.lstrip('/')}.md").exists():
                yield prose.line, f"there is no page {document}"
    for directive in page.named("literalinclude"):
        source = path.parent / directive.argument
        if not source.is_file():
            yield directive.line, f"there is no file {directive.argument}"
        elif (name := directive.options.get("pyobject")) and not _defines(source, str(name)):
            yield directive.line, f"{source.name} defines no {name}"


def check_figure_numbers(page: Page, path: Path) -> Iterator[Finding]:
    """A figure that is referred to by its number is drawn on the same page."""
    named = set(re.findall(r"^\s*:?name: (\S+)$", path.read_text(encoding="utf-8"), re.M))
    for prose in page.prose:
        for target in re.findall(r"\{numref\}`(?:[^`<]*<)?([^`<>]+)>?`", prose.text):
            if target not in named:
                yield prose.line, f"no figure of this page has the name {target}"


def _defines(source: Path, name: str) -> bool:
    """Whether a Python file defines `function`, `Class` or `Class.method`."""
    body: list[ast.stmt] = ast.parse(source.read_text(encoding="utf-8")).body
    for part in name.split("."):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [node for node in body if isinstance(node, kinds) and node.name == part]
        if not found:
            return False
        body = found[0].body
    return True


CHECKS: tuple[Callable[[Page, Path], Iterator[Finding]], ...] = (
    check_fences,
    check_headings,
    check_length,
    check_words,
    check_measurements,
    check_exemptions,
    check_cells,
    check_figures,
    check_citations,
    check_links,
    check_figure_numbers,
)


def check(path: Path) -> list[str]:
    """What is wrong with a page, as `book/tabular/kmeans.md:12: ...`, in the order of its lines."""
    page = parse(path.read_text(encoding="utf-8"))
    findings = sorted({finding for rule in CHECKS for finding in rule(page, path)})
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return [f"{name}:{line}: {message}" for line, message in findings]


def all_pages(root: Path = ROOT) -> list[Path]:
    """Every page of the book; folders that begin with `_` or `.` hold none."""
    pages = sorted((root / "book").rglob("*.md"))
    inside = (path.relative_to(root).parts for path in pages)
    return [path for path, parts in zip(pages, inside, strict=True) if not _hidden(parts)]


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part[0] in "_." for part in parts)


def main() -> int:
    """Check the pages named on the command line, or all of them."""
    paths = [Path(name).resolve() for name in sys.argv[1:]] or all_pages()
    findings = [finding for path in paths for finding in check(path)]
    print("\n".join(findings), file=sys.stderr)
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
