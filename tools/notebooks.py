"""Run the downloads of the built site where only the package is: `python -m tools.notebooks`.

`make notebooks` runs all; `PAGE=kmeans` chooses one, and `--some 2` takes two in rotation, others
every day. Jupyter runs them with the preset of the reader (`TUTORIALS_PRESET=tiny` for a quick
look), in an environment that has the package, its requirements and Jupyter's kernel, and nothing
that builds the book.
"""

import argparse
import datetime
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from tools import ROOT
from tools.names import page_named
from tutorials_lib import environment

OFFERED = ROOT / "_build/html/_sources"
ENVIRONMENT = ROOT / "_build/notebooks"
JUPYTER = ("ipykernel", "nbclient")
"""What opens a notebook, and runs it without a window."""

_INSTALLED = "installed"


def chosen(offered: list[Path], names: list[str], some: int | None, *, day: int) -> list[Path]:
    """Those of the notebooks `offered` that are to be run.

    Args:
        offered: all of them.
        names: of pages, as `page_named` knows them; none means all.
        some: if given, so many of them, which differ from `day` to `day`.
        day: counts the days.

    Raises:
        ValueError: a name is that of no notebook.
    """
    by_name = {path.with_suffix("").as_posix(): path for path in offered}
    found = [by_name[page_named(name, by_name)] for name in names] or offered
    if some is None:
        return found
    first = day * some % len(found)
    return [*found[first:], *found[:first]][:some]


def prepare(folder: Path = ENVIRONMENT) -> Path:
    """The Python of an environment in `folder` that has the package and Jupyter's kernel.

    It is made anew where the requirements have changed.
    """
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    stamp = hashlib.sha256(f"{lock}\0{project}\0{sys.version}".encode()).hexdigest()
    python = folder / "bin" / "python"
    if (folder / _INSTALLED).is_file() and (folder / _INSTALLED).read_text() == stamp:
        return python
    venv.create(folder, clear=True, with_pip=True)
    pinned = [line.split(" ")[0] for line in lock.splitlines() if "==" in line]
    (folder / "versions.txt").write_text("\n".join(pinned) + "\n", encoding="utf-8")
    pip = [python, environment.__file__, "install", "--quiet", "-c", folder / "versions.txt"]
    subprocess.run([*pip, "--editable", ROOT, *JUPYTER], check=True)
    (folder / _INSTALLED).write_text(stamp)
    return python


def run(notebook: Path, python: Path) -> str:
    """Run one notebook from top to bottom in an empty folder; returns the error, or nothing."""
    variables = environment.for_process()
    del variables["PYTHONPATH"]  # the package is found where it is installed, or not at all
    variables["PATH"] = f"{python.parent}{os.pathsep}{variables['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "jupyter", "execute", "--timeout=1200", notebook]
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
    return done.stderr if done.returncode else ""


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; returns 1 if a notebook fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PAGE", help="all, where none is named")
    parser.add_argument("--some", type=int, metavar="N", help="so many, in rotation")
    options = parser.parse_args(arguments)
    if options.some is not None and options.some < 1:
        parser.error(f"--some {options.some}: expected 1 or more")
    offered = sorted(OFFERED.rglob("*.ipynb"))
    if not offered:
        parser.error(f"no notebook in {OFFERED}; run `make book` first")
    try:
        todo = chosen(offered, options.names, options.some, day=datetime.date.today().toordinal())
    except ValueError as error:
        parser.error(str(error))
    python, failed = prepare(), 0
    for notebook in todo:
        start = time.monotonic()
        error = run(notebook, python)
        failed += bool(error)
        seconds = time.monotonic() - start
        name = notebook.relative_to(OFFERED).as_posix()
        print(f"{name}: {'FAILED' if error else 'runs'}, {seconds:.0f} s", flush=True)
        if error:
            print(error, file=sys.stderr)
    print(f"{len(todo) - failed} of {len(todo)} notebooks run from top to bottom.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
