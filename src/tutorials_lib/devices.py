"""Run functions in fresh processes: with simulated devices, other settings, or several at once.

The number of devices and most settings of JAX cannot be changed once it runs, and a process with
eight simulated devices times work on one of them wrongly. So whatever needs them gets a process
of its own.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from tutorials_lib.environment import for_process

TIMEOUT_SECONDS = 300


class ProcessError(RuntimeError):
    """A function in a fresh process failed; the message ends with the process's own words."""


def run(
    function: Callable[..., Any],
    *,
    num_devices: int | None = None,
    environment: Mapping[str, str] | None = None,
    **arguments: Any,
) -> Any:
    """Call `function(**arguments)` in a fresh process, and return what it returns.

    Args:
        function: defined at the top of a module. What it takes and returns must survive JSON.
        num_devices: simulated CPU devices (default: the real ones).
        environment: variables beside those that `tutorials_lib.environment` lets pass.
        **arguments: what the function is called with.

    Raises:
        ProcessError: the process failed, or took longer than `TIMEOUT_SECONDS`.
    """
    return _finish(_start(function, num_devices, environment, arguments))


def run_together(
    function: Callable[..., Any], *, num_processes: int, num_devices: int = 1, **arguments: Any
) -> list[Any]:
    """Call `function` in several processes at once, which `jax.distributed` joins.

    Each is called with `coordinator_address`, `num_processes` and `process_id`, the arguments of
    `jax.distributed.initialize`, besides `arguments`. They talk over the loopback interface.

    Raises:
        ProcessError: one of the processes failed; the others are stopped.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    joined = {"coordinator_address": address, "num_processes": num_processes}
    processes = [
        _start(function, num_devices, None, arguments | joined | {"process_id": number})
        for number in range(num_processes)
    ]
    try:
        return [_finish(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _start(
    function: Callable[..., Any],
    num_devices: int | None,
    environment: Mapping[str, str] | None,
    arguments: dict[str, Any],
) -> subprocess.Popen[str]:
    variables = for_process()
    if num_devices is not None:
        variables |= {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(num_devices)}
    name = f"{function.__module__}:{function.__name__}"
    return subprocess.Popen(
        [sys.executable, "-m", __name__, name, json.dumps(arguments)],
        env=variables | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> Any:
    try:
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
        raise ProcessError(f"no result after {TIMEOUT_SECONDS} seconds:\n{errors}") from None
    if process.returncode != 0:
        raise ProcessError(f"a fresh process failed:\n{errors}")
    return json.loads(output)


def _main(name: str, arguments: str) -> None:
    """Call the function that `name` names, and print what it returns as JSON."""
    module, _, function = name.partition(":")
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)  # what the function and the libraries under it print is not its result
        result = getattr(import_module(module), function)(**json.loads(arguments))
        json.dump(result, output)


if __name__ == "__main__":
    _main(*sys.argv[1:])
