"""How to install JAX: the commands, and the versions that this book pins."""

import importlib.metadata
from collections.abc import Sequence

EXTRAS = {
    "a processor (Linux, macOS, Windows)": "",
    "an NVIDIA GPU (Linux)": "cuda13",
    "an NVIDIA GPU with an older driver (Linux)": "cuda12",
    "a Mac with Apple silicon": "",
    "a TPU of Google Cloud": "tpu",
}
"""What a reader may have, and the extra of the package `jax` that goes with it."""

COMPANIONS = ("flax", "optax", "numpy")
"""What the tutorials use beside JAX."""


def install_rows() -> list[list[str]]:
    """For each machine: what it is, the command for the newest JAX, and that for the pinned one.

    Raises:
        LookupError: the installed version of JAX does not offer one of `EXTRAS`.
    """
    offered = importlib.metadata.metadata("jax").get_all("Provides-Extra") or []
    version = importlib.metadata.version("jax")
    rows = []
    for machine, extra in EXTRAS.items():
        if extra and extra not in offered:
            raise LookupError(f"jax {version} has no extra {extra!r}; it has: {', '.join(offered)}")
        package = f"jax[{extra}]" if extra else "jax"
        rows.append(
            [machine, f'`pip install "{package}"`', f'`pip install "{package}=={version}"`']
        )
    return rows


def pinned(packages: Sequence[str] = COMPANIONS) -> str:
    """The command that installs `packages` in the versions of this book."""
    versions = (f'"{name}=={importlib.metadata.version(name)}"' for name in packages)
    return f"pip install {' '.join(versions)}"
