"""Read chosen members of a tar archive into memory; nothing is ever unpacked to disk."""

import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from tutorials_lib.datasets.errors import MalformedDataError, UnsafeArchiveError


def read_tar_members(path: Path, allowed: Mapping[str, int]) -> dict[str, bytes]:
    """The contents of the files in `allowed`, which maps a name to its largest size in bytes.

    Other members are passed over, but one that has no business in a data set makes the whole
    archive suspect: a path out of the archive's folder, a link, a device, a size above the
    largest in `allowed`, a name that occurs twice.

    Raises:
        UnsafeArchiveError: there is such a member.
        MalformedDataError: the archive is damaged, or lacks one of the files.
    """
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                limit = allowed.get(member.name, max(allowed.values()))
                _refuse_unsafe(path, member, limit, seen=contents)
                if member.name in allowed and (file := archive.extractfile(member)):
                    contents[member.name] = file.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise MalformedDataError(
            path,
            expected="a tar archive",
            found=f"{type(error).__name__}: {error}",
            way_out="Delete the file, so that it is fetched again.",
        ) from error
    if missing := allowed.keys() - contents:
        raise MalformedDataError(
            path,
            expected=f"the members {', '.join(allowed)}",
            found=f"an archive without {', '.join(sorted(missing))}",
            way_out="Check that this is the file that the loader describes.",
        )
    return contents


def _refuse_unsafe(
    path: Path, member: tarfile.TarInfo, limit: int, *, seen: Mapping[str, bytes]
) -> None:
    name = PureWindowsPath(member.name)  # splits at / and \\, knows drive letters
    if name.anchor or ".." in name.parts:
        reason = "points out of the archive's folder"
    elif not (member.isreg() or member.isdir()):
        reason = "is neither a file nor a folder"
    elif member.size > limit:
        reason = f"holds {member.size:,} bytes where {limit:,} are allowed"
    elif member.name in seen:
        reason = "occurs twice"
    else:
        return
    raise UnsafeArchiveError(
        path,
        expected="plain files and folders inside the archive's own folder",
        found=f"the member {member.name!r}, which {reason}",
        way_out="Nothing was unpacked. Do not use this archive; fetch it from its publisher.",
    )
