"""What a caller has set changes neither pages nor tests nor installations, unless it is listed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import ROOT
from tutorials_lib import devices, environment
from tutorials_lib.datasets.download import cache_folder

SHELL_PROFILE = {
    "JAX_ENABLE_X64": "1",
    "JAX_DISABLE_JIT": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_LOG_COMPILES": "1",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
    "PYTHONSAFEPATH": "1",
    "PYTHONOPTIMIZE": "2",
    "PIP_USER": "1",
    "JUPYTER_PATH": "/nowhere",
    "MATPLOTLIBRC": "/nowhere",
    "MPLBACKEND": "svg",
    "FORCE_COLOR": "1",
    "NO_COLOR": "1",
    "CLICOLOR_FORCE": "1",
    "PY_COLORS": "1",
    "http_proxy": "http://127.0.0.1:9",
    "grpc_proxy": "http://127.0.0.1:9",
    "TUTORIALS_DATA": "",
}
"""Each of these has been seen to fail a page or a test, or to change a measurement."""

READER = {"PATH": "/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cuda"}
"""What a reader may choose."""


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in the root of the checkout, with further variables."""
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False
    )


def test_what_is_not_listed_does_not_pass():
    passing = environment.for_process(READER | SHELL_PROFILE)
    set_here = {"PYTHONPATH": str(ROOT / "src"), "MATPLOTLIBRC": os.devnull}
    loopback = dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    assert passing == READER | set_here | loopback | {"http_proxy": "http://127.0.0.1:9"}
    assert environment.for_process(passing) == passing


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ({}, {}),
        ({"no_proxy": "a.org"}, {}),
        ({"HTTPS_PROXY": "p", "NO_PROXY": "*"}, {}),
        ({"all_proxy": "p", "NO_PROXY": "a.org, ::1"}, "a.org,::1,localhost,127.0.0.1"),
    ],
)
def test_a_proxy_is_never_asked_for_loopback(proxies: dict[str, str], expected: dict | str):
    made = environment.for_process(proxies)
    if isinstance(expected, str):
        expected = {"all_proxy": "p", "no_proxy": expected, "NO_PROXY": expected}
    assert {name: made[name] for name in made if name.lower().endswith("_proxy")} == expected


def test_a_fresh_process_computes_as_if_nothing_were_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    style = tmp_path / "matplotlibrc"
    style.write_text("text.usetex: True\n")
    for name, value in (SHELL_PROFILE | {"MATPLOTLIBRC": str(style)}).items():
        monkeypatch.setenv(name, value)
    assert devices.run(computing) == {
        "x64": False,
        "NaN raises": False,
        "jit": True,
        "devices": 1,
        "assertions": True,
        "TeX": False,
        "TUTORIALS_DATA": None,
    }


def computing() -> dict[str, object]:
    """Called in a fresh process."""
    import jax
    import matplotlib

    return {
        "x64": jax.config.values["jax_enable_x64"],
        "NaN raises": jax.config.values["jax_debug_nans"],
        "jit": not jax.config.values["jax_disable_jit"],
        "devices": jax.device_count(),
        "assertions": __debug__,
        "TeX": matplotlib.rcParams["text.usetex"],
        "TUTORIALS_DATA": os.environ.get("TUTORIALS_DATA"),
    }


def test_the_tests_run_as_if_nothing_were_set():
    """Run by the next test too, with everything set that may not pass."""
    unlisted = {name for name in os.environ if not environment._passes(name)}
    assert unlisted <= {"PYTHONPATH", "MATPLOTLIBRC", "MPLBACKEND", "XLA_FLAGS"}
    assert os.environ.get("XLA_FLAGS", "").count("--") <= 1  # the one that `runtime` sets


def test_the_tests_run_so_in_the_shell_of_a_reader():
    # Python reads the variables of its own before anything can drop them; make does that.
    profile = {name: value for name, value in SHELL_PROFILE.items() if "PYTHON" not in name}
    test = f"tests/test_environment.py::{test_the_tests_run_as_if_nothing_were_set.__name__}"
    finished = run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test, **profile)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_make_hands_on_no_variable_of_python_but_the_choice_of_one(tmp_path: Path):
    (tmp_path / "show").write_text("show:\n\t@env\n")
    shown = run(
        *("make", "-f", "Makefile", "-f", str(tmp_path / "show"), "show", "PYTHON=python3.12"),
        PYTHONSAFEPATH="1",
        PYTHONHOME="/nowhere",
        PYTHONPATH="/nowhere",
    )
    assert re.findall("^PYTHON.*", shown.stdout, re.MULTILINE) == ["PYTHON=python3.12"]


def test_pip_reads_where_packages_come_from_and_not_where_they_go():
    finished = run(
        *(sys.executable, "-I", "src/tutorials_lib/environment.py", "config", "list"),
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="https://example.org/simple",
        PIP_USER="1",
        PIP_TARGET="/nowhere",
        PIP_REQUIRE_VIRTUALENV="1",
    )
    assert finished.returncode == 0, finished.stderr
    settings = dict(re.findall(r"^:env:\.(\S+)='(.*)'$", finished.stdout, re.MULTILINE))
    assert settings == {
        "config-file": os.devnull,
        "index-url": "https://example.org/simple",
        "user": "0",
    }


@pytest.mark.parametrize("script", ["setup.sh", "lock.sh"])
def test_the_scripts_call_pip_in_that_environment(script: str):
    text = (ROOT / "tools" / script).read_text()
    assert set(re.findall(r"-m pip (\S+)", text)) <= {"--version"}
    assert "-I src/tutorials_lib/environment.py" in text


def test_the_digest_holds_what_passes_and_changes_results(monkeypatch: pytest.MonkeyPatch):
    def digest(**variables: str) -> dict[str, str]:
        monkeypatch.setattr(os, "environ", environment.for_process(READER | variables))
        return environment.settings_in_digest()

    plain = digest()
    assert plain["TUTORIALS_DATA"] == "offline"
    assert plain.items() >= {"OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cuda"}.items()
    assert digest(**SHELL_PROFILE, TUTORIALS_PRESET="page") == plain
    for change in ({"OPENBLAS_NUM_THREADS": "2"}, {"TUTORIALS_SETTINGS": "off"}):
        assert digest(**change) == plain | change


def test_what_libraries_set_when_they_are_imported_is_not_in_the_digest():
    code = (
        "from tutorials_lib.environment import settings_in_digest as settings\n"
        "before = settings()\n"
        "import sklearn, matplotlib, jax, os\n"
        "assert 'KMP_DUPLICATE_LIB_OK' in os.environ\n"
        "assert settings() == before, settings()"
    )
    finished = run(sys.executable, "-c", code)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TUTORIALS_DATA", "ofline", "'ofline'; expected one of: offline, real"),
        ("TUTORIALS_PRESET", "ful", "expected one of: tiny, page, full"),
        ("TUTORIALS_SETTINGS", "no", "expected one of: on, off"),
        ("TUTORIALS_DATA_MIRROR", "/no/such/folder", "no such folder"),
        ("TUTORIALS_DATA_MIRROR", "~nosuchuser/d", "no such user"),
        ("TUTORIALS_DATA_CACHE", "~nosuchuser/d", "no such user"),
        ("TUTORIALS_DATA_CACHE", __file__, "found a file"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    with pytest.raises(environment.SettingError, match=re.escape(message)) as error:
        environment.check()
    assert f"{name}={value}" in str(error.value).replace("'", "")


def test_a_folder_means_the_same_wherever_it_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "mirror").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", "mirror")
    monkeypatch.setenv("TUTORIALS_DATA_CACHE", "~/cache")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "compiled")
    environment.check()
    assert os.environ["TUTORIALS_DATA_MIRROR"] == str(tmp_path / "mirror")
    assert os.environ["TUTORIALS_DATA_CACHE"] == str(tmp_path / "cache")
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "compiled")
    monkeypatch.setenv("TUTORIALS_DATA_CACHE", "")
    assert cache_folder().name == "tutorials_lib"


@pytest.mark.parametrize(
    "command",
    [
        ("tutorials_lib.benchmark", "kmeans"),
        ("tools.build", "html"),
        ("pytest", "--collect-only", "tests/test_environment.py"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_refuses_a_wrong_setting_before_any_work(command: tuple[str, ...]):
    finished = run(sys.executable, "-m", *command, TUTORIALS_DATA="ofline", JAX_DISABLE_JIT="1")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.splitlines() == [
        "Not used: JAX_DISABLE_JIT. README.md lists the settings that are.",
        "TUTORIALS_DATA='ofline'; expected one of: offline, real",
    ]


def test_the_look_of_figures_is_not_the_reader_s(tmp_path: Path):
    """Where `figures` is imported in a session of the reader's own."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.family: fantasy\n")
    code = (
        "from tutorials_lib import figures; import matplotlib.pyplot as plt\n"
        "axes = plt.figure().add_subplot(title='A title')\n"
        "print(figures.show(axes.figure, alt='A figure with a title alone').svg)"
    )
    of_reader = run(sys.executable, "-c", code, MATPLOTLIBRC=str(tmp_path / "matplotlibrc"))
    assert of_reader.returncode == 0, of_reader.stderr
    assert of_reader.stdout == run(sys.executable, "-c", code).stdout


def test_the_readme_lists_the_settings():
    text = (ROOT / "README.md").read_text()
    names = {*environment.SETTINGS, "TUTORIALS_DATA_MIRROR", "TUTORIALS_DATA_CACHE"}
    for name in (*names, "JAX_PLATFORMS", "JAX_COMPILATION_CACHE_DIR"):
        assert f"`{name}`" in text, name
