"""Run the tests: `python -m tools.test [ARGUMENTS OF PYTEST]`.

In two calls, each of which names its slowest tests: everything in two workers, then, alone on both
cores, what reads a clock or builds.
"""

import subprocess
import sys

import pytest

from tools import ROOT

SLOWEST = ("--durations=15", "--durations-min=5")
SHARED = (*SLOWEST, "-n", "2", "--dist", "loadgroup", "-m", "not clock and not weekly")
ALONE = (*SLOWEST, "-m", "clock and not weekly")


def main() -> int:
    """Return the status of the call that failed, or that no test was chosen by either."""
    statuses = {
        subprocess.run(
            [sys.executable, "-m", "pytest", *call, *sys.argv[1:]], cwd=ROOT, check=False
        ).returncode
        for call in (SHARED, ALONE)
    }
    failed = statuses - {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    if failed:
        return max(failed)
    return min(statuses)  # no test is a failure only where neither call has found one


if __name__ == "__main__":
    sys.exit(main())
