"""JAX's settings: which of them differ from the defaults, and which would ruin a measurement."""

import json
import os
import subprocess
import sys
from enum import Enum
from functools import cache

import jax

_RUINOUS = {
    "jax_disable_jit": "nothing would be compiled",
    "jax_disable_most_optimizations": "programs would be compiled quickly and not for speed",
    "jax_enable_x64": "JAX would make 64-bit numbers where NumPy gets 32-bit ones",
    "jax_debug_nans": "every result would be looked through",
    "jax_debug_infs": "every result would be looked through",
    "jax_debug_key_reuse": "every use of a key would be checked",
    "jax_check_tracer_leaks": "every trace would be checked",
    "jax_enable_checks": "JAX would check itself",
    "jax_no_execution": "nothing would run",
}
"""Settings with which no measurement is taken, and why."""

_TOLD_ELSEWHERE = frozenset(
    {
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    }
)
"""Settings of the cache of compiled programs, which the machine card has a line for."""

_PRINT_DEFAULTS = (
    "import jax, json; print(json.dumps({k: repr(v) for k, v in jax.config.values.items()}))"
)


class SettingsError(RuntimeError):
    """A setting of JAX would make the figures mean something else."""


def changed() -> dict[str, object]:
    """The settings of JAX that differ from their defaults, those of its cache left out."""
    defaults = _defaults()
    return {
        name: value
        for name, value in sorted(jax.config.values.items())
        if name not in _TOLD_ELSEWHERE and defaults.get(name, repr(value)) != repr(value)
    }


def as_environment() -> dict[str, str]:
    """The environment variables that give another process the settings of `changed`."""
    return {
        name.upper(): value.name.lower() if isinstance(value, Enum) else str(value)
        for name, value in changed().items()
        if value is not None
    }


def require_honest() -> None:
    """Refuse to measure with a setting that would ruin the measurement.

    Raises:
        SettingsError: naming the setting, what it does, and how to undo it.
    """
    for name in sorted(_RUINOUS.keys() & changed().keys()):
        raise SettingsError(
            f"{name} is {jax.config.values[name]!r}, and so {_RUINOUS[name]}: nothing is timed. "
            f"Unset the environment variable {name.upper()}, or give back the default with "
            f"jax.config.update({name!r}, ...)."
        )


def threads() -> str:
    """The numbers of threads that the environment asks libraries for."""
    asked = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
    return ", ".join(f"{name}={value}" for name, value in sorted(asked.items())) or "default"


@cache
def _defaults() -> dict[str, str]:
    """JAX's own defaults: read in a process without its variables, since JAX forgets them."""
    without = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    found = subprocess.run(
        [sys.executable, "-c", _PRINT_DEFAULTS],
        env=without, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return json.loads(found.stdout)
