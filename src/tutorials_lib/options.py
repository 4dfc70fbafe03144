"""What the options of the command lines may name, checked before any work."""

import os
from pathlib import Path


def check_writable(path: Path, option: str) -> None:
    """Check that a file can be written at `path`, which `option` names.

    Raises:
        ValueError: it is a folder, or the folder of it is missing or cannot be written to.
    """
    path = path.resolve()
    if path.is_dir():
        raise ValueError(f"{option} {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ValueError(f"the folder of {option} {path} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"the folder of {option} {path} cannot be written to; name another one")
