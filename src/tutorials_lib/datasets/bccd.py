"""BCCD: 364 pictures of stained blood under a microscope, with a box around every cell.

The classes are red blood cells, white blood cells and platelets.
"""

import io
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from tutorials_lib.datasets.archives import read_zip_members
from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

BCCD = RemoteFile(
    name="bccd-1.0.zip",
    url="https://github.com/Shenggan/BCCD_Dataset/archive/v1.0.zip",
    sha256="97af5cc16d14d293fcb3c82a8f66e49b0339a8d0abd8e9508e0feeb4911caa1f",
    num_bytes=7_875_205,
    mirror_path="bccd/BCCD_Dataset-1.0.zip",
    licence="MIT",
    citation="S. Cheng (2018), BCCD: blood cell count and detection, "
    "https://github.com/Shenggan/BCCD_Dataset",
)

CLASS_NAMES = ("RBC", "WBC", "Platelets")
"""As the annotations call them; a label is an index into this tuple."""

HEIGHT, WIDTH = 480, 640
SPLITS = ("train", "val", "test")

_ROOT = "BCCD_Dataset-1.0/BCCD"
_LARGEST = 200_000
"""Bytes of a picture, of an annotation or of a list."""

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_WAY_OUT = "Check that this is the archive of version 1.0."


class Cells(NamedTuple):
    """The pictures of one split.

    Attributes:
        pictures: reduced by the mean of blocks of pixels.
        boxes: the left, upper, right and lower edge of each cell, in pixels of the reduced
            pictures; zero for none.
        labels: the class of each cell; -1 for none.
    """

    pictures: UInt8[np.ndarray, "pictures height width 3"]
    boxes: Float32[np.ndarray, "pictures objects 4"]
    labels: Int32[np.ndarray, "pictures objects"]


def load_bccd(remote: RemoteFile = BCCD, *, reduce: int = 4) -> dict[str, Cells]:
    """The cells of each of `SPLITS`, in pictures that are reduced `reduce` times.

    Boxes without an area, of which the published annotations have two, are left out.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no such archive (which
            of these, the subclass and the message say).
    """
    return read_cells(fetch(remote), reduce=reduce)


def read_cells(path: Path, *, reduce: int) -> dict[str, Cells]:
    """The cells of each split of an archive with pictures, annotations and lists of names.

    Raises:
        UnsafeArchiveError: the archive has a member that has no business there.
        MalformedDataError: it is damaged, or lacks a picture or an annotation that is listed, or
            one of these cannot be read.
    """
    lists = {split: f"{_ROOT}/ImageSets/Main/{split}.txt" for split in SPLITS}
    listed = read_zip_members(path, dict.fromkeys(lists.values(), _LARGEST))
    with reading(path, expected="lists of names", way_out=_WAY_OUT):
        names = {split: listed[member].decode().split() for split, member in lists.items()}
        if not all(names.values()):
            raise ValueError("a list without a name")
    members = {
        name: (f"{_ROOT}/JPEGImages/{name}.jpg", f"{_ROOT}/Annotations/{name}.xml")
        for split in SPLITS
        for name in names[split]
    }
    allowed = dict.fromkeys((member for pair in members.values() for member in pair), _LARGEST)
    contents = read_zip_members(path, allowed)
    found = {
        name: (
            read_picture(contents[picture], f"{path}: {picture}", reduce=reduce),
            *read_annotation(contents[annotation], f"{path}: {annotation}"),
        )
        for name, (picture, annotation) in members.items()
    }
    most = max(len(labels) for _, _, labels in found.values())
    return {split: _stack([found[name] for name in names[split]], most, reduce) for split in SPLITS}


def read_picture(content: bytes, file: str, *, reduce: int) -> UInt8[np.ndarray, "height width 3"]:
    """A picture, reduced by the mean of blocks of `reduce` by `reduce` pixels.

    Raises:
        MalformedDataError: `content` is no picture of 640 x 480 pixels.
    """
    from PIL import Image

    expected = f"a picture of {WIDTH} x {HEIGHT} pixels"
    with (
        reading(file, expected=expected, way_out=_WAY_OUT),
        Image.open(io.BytesIO(content)) as picture,
    ):
        size, pixels = picture.size, np.asarray(picture.convert("RGB").reduce(reduce))
    if size != (WIDTH, HEIGHT):
        found = f"{size[0]} x {size[1]} pixels"
        raise MalformedDataError(file, expected=expected, found=found, way_out=_WAY_OUT)
    return pixels


def read_annotation(
    content: bytes, file: str
) -> tuple[Float32[np.ndarray, "objects 4"], Int32[np.ndarray, " objects"]]:
    """Boxes with an area, in pixels of the original picture, and their classes.

    Raises:
        MalformedDataError: `content` is no annotation in the format of Pascal VOC, or has a class
            that is not in `CLASS_NAMES` or a box that reaches out of the picture.
    """
    with reading(file, expected="an annotation in the format of Pascal VOC", way_out=_WAY_OUT):
        objects = ElementTree.fromstring(content).findall("object")
        labels = [CLASS_NAMES.index(str(each.findtext("name"))) for each in objects]
        edges = [
            [float(str(each.findtext(f"bndbox/{edge}"))) for edge in _EDGES] for each in objects
        ]
        if not all(0 <= edge <= WIDTH for box in edges for edge in box):
            raise ValueError("a box that reaches out of the picture")
    boxes = np.array(edges, np.float32).reshape(-1, 4)
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return boxes[has_area], np.array(labels, np.int32)[has_area]


def _stack(found: list[tuple[np.ndarray, np.ndarray, np.ndarray]], most: int, reduce: int) -> Cells:
    """Pictures with as many places for boxes in each as the fullest one needs."""
    boxes = np.zeros((len(found), most, 4), np.float32)
    labels = np.full((len(found), most), -1, np.int32)
    for place, (_, edges, classes) in enumerate(found):
        boxes[place, : len(edges)] = edges / reduce
        labels[place, : len(classes)] = classes
    return Cells(np.stack([picture for picture, _, _ in found]), boxes, labels)
