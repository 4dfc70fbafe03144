"""A build of the site that is ready to begin: all that it needs is imported, loaded and computed.

`python -m tools.ready` imports, loads what the last build knew, waits for a line on its standard
input, builds as `make book` does, and ends. `make serve` always has one at hand, so that a saved
page waits for itself alone.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tools import ROOT, build
from tutorials_lib import environment

SETTINGS = ROOT / "_config.yml"
EXTENSIONS = ROOT / "book/_ext"
LOG = build.BUILD / "book.log"
STALE = 75
"""The exit status of a process that has not begun, because another build has ended meanwhile."""


class ReadyBuild:
    """The process that waits, and those that come after it: each builds once.

    Args:
        command: a program that builds once it reads a line, and ends without if there is none.
    """

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "tools.ready")) -> None:
        self._command = command
        self._waiting: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start the next process, unless one is waiting."""
        if self._waiting is None:
            self._waiting = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE)

    def forget(self) -> None:
        """Let the process that waits end without a build: what it has imported has changed."""
        if self._waiting is not None:
            self._waiting.communicate()
            self._waiting = None

    def run(self) -> bool:
        """Build now, and have the next process ready; returns whether the build succeeded."""
        status = STALE
        while status == STALE:
            self.prepare()
            assert self._waiting is not None
            self._waiting.communicate(b"build\n")
            status, self._waiting = self._waiting.returncode, None
        self.prepare()
        return status == 0


def import_all() -> None:
    """Import what a build does: Jupyter Book, and the extensions that the settings name."""
    import yaml

    importlib.import_module("jupyter_book.sphinx")
    importlib.import_module("sphinx.builders.html")
    settings: dict[str, Any] = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    sys.path.append(str(EXTENSIONS))  # as Jupyter Book does for `local_extensions`
    for name in settings["sphinx"]["config"]["extensions"]:
        importlib.import_module(name)


def when_told(lock: ExitStack) -> Callable[[Any], None]:
    """What is done between loading and building: compute, wait, and take this checkout's lock."""

    def wait(app: Any) -> None:
        loaded = _stamp(app)
        with suppress(Exception):  # what fails here fails in the build, too, which says it better
            foresee(app)
        if not sys.stdin.readline():
            os._exit(0)  # nothing has begun, so there is nothing to end
        signal.signal(signal.SIGINT, signal.default_int_handler)
        lock.enter_context(build.alone())
        if _stamp(app) != loaded:
            os._exit(STALE)
        os.truncate(LOG, 0)

    return wait


def foresee(app: Any) -> None:
    """Do what the next build will ask for, as far as everything stays as it is."""
    import citations
    import freshness
    import package_api
    import published
    import purge
    import records

    freshness.foresee_digests(app)
    package_api.find_outdated(app, app.env, set(), set(), set())  # which imports the package
    published.foresee_digests(app)
    citations.foresee_wording(app)
    purge.words_of_site(Path(app.outdir))
    records.ledger_figure(app.env)
    _load_templates(app.builder.templates)
    gc.freeze()  # all of this stays as long as the process does, so nobody need look through it


def _load_templates(templates: Any) -> None:
    """Compile the theme's templates and ours, which stay with the environment of Jinja."""
    for folder in map(Path, templates.pathchain):
        for path in folder.rglob("*.html"):
            templates.environment.get_template(path.relative_to(folder).as_posix())


def _stamp(app: Any) -> float:
    """When the last build wrote down what it knew; another one may since."""
    known = Path(app.doctreedir, "environment.pickle")
    return known.stat().st_mtime if known.is_file() else 0.0


def main() -> int:
    """Import, load, wait, and build if told to; returns the build's exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its standard input does
    environment.enter()
    os.chdir(ROOT)
    with suppress(Exception):  # what cannot be imported or read, the build says better
        import_all()
    with ExitStack() as lock:
        done, executed = build.build([*build.HTML], LOG, when_loaded=when_told(lock))
    if done:
        print(f"  the site is ready: {executed} page{'s' * (executed != 1)} run", flush=True)
    return 0 if done else 1


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    sys.stdout.flush()
    os._exit(status)  # to clear away all that was imported takes a third of a second
