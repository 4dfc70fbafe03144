"""Olivetti faces: 400 grey photographs of 40 people, taken at AT&T Laboratories Cambridge.

The file is the one that Sam Roweis made of the original pictures, and that scikit-learn loads. It
is a MATLAB file of numbers, which SciPy reads without unpickling anything.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

OLIVETTI = RemoteFile(
    name="olivettifaces.mat",
    url="https://ndownloader.figshare.com/files/5976027",
    sha256="b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
    num_bytes=1_000_000,  # at least: the publisher names no size, and the checksum decides
    mirror_path="olivetti/olivettifaces.mat",
    licence="see the source; credit AT&T Laboratories Cambridge",
    citation="F. Samaria and A. Harter (1994), Parameterisation of a stochastic model for human "
    "face identification, https://cam-orl.co.uk/facedatabase.html",
)
"""The published file, with the checksum that scikit-learn pins."""

NUM_PEOPLE = 40
PICTURES_PER_PERSON = 10
IMAGE_SIZE = 32
"""Height and width of a picture, in pixels, half of those in the file."""

_SIDE = 2 * IMAGE_SIZE
_SHAPE = (_SIDE**2, NUM_PEOPLE * PICTURES_PER_PERSON)
_EXPECTED = (
    f"a MATLAB file (version 5) with the variable `faces`, {_SHAPE[0]} x {_SHAPE[1]} numbers "
    "from 0 to 255"
)
_WAY_OUT = "Check that this is the file of the Olivetti faces."


class Olivetti(NamedTuple):
    """Pictures from 0 (black) to 1 (white), person by person, and who is on each."""

    images: Float32[np.ndarray, "400 32 32"]
    people: Int32[np.ndarray, " 400"]


def load_olivetti(*, remote: RemoteFile = OLIVETTI) -> Olivetti:
    """The 400 pictures in the published order, each pixel the mean of 2 x 2 published ones.

    Copies of the file differ in their checksum, since MATLAB writes the date into it. Another copy
    is read by naming it: `load_olivetti(remote=dataclasses.replace(OLIVETTI, sha256=...))`.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or holds no such pictures
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return Olivetti(
        images=to_images(_read_faces(path)),
        people=np.repeat(np.arange(NUM_PEOPLE, dtype=np.int32), PICTURES_PER_PERSON),
    )


def to_images(
    faces: Float32[np.ndarray, "4096 images"],
) -> Float32[np.ndarray, "images 32 32"]:
    """Pictures of half the size from columns of 64 x 64 pixels between 0 and 255.

    MATLAB writes a picture column by column.
    """
    # faces[column * 64 + row, image] -> pictures[image, row, column]
    pictures = faces.reshape(_SIDE, _SIDE, -1).transpose(2, 1, 0)
    blocks = pictures.reshape(-1, IMAGE_SIZE, 2, IMAGE_SIZE, 2)
    return blocks.mean((2, 4)) / np.float32(255)


def _read_faces(path: Path) -> Float32[np.ndarray, "4096 400"]:
    # Imported here: a tutorial on offline data should not pay for SciPy.
    from scipy.io import loadmat

    with reading(path, expected=_EXPECTED, way_out=_WAY_OUT):
        contents = loadmat(path, variable_names=["faces"])
    faces = contents.get("faces")
    if faces is None or faces.shape != _SHAPE or not np.issubdtype(faces.dtype, np.number):
        found = "no such variable" if faces is None else f"{faces.dtype} of shape {faces.shape}"
        raise _malformed(path, found=found)
    if not (faces.min() >= 0 and faces.max() <= 255):
        raise _malformed(path, found=f"values from {faces.min():g} to {faces.max():g}")
    return faces.astype(np.float32)


def _malformed(path: Path, *, found: str) -> MalformedDataError:
    return MalformedDataError(path, expected=_EXPECTED, found=found, way_out=_WAY_OUT)
