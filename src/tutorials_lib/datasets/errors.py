"""What can go wrong with a data set: every error names the file, the finding and the way out."""


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
