"""No page shows an output that is older than the code behind it.

Jupyter Book's cache looks at a page's cells alone. This extension appends a hidden cell that
holds the digest of everything else a page's outputs depend on, so that the cache misses when
any of it changes, and reports such pages to Sphinx as outdated.

Sphinx itself forgets: a page that was read with a warning, or read but not written because the
build was stopped, counts as done the next time. A marker file says that the last build did not
end clean, and then every page is read and written again. What was executed stays cached, unless
the build was stopped while it wrote a notebook to the cache: such a notebook is taken out.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.cache.db import NbCacheRecord
from myst_nb.core.read import is_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from book_state import state_of
from tutorials_lib import catalog, environment, presets
from tutorials_lib.digest import code_digest, imported_modules, tutorial_sources

logger = logging.getLogger(__name__)

MARKER = "# what this page's outputs depend on:"
_CELL = re.compile(r"^(`{3,})\{code-cell\}[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_OPTIONS = re.compile(r"\A(---\n.*?^---\n|(?::[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


def cells(text: str) -> list[str]:
    """The code of a page's cells, without their options."""
    return [_OPTIONS.sub("", match[2]) for match in _CELL.finditer(text)]


def page_digest(docname: str, text: str, root: Path) -> str:
    """What the outputs of the page `docname` depend on besides its cells."""
    modules: list[str] = []
    for cell in cells(text):
        try:
            modules.extend(imported_modules(cell))
        except SyntaxError:
            continue  # executing the cell names the error better
    for tutorial in catalog.available():
        if docname == f"book/{tutorial.coordinate}":
            modules.extend(tutorial_sources(tutorial.module))
    state = hashlib.sha256(code_digest(modules).encode())
    state.update((root / "requirements.txt").read_bytes())
    for name, value in environment.settings_in_digest().items():
        state.update(f"{name}={value}\0".encode())
    return f"{state.hexdigest()[:16]} preset={presets.preset_name()} data={presets.data_source()}"


def _digest_of(app: Sphinx, docname: str) -> str | None:
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".md":
        return None
    text = path.read_text(encoding="utf-8")
    return page_digest(docname, text, Path(app.srcdir)) if is_myst_markdown_notebook(text) else None


def prepare(app: Sphinx) -> None:
    """Make the environment of the kernels, and give them a compilation cache."""
    environment.apply()
    try:
        environment.check()
    except environment.SettingError as error:
        raise ExtensionError(str(error)) from error
    cache = Path(app.outdir).parent / ".jax_cache"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    marker = _unclean_marker(app)
    app.config.last_build_was_unclean = marker.exists()
    if marker.exists():
        drop_damaged_notebooks(Path(app.config.nb_execution_cache_path or cache_folder(app)))
    marker.touch()


def cache_folder(app: Sphinx) -> Path:
    """Where MyST-NB keeps executed notebooks unless it is told another place."""
    return Path(app.outdir).parent / ".jupyter_cache"


def drop_damaged_notebooks(folder: Path) -> None:
    """Take out of the cache every record whose notebook was not written, or not to its end."""
    if not (folder / "global.db").exists():
        return
    cache = get_cache(folder)
    for record in cache.list_cache_records():
        notebook = folder / "executed" / record.hashkey / "base.ipynb"
        try:
            nbformat.read(notebook, as_version=nbformat.NO_CONVERT)
        except (OSError, ValueError, nbformat.reader.NotJSONError):
            NbCacheRecord.remove_records([int(record.pk)], cache.db)  # type: ignore[arg-type]
            shutil.rmtree(notebook.parent, ignore_errors=True)


def _unclean_marker(app: Sphinx) -> Path:
    return Path(app.outdir) / ".unclean"


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Remove the marker when the build ended without an error and without a warning."""
    if exception is None and app._warncount == 0:
        _unclean_marker(app).unlink(missing_ok=True)


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages whose digest is not the one they were last read with; all after an unclean build."""
    if app.config.last_build_was_unclean:
        return sorted(env.found_docs - added - changed)
    known = state_of(env).digests
    return [
        docname
        for docname in env.found_docs - added - changed
        if (digest := _digest_of(app, docname)) is not None and known.get(docname) != digest
    ]


def append_digest(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add the hidden last cell."""
    digest = _digest_of(app, docname)
    if digest is None:
        return
    state_of(app.env).digests[docname] = digest
    source[0] += f"\n\n```{{code-cell}} ipython3\n:tags: [remove-cell]\n\n{MARKER} {digest}\n```\n"


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
    app.add_config_value("last_build_was_unclean", False, "")
    app.connect("builder-inited", prepare)
    app.connect("build-finished", finish)
    app.connect("env-get-outdated", find_outdated)
    app.connect("source-read", append_digest)
    app.connect("doctree-read", check_appended)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
