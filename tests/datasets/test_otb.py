"""OTB: read, or refused with a reason; and the published videos."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError, MirrorError, otb
from tutorials_lib.datasets.otb import OTB, TARGETS, load_otb, read_boxes, read_frames


def write(path: Path, *, size: tuple[int, int] = (8, 6), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 100).save(path, "PNG")
    return path


def test_boxes_come_by_their_edges_whatever_separates_the_numbers(tmp_path: Path):
    path = tmp_path / "boxes.txt"
    path.write_text("1,2,30,40\r\n1\t2\t30\t40\n 1 2  30 40\n")
    np.testing.assert_array_equal(read_boxes(path), [[1, 2, 31, 42]] * 3)


@pytest.mark.parametrize("line", ["1,2,30", "1,2,30,x", "1,2,30,40,50", "1,2,nan,40", ""])
def test_a_line_that_is_no_box_is_named(tmp_path: Path, line: str):
    path = tmp_path / "boxes.txt"
    path.write_text(f"1,2,30,40\n{line}\n")
    with pytest.raises(MalformedDataError, match="line 2: expected left, top, width and height"):
        read_boxes(path)


def test_grey_frames_have_three_equal_channels_and_sizes_must_not_change(tmp_path: Path):
    grey = write(tmp_path / "1.png", mode="L")
    frames = read_frames([grey, write(tmp_path / "2.png")])
    assert frames.shape == (2, 6, 8, 3)
    assert (frames[0] == 100).all()
    other = write(tmp_path / "3.png", size=(9, 6))
    with pytest.raises(MalformedDataError, match="expected 8 x 6 pixels; found 9 x 6 pixels"):
        read_frames([grey, other])
    grey.write_bytes(b"no picture")
    with pytest.raises(MalformedDataError, match="expected a picture"):
        read_frames([grey])


def test_a_mirror_with_other_bytes_or_without_the_file_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    with pytest.raises(MirrorError, match=r"0001\.jpg"):
        load_otb("Car4", num_frames=1)
    first = OTB["Car4/img/0001.jpg"]
    path = tmp_path / first.mirror_path
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(first.num_bytes))
    with pytest.raises(ChecksumError, match=first.sha256):
        load_otb("Car4", num_frames=1)


@pytest.mark.parametrize("num_boxes", [2, 3, 1])
def test_a_video_comes_with_a_box_for_every_frame(tmp_path: Path, monkeypatch, num_boxes: int):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    paths = [write(tmp_path / f"otb/Car4/img/000{i}.jpg") for i in (1, 2)]
    paths.append(tmp_path / "otb/Car4/groundtruth_rect.txt")
    paths[-1].write_text("1,2,3,4\n" * num_boxes)
    files = {}
    for path in paths:
        name = path.relative_to(tmp_path / "otb").as_posix()
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        files[name] = replace(OTB[name], sha256=sha256, num_bytes=path.stat().st_size)
    monkeypatch.setattr(otb, "OTB", files)
    if num_boxes < 2:
        with pytest.raises(MalformedDataError, match="each of 2 frames; found 1 boxes"):
            load_otb("Car4")
        return
    video = load_otb("Car4")
    assert video.frames.shape == (2, 6, 8, 3)
    np.testing.assert_array_equal(video.boxes, [[1, 2, 4, 6]] * 2)


def test_every_frame_has_a_file_of_its_own():
    assert len({remote.name for remote in OTB.values()}) == len(OTB)
    assert sum(name.startswith("jogging/img/") for name in OTB) == 307


@pytest.mark.usefixtures("published_data")
@pytest.mark.parametrize(
    ("target", "length"), [("Jogging-1", 307), ("Jogging-2", 307), ("Car4", 250)]
)
def test_the_published_videos_have_their_boxes_inside(target: str, length: int):
    assert target in TARGETS
    video = load_otb(target)
    assert len(video.frames) == len(video.boxes) == length
    height, width = video.frames.shape[1:3]
    middles = (video.boxes[:, :2] + video.boxes[:, 2:]) / 2
    assert (middles > 0).all()
    assert (middles < (width, height)).all()
