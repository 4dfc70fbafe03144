"""The machine card: what a figure was measured on."""

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

import jax
import threadpoolctl

from tutorials_lib import runtime
from tutorials_lib.benchmark import settings as jax_settings

_PACKAGES = ("numpy", "scipy", "jax", "jaxlib", "flax", "optax", "scikit-learn")


def machine_card() -> dict[str, str]:
    """What there is to know about this machine and these versions, as label to text.

    Starts the JAX backend.
    """
    settings = runtime.configure()
    device = jax.devices()[0]
    return {
        "processor": processor(),
        "cores": str(num_cores()),
        "accelerator": "none" if device.platform == "cpu" else device.device_kind,
        "JAX backend": f"{device.platform}, {jax.device_count()} device(s)",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "BLAS of NumPy": _numpy_blas(),
        **{name: _version(name) for name in _PACKAGES},
        **settings,
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", "") or "none",
        "settings of JAX": _differing_settings(),
        "threads": jax_settings.threads(),
        "OPENBLAS_THREAD_TIMEOUT": os.environ.get("OPENBLAS_THREAD_TIMEOUT", "") or "default",
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def num_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _differing_settings() -> str:
    differing = jax_settings.changed().items()
    return ", ".join(f"{name}={value}" for name, value in differing) or "default"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The name of this machine's processor, or what the system calls its kind."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine() or "unknown"


def _numpy_blas() -> str:
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas" and "numpy" in library["filepath"].lower():
            return f"{library['internal_api']} {library['version']}"
    return "unknown"
