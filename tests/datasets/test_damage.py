"""Whatever is wrong with a published file, its parser says so: soon, and in little memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.datasets import damage

ROOT = Path(__file__).parents[2]


def test_a_damaged_file_is_read_or_refused_with_the_promised_error():
    """In a process of its own: parsers written in C may crash on such bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.datasets.damage", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"it ended after the start of {done.stderr[-300:]}"
    reports = {name: damage.Report(**report) for name, report in json.loads(done.stdout).items()}
    assert reports.keys() == damage.parsers().keys()
    for name, report in reports.items():
        assert not report.unpromised, (name, report.unpromised[:3])
        assert sum(report.outcomes.values()) == damage.NUM_INPUTS
        assert report.outcomes["MalformedDataError"] > damage.NUM_INPUTS // 5, name
        assert report.seconds < 2, name
        assert report.megabytes < 200, name


def test_every_module_that_fetches_a_file_is_among_those_tried():
    fetching = {name.rpartition(".")[2] for name in damage.fetching()}
    assert {"ai4i", "gpt2"} <= fetching
    assert fetching - {"weights"} <= damage.modules(), "enter what is missing in damage.parsers()"
    assert "squeezenet" in damage.modules()  # whose parser is in the module `weights`
