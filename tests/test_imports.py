"""What an import costs: nothing starts a backend, and NumPy's side never loads JAX."""

import os
import subprocess
import sys

import pytest

from tutorials_lib import catalog

TWINS_IN_NUMPY = [
    f"{tutorial.module}.{name}"
    for tutorial in catalog.available()
    for name in ("problem", "in_numpy")
]


def run(code: str) -> str:
    """Run code in a fresh interpreter; returns what it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_importing_the_package_loads_neither_numpy_nor_jax():
    code = "import sys, tutorials_lib; print([n for n in ('numpy', 'jax') if n in sys.modules])"
    assert run(code) == "[]"


def test_the_catalog_and_the_presets_cost_nothing_beyond_the_standard_library():
    code = """
import sys
from tutorials_lib import catalog, presets
print({name.partition(".")[0] for name in sys.modules} & {
    "numpy", "scipy", "jax", "flax", "optax", "matplotlib", "sklearn", "jaxtyping"
})
"""
    assert run(code) == "set()"


@pytest.mark.parametrize("module", ["tutorials_lib", "tutorials_lib.benchmark"])
def test_no_import_of_the_package_starts_a_jax_backend(module: str):
    code = f"import {module}; from tutorials_lib import runtime; print(runtime.backend_started())"
    assert run(code) == "False"


def test_the_numpy_side_of_every_tutorial_loads_no_jax():
    code = f"""
import importlib, sys
for name in {TWINS_IN_NUMPY}:
    importlib.import_module(name)
    assert "jax" not in sys.modules, name + " imports JAX"
"""
    run(code)


def test_importing_a_comparison_starts_no_backend():
    code = f"""
import importlib
from tutorials_lib import runtime
for name in {[f"{tutorial.module}.comparison" for tutorial in catalog.available()]}:
    importlib.import_module(name)
    assert not runtime.backend_started(), name + " runs JAX when it is imported"
"""
    run(code)
