"""Files of weights with something wrong in them, made from the committed ones."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

REFERENCE = Path(__file__).parent.parent / "reference"
"""The committed files: random weights, and what the libraries compute with them."""


def changed(file: Path, folder: Path, **changes: np.ndarray | None) -> Path:
    """A copy of `file` in `folder` with arrays replaced, added, or (None) taken away."""
    arrays = load_file(file)
    for name, array in changes.items():
        arrays.pop(name, None)
        if array is not None:
            arrays[name] = array
    save_file(arrays, folder / "changed.safetensors")
    return folder / "changed.safetensors"
