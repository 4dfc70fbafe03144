"""requirements.txt pins what pyproject.toml asks for, on every supported Python."""

import re
import tomllib

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import tutorials_lib
from tools import ROOT

PYTHONS = ("3.11", "3.12", "3.13")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINS = [
    Requirement(line.rstrip(" \\"))
    for line in LOCK.splitlines()
    if line and not line.startswith((" ", "#"))
]
ASKED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["book"]]
ASKED += PROJECT["optional-dependencies"]["dev"]


def pins_for(python: str) -> dict[str, str]:
    """Name to version of what is installed on Linux with that Python."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in PINS
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("asked", ASKED)
def test_the_lock_satisfies_the_project(asked: str, python: str):
    requirement = Requirement(asked)
    version = pins_for(python).get(canonicalize_name(requirement.name))
    assert version is not None, f"make lock: requirements.txt has no {requirement.name}"
    assert requirement.specifier.contains(version), f"make lock: {asked}, pinned {version}"


@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_is_pinned_once(python: str):
    names = [canonicalize_name(pin.name) for pin in PINS]
    assert all(re.fullmatch(r"==[^=,]+", str(pin.specifier)) for pin in PINS)
    assert len(pins_for(python)) <= len(set(names)) <= len(names)


def test_every_pin_has_its_hashes():
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_holds_no_setting_of_the_machine_that_made_it():
    assert not re.search(r"^--(index|extra-index|find-links|trusted)|file://", LOCK, re.MULTILINE)


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["version"] == tutorials_lib.__version__ == citation["version"]


def test_the_supported_pythons_are_the_ones_that_are_tested():
    supported = SpecifierSet(PROJECT["requires-python"])
    found = [f"3.{minor}" for minor in range(8, 20) if supported.contains(f"3.{minor}")]
    assert found == list(PYTHONS)
    setup = (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
    assert f"in {' | '.join(PYTHONS)})" in setup
