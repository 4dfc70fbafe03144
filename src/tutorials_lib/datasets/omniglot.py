"""Omniglot, the two small sets: characters of alphabets from all over the world, by twenty hands.

Lake et al. (2015) asked people on the internet to copy characters with a mouse. Each of the small
sets holds five of the thirty alphabets of the background set (the whole has fifty); Greek and
Latin are in both.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from tutorials_lib.datasets.archives import read_zip_members
from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

SIZE = 105
"""Height and width of a picture, in pixels."""

NUM_DRAWERS = 20

_CHECKSUMS = {
    "small1": (1_319_022, "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"),
    "small2": (1_580_917, "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"),
}

OMNIGLOT = {
    name: RemoteFile(
        name=f"omniglot_{name}.zip",
        url="https://github.com/brendenlake/omniglot/raw/master/python/"
        f"images_background_{name}.zip",
        sha256=sha256,
        num_bytes=num_bytes,
        mirror_path=f"omniglot/images_background_{name}.zip",
        licence="MIT",
        citation="B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum (2015), Human-level concept "
        "learning through probabilistic program induction, "
        "https://github.com/brendenlake/omniglot",
    )
    for name, (num_bytes, sha256) in _CHECKSUMS.items()
}
"""The two small sets, by name."""

_MEMBER = re.compile(r"[^/]+/(?P<alphabet>[^/]+)/(?P<character>character\d\d)/\d{4}_\d\d\.png")
_LARGEST = 10_000
"""Bytes of a picture; the published ones have some hundred."""

_WAY_OUT = "Check that this is a small set as it was published."


class Characters(NamedTuple):
    """Every character of a set, alphabet after alphabet.

    Attributes:
        drawings: where there is ink.
        alphabets: the name of each character's alphabet.
    """

    drawings: Bool[np.ndarray, "characters 20 105 105"]
    alphabets: tuple[str, ...]


def load_omniglot(remote: RemoteFile) -> Characters:
    """The characters of one of the sets in `OMNIGLOT`.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no archive of drawings,
            twenty for each character (which of these, the subclass and the message say).
    """
    return read_characters(fetch(remote))


def read_characters(path: Path) -> Characters:
    """The characters in an archive with a folder for each alphabet, and in it for each character.

    Raises:
        UnsafeArchiveError: the archive has a member that has no business there.
        MalformedDataError: it is damaged, or a character lacks drawings, or one is no picture of
            105 x 105 pixels in black and white.
    """
    with (
        reading(path, expected="a zip archive", way_out=_WAY_OUT),
        zipfile.ZipFile(path) as archive,
    ):
        names = sorted(name for name in archive.namelist() if _MEMBER.fullmatch(name))
    if not names:
        found = "none whose name says its alphabet and character"
        raise MalformedDataError(path, expected="drawings", found=found, way_out=_WAY_OUT)
    contents = read_zip_members(path, dict.fromkeys(names, _LARGEST))
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    for folder, members in folders.items():
        if len(members) != NUM_DRAWERS:
            raise MalformedDataError(
                path,
                expected=f"{NUM_DRAWERS} drawings of every character",
                found=f"{len(members)} in {folder}",
                way_out=_WAY_OUT,
            )
    drawings = np.stack([read_drawing(contents[name], f"{path}: {name}") for name in names])
    return Characters(
        drawings.reshape(len(folders), NUM_DRAWERS, SIZE, SIZE),
        tuple(folder.split("/")[1] for folder in folders),
    )


def read_drawing(content: bytes, file: str) -> Bool[np.ndarray, "105 105"]:
    """Where a picture in black and white has ink.

    Raises:
        MalformedDataError: `content` is no picture of 105 x 105 pixels with one bit each.
    """
    from PIL import Image

    expected = f"a picture of {SIZE} x {SIZE} pixels in black and white"
    with (
        reading(file, expected=expected, way_out=_WAY_OUT),
        Image.open(io.BytesIO(content)) as picture,
    ):
        paper, mode = np.asarray(picture), picture.mode
    if mode != "1" or paper.shape != (SIZE, SIZE):
        found = f"the mode {mode} and the shape {paper.shape}"
        raise MalformedDataError(file, expected=expected, found=found, way_out=_WAY_OUT)
    return ~paper
