"""BCCD: read, or refused with a reason; and the published archive."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorials_lib.datasets import ChecksumError, MalformedDataError, RemoteFile
from tutorials_lib.datasets.bccd import BCCD, load_bccd, read_annotation, read_cells, read_picture

ROOT = "BCCD_Dataset-1.0/BCCD"


def jpeg(size: tuple[int, int] = (640, 480)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, (200, 100, 100)).save(content, "JPEG")
    return content.getvalue()


def annotation(*objects: tuple[str, int, int, int, int]) -> bytes:
    told = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{upper}</ymin>"
        f"<xmax>{right}</xmax><ymax>{lower}</ymax></bndbox></object>"
        for name, left, upper, right, lower in objects
    )
    return f"<annotation>{told}</annotation>".encode()


def write_archive(path: Path, *, without: str = "nothing") -> RemoteFile:
    """A picture for each split, with a cell or two; how the archive would be published."""
    cells = {"train": [("RBC", 80, 40, 160, 120)], "val": [("WBC", 0, 0, 200, 240)]}
    cells["test"] = [("Platelets", 40, 40, 80, 80), ("RBC", 504, 337, 504, 337)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for split, objects in cells.items():
            for name, content in (
                (f"ImageSets/Main/{split}.txt", f"Image_{split}\n".encode()),
                (f"JPEGImages/Image_{split}.jpg", jpeg()),
                (f"Annotations/Image_{split}.xml", annotation(*objects)),
            ):
                if without not in name:
                    archive.writestr(f"{ROOT}/{name}", content)
    content = path.read_bytes()
    return replace(BCCD, sha256=hashlib.sha256(content).hexdigest(), num_bytes=len(content))


def test_boxes_are_reduced_with_the_pictures_and_those_without_area_left_out(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    cells = load_bccd(write_archive(tmp_path / BCCD.mirror_path), reduce=4)
    assert list(cells) == ["train", "val", "test"]
    assert cells["train"].pictures.shape == (1, 120, 160, 3)
    np.testing.assert_array_equal(cells["train"].boxes[0, 0], [20, 10, 40, 30])
    assert [each.labels[0].tolist() for each in cells.values()] == [[0], [1], [2]]


def test_other_bytes_than_the_pinned_ones_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    remote = write_archive(tmp_path / BCCD.mirror_path)
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_bccd(replace(remote, sha256="0" * 64))


@pytest.mark.parametrize("member", ["val.txt", "Image_test.jpg", "Image_train.xml"])
def test_an_archive_without_a_member_that_is_needed_is_named(tmp_path: Path, member: str):
    path = tmp_path / "cells.zip"
    write_archive(path, without=member)
    with pytest.raises(MalformedDataError, match=f"an archive without .*{member}"):
        read_cells(path, reduce=4)


@pytest.mark.parametrize(
    ("content", "found"), [(b"no picture", "Unidentified"), (jpeg((64, 48)), "64 x 48 pixels")]
)
def test_what_is_no_such_picture_is_named(content: bytes, found: str):
    with pytest.raises(MalformedDataError, match=rf"7\.jpg: expected a picture of 640.*{found}"):
        read_picture(content, "7.jpg", reduce=4)


@pytest.mark.parametrize(
    "content",
    [
        b"<annotation>",
        annotation(("Ape", 1, 1, 9, 9)),
        annotation(("RBC", 1, 1, 9, 9_999)),
        b"<a><object><name>RBC</name></object></a>",
    ],
)
def test_what_is_no_annotation_is_named(content: bytes):
    with pytest.raises(MalformedDataError, match=r"7\.xml: expected an annotation"):
        read_annotation(content, "7.xml")


@pytest.mark.usefixtures("published_data")
def test_the_published_archive_has_three_splits_of_blood():
    cells = load_bccd(reduce=8)
    assert [len(each.pictures) for each in cells.values()] == [205, 87, 72]
    labels = np.concatenate([each.labels.ravel() for each in cells.values()])
    assert np.bincount(labels[labels >= 0]).tolist() == [4_153, 372, 361]
    assert all(each.boxes.max() <= 80 for each in cells.values())
