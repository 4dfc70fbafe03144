"""The settings that the measurements depend on are applied in one place, and only where safe."""

import importlib.metadata
import os
import subprocess
import sys

import pytest

from tutorials_lib import runtime

pytestmark = pytest.mark.clock

KNOWN = min(runtime.JAXLIB_WITH_CONVOLUTION_FLAG)
"""A version that is told apart from others, whichever is installed."""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh process without inherited XLA flags."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("XLA_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_convolution_flag_is_accepted_by_the_installed_jaxlib_or_not_given_to_it() -> None:
    result = run(
        "from tutorials_lib import runtime; settings = runtime.configure()\n"
        "import jax; jax.devices(); print(settings['convolutions'])",
        JAX_PLATFORMS="cpu",
    )
    assert result.returncode == 0, result.stderr
    known = importlib.metadata.version("jaxlib") in runtime.JAXLIB_WITH_CONVOLUTION_FLAG
    assert result.stdout.startswith("all cores" if known else "XLA's default")


def test_a_user_choice_of_the_same_flag_is_left_alone() -> None:
    chosen = "--xla_cpu_experimental_ynn_fusion_type=LIBRARY_FUSION_TYPE_DOT"
    result = run(
        "import os; from tutorials_lib import runtime\n"
        "print(runtime.configure()['convolutions']); print(os.environ['XLA_FLAGS'])",
        XLA_FLAGS=chosen,
    )
    assert result.stdout.splitlines() == ["as XLA_FLAGS says", chosen]


def test_an_unknown_jaxlib_never_sees_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0.0")
    assert "not known" in runtime._keep_convolutions_on_all_cores()
    assert "XLA_FLAGS" not in os.environ


def test_an_accelerator_never_sees_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr(importlib.metadata, "version", lambda name: KNOWN)
    assert "accelerator" in runtime._keep_convolutions_on_all_cores()
    assert "XLA_FLAGS" not in os.environ


PRECISION = (
    "from tutorials_lib import runtime; import jax\n"
    "print(runtime.configure()['matrix products'])\n"
    "print(jax.config.values['jax_default_matmul_precision'])"
)


@pytest.mark.parametrize(
    ("platforms", "chosen", "said", "precision"),
    [
        ("cpu", {}, "float32, as they come", "None"),
        ("cuda", {}, "float32 (an accelerator would round it first)", "highest"),
        (
            "cuda",
            {"JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"},
            "tensorfloat32, as JAX_DEFAULT_MATMUL_PRECISION says",
            "tensorfloat32",
        ),
    ],
    ids=["a processor", "an accelerator", "a choice of the user's"],
)
def test_float32_is_multiplied_as_float32(
    platforms: str, chosen: dict[str, str], said: str, precision: str
) -> None:
    result = run(PRECISION, JAX_PLATFORMS=platforms, **chosen)
    assert result.stdout.splitlines() == [said, precision], result.stderr


@pytest.mark.parametrize("exponent", ["", "24"])
def test_threads_of_blas_sleep_when_they_are_said_to(exponent: str) -> None:
    result = run(
        "import time, numpy as np; from tutorials_lib import runtime\n"
        "a = np.ones((1000, 1000), np.float32); a @ a\n"
        "start = time.process_time(); time.sleep(0.4); burned = time.process_time() - start\n"
        "print(burned, runtime.blas_spin_seconds())",
        OPENBLAS_THREAD_TIMEOUT=exponent,
    )
    burned, spinning = map(float, result.stdout.split())
    assert burned <= spinning * ((os.cpu_count() or 1) - 1) + 0.02


def test_importing_the_benchmark_starts_no_backend() -> None:
    result = run(
        "import tutorials_lib.benchmark\n"
        "from tutorials_lib import runtime; print(runtime.backend_started())\n"
        "import jax; jax.devices(); print(runtime.backend_started())"
    )
    assert result.stdout.split() == ["False", "True"], result.stderr


def test_setting_the_flag_too_late_says_so() -> None:
    result = run(
        "import importlib.metadata, jax; jax.devices()\n"
        f"importlib.metadata.version = lambda name: {KNOWN!r}\n"
        "from tutorials_lib import runtime; runtime.configure()",
        JAX_PLATFORMS="cpu",
    )
    assert "import it before the first JAX computation" in result.stderr


def test_small_programs_are_cached_when_there_is_a_cache_folder(tmp_path) -> None:
    code = (
        "from tutorials_lib import benchmark\n"
        "import jax, jax.numpy as jnp; jax.jit(lambda x: x + 1)(jnp.ones(3)).block_until_ready()"
    )
    assert run(code, JAX_COMPILATION_CACHE_DIR=str(tmp_path)).returncode == 0
    assert any(tmp_path.iterdir())


def test_the_settings_can_be_switched_off() -> None:
    result = run(
        "import os; from tutorials_lib import runtime\n"
        "print(set(runtime.configure().values()), os.environ.get('XLA_FLAGS'))",
        TUTORIALS_SETTINGS="off",
    )
    assert result.stdout.strip() == "{'default'} None"
