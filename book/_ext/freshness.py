"""No page shows an output that is older than the code behind it.

Jupyter Book's cache looks at a page's cells alone. This extension appends a hidden cell that
holds the digest of everything else a page's outputs depend on, so that the cache misses when
any of it changes, and reports such pages to Sphinx as outdated. Before a page is executed, the
store that checkouts share is asked for it (`executed_pages`).

Sphinx itself forgets: a page that was read with a warning, or read but not written because the
build was stopped, counts as done the next time. A marker file says that the last build did not
end clean, and then every page is read and written again. What was executed stays cached, unless
the build was stopped while it wrote a notebook to the cache: such a notebook is taken out.

With `BOOK_SECONDS` set, the preset of a page is decided when it is read (`ration`); when the
seconds are spent, all pages that are left are run small before the next one is read.
"""

import hashlib
import importlib.metadata
import os
import platform
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import JupyterCacheAbstract
from myst_nb.core.read import create_nb_reader, is_myst_markdown_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

import side_by_side
from book_state import state_of
from executed_pages import (
    cache_folder,
    drop_damaged_notebooks,
    forget_old,
    give_out,
    key_of,
    shared_store,
    take_in,
)
from ration import SMALL, Ration, seconds_given
from tutorials_lib import catalog, environment, presets
from tutorials_lib.benchmark import machine
from tutorials_lib.digest import (
    PACKAGE,
    SHOWS_SOURCES,
    code_digest,
    imported_modules,
    tutorial_sources,
)

logger = logging.getLogger(__name__)

MARKER = "# what this page's outputs depend on:"
_CELL = re.compile(r"^(`{3,})\{code-cell\}[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_OPTIONS = re.compile(r"\A(---\n.*?^---\n|(?::[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
_KERNEL = ("ipykernel", "ipython", "myst-nb")  # they turn what a cell returns into its outputs


def cells(text: str) -> list[str]:
    """The code of a page's cells, without their options."""
    return [_OPTIONS.sub("", match[2]) for match in _CELL.finditer(text)]


def modules_of(text: str) -> list[str]:
    """The modules of the package that a page's cells import."""
    modules: list[str] = []
    for cell in cells(text):
        try:
            modules.extend(imported_modules(cell))
        except SyntaxError:
            continue  # executing the cell names the error better
    return modules


def page_digest(docname: str, text: str, preset: str | None = None) -> str:
    """What the outputs of the page `docname` depend on besides its cells.

    The code that it imports, its own row of the catalog, the packages that the code needs, the
    settings (with `preset` in the place of theirs, if given), Python and the processor.
    """
    preset = preset or presets.preset_name()
    settings = environment.settings_in_digest() | {"TUTORIALS_PRESET": preset}
    modules = modules_of(text)
    shown = list(modules) if SHOWS_SOURCES.search("\n".join(cells(text))) else []
    rows = [row for row in catalog.available() if docname == f"book/{row.coordinate}"]
    for tutorial in rows:
        modules.extend(tutorial_sources(tutorial.module))
    parts = [
        code_digest(modules, shown=shown),
        *map(repr, rows),
        *run_time_versions(),
        *(f"{name}={value}" for name, value in settings.items()),
        platform.python_version(),
        f"{machine.processor()}, {machine.num_cores()} cores",
    ]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return f"{digest} preset={preset} data={presets.data_source()}"


@cache
def run_time_versions() -> tuple[str, ...]:
    """`name==version` of every package that the code needs, directly or not, and of the kernel's.

    What builds the site, checks it or styles the code is none of them.
    """
    versions = {name: importlib.metadata.version(name) for name in _KERNEL}
    pending = [PACKAGE]
    while pending:
        for line in importlib.metadata.requires(pending.pop()) or ():
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if needed and name not in versions:
                versions[name] = importlib.metadata.version(name)
                pending.append(name)
    return tuple(f"{name}=={versions[name]}" for name in sorted(versions))


def _digest_of(app: Sphinx, docname: str, preset: str) -> str | None:
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".md":
        return None
    text = path.read_text(encoding="utf-8")
    return _digest_in_this_build(docname, text, preset) if _has_cells(text) else None


@cache
def _has_cells(text: str) -> bool:
    return is_myst_markdown_notebook(text)


@cache
def _digest_in_this_build(docname: str, text: str, preset: str) -> str:
    """`page_digest`, which a build asks for several times; what it depends on stays meanwhile."""
    return page_digest(docname, text, preset)


def foresee_digests(app: Sphinx) -> None:
    """Compute the digests that the next build will ask for, as far as pages stay as they are."""
    get_cache(cache_folder(app)).list_cache_records()  # whose first answer takes longest
    for docname in app.env.found_docs:
        if Path(app.env.doc2path(docname)).is_file():
            for preset in app.config.ration.accepted:
                _digest_of(app, docname, preset)


def prepare(app: Sphinx) -> None:
    """Make the environment of the kernels, and give them a compilation cache."""
    environment.apply()
    try:
        environment.check()
        app.config.ration = Ration(presets.preset_name(), seconds_given())
    except ValueError as error:
        raise ExtensionError(str(error)) from error
    compiled = Path(app.outdir).parent / ".jax_cache"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(compiled))


def _executes(env: BuildEnvironment) -> bool:
    myst_nb: Any = env
    return myst_nb.mystnb_config.execution_mode == "cache"


def _unclean_marker(app: Sphinx) -> Path:
    return Path(app.outdir) / ".unclean"


def finish(app: Sphinx, exception: Exception | None) -> None:
    """After a build without error and warning, remove the marker and fill the shared store."""
    if exception is not None or app._warncount:
        return
    _unclean_marker(app).unlink(missing_ok=True)
    store = shared_store()
    if store is None or not _executes(app.env):
        return
    executed = Path(app.outdir).parent / "jupyter_execute"
    kept = get_cache(cache_folder(app))
    for docname, digest in state_of(app.env).digests.items():
        key = _key(Path(app.env.doc2path(docname)).read_text(encoding="utf-8"), digest)
        give_out(store, key, kept, executed / f"{docname}.ipynb")
    forget_old(store)


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages whose digest is not the one they were last read with; all after an unclean build."""
    marker = _unclean_marker(app)
    if marker.exists():
        drop_damaged_notebooks(cache_folder(app))
        return sorted(env.found_docs - added - changed)
    marker.touch()
    known, accepted = state_of(env).digests, app.config.ration.accepted
    outdated = []
    for docname in env.found_docs - added - changed:
        digests = [_digest_of(app, docname, preset) for preset in accepted]
        if digests[0] is not None and known.get(docname) not in digests:
            outdated.append(docname)
    return outdated


def look_for_executed(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Take what has been executed elsewhere; say which pages are left, and how long they took.

    `tools.build` reads these lines, to tell how far a build is.
    """
    if not _executes(env):
        return
    kept = get_cache(cache_folder(app))
    seconds = {
        record.uri: record.data.get("execution_seconds") for record in kept.list_cache_records()
    }
    ration: Ration = app.config.ration
    for docname in docnames:
        if _digest_of(app, docname, ration.asked) is None:
            continue
        preset = _executed_with(app, docname, kept)
        if preset != ration.asked:
            ration.missing.add(docname)
        if preset is None:
            path = env.doc2path(docname)
            logger.info("to execute: %s, %s s", path, seconds.get(path))
    ration.begin()


def _executed_with(app: Sphinx, docname: str, kept: JupyterCacheAbstract) -> str | None:
    """The preset with which the page's notebook is kept; if the store has it, it is from now on."""
    store = shared_store()
    for preset in app.config.ration.accepted:
        notebook, key = _to_execute(app, docname, preset)
        if store is not None:
            take_in(store, key, kept, Path(app.env.doc2path(docname)))
        with suppress(KeyError):
            kept.match_cache_notebook(notebook)
            return preset
    return None


def _to_execute(app: Sphinx, docname: str, preset: str) -> tuple[nbformat.NotebookNode, str]:
    """The page as a notebook without outputs, and its name in the store."""
    path = app.env.doc2path(docname)
    digest = _digest_of(app, docname, preset)
    if digest is None:
        raise ValueError(f"{docname} has no cells")
    text = Path(path).read_text(encoding="utf-8")
    key = _key(text, digest)
    text += _hidden_cell(digest)
    settings: Any = app.env  # MyST-NB keeps its settings there
    reader = create_nb_reader(path, settings.myst_config, settings.mystnb_config, text)
    if reader is None:
        raise ValueError(f"MyST-NB does not read {path}")
    return reader.read(text), key


def run_the_rest_small(app: Sphinx) -> None:
    """The seconds are spent: run all pages that are left side by side, with the small preset."""
    ration: Ration = app.config.ration
    ration.rest_is_run = True
    kept = get_cache(cache_folder(app))
    left = [name for name in sorted(ration.missing) if _executed_with(app, name, kept) is None]
    notebooks = {Path(app.env.doc2path(name)): _to_execute(app, name, SMALL)[0] for name in left}
    os.environ["TUTORIALS_PRESET"] = SMALL
    settings: Any = app.env
    side_by_side.run(notebooks, kept, settings.mystnb_config.execution_timeout)


def append_digest(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add the hidden last cell, and let the page's kernel start with the preset it stands for."""
    ration: Ration = app.config.ration
    if docname in ration.missing and ration.is_spent and not ration.rest_is_run:
        run_the_rest_small(app)
    preset = ration.preset_of(docname)
    digest = _digest_of(app, docname, preset)
    if digest is None:
        return
    os.environ["TUTORIALS_PRESET"] = preset
    state_of(app.env).digests[docname] = digest
    source[0] += _hidden_cell(digest)


def _hidden_cell(digest: str) -> str:
    return f"\n\n```{{code-cell}} ipython3\n:tags: [remove-cell]\n\n{MARKER} {digest}\n```\n"


def _key(text: str, digest: str) -> str:
    return key_of([*cells(text), f"{MARKER} {digest}"])


def check_appended(app: Sphinx, doctree: object) -> None:
    """An unclosed fence at the end of a page would swallow the hidden cell: say so."""
    docname = app.env.docname
    digest = state_of(app.env).digests.get(docname)
    if digest is None:
        return
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
    notebook = nbformat.read(executed, as_version=4)
    if not notebook.cells or notebook.cells[-1].source.strip() != f"{MARKER} {digest}":
        logger.warning(
            "the page's last fence is not closed, so its outputs could go stale; close it",
            location=docname,
            type="freshness",
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's events."""
    app.add_config_value("ration", None, "", Ration)
    app.connect("builder-inited", prepare)
    app.connect("build-finished", finish)
    app.connect("env-get-outdated", find_outdated)
    app.connect("env-before-read-docs", look_for_executed)
    app.connect("source-read", append_digest)
    app.connect("doctree-read", check_appended)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
