"""Run several pages at once, for results that nobody reads: those of small pages.

Pages are run one after the other, because each measures. Small pages only show that every cell
still runs, so that as many run at once as there are processors.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from nbformat import NotebookNode
from sphinx.util import logging

logger = logging.getLogger(__name__)

MOST = 4
"""Pages at once at the most: each takes up to 2 GB of memory."""


def run(notebooks: Mapping[Path, NotebookNode], cache: JupyterCacheAbstract, timeout: int) -> None:
    """Run the notebooks side by side, and keep each whose cells all ran.

    What is not kept is run again when its page is read, which tells what is wrong with it.

    Args:
        notebooks: by the page that each was read from, in whose folder it runs.
        cache: where the executed ones are kept.
        timeout: seconds for one cell.
    """
    workers = min(os.cpu_count() or 1, MOST)
    with ThreadPoolExecutor(workers) as pool:
        pages = {
            pool.submit(_run_one, page, notebook, timeout): page
            for page, notebook in notebooks.items()
        }
        for done in as_completed(pages):
            page, result = pages[done], done.result()
            if result.err is not None:
                logger.info("%s: stopped, to be run once more", page)
                continue
            logger.info("%s: Executed notebook in %.2f seconds", page, result.time)
            data = {"execution_seconds": result.time}
            bundle = CacheBundleIn(result.nb, str(page), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _run_one(page: Path, notebook: NotebookNode, timeout: int) -> ExecutionResult:
    logger.info("%s: Executing notebook using local CWD", page)
    return single_nb_execution(
        notebook, cwd=str(page.parent), timeout=timeout, allow_errors=False, meta_override=True
    )
