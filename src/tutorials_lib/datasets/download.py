"""Published files: downloaded once or taken from a mirror, and verified before they are opened.

Pooch downloads to a temporary file in the cache folder and renames it when its checksum is right,
so that a file under its final name is always whole. A mirror is read where it lies.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import platformdirs

from tutorials_lib.datasets.errors import (
    CacheFolderError,
    ChecksumError,
    DownloadError,
    MirrorError,
    TruncatedFileError,
)

if TYPE_CHECKING:
    import rich.progress

CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables by which Requests is told whose certificates to trust."""

_NUM_RETRIES = 2
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A published file and the bytes that it must have.

    Attributes:
        name: its name in the cache folder.
        url: where it is published.
        sha256: the checksum of its bytes, in hexadecimal.
        num_bytes: its size.
        mirror_path: its path in a mirror, below the folder that `TUTORIALS_DATA_MIRROR` names.
        licence: the licence, or where to find it.
        citation: whom to cite, with the address of the data set's own page.
    """

    name: str
    url: str
    sha256: str
    num_bytes: int
    mirror_path: str
    licence: str
    citation: str


def fetch(remote: RemoteFile) -> Path:
    """The path of a verified copy: in the mirror if one is set, else in the cache folder.

    The file is downloaded when the cache has no intact copy of it, with a progress bar where
    standard error is a terminal. A broken connection is tried three times.

    Raises:
        MirrorError: the mirror is not a folder, or lacks the file.
        DownloadError: the address cannot be reached, or refuses, or the certificates to check it by
            are missing.
        CacheFolderError: the cache folder cannot be written to.
        TruncatedFileError: the file ends early.
        ChecksumError: the file has other bytes than the pinned ones.
    """
    folder = mirror_folder(remote.mirror_path)
    path = _download(remote) if folder is None else _find_in_mirror(remote, folder)
    for files in _watchers:
        files[remote.name] = remote
    return path


_watchers: list[dict[str, RemoteFile]] = []


@contextmanager
def watch() -> Iterator[dict[str, RemoteFile]]:
    """Collect by their names the files that `fetch` hands out, verified, in the `with` block."""
    files: dict[str, RemoteFile] = {}
    _watchers.append(files)
    try:
        yield files
    finally:
        _watchers.pop()


def mirror_folder(wanted: str = "the published sets") -> Path | None:
    """The folder that `TUTORIALS_DATA_MIRROR` names by a path or a `file://` address.

    Returns `None` where the variable is unset or empty. Raises `MirrorError`, which says that
    `wanted` was looked for, when it names no folder.
    """
    mirror = os.environ.get("TUTORIALS_DATA_MIRROR")
    if not mirror:
        return None
    address = urlsplit(mirror)
    path = url2pathname(address.path) if address.scheme == "file" else mirror
    folder = _absolute(path)
    if folder is None or not folder.is_dir():
        raise MirrorError(
            wanted,
            expected=f"a mirror folder at {folder or path} (TUTORIALS_DATA_MIRROR={mirror})",
            found="no such user" if folder is None else "no such folder",
            way_out="Name an existing folder or a file:// address, or unset the variable.",
        )
    return folder


def cache_folder(wanted: str = "the published sets") -> Path:
    """The folder that `TUTORIALS_DATA_CACHE` names, by default the operating system's own.

    It need not exist yet. Raises `CacheFolderError`, which says that `wanted` was to be kept
    there, when it cannot be a folder.
    """
    path = os.environ.get("TUTORIALS_DATA_CACHE")
    if not path:
        return platformdirs.user_cache_path("tutorials_lib")
    folder = _absolute(path)
    if folder is None or (folder.exists() and not folder.is_dir()):
        raise CacheFolderError(
            wanted,
            expected=f"a cache folder (TUTORIALS_DATA_CACHE={path})",
            found="no such user" if folder is None else "a file",
            way_out="Name another folder, or unset the variable.",
        )
    return folder


def _absolute(path: str) -> Path | None:
    """The path from the root of the file system; `None` where `~` names an unknown user."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        return None


def _find_in_mirror(remote: RemoteFile, folder: Path) -> Path:
    path = folder / remote.mirror_path
    if not path.is_file():
        raise MirrorError(
            path,
            expected=f"this file in the mirror TUTORIALS_DATA_MIRROR={folder}",
            found="no such file",
            way_out=f"Put {remote.url} there, or unset TUTORIALS_DATA_MIRROR to download it.",
        )
    _verify(path, remote, way_out=f"Replace the mirror's copy by {remote.url}.")
    return path


def _download(remote: RemoteFile) -> Path:
    # Imported here: a tutorial on offline data should not pay for an HTTP client.
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its messages would become outputs of a page
    _require_certificates(remote)
    cache = pooch.create(
        path=cache_folder(remote.name),
        base_url="",
        registry={remote.name: f"sha256:{remote.sha256}"},
        urls={remote.name: remote.url},
        retry_if_failed=_NUM_RETRIES,
    )
    try:
        path = cache.fetch(remote.name, downloader=_downloader(remote))
    except requests.exceptions.ChunkedEncodingError as error:
        raise TruncatedFileError(
            remote.name,
            expected=f"{remote.num_bytes:,} bytes from {remote.url}",
            found=str(error),
            way_out=f"Nothing was kept. Try again, or {_by_mirror(remote)}.",
        ) from error
    except requests.RequestException as error:  # an OSError too, so it comes first
        raise DownloadError(
            remote.name,
            expected=f"a download from {remote.url}",
            found=str(error),
            way_out="Nothing was kept. Connect to the network and try again, or "
            f"{_by_mirror(remote)}, or unset TUTORIALS_DATA to use the offline data.",
        ) from error
    except OSError as error:
        raise CacheFolderError(
            remote.name,
            expected=f"a cache folder at {cache.abspath} that can be written to",
            found=f"{type(error).__name__}: {error}",
            way_out="Name another folder in TUTORIALS_DATA_CACHE.",
        ) from error
    return Path(path)


def _require_certificates(remote: RemoteFile) -> None:
    """Raise where a file of certificates is named that is not there.

    Requests reports it by an `OSError` without a number, as if a disk had failed.
    """
    for variable in CERTIFICATES:
        bundle = os.environ.get(variable)
        if bundle and not Path(bundle).exists():
            raise DownloadError(
                remote.name,
                expected=f"certificates in the file that {variable} names",
                found=f"no file at {bundle}",
                way_out=f"Nothing was asked for. Name an existing file, or unset {variable}.",
            )


def _downloader(remote: RemoteFile) -> Any:
    """What Pooch calls to fill its temporary file: download, then verify.

    Returns `Any`, since Pooch's annotation of a downloader differs from its documentation.
    """
    import pooch

    def download(url: str, output_file: str, registry: object) -> None:
        with _progress_bar(remote) as bar, ExitStack() as cleanup:

            def close_later(response: Any, **_: object) -> None:
                cleanup.callback(response.close)  # Pooch leaves it open when it fails

            http = pooch.HTTPDownloader(
                progressbar=bar,
                chunk_size=_CHUNK_BYTES,
                headers={"Accept-Encoding": "identity"},  # the bytes as they were pinned
                hooks={"response": close_later},
            )
            http(url, output_file, registry)
        _verify(
            Path(output_file),
            remote,
            way_out="Nothing was kept. Try again; if it persists, the publisher has changed the "
            f"file: {_by_mirror(remote)}.",
        )

    return download


def _by_mirror(remote: RemoteFile) -> str:
    return (
        f"put the pinned file in a folder as {remote.mirror_path} and name that folder in "
        "TUTORIALS_DATA_MIRROR"
    )


def _verify(path: Path, remote: RemoteFile, *, way_out: str) -> None:
    """Raise unless the file at `path` has the pinned bytes."""
    num_bytes = path.stat().st_size
    if num_bytes < remote.num_bytes:
        raise TruncatedFileError(
            f"{remote.name} ({path})",
            expected=f"{remote.num_bytes:,} bytes",
            found=f"{num_bytes:,} bytes",
            way_out=way_out,
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != remote.sha256:
        raise ChecksumError(
            f"{remote.name} ({path})",
            expected=f"sha256 {remote.sha256}",
            found=f"sha256 {sha256} ({num_bytes:,} bytes)",
            way_out=way_out,
        )


@dataclass
class _Bar:
    """The four names that Pooch expects of a progress bar, drawn by Rich."""

    progress: "rich.progress.Progress"
    task: "rich.progress.TaskID"
    total: int

    def update(self, num_bytes: int) -> None:
        self.progress.advance(self.task, num_bytes)

    def reset(self) -> None:
        self.progress.update(self.task, completed=0)  # keeps the clock, and so the speed

    def close(self) -> None:
        """`_progress_bar` closes it, also when the download fails."""


@contextmanager
def _progress_bar(remote: RemoteFile) -> Iterator[Any]:
    """A `_Bar` on standard error, shown where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    console = Console(stderr=True, force_jupyter=False)
    columns = (remote.name, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=remote.num_bytes)
        yield _Bar(progress, task, remote.num_bytes)
