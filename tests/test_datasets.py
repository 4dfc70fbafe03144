"""The data sets: what the generators draw, what the loaders read, and how every failure reads."""

import functools
import hashlib
import http.server
import io
import os
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LogisticRegression

from tutorials_lib import datasets
from tutorials_lib.datasets import RemoteFile
from tutorials_lib.datasets.archives import read_tar_members
from tutorials_lib.datasets.cifar10 import CIFAR10, load_cifar10, parse_records
from tutorials_lib.datasets.cifar10 import CLASS_NAMES as CIFAR10_CLASSES
from tutorials_lib.datasets.shapes10 import CLASS_NAMES as SHAPES10_CLASSES
from tutorials_lib.datasets.shapes10 import shapes10
from tutorials_lib.datasets.wholesale import WHOLESALE, load_wholesale, parse_table

CONTENT = b"some bytes of a published file\n" * 100
TINY = RemoteFile(
    name="tiny.csv",
    url="http://localhost/tiny.csv",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    num_bytes=len(CONTENT),
    mirror_path="tiny/tiny.csv",
    licence="none",
    citation="nobody",
)
CIFAR10_SUBSET = replace(
    CIFAR10,
    sha256="75f46bf38799e042ca4a731ff1eb5fcd555261d9dae184d42e98c156db0e4a20",
    num_bytes=17_090_922,
    mirror_path="cifar10/cifar-10-binary.SUBSET.tar.gz",
)


# SHAPES10


def test_shapes10_has_the_layout_of_cifar10_and_uses_the_whole_range():
    images, labels = shapes10(300, seed=0)
    assert images.shape == (300, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert images.min() == 0
    assert images.max() == 255
    assert 0.3 < images.mean() / 255 < 0.7


@pytest.mark.parametrize("num_images", [0, 7, 200, 1_003])
def test_shapes10_is_balanced_to_one_image(num_images: int):
    _, labels = shapes10(num_images, seed=1)
    counts = np.bincount(labels, minlength=len(SHAPES10_CLASSES))
    assert counts.sum() == num_images
    assert counts.max() - counts.min() <= 1


def test_one_seed_repeats_and_two_seeds_differ():
    images, labels = shapes10(50, seed=3)
    again, labels_again = shapes10(50, seed=3)
    others, other_labels = shapes10(50, seed=4)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert (images != others).mean() > 0.9
    assert (labels != other_labels).any()


def test_shapes10_refuses_a_negative_number_of_images():
    with pytest.raises(ValueError, match="num_images is -1"):
        shapes10(-1, seed=0)


def test_a_linear_classifier_learns_something_of_shapes10_and_far_from_all():
    train_images, train_labels = shapes10(2_000, seed=0)
    test_images, test_labels = shapes10(1_000, seed=1)
    model = LogisticRegression(C=0.001, max_iter=50, tol=1e-2)
    model.fit(train_images.reshape(2_000, -1) / 255 - 0.5, train_labels)
    accuracy = model.score(test_images.reshape(1_000, -1) / 255 - 0.5, test_labels)
    assert 0.15 < accuracy < 0.40


# Downloading


class _Server(http.server.BaseHTTPRequestHandler):
    """Serves `content` and says that it is `promised_bytes` long."""

    content = CONTENT
    promised_bytes = len(CONTENT)
    status = 200
    num_requests = 0

    def do_GET(self) -> None:
        type(self).num_requests += 1
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.promised_bytes))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, no mirror, no proxy, and no waiting between attempts."""
    monkeypatch.setenv("TUTORIALS_DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("TUTORIALS_DATA_MIRROR", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return tmp_path / "cache"


@pytest.fixture
def serve(cache: Path) -> Iterator[Callable[..., tuple[RemoteFile, type[_Server]]]]:
    """Starts a server on this machine: its settings to the file it publishes and itself."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(**settings: object) -> tuple[RemoteFile, type[_Server]]:
        handler = type("Handler", (_Server,), settings)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return replace(TINY, url=f"http://127.0.0.1:{server.server_port}/tiny.csv"), handler

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _assert_says(error: datasets.DatasetError, *parts: str) -> None:
    """Every message names the file, what was expected and found, and ends in a way out."""
    message = str(error)
    for part in (error.file, error.expected, error.found, error.way_out, *parts):
        assert part
        assert part in message


def _assert_left_nothing(folder: Path) -> None:
    assert not folder.exists() or list(folder.rglob("*")) == []


def test_a_file_is_downloaded_once_and_then_read_from_the_cache(cache: Path, serve):
    remote, server = serve()
    assert datasets.fetch(remote) == cache / "tiny.csv"
    assert datasets.fetch(remote).read_bytes() == CONTENT
    assert server.num_requests == 1
    assert [path.name for path in cache.iterdir()] == ["tiny.csv"]


def test_a_damaged_copy_in_the_cache_is_downloaded_again(cache: Path, serve):
    remote, _ = serve()
    cache.mkdir()
    (cache / "tiny.csv").write_bytes(b"damaged")
    assert datasets.fetch(remote).read_bytes() == CONTENT


def test_a_wrong_checksum_is_named_and_nothing_is_kept(cache: Path, serve):
    wrong = CONTENT.replace(b"some", b"Some")
    remote, _ = serve(content=wrong)
    with pytest.raises(datasets.ChecksumError) as error:
        datasets.fetch(remote)
    _assert_says(
        error.value, "tiny.csv", remote.sha256, hashlib.sha256(wrong).hexdigest(), "tiny/tiny.csv"
    )
    _assert_left_nothing(cache)


def test_a_file_that_the_server_has_cut_is_named_and_nothing_is_kept(cache: Path, serve):
    remote, _ = serve(content=CONTENT[:1_000], promised_bytes=1_000)
    with pytest.raises(datasets.TruncatedFileError) as error:
        datasets.fetch(remote)
    _assert_says(error.value, "tiny.csv", "3,100 bytes", "1,000 bytes", "TUTORIALS_DATA_MIRROR")
    _assert_left_nothing(cache)


def test_a_connection_that_breaks_is_tried_three_times_and_nothing_is_kept(cache: Path, serve):
    remote, server = serve(content=CONTENT[:1_000])
    with pytest.raises(datasets.TruncatedFileError) as error:
        datasets.fetch(remote)
    assert server.num_requests == 3
    _assert_says(error.value, "tiny.csv", "3,100 bytes", "1000 bytes read", "Try again")
    _assert_left_nothing(cache)


def test_a_download_interrupted_by_the_reader_leaves_nothing(
    cache: Path, serve, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    remote, _ = serve()
    monkeypatch.setattr("tutorials_lib.datasets.download._Bar.update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        datasets.fetch(remote)
    _assert_left_nothing(cache)


def test_a_refusal_of_the_server_is_named(cache: Path, serve):
    remote, _ = serve(status=404)
    with pytest.raises(datasets.DownloadError) as error:
        datasets.fetch(remote)
    _assert_says(error.value, "tiny.csv", remote.url, "404")
    _assert_left_nothing(cache)


def test_no_network_is_named_with_the_two_ways_out(cache: Path):
    with socket.socket() as free:  # a port on which nobody listens
        free.bind(("127.0.0.1", 0))
        remote = replace(TINY, url=f"http://127.0.0.1:{free.getsockname()[1]}/tiny.csv")
        with pytest.raises(datasets.DownloadError) as error:
            datasets.fetch(remote)
    _assert_says(
        error.value, "tiny.csv", remote.url, "refused", "TUTORIALS_DATA_MIRROR", "TUTORIALS_DATA "
    )
    _assert_left_nothing(cache)


def test_a_file_in_the_place_of_the_cache_folder_is_named(cache: Path, serve):
    remote, _ = serve()
    cache.write_text("in the way")
    with pytest.raises(datasets.CacheFolderError) as error:
        datasets.fetch(remote)
    _assert_says(error.value, "tiny.csv", str(cache), "TUTORIALS_DATA_CACHE")
    assert cache.read_text() == "in the way"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where nobody can write")
def test_a_cache_folder_that_cannot_be_made_is_named(serve, monkeypatch: pytest.MonkeyPatch):
    remote, _ = serve()
    monkeypatch.setenv("TUTORIALS_DATA_CACHE", "/proc/tutorials_lib")
    with pytest.raises(datasets.CacheFolderError) as error:
        datasets.fetch(remote)
    _assert_says(error.value, "tiny.csv", "/proc/tutorials_lib", "TUTORIALS_DATA_CACHE")


def test_a_full_disk_is_named_and_nothing_is_kept(
    cache: Path, serve, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    remote, _ = serve()
    monkeypatch.setattr("tutorials_lib.datasets.download._Bar.update", full)
    with pytest.raises(datasets.CacheFolderError) as error:
        datasets.fetch(remote)
    _assert_says(error.value, "tiny.csv", str(cache), "No space left")
    _assert_left_nothing(cache)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_missing_certificates_are_named_and_not_called_a_cache_folder(
    variable: str, cache: Path, serve, monkeypatch: pytest.MonkeyPatch
):
    remote, _ = serve()
    monkeypatch.setenv(variable, "/nowhere/certificates.pem")
    with pytest.raises(datasets.DownloadError) as error:
        datasets.fetch(remote)
    _assert_says(error.value, "tiny.csv", variable, "no file at /nowhere/certificates.pem", "unset")
    _assert_left_nothing(cache)


# Mirrors


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """A mirror that holds `TINY`; nothing may be written to the cache while it is set."""
    folder = tmp_path / "a mirror"
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny/tiny.csv").write_bytes(CONTENT)
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(folder))
    return folder


def test_a_mirror_is_read_where_it_lies(mirror: Path, cache: Path):
    assert datasets.fetch(TINY) == mirror / "tiny/tiny.csv"
    assert not cache.exists()


def test_a_mirror_may_be_a_file_address_or_a_relative_folder(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", mirror.as_uri())
    assert datasets.fetch(TINY) == mirror / "tiny/tiny.csv"
    monkeypatch.chdir(mirror.parent)
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", mirror.name)
    assert datasets.fetch(TINY) == mirror / "tiny/tiny.csv"


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("/no/such/folder", "no such folder"),
        ("https://example.org/data", "no such folder"),
        ("~nosuchuser/data", "no such user"),
    ],
)
def test_a_mirror_that_is_no_folder_is_named(
    setting: str, found: str, monkeypatch: pytest.MonkeyPatch, mirror: Path, cache: Path
):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", setting)
    with pytest.raises(datasets.MirrorError) as error:
        datasets.fetch(TINY)
    _assert_says(error.value, "tiny/tiny.csv", f"TUTORIALS_DATA_MIRROR={setting}", found)
    assert not cache.exists()


def test_a_mirror_without_the_file_is_named(mirror: Path, cache: Path):
    (mirror / "tiny/tiny.csv").unlink()
    with pytest.raises(datasets.MirrorError) as error:
        datasets.fetch(TINY)
    _assert_says(error.value, str(mirror / "tiny/tiny.csv"), "no such file", TINY.url)
    assert not cache.exists()


def test_a_copy_in_a_mirror_is_verified_all_the_same(mirror: Path, cache: Path):
    copy = mirror / "tiny/tiny.csv"
    copy.write_bytes(CONTENT[:-1])
    with pytest.raises(datasets.TruncatedFileError) as error:
        datasets.fetch(TINY)
    _assert_says(error.value, str(copy), "3,100 bytes", "3,099 bytes", TINY.url)
    copy.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(datasets.ChecksumError) as checksum_error:
        datasets.fetch(TINY)
    _assert_says(checksum_error.value, str(copy), TINY.sha256, TINY.url)
    assert not cache.exists()


# Archives


def _archive(folder: Path, *members: tuple[tarfile.TarInfo | str, bytes]) -> Path:
    """A tar.gz with the given members."""
    path = folder / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_only_the_members_asked_for_are_read(tmp_path: Path):
    path = _archive(tmp_path, ("data/a.bin", b"aa"), ("data/readme", b"text"), ("b.bin", b"b"))
    contents = read_tar_members(path, {"data/a.bin": 2, "b.bin": 4})
    assert contents == {"data/a.bin": b"aa", "b.bin": b"b"}


@pytest.mark.parametrize(
    ("member", "content", "reason"),
    [
        ("../evil", b"x", "points out"),
        ("data/../../evil", b"x", "points out"),
        ("/etc/evil", b"x", "points out"),
        ("C:\\evil", b"x", "points out"),
        ("data\\..\\..\\evil", b"x", "points out"),
        (_special("data/a.bin", tarfile.SYMTYPE, "/etc/passwd"), b"", "neither a file nor"),
        (_special("data/a.bin", tarfile.LNKTYPE, "../evil"), b"", "neither a file nor"),
        (_special("data/fifo", tarfile.FIFOTYPE), b"", "neither a file nor"),
        ("data/a.bin", b"x" * 9, "holds 9 bytes where 8 are allowed"),
        ("data/bomb", b"x" * 9, "holds 9 bytes where 8 are allowed"),
        ("data/first.bin", b"x", "occurs twice"),
    ],
)
def test_an_unsafe_member_makes_the_archive_unusable(
    tmp_path: Path, member: tarfile.TarInfo | str, content: bytes, reason: str
):
    path = _archive(tmp_path, ("data/first.bin", b"x"), (member, content))
    name = member if isinstance(member, str) else member.name
    with pytest.raises(datasets.UnsafeArchiveError) as error:
        read_tar_members(path, {"data/first.bin": 8, "data/a.bin": 8})
    _assert_says(error.value, str(path), repr(name), reason, "Nothing was unpacked")
    assert list(tmp_path.iterdir()) == [path]
    assert not (tmp_path.parent / "evil").exists()


def test_an_archive_of_ever_more_members_is_not_unpacked_to_its_end(tmp_path: Path):
    members = [(f"data/{i}.bin", b"x" * 8_000) for i in range(2_000)]
    path = _archive(tmp_path, *members, ("data/last.bin", b"x"))
    with pytest.raises(datasets.UnsafeArchiveError) as error:
        read_tar_members(path, {"data/last.bin": 8_000})
    _assert_says(error.value, str(path), "holds too much", "Nothing was unpacked")


def test_an_archive_that_lacks_a_member_is_named(tmp_path: Path):
    path = _archive(tmp_path, ("a.bin", b"a"))
    with pytest.raises(datasets.MalformedDataError) as error:
        read_tar_members(path, {"a.bin": 8, "b.bin": 8})
    _assert_says(error.value, str(path), "an archive without b.bin")


@pytest.mark.parametrize("damage", [lambda data: data[:5_000], lambda data: b"no archive"])
def test_a_damaged_archive_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]):
    path = _archive(tmp_path, ("a.bin", np.random.default_rng(0).bytes(10_000)))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(datasets.MalformedDataError) as error:
        read_tar_members(path, {"a.bin": 10_000})
    _assert_says(error.value, str(path), "a tar archive", "fetched again")


# CIFAR-10


def _encode(images: np.ndarray, labels: np.ndarray) -> bytes:
    """The binary form of labelled images, written from its description and not from the loader."""
    return b"".join(
        bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
        for image, label in zip(images, labels, strict=True)
    )


@st.composite
def labelled_images(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    num_images = draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images = rng.integers(0, 256, (num_images, 32, 32, 3), np.uint8)
    return images, draw(arrays.arrays(np.int32, num_images, elements=st.integers(0, 9)))


@settings(deadline=None)  # a busy machine is not an error
@given(labelled_images())
def test_records_are_read_back_as_they_were_written(pair: tuple[np.ndarray, np.ndarray]):
    images, labels = pair
    parsed_images, parsed_labels = parse_records(_encode(images, labels), "records.bin")
    np.testing.assert_array_equal(parsed_images, images)
    np.testing.assert_array_equal(parsed_labels, labels)


@settings(deadline=None)  # a busy machine is not an error
@given(st.integers(1, 3_072), st.integers(0, 2))
def test_a_cut_record_is_named(extra: int, whole: int):
    with pytest.raises(datasets.MalformedDataError) as error:
        parse_records(bytes(whole * 3_073 + extra), "records.bin")
    _assert_says(error.value, "records.bin", "3,073 bytes", f"{extra:,} too many")


@settings(deadline=None)  # a busy machine is not an error
@given(st.integers(10, 255), st.integers(0, 3))
def test_a_label_above_nine_is_named(label: int, record: int):
    content = bytearray(4 * 3_073)
    content[record * 3_073] = label
    with pytest.raises(datasets.MalformedDataError) as error:
        parse_records(bytes(content), "records.bin")
    _assert_says(error.value, "records.bin", f"label {label} in record {record}")


@pytest.fixture
def tiny_cifar10(mirror: Path) -> tuple[RemoteFile, np.ndarray, np.ndarray]:
    """An archive of 2 + 1 + 1 + 1 + 1 training images and 3 test images, in a mirror."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 32, 32, 3), np.uint8)
    labels = rng.integers(0, 10, 9, np.int32)
    files = {"test_batch": slice(6, 9), "data_batch_1": slice(0, 2)}
    files |= {f"data_batch_{i}": slice(i, i + 1) for i in range(2, 6)}
    members = [
        (f"cifar-10-batches-bin/{name}.bin", _encode(images[part], labels[part]))
        for name, part in files.items()
    ]
    path = _archive(mirror, ("cifar-10-batches-bin/batches.meta.txt", b"airplane\n"), *members)
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    remote = replace(CIFAR10, sha256=sha256, num_bytes=len(content), mirror_path=path.name)
    return remote, images, labels


def test_cifar10_keeps_the_order_of_the_files_whatever_the_archive_does(tiny_cifar10):
    remote, images, labels = tiny_cifar10
    data = load_cifar10(6, 3, remote=remote)
    np.testing.assert_array_equal(data.train_images, images[:6])
    np.testing.assert_array_equal(data.train_labels, labels[:6])
    np.testing.assert_array_equal(data.test_images, images[6:])
    np.testing.assert_array_equal(data.test_labels, labels[6:])


@pytest.mark.parametrize("num_train", [0, 1, 2, 3])
def test_cifar10_takes_the_first_images(tiny_cifar10, num_train: int):
    remote, images, _ = tiny_cifar10
    train_images, train_labels, test_images, _ = load_cifar10(num_train, 1, remote=remote)
    assert len(train_images) == len(train_labels) == num_train
    np.testing.assert_array_equal(train_images, images[:num_train])
    np.testing.assert_array_equal(test_images, images[6:7])


def test_asking_cifar10_for_more_than_it_holds_is_named(tiny_cifar10):
    remote, *_ = tiny_cifar10
    with pytest.raises(datasets.MalformedDataError) as error:
        load_cifar10(7, 3, remote=remote)
    _assert_says(error.value, "at least 7 training images", "found 6", "Ask for fewer")


@pytest.mark.parametrize("numbers", [{"num_train": -1}, {"num_test": -2}])
def test_a_negative_number_of_images_is_refused_before_anything_is_fetched(
    numbers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    def fetched(_: object) -> None:
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr("tutorials_lib.datasets.cifar10.fetch", fetched)
    with pytest.raises(ValueError, match=r"num_(train|test) is -\d; ask for 0 images or more"):
        load_cifar10(**numbers)


# Wholesale customers

TABLE = """\
Channel,Region,Fresh,Milk,Grocery,Frozen,Detergents_Paper,Delicassen
2,3,12669,9656,7561,214,2674,1338
1,1,7057,9810,9568,1762,3293,1776
"""


def test_the_uci_spelling_of_the_header_is_read_too():
    customers = parse_table(TABLE.replace("Fresh", " FRESH "), "customers.csv")
    np.testing.assert_array_equal(customers.channel, [2, 1])
    np.testing.assert_array_equal(customers.region, [3, 1])
    np.testing.assert_array_equal(customers.spending[:, 5], [1_338, 1_776])
    assert customers.feature_names[5] == "delicatessen"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("Fresh,Milk", "Milk,Fresh", ("line 1", "Milk, Fresh")),
        ("Channel,", "", ("line 1", "Channel, Region")),
        ("1762,", "", ("line 3", "8 fields", "found 7")),
        ("1776", "1776,5", ("line 3", "8 fields", "found 9")),
        ("9656", "many", ("line 2", "at least 0 as Milk", "many")),
        ("9656", "-9656", ("line 2", "at least 0 as Milk", "-9656")),
        ("9656", "nan", ("line 2", "at least 0 as Milk", "nan")),
        ("2,3,", "3,3,", ("line 2", "one of 1, 2 as Channel", "3")),
        ("1,1,", "1,4,", ("line 3", "one of 1, 2, 3 as Region", "4")),
        (TABLE, "", ("line 1", "found nothing")),
    ],
)
def test_a_malformed_table_is_named_with_its_line(old: str, new: str, parts: tuple[str, ...]):
    with pytest.raises(datasets.MalformedDataError) as error:
        parse_table(TABLE.replace(old, new), "customers.csv")
    _assert_says(error.value, "customers.csv", *parts)


# The published files, where a mirror has them


@functools.cache
def _real_mirror() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "datasets"
    return Path(os.environ.get("TUTORIALS_DATA_MIRROR", beside))


def _require(remote: RemoteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (_real_mirror() / remote.mirror_path).is_file():
        pytest.skip(f"no mirror with {remote.mirror_path} at {_real_mirror()}")
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(_real_mirror()))


def test_the_published_wholesale_customers_are_read(monkeypatch: pytest.MonkeyPatch):
    _require(WHOLESALE, monkeypatch)
    customers = load_wholesale()
    assert customers.spending.shape == (440, 6)
    # The counts that the set's own description gives.
    np.testing.assert_array_equal(np.bincount(customers.channel), [0, 298, 142])
    np.testing.assert_array_equal(np.bincount(customers.region), [0, 77, 47, 316])
    np.testing.assert_array_equal(customers.spending.min(0), [3, 55, 3, 25, 3, 3])


def test_a_lossless_part_of_the_published_cifar10_is_read(monkeypatch: pytest.MonkeyPatch):
    _require(CIFAR10_SUBSET, monkeypatch)
    data = load_cifar10(5_000, 1_000, remote=CIFAR10_SUBSET)
    assert data.train_images.shape == (5_000, 32, 32, 3)
    assert data.test_images.shape == (1_000, 32, 32, 3)
    names = [CIFAR10_CLASSES[label] for label in data.train_labels[:4]]
    assert names == ["frog", "truck", "truck", "deer"]
    # The first pixels of the first image, as they are printed in many a tutorial.
    assert data.train_images[0, 0, :2].tolist() == [[59, 62, 63], [43, 46, 45]]
    assert data.train_images[0, 1, 0].tolist() == [16, 20, 20]


def test_the_pin_of_cifar10_refuses_the_subset(monkeypatch: pytest.MonkeyPatch):
    _require(CIFAR10_SUBSET, monkeypatch)
    with pytest.raises(datasets.TruncatedFileError) as error:
        load_cifar10(remote=replace(CIFAR10, mirror_path=CIFAR10_SUBSET.mirror_path))
    _assert_says(error.value, "170,052,171 bytes", "17,090,922 bytes")


# The package


def test_importing_the_data_sets_brings_neither_jax_nor_a_http_client():
    heavy = {"jax", "flax", "pooch", "requests", "rich", "scipy", "sklearn"}
    program = f"import sys, tutorials_lib.datasets; print(*{heavy} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert output.stdout.split() == []
