"""Where executed notebooks are kept: beside the site, and in a store that checkouts share.

Jupyter-cache keeps the notebooks of one checkout. With `BOOK_CACHE` naming a folder, a page that
is missing there is looked for in that folder before it is executed, and what a build that ended
clean has executed is added to it. The name of a file in the store is a digest of everything that
the outputs depend on, so nothing in it is ever out of date; what cannot be read is left aside.

Captions and the like stand among the options of a cell, and no output depends on them: the page's
own are shown, whatever they were when it was executed.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partialmethod
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase
from sphinx.application import Sphinx
from sphinx.util import logging

from tutorials_lib.benchmark.record import MIME_TYPE

logger = logging.getLogger(__name__)

DAYS_KEPT = 60
"""A notebook that no build has used for so long is removed from the store."""

_UNREADABLE = (OSError, ValueError, AttributeError, nbformat.reader.NotJSONError)


# MyST-NB takes the defaults, by which every option of a cell counts, and those of the executed
# cell are shown.
JupyterCacheBase.create_hashed_notebook = partialmethod(
    JupyterCacheBase.create_hashed_notebook, cell_metadata=("tags",)
)
JupyterCacheBase.merge_match_into_notebook = partialmethod(
    JupyterCacheBase.merge_match_into_notebook, cell_meta=()
)


# ---------------------------------------------------------------- of one checkout


def cache_folder(app: Sphinx) -> Path:
    """Where the executed notebooks of this checkout are kept."""
    return Path(app.config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")


def drop_damaged_notebooks(folder: Path) -> None:
    """Take out of the cache every record whose notebook was not written, or not to its end."""
    if not (folder / "global.db").exists():
        return
    cache = get_cache(folder)
    for record in cache.list_cache_records():
        notebook = folder / "executed" / record.hashkey / "base.ipynb"
        try:
            nbformat.read(notebook, as_version=nbformat.NO_CONVERT)
        except _UNREADABLE:
            NbCacheRecord.remove_records([int(record.pk)], cache.db)  # type: ignore[arg-type]
            shutil.rmtree(notebook.parent, ignore_errors=True)


# ---------------------------------------------------------------- shared


def shared_store() -> Path | None:
    """The folder that `BOOK_CACHE` names, or None."""
    name = os.environ.get("BOOK_CACHE", "")
    return Path(name).expanduser() if name else None


def key_of(cells: Iterable[str]) -> str:
    """The name in the store of a page with these cells, the last of which holds its digest."""
    return hashlib.sha256(json.dumps([cell.strip() for cell in cells]).encode()).hexdigest()[:32]


def take_in(store: Path, key: str, cache: JupyterCacheAbstract, page: Path) -> None:
    """Copy the notebook `key` of the store, if there is one, into the cache of this checkout."""
    path = store / f"{key}.ipynb"
    if not path.exists():
        return
    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        if _key(notebook) != key:
            raise ValueError("its cells are not those that its name stands for")
        with suppress(KeyError):
            cache.match_cache_notebook(notebook)
            return  # it is there already
        data = {"execution_seconds": notebook.metadata.get("execution_seconds")}
        bundle = CacheBundleIn(notebook, str(page), data=data)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        os.utime(path)
    except Exception as error:  # whatever the bytes are: the page is executed instead
        logger.info("%s is left aside and removed: %s", path, error)
        with suppress(OSError):
            path.unlink()


def give_out(store: Path, key: str, cache: JupyterCacheAbstract, executed: Path) -> None:
    """Add a page's notebook to the store, unless it was measured on a busy machine.

    Args:
        store: the shared folder.
        key: the notebook's name there.
        cache: where its cells, outputs and time of execution are kept.
        executed: the notebook as this build has shown it.
    """
    if (store / f"{key}.ipynb").exists():
        return
    try:
        record = cache.match_cache_notebook(nbformat.read(executed, as_version=nbformat.NO_CONVERT))
        notebook = cache.get_cache_bundle(record.pk).nb
    except (KeyError, *_UNREADABLE):
        return  # the page is not executed, or its notebook is gone
    if _key(notebook) != key or is_busy(notebook):
        return
    notebook.metadata.execution_seconds = record.data.get("execution_seconds")
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=store, delete=False, encoding="utf-8") as stream:
        nbformat.write(notebook, stream, version=nbformat.NO_CONVERT)
    os.replace(stream.name, store / f"{key}.ipynb")


def _key(notebook: nbformat.NotebookNode) -> str:
    return key_of(cell.source for cell in notebook.cells if cell.cell_type == "code")


def is_busy(notebook: nbformat.NotebookNode) -> bool:
    """Whether a record among the outputs says that the machine had other work meanwhile.

    With the preset `tiny` nobody reads what was measured.
    """
    return any(
        kind.endswith(MIME_TYPE) and data.get("busy") and data.get("preset") != "tiny"
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        for kind, data in output.get("data", {}).items()
    )


def forget_old(store: Path) -> None:
    """Remove what no build has used for `DAYS_KEPT` days."""
    oldest = time.time() - DAYS_KEPT * 24 * 3600
    for path in store.glob("*"):
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
