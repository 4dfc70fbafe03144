"""Files that are written whole or not at all."""

import json
import os
from pathlib import Path


def write_json(path: Path, data: object) -> None:
    """Write `data` as JSON under a temporary name, then rename it; folders are made.

    Raises:
        OSError: the folder cannot be made or written to. What was at `path` is still there.
        TypeError: `data` holds something that JSON has no form for.
        ValueError: `data` holds a number that is not finite.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
