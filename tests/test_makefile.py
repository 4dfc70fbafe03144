"""What the Makefile hands to the tools; `make -n` runs nothing of it."""

import os
import shutil
import subprocess

import pytest

from tools import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


OUTER = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "TUTORIAL", "ARGS", "PAGE", "ALONE")
"""What a make that runs these tests would pass on."""


def told(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-n", *arguments]
    ours = {name: value for name, value in os.environ.items() if name not in OUTER}
    return subprocess.run(command, cwd=ROOT, env=ours, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (["lint"], "-m pyright"),
        (
            ["lint", "TUTORIAL=tabular/pca"],
            "-m pyright src/tutorials_lib/tabular/pca tests/tabular/test_pca.py",
        ),
        (["test", "ARGS=-k clip"], "-m tools.test  -k clip"),
        (["test", "TUTORIAL=pca kmeans"], "-m tools.test --tutorial=pca --tutorial=kmeans"),
        (["shots", "PAGE=pca"], "-m tools.browser  pca"),
        (["shots", "PAGE=pca", "ALONE=1"], "-m tools.browser --alone pca"),
    ],
)
def test_a_tutorial_alone_is_tested_checked_and_pictured(arguments: list[str], last: str):
    finished = told(*arguments)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.rstrip().endswith(last)


def test_the_types_of_a_tutorial_that_is_not_there_are_not_those_of_all():
    finished = told("lint", "TUTORIAL=pcb")
    assert finished.returncode != 0
    assert "no tutorial is named pcb" in finished.stderr
