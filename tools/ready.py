"""A build of the site that is ready to begin: everything that it needs is imported.

`python -m tools.ready` imports, waits for a line on its standard input, builds as `make book` does,
and ends. `make serve` always has one at hand, so that a saved page need not wait for imports.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tools import ROOT, build
from tutorials_lib import environment

SETTINGS = ROOT / "_config.yml"
EXTENSIONS = ROOT / "book/_ext"


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
        self.prepare()
        assert self._waiting is not None
        self._waiting.communicate(b"build\n")
        succeeded = self._waiting.returncode == 0
        self._waiting = None
        self.prepare()
        return succeeded


def import_all() -> None:
    """Import what a build does: Jupyter Book, and the extensions that the settings name."""
    import yaml

    importlib.import_module("jupyter_book.sphinx")
    importlib.import_module("sphinx.builders.html")
    settings: dict[str, Any] = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    sys.path.append(str(EXTENSIONS))  # as Jupyter Book does for `local_extensions`
    for name in settings["sphinx"]["config"]["extensions"]:
        importlib.import_module(name)


def main() -> int:
    """Import, wait, and build if told to; returns the build's exit status."""
    environment.enter()
    os.chdir(ROOT)
    import_all()
    if not sys.stdin.readline():
        return 0
    with build.alone():
        return build.build_html()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
