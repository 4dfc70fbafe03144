"""What holds for every test: JAX on the CPU, no network, no setting of the person who runs them."""

import ctypes
import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import psutil
import pytest

from tutorials_lib import environment

environment.enter()
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["MPLBACKEND"] = "agg"
for _setting in (*environment.SETTINGS, "JAX_COMPILATION_CACHE_DIR", "BOOK_CACHE", "BOOK_SECONDS"):
    os.environ.pop(_setting, None)

import hypothesis  # noqa: E402
import jax  # noqa: E402
from jax.experimental.compilation_cache import compilation_cache  # noqa: E402

from tutorials_lib import runtime  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

MOST_BYTES = 2 << 30
"""What a process of the tests may hold from one module to the next."""


@functools.cache
def _compilation_cache() -> Path:
    """Where compiled programs outlive the checkout: a folder for each version and processor."""
    cpuinfo = Path("/proc/cpuinfo")
    described = cpuinfo.read_text() if cpuinfo.is_file() else platform.processor()
    features = "".join(re.findall(r"^flags\s*:.*$", described, re.MULTILINE)[:1]) or described
    parts = (importlib.metadata.version("jaxlib"), features, os.environ.get("XLA_FLAGS", ""))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("tutorials_lib") / "compiled" / key


def _keep_compiled_programs(group: str) -> None:
    """Have JAX keep what it compiles, in the folder of a group of tests.

    A group is run by one worker, so that no two write to the same folder: JAX would read what is
    half written. A plugin of pytest has imported JAX by now, so that a variable of the environment
    comes too late for this process; those that tests start read it.
    """
    folder = str(_compilation_cache() / group)
    if jax.config.values["jax_compilation_cache_dir"] != folder:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
        jax.config.update("jax_compilation_cache_dir", folder)
        compilation_cache.reset_cache()


WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if WORKER:  # what is timed, alone and without workers, is compiled
    _keep_compiled_programs(WORKER)
runtime.configure()  # before any test starts JAX's backend, as on a page

# A compilation may fall into any example, so examples have no deadline; and CI repeats itself.
hypothesis.settings.register_profile(
    "tutorials", deadline=None, derandomize="CI" in os.environ, print_blob=True
)
hypothesis.settings.load_profile("tutorials")


def _only_loopback(event: str, arguments: tuple) -> None:
    """Refuse every connection that would leave this machine."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"):
        raise ConnectionRefusedError(f"tests use no network, but something asked for {host}")


sys.addaudithook(_only_loopback)


@pytest.fixture
def published_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the published data sets, set as the mirror; skips where there is none.

    It is looked for where `TUTORIALS_DATA_MIRROR` says, else in `shared/datasets` beside the
    checkout.
    """
    beside = ROOT.parent / "shared" / "datasets"
    folder = Path(os.environ.get("TUTORIALS_DATA_MIRROR", beside))
    if not folder.is_dir():
        pytest.skip(f"no published data sets at {folder} (TUTORIALS_DATA_MIRROR names them)")
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    """Close what a test has drawn and not shown; matplotlib warns when figures pile up."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name a case of bytes by its argument: a gzip header holds the time at which it was made.

    Workers collect the tests each for itself, and must come to the same names.
    """
    return argname if isinstance(val, bytes) else None


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark of the workers without them, too: `pytest -p no:xdist` runs a file quickest.

    A program that cannot be kept, or was kept by half, is compiled, and is no fault.
    """
    config.addinivalue_line("markers", "xdist_group(name): keep what has this name in one worker")
    unkept = "default:Error (reading|writing) persistent compilation cache entry:UserWarning"
    config.addinivalue_line("filterwarnings", unkept)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what compiles the same programs in one worker: a tutorial, or the tests of a file."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        of_file = item.path.stem.removeprefix("test_")
        group = getattr(parameters.get("tutorial"), "slug", of_file)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Find what the test's group has compiled, before its fixtures compile."""
    group = item.get_closest_marker("xdist_group")
    if WORKER and group:
        _keep_compiled_programs(group.args[0])


@pytest.fixture(autouse=True, scope="module")
def _compiled_programs_are_forgotten() -> Iterator[None]:
    """Give the memory of a module's programs back, which would add up to gigabytes, and look at it.

    JAX keeps what it has compiled, and the C library what has been freed.
    """
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)
    used = psutil.Process().memory_info().rss
    assert used < MOST_BYTES, f"{used >> 20:,} MiB are held after this module's tests"
