"""Run the tests: `python -m tools.test [ARGUMENTS OF PYTEST]`.

In two calls, each of which names its slowest tests: everything in two workers, then, alone on both
cores, what reads a clock or builds.

With `--tutorial kmeans` only the tests of that tutorial are collected, and those that every
tutorial owes, in one call and one worker: to collect all tests, so as to choose a few, takes far
longer than to run these. `--tutorial` may be given several times.
"""

import argparse
import subprocess
import sys

import pytest

from tools import ROOT
from tutorials_lib import catalog

SLOWEST = ("--durations=15", "--durations-min=5")
SHARED = (*SLOWEST, "-n", "2", "--dist", "loadgroup", "-m", "not clock and not weekly")
ALONE = (*SLOWEST, "-m", "clock and not weekly")
ONE = (*SLOWEST, "-n", "1", "--dist", "loadgroup", "-m", "not weekly")
"""A single worker has the cores to itself, and keeps compiled programs as the two do."""

OWED = ("tests/test_tutorials.py", "tests/test_contract.py", "tests/test_book.py")
"""What is tested of every tutorial alike."""


def tests_of(names: list[str]) -> list[str]:
    """What chooses the tests of the tutorials `kmeans`, or `tabular/kmeans`: files, and words.

    Raises:
        SystemExit: there is no such tutorial, or it has no tests; the message says so.
    """
    files = []
    for name in names:
        try:
            tutorial = catalog.find(name.rpartition("/")[2])
        except KeyError as error:
            raise SystemExit(str(error.args[0])) from None
        file = f"tests/{tutorial.part}/test_{tutorial.slug}.py"
        if not (ROOT / file).is_file():
            raise SystemExit(f"{tutorial.slug} has no tests yet; they stand in {file}")
        files.append(file)
    words = " or ".join(name.rpartition("/")[2] for name in names)
    return [*files, *OWED, "-k", words]


def main() -> int:
    """Return the status of the call that failed, or that no test was chosen by either."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--tutorial", action="append")
    known, others = parser.parse_known_args()
    if known.tutorial:
        calls = [(*ONE, *tests_of(known.tutorial), *others)]
    else:
        calls = [(*SHARED, *others), (*ALONE, *others)]
    statuses = {
        subprocess.run([sys.executable, "-m", "pytest", *call], cwd=ROOT, check=False).returncode
        for call in calls
    }
    failed = statuses - {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    if failed:
        return max(failed)
    return min(statuses)  # no test is a failure only where neither call has found one


if __name__ == "__main__":
    sys.exit(main())
