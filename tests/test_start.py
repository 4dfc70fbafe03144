"""The start page: its five lines run in a fresh Python, and its versions are those of the lock."""

import importlib.metadata
import math
import re
import subprocess
import sys

import pytest

from tools import ROOT
from tools.markdown import parse
from tutorials_lib import environment, start

PAGE = parse((ROOT / "book/start.md").read_text(encoding="utf-8"))


def test_the_first_cell_is_five_lines_that_run_in_a_fresh_python() -> None:
    lines = [line for line in PAGE.cells[0].body if line.strip()]
    assert len(lines) == 5
    assert not any("tutorials_lib" in line for line in lines)
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)],
        capture_output=True, text=True, env=environment.for_process(), check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    slopes, devices = finished.stdout.splitlines()
    found = [float(number) for number in re.findall(r"[\d.]+", slopes)]
    assert found == pytest.approx([math.sin(2 * x) for x in (0.0, 0.5, 1.0)], rel=1e-6)
    assert "Device" in devices


def test_the_commands_name_the_versions_of_the_lock() -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    commands = [start.pinned(), *(row[2] for row in start.install_rows())]
    found = re.findall(r'"(\w+)(?:\[\w+\])?==([\d.]+)"', " ".join(commands))
    assert {name for name, _ in found} == {"jax", "flax", "optax", "numpy"}
    for name, version in found:
        assert re.search(rf"^{name}=={re.escape(version)} ", lock, re.MULTILINE), name


def test_an_extra_that_jax_does_not_offer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = importlib.metadata.metadata("jax").get_all("Provides-Extra") or []
    assert set(start.EXTRAS.values()) <= {"", *offered}
    monkeypatch.setattr(start, "EXTRAS", {"an abacus": "beads"})
    with pytest.raises(LookupError, match=r"no extra 'beads'; it has: .*tpu"):
        start.install_rows()


def test_the_start_page_comes_first() -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert re.findall(r"file: (\S+)", toc)[0] == "book/start"
