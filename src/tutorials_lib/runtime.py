"""The settings of the process that the measurements depend on, applied in this one place.

`configure` runs when `tutorials_lib.benchmark` is imported. It starts no JAX backend. What it
did, and what it left alone and why, is printed on the machine card. With
`TUTORIALS_SETTINGS=off` it does nothing, so that the effect of the settings can be measured.
"""

import ctypes
import importlib.metadata
import os
import platform
import sys
import warnings
from functools import cache

from tutorials_lib import presets

CONVOLUTION_FLAG = (
    "--xla_cpu_experimental_ynn_fusion_type=-LIBRARY_FUSION_TYPE_INDIVIDUAL_CONVOLUTION"
)
"""Keeps convolutions on XLA's two-core path; jaxlib 0.10.2 otherwise runs them on one core."""

JAXLIB_WITH_CONVOLUTION_FLAG = frozenset({"0.10.2", "0.11.2"})
"""Exact versions that know the flag: XLA aborts the process on a flag that it does not know.

0.11.1 is not listed, since its `fori_loop` can hang on a CPU.
"""

RUN_ONCE = {"xla_backend_optimization_level": 1}
"""`compiler_options` for `jax.jit` of a program that runs once, such as one that draws parameters.

At its default level LLVM optimizes the random draws for longer than the whole program runs. JAX
takes such options for the outermost program only: inside another `jax.jit` it raises `ValueError`.
"""

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_LARGEST_INT = 2**31 - 1
_TICKS_PER_SECOND = 1.8e9  # of a slow processor; the faster the clock, the sooner they sleep
_TOP_PAD_BYTES = 2**28


@cache
def configure() -> dict[str, str]:
    """Apply every setting once and say what became of each.

    Returns a line for each of `convolutions`, `matrix products`, `allocator` and
    `compilation cache`.
    """
    if not presets.settings_are_applied():
        names = ("convolutions", "matrix products", "allocator", "compilation cache")
        return dict.fromkeys(names, "default")
    return {
        "convolutions": _keep_convolutions_on_all_cores(),
        "matrix products": _multiply_in_float32(),
        "allocator": _keep_freed_memory(),
        "compilation cache": _cache_every_program(),
    }


def blas_spin_seconds() -> float:
    """How long a thread of OpenBLAS spins after a call, at most, until it goes to sleep.

    It does so for 2^28 ticks of the processor's clock, or for as many as the exponent in
    `OPENBLAS_THREAD_TIMEOUT` says, which OpenBLAS reads when NumPy is loaded. Meanwhile other
    work is slowed down: right after a product JAX took a third longer on two cores.
    """
    value = os.environ.get("OPENBLAS_THREAD_TIMEOUT", "")
    chosen = int(value) if value.isdigit() else 0
    exponent = min(max(chosen, 4), 30) if chosen else 28  # as OpenBLAS bounds it
    return 2**exponent / _TICKS_PER_SECOND


def backend_started() -> bool:
    """Whether a JAX backend exists already, after which XLA flags are no longer read."""
    if "jax" not in sys.modules:
        return False
    from jax._src import xla_bridge  # no public name for this; a test pins it

    return xla_bridge.backends_are_initialized()


def _keep_convolutions_on_all_cores() -> str:
    version = importlib.metadata.version("jaxlib")
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_experimental_ynn_fusion_type" in flags:
        return "as XLA_FLAGS says"
    if version not in JAXLIB_WITH_CONVOLUTION_FLAG:
        return f"XLA's default (jaxlib {version} is not known to have the switch)"
    if not _runs_on_cpu():
        return "XLA's default (an accelerator is installed)"
    if backend_started():
        warnings.warn(
            "tutorials_lib.benchmark was imported after JAX had started its backend, too late to "
            "set XLA's convolution switch; import it before the first JAX computation",
            stacklevel=2,
        )
        return "XLA's default (set too late)"
    os.environ["XLA_FLAGS"] = f"{flags} {CONVOLUTION_FLAG}".strip()
    return "all cores (YNNPACK off for single convolutions)"


def _runs_on_cpu() -> bool:
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if platforms:
        return platforms == "cpu"
    return not importlib.metadata.entry_points(group="jax_plugins")


def _multiply_in_float32() -> str:
    """Let an accelerator multiply float32 numbers as they are, as NumPy does.

    By default XLA has its matrix units round them first, to TF32 (10 bits) or bfloat16 (7 bits):
    two twins would not agree, and two precisions would be timed.
    """
    import jax

    chosen = jax.config.values["jax_default_matmul_precision"]
    if chosen is not None:
        return f"{chosen}, as JAX_DEFAULT_MATMUL_PRECISION says"
    if _runs_on_cpu():
        return "float32, as they come"
    jax.config.update("jax_default_matmul_precision", "highest")
    return "float32 (an accelerator would round it first)"


def _keep_freed_memory() -> str:
    """Let glibc keep large freed blocks; otherwise every temporary costs its page faults again."""
    if platform.libc_ver()[0] != "glibc":
        return "the system's default (not glibc)"
    mallopt = ctypes.CDLL(None).mallopt
    accepted = [
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_INT),
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT),
        mallopt(_M_TOP_PAD, _TOP_PAD_BYTES),
    ]
    return "keeps freed memory" if all(accepted) else "the system's default (mallopt refused)"


def _cache_every_program() -> str:
    """With `JAX_COMPILATION_CACHE_DIR` set, cache small programs too (JAX skips them)."""
    import jax

    if not jax.config.values["jax_compilation_cache_dir"]:
        return "off"
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return "on, except while compiling is timed"
