"""What a build does: three environment variables, read here only. Empty means unset."""

import dataclasses
import os
from typing import TypeVar

from tutorials_lib.environment import SETTINGS

SOURCES = ("offline", "real")
"""The values of `TUTORIALS_DATA`: generated or bundled data, or the published set."""

PRESET_NAMES = ("tiny", "page", "full")
"""The values of `TUTORIALS_PRESET`: for tests, for the book, for a patient machine."""

ConfigT = TypeVar("ConfigT")


def data_source() -> str:
    """The data source that `TUTORIALS_DATA` names (default `offline`)."""
    return _choice("TUTORIALS_DATA", SOURCES)


def preset_name() -> str:
    """The preset that `TUTORIALS_PRESET` names (default `page`)."""
    return _choice("TUTORIALS_PRESET", PRESET_NAMES)


def settings_are_applied() -> bool:
    """Whether `runtime.configure` applies its settings: not with `TUTORIALS_SETTINGS=off`."""
    return _choice("TUTORIALS_SETTINGS", ("on", "off")) == "on"


def check_source(source: str) -> None:
    """Raise `ValueError` when `source` is none of `SOURCES`."""
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}; expected one of: {', '.join(SOURCES)}")


def choose(presets: dict[str, ConfigT]) -> ConfigT:
    """The configuration that the environment asks for, with its `source` set.

    Raises `ValueError` when the tutorial has no such preset.
    """
    name = preset_name()
    if name not in presets:
        raise ValueError(
            f"TUTORIALS_PRESET={name}, but this tutorial has only: {', '.join(presets)}"
        )
    return dataclasses.replace(presets[name], source=data_source())  # type: ignore[type-var]


def _choice(variable: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable) or SETTINGS[variable]
    if value not in allowed:
        raise ValueError(f"{variable}={value!r}; expected one of: {', '.join(allowed)}")
    return value
