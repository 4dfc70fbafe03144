"""What of the caller's environment may pass into notebook kernels, tests, fresh processes and pip.

A setting in a shell profile must not change what a page shows or a test finds. So what may pass
is listed here, and only here: of the variables that `MANAGED` matches those in `PASSING`, and for
pip those in `PASSING_TO_PIP`. Variables of other kinds (`PATH`, `HOME`, ...) pass.

Run as a script this file is pip in such an environment. `tools/setup.sh` does so before anything
is installed, so the top of the file needs the standard library alone.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

SETTINGS = {
    "TUTORIALS_DATA": "offline",
    "TUTORIALS_PRESET": "page",
    "TUTORIALS_SETTINGS": "on",
}
"""The project's own variables that change results, and what each is when it is unset or empty."""

CHANGES_RESULTS = (
    *("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE"),
    *("OMP_*", "OPENBLAS_*", "MKL_*", "GOTO_*", "BLIS_*", "VECLIB_*"),
    *("KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_HW_SUBSET"),
)
"""What passes and changes results: the choice of a device, and the threads of BLAS.

Of OpenMP's `KMP_*` only what a person sets: scikit-learn sets others when it is imported, so that
a digest would depend on what the process has imported before.
"""

LIBRARIES = (
    *("JAX_*", "XLA_*", "TF_CPP_*", "TF_XLA_*", "FLAX_*", "JAXTYPING_*"),
    *("NPY_*", "SCIPY_*", "SKLEARN_*"),
)
"""Variables of the libraries that compute."""

MANAGED = (
    *LIBRARIES,
    *("PYTHON?*", "PIP_*", "JUPYTER_*", "JPY_*", "MPL*", "MATPLOTLIB*"),
    *("FORCE_COLOR", "NO_COLOR", "CLICOLOR*", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
    *("*_proxy", "*_PROXY", "GRPC_*"),
)
"""The families of variables of which only what is listed may pass."""

PASSING = (
    *CHANGES_RESULTS,
    "JAX_COMPILATION_CACHE_DIR",
    "XLA_PYTHON_CLIENT_*",  # how much of a GPU's memory JAX takes
    "TF_CPP_MIN_LOG_LEVEL",
    "MPLCONFIGDIR",  # where Matplotlib keeps its list of fonts
    "JUPYTER_RUNTIME_DIR",
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),  # published data sets may need them
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
"""What passes into kernels, tests and fresh processes."""

PASSING_TO_PIP = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"),
    *("PIP_TRUSTED_HOST", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_KEYRING_PROVIDER"),
    *("PIP_CONFIG_FILE", "PIP_CACHE_DIR", "PIP_NO_CACHE_DIR", "PIP_USE_FEATURE"),
    *("PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES"),
)
"""What passes into pip: where packages come from, never where they go or how they are built."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The hosts that are never asked for through a proxy."""


class SettingError(ValueError):
    """A documented variable has a value that it cannot have."""


def for_process(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a notebook kernel, a test or a fresh process.

    It imports the same `tutorials_lib` as this process, and reads no `matplotlibrc`. Applied to
    its own result it changes nothing.

    Args:
        variables: what may pass is taken from these (default: from this process's own).
    """
    variables = os.environ if variables is None else variables
    passing = {
        name: value
        for name, value in variables.items()
        if _passes(name) and (value or not name.startswith("TUTORIALS_"))
    }
    passing["PYTHONPATH"] = str(Path(__file__).parents[1])
    passing["MATPLOTLIBRC"] = os.devnull
    return _without_proxy_for_loopback(passing)


def for_pip(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of pip, made from `variables`."""
    passing = {
        name: value
        for name, value in variables.items()
        if not _matches(name, ("PIP_*", "PYTHON?*")) or name in PASSING_TO_PIP
    }
    return passing | {"PIP_USER": "0"}  # a configuration file may say otherwise


def apply() -> None:
    """Turn the environment of this process into that of `for_process`.

    Call it before anything that reads the environment is imported. What is left out of what
    JAX and the libraries beside it would have read is told on standard error.
    """
    _tell(_left_out())
    wanted = for_process()
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)


def check() -> None:
    """Check every documented variable, and make the paths among them absolute.

    Raises:
        SettingError: one of them has a value that it cannot have.
    """
    from tutorials_lib import presets
    from tutorials_lib.datasets import DatasetError
    from tutorials_lib.datasets.download import cache_folder, mirror_folder

    try:
        for read in (presets.data_source, presets.preset_name, presets.settings_are_applied):
            read()
        folders = {
            "TUTORIALS_DATA_MIRROR": mirror_folder(),
            "TUTORIALS_DATA_CACHE": cache_folder(),
        }
    except (ValueError, DatasetError) as error:
        raise SettingError(str(error)) from error
    for name in ("BOOK_CACHE", "JAX_COMPILATION_CACHE_DIR"):
        folder = os.environ.get(name, "")
        if folder and "://" not in folder:
            folders[name] = Path(os.path.expanduser(folder)).absolute()
    os.environ.update({name: str(path) for name, path in folders.items() if os.environ.get(name)})


def enter() -> None:
    """`apply` and `check` at the start of a command, which ends here if a setting is wrong."""
    apply()
    try:
        check()
    except SettingError as error:
        raise SystemExit(str(error)) from None


def restart() -> None:
    """Start this command again without what `apply` would leave out, if there is any of it.

    For a command whose imports have read the environment already, as JAX does. Other variables
    stay as they are: the colours of its output are its caller's choice.
    """
    left_out = _left_out()
    if left_out:
        _tell(left_out)
        sys.stderr.flush()
        variables = {name: os.environ[name] for name in os.environ.keys() - left_out}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], variables)


def settings_in_digest() -> dict[str, str]:
    """Every variable that passes and changes results, sorted by name.

    An empty variable counts as one that is not set.
    """
    found = {name: os.environ.get(name) or default for name, default in SETTINGS.items()}
    for name, value in os.environ.items():
        if value and _matches(name, CHANGES_RESULTS):
            found[name] = value
    return dict(sorted(found.items()))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _passes(name: str) -> bool:
    return not _matches(name, MANAGED) or _matches(name, PASSING)


def _without_proxy_for_loopback(variables: dict[str, str]) -> dict[str, str]:
    """`variables` whose proxies are not used for `LOOPBACK`, or without any where `*` asks so.

    gRPC, under `jax.distributed`, reads the lower-case name, and takes `*` for a host.
    """
    proxies = {name for name in variables if name.lower().endswith("_proxy")}
    exceptions = {name for name in proxies if name.lower() == "no_proxy"}
    hosts = [host.strip() for name in sorted(exceptions) for host in variables[name].split(",")]
    kept = {name: value for name, value in variables.items() if name not in proxies}
    if proxies == exceptions or "*" in hosts:
        return kept
    listed = ",".join(dict.fromkeys(host for host in (*hosts, *LOOPBACK) if host))
    used = {name: variables[name] for name in proxies - exceptions}
    return kept | used | {"no_proxy": listed, "NO_PROXY": listed}


def _left_out() -> set[str]:
    """The variables of the libraries that do not pass, less what `runtime` has set itself."""
    from tutorials_lib.runtime import CONVOLUTION_FLAG

    names = {name for name in os.environ if _matches(name, LIBRARIES) and not _passes(name)}
    if os.environ.get("XLA_FLAGS", "").strip() == CONVOLUTION_FLAG:
        names.discard("XLA_FLAGS")
    return names


def _tell(left_out: Iterable[str]) -> None:
    if left_out:
        names = ", ".join(sorted(left_out))
        sys.stderr.write(f"Not used: {names}. README.md lists the settings that are.\n")


if __name__ == "__main__":
    arguments = [sys.executable, "-m", "pip", *sys.argv[1:]]
    os.execve(sys.executable, arguments, for_pip(os.environ))
