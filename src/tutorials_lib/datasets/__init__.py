"""Data for the tutorials: generated or bundled by default, the published set on request.

Every tutorial knows two sources, and `TUTORIALS_DATA` chooses between them.

`offline` (the default)
    Generators, pure functions of a seed, and data that a dependency brings along. Nothing is
    downloaded.

`real`
    The published set. Its file is downloaded once into the cache folder, and its sha256 is
    compared with the pinned one before it is opened. Archives are read by an allow-list, and
    nothing is ever unpickled. When the file cannot be had or is not the pinned one, the loader
    raises a `DatasetError`, which says what was expected, what was found and what to do; it
    never falls back to generated data.

Two more environment variables say where published files live. `~` stands for the home folder, a
relative folder is taken from the working directory, and empty means unset:

`TUTORIALS_DATA_CACHE`
    The cache folder. By default the operating system's own, such as `~/.cache/tutorials_lib`.

`TUTORIALS_DATA_MIRROR`
    A folder, or a `file://` address, that already holds the files under the paths that their
    `RemoteFile.mirror_path` gives. With it nothing is downloaded and nothing is written: a file
    is verified and read where it lies.

Each data set is a module of its own, which is imported by its name: a page is then executed
again when its own data set changes, and not when another does.
"""

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import (
    CacheFolderError,
    ChecksumError,
    DatasetError,
    DownloadError,
    MalformedDataError,
    MirrorError,
    TruncatedFileError,
    UnsafeArchiveError,
)

__all__ = [
    "CacheFolderError",
    "ChecksumError",
    "DatasetError",
    "DownloadError",
    "MalformedDataError",
    "MirrorError",
    "RemoteFile",
    "TruncatedFileError",
    "UnsafeArchiveError",
    "fetch",
]
