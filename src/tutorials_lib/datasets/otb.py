"""Jogging and Car4: two videos of OTB, the object tracking benchmark (Wu, Lim and Yang 2013).

In Jogging two people are marked, so that it counts twice; a pole hides both for some frames. Of
Car4 the copy that is pinned here has the first 250 frames. The numbers of bytes and the checksums
of the files are in `otb.tsv`.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

_COMMIT = "f1308fb0ac3a53dbf187125b008cd3f159bef094"
_BASE = f"https://raw.githubusercontent.com/mishless/kalman-filter-project/{_COMMIT}/data"
_WAY_OUT = "Check that this is the published file."

TARGETS = {
    "Jogging-1": ("jogging", "groundtruth_rect.1.txt"),
    "Jogging-2": ("jogging", "groundtruth_rect.2.txt"),
    "Car4": ("Car4", "groundtruth_rect.txt"),
}
"""The folder of the video and the file of boxes, by the name of the target."""


def _remote_files() -> dict[str, RemoteFile]:
    manifest = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in manifest.splitlines())
    return {
        path: RemoteFile(
            name=f"otb-{path.replace('/img/', '-').replace('/', '-')}",
            url=f"{_BASE}/{path}",
            sha256=sha256,
            num_bytes=int(num_bytes),
            mirror_path=f"otb/{path}",
            licence="none stated; see the source",
            citation="Y. Wu, J. Lim and M.-H. Yang (2013), Online object tracking: a benchmark, "
            "https://github.com/mishless/kalman-filter-project",
        )
        for num_bytes, sha256, path in rows
    }


OTB = _remote_files()
"""The files by their path."""


class Video(NamedTuple):
    """A video with the boxes of one target.

    Attributes:
        frames: as they are stored, from 0 to 255; a grey video has its channel three times.
        boxes: left, top, right and bottom in pixels.
    """

    frames: UInt8[np.ndarray, "frames height width 3"]
    boxes: Float32[np.ndarray, "frames 4"]


def load_otb(target: str, *, num_frames: int | None = None) -> Video:
    """The video of one of `TARGETS`, or its first frames.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, or is no picture or no list of
            boxes (which of these, the subclass and the message say).
    """
    folder, list_of_boxes = TARGETS[target]
    names = sorted(name for name in OTB if name.startswith(f"{folder}/img/"))[:num_frames]
    frames = read_frames(fetch(OTB[name]) for name in names)
    path = fetch(OTB[f"{folder}/{list_of_boxes}"])
    boxes = read_boxes(path)[: len(frames)]
    if len(boxes) < len(frames):
        raise MalformedDataError(
            path,
            expected=f"a box for each of {len(frames)} frames",
            found=f"{len(boxes)} boxes",
            way_out=_WAY_OUT,
        )
    return Video(frames, boxes)


def read_frames(paths: Iterable[Path]) -> UInt8[np.ndarray, "frames height width 3"]:
    """Picture files as the frames of a video.

    Raises:
        MalformedDataError: a file is no picture, or has another size than the first.
    """
    frames: list[np.ndarray] = []
    for path in paths:
        frame = _read_frame(path)
        if frames and frame.shape != frames[0].shape:
            size, first = (
                f"{width} x {height} pixels" for height, width, _ in (frame.shape, frames[0].shape)
            )
            raise MalformedDataError(path, expected=first, found=size, way_out=_WAY_OUT)
        frames.append(frame)
    return np.stack(frames)


def _read_frame(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    from PIL import Image

    with reading(path, expected="a picture", way_out=_WAY_OUT), Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def read_boxes(path: Path) -> Float32[np.ndarray, "frames 4"]:
    """A list of boxes, a line each: left, top, width and height, with any separator.

    Raises:
        MalformedDataError: a line has not four numbers.
    """
    with reading(path, expected="a list of boxes", way_out=_WAY_OUT):
        lines = path.read_text(encoding="ascii").splitlines()
    boxes = np.full((len(lines), 4), np.nan, np.float32)
    for number, (line, box) in enumerate(zip(lines, boxes, strict=True), start=1):
        with suppress(ValueError):
            box[:] = re.split(r"[,\s]+", line.strip())
        if not np.isfinite(box).all():
            raise MalformedDataError(
                f"{path}, line {number}",
                expected="left, top, width and height",
                found=repr(line),
                way_out=_WAY_OUT,
            )
    boxes[:, 2:] += boxes[:, :2]
    return boxes
