"""What can go wrong with a data set: every error names the file, the finding and the way out."""

from collections.abc import Iterator
from contextlib import contextmanager


class DatasetError(RuntimeError):
    """A published data set cannot be had, or is not what it should be.

    Attributes:
        file: the file in question.
        expected: what should have been there ...
        found: ... and what was.
        way_out: what the reader can do about it.
    """

    def __init__(self, file: object, *, expected: str, found: str, way_out: str) -> None:
        self.file = str(file)
        self.expected = expected
        self.found = found
        self.way_out = way_out
        super().__init__(f"{file}: expected {expected}; found {found}. {way_out}")


class ChecksumError(DatasetError):
    """The file's sha256 is not the pinned one; the file has not been opened."""


class TruncatedFileError(DatasetError):
    """The file ends before its last byte."""


class DownloadError(DatasetError):
    """The file's address cannot be reached or refuses: no network, or a change at the publisher."""


class CacheFolderError(DatasetError):
    """The cache folder cannot be made or written to."""


class MirrorError(DatasetError):
    """`TUTORIALS_DATA_MIRROR` names no folder, or one that lacks the file."""


class UnsafeArchiveError(DatasetError):
    """An archive has a member that points out of its folder, is a link, or is far too large."""


class MalformedDataError(DatasetError):
    """The file is the pinned one, or was injected, and cannot be read as its format."""


@contextmanager
def reading(file: object, *, expected: str, way_out: str) -> Iterator[None]:
    """Give bytes from outside to a parser: whatever goes wrong inside is one promised error.

    Parsers of libraries raise what they like, and more kinds of it with every version; a list of
    them is never complete. Keep the block to the parser's call, so that no fault of ours hides
    in it.

    Raises:
        MalformedDataError: the block raised an exception; a `DatasetError` passes as it is.
    """
    try:
        yield
    except DatasetError:
        raise
    except Exception as error:
        found = f"{type(error).__name__}: {error}"[:500]
        raise MalformedDataError(file, expected=expected, found=found, way_out=way_out) from error
