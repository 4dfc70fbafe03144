"""Which published files were read is known afterwards."""

import hashlib
from pathlib import Path

import pytest

from tutorials_lib.datasets import MirrorError, RemoteFile, download, fetch


def published(name: str, content: bytes, mirror: Path) -> RemoteFile:
    (mirror / name).write_bytes(content)
    return RemoteFile(
        name=name,
        url=f"http://localhost/{name}",
        sha256=hashlib.sha256(content).hexdigest(),
        num_bytes=len(content),
        mirror_path=name,
        licence="none",
        citation="nobody",
    )


def test_files_are_watched_while_they_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    first, second, later = (published(name, name.encode(), tmp_path) for name in "abc")
    with download.watch() as outer:
        fetch(first)
        with download.watch() as inner:
            fetch(second)
            fetch(second)
    fetch(later)
    assert outer == {"a": first, "b": second}
    assert inner == {"b": second}


def test_a_file_that_cannot_be_had_is_not_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    missing = published("a", b"a", tmp_path)
    (tmp_path / "a").unlink()
    with download.watch() as files, pytest.raises(MirrorError):
        fetch(missing)
    assert files == {}
