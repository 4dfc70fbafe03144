"""The set-up behind every make target, on machines that are played by small scripts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import ROOT

pytestmark = pytest.mark.clock

# Plays a Python: knows its version, may lack venv, writes down what pip is asked to do.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *ensurepip*) exit {has_no_venv} ;;
    *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"pip --version"*) ;;
    *environment.py*) echo "$*" >>pip.log; [ ! -e pip-fails ] ;;
esac
"""


class Machine:
    """A checkout and a path on which only the Pythons of the test can be found."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "a checkout"
        self.bin = folder / "bin"
        (self.checkout / "tools").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "tools" / "setup.sh", self.checkout / "tools")
        (self.checkout / "requirements.txt").write_text("one==1\n")
        (self.checkout / "pyproject.toml").write_text("[project]\n")
        for tool in ("cat", "cksum", "date", "dirname", "find", "mkdir", "cp", "rm"):
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)

    def add_python(self, name: str, version: str, *, has_venv: bool = True) -> Path:
        path = self.bin / name
        path.write_text(FAKE_PYTHON.format(version=version, has_no_venv=int(not has_venv)))
        path.chmod(0o755)
        return path

    def setup(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("sh") or "sh", "tools/setup.sh"],
            cwd=self.checkout,
            env={"PATH": str(self.bin)} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def pip_calls(self) -> int:
        log = self.checkout / "pip.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """A machine on which the set-up has been done."""
    machine.add_python("python3", "3.12")
    finished = machine.setup()
    assert finished.returncode == 0, finished.stderr
    assert machine.pip_calls() == 2
    return machine


def test_a_second_run_calls_no_pip(ready: Machine):
    finished = ready.setup()
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert ready.pip_calls() == 2


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_changed_requirement_is_installed(ready: Machine, name: str):
    (ready.checkout / name).write_text("changed\n")
    (ready.checkout / ".venv" / "kept").touch()
    assert ready.setup().returncode == 0
    assert ready.pip_calls() == 4
    assert (ready.checkout / ".venv" / "kept").exists()


def test_a_file_that_is_only_newer_changes_nothing(ready: Machine):
    os.utime(ready.checkout / "requirements.txt")
    assert ready.setup().returncode == 0
    assert ready.pip_calls() == 2


def test_a_checkout_that_was_moved_is_installed_again(ready: Machine):
    ready.checkout = ready.checkout.rename(ready.checkout.with_name("moved"))
    assert ready.setup().returncode == 0
    assert ready.pip_calls() == 4


def test_an_installation_that_was_cut_short_starts_afresh(machine: Machine):
    machine.add_python("python3", "3.11")
    (machine.checkout / "pip-fails").touch()
    finished = machine.setup()
    assert finished.returncode == 1
    assert "did not finish" in finished.stderr.splitlines()[-1]
    (machine.checkout / ".venv" / "half").touch()
    (machine.checkout / "pip-fails").unlink()
    assert machine.setup().returncode == 0
    assert not (machine.checkout / ".venv" / "half").exists()
    assert machine.setup().stderr == ""


def test_an_environment_whose_python_is_gone_is_made_again(ready: Machine):
    (ready.checkout / ".venv" / "bin" / "python").unlink()
    assert ready.setup().returncode == 0
    assert ready.pip_calls() == 4


def test_the_first_suitable_python_is_taken(machine: Machine):
    machine.add_python("python3", "3.10")
    machine.add_python("python3.13", "3.13", has_venv=False)
    machine.add_python("python3.12", "3.12")
    finished = machine.setup()
    assert finished.returncode == 0, finished.stderr
    assert "with Python 3.12" in finished.stderr


def test_another_python_can_be_asked_for_and_stays(ready: Machine):
    other = ready.add_python("other", "3.13")
    assert "with Python 3.13" in ready.setup(PYTHON=str(other)).stderr
    assert ready.pip_calls() == 4
    assert ready.setup(PYTHON=str(other)).stderr == ready.setup().stderr == ""


@pytest.mark.parametrize(
    ("pythons", "environment", "message"),
    [
        ([], {}, "Python 3.11, 3.12 or 3.13 is needed; found none."),
        ([("python3", "3.9")], {}, "found 3.9. Install one of them, or name it: make PYTHON="),
        ([("python3", "3.14"), ("python", "2.7")], {}, "found 3.14, 2.7."),
        ([("python3", "3.12", "no venv")], {}, "sudo apt install python3.12-venv"),
        ([("python3", "3.12")], {"PYTHON": "/nowhere/python"}, "PYTHON=/nowhere/python cannot be"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    machine: Machine, pythons: list[tuple[str, ...]], environment: dict[str, str], message: str
):
    for name, version, *without in pythons:
        machine.add_python(name, version, has_venv=not without)
    finished = machine.setup(**environment)
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert message in line
    assert not (machine.checkout / ".venv").exists()


def test_help_lists_every_target():
    finished = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = [line.split()[1] for line in finished.stdout.splitlines() if "  make " in line]
    targets = ("book", "test", "check", "lint", "pdf", "page", "serve", "bench", "linkcheck", "new")
    assert {*targets, "lock", "clean", "help"} <= set(listed)


def test_every_text_has_unix_line_ends_whatever_git_is_set_to():
    git = ["git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    listed = subprocess.run(
        [*git, "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    texts = [line for line in listed if not line.startswith("i/-text")]
    assert any(line.endswith("tools/setup.sh") for line in texts)
    assert [line for line in texts if "eol=lf" not in line] == []
