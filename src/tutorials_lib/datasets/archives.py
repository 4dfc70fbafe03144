"""Read chosen members of an archive into memory; nothing is ever unpacked to disk."""

import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from tutorials_lib.datasets.errors import MalformedDataError, UnsafeArchiveError, reading

_OTHERS = 4
"""All members of a compressed archive may hold this many times what is asked for of it."""

_AGAIN = "Delete the file, so that it is fetched again."


def read_tar_members(path: Path, allowed: Mapping[str, int]) -> dict[str, bytes]:
    """The contents of the files in `allowed`, which maps a name to its largest size in bytes.

    Other members are passed over, but one that has no business in a data set makes the whole
    archive suspect: a path out of the archive's folder, a link, a device, a size above the
    largest in `allowed`, a name that occurs twice, or so many that all together hold several times
    what is asked for: each has to be unpacked to get to the next.

    Raises:
        UnsafeArchiveError: there is such a member.
        MalformedDataError: the archive is damaged, or lacks one of the files.
    """
    contents: dict[str, bytes] = {}
    left = _OTHERS * max(sum(allowed.values()), tarfile.RECORDSIZE)
    with reading(path, expected="a tar archive", way_out=_AGAIN), tarfile.open(path) as archive:
        for member in archive:
            left -= tarfile.BLOCKSIZE + member.size
            if left < 0:
                raise _unsafe(path, f"{member.name!r}, with which the archive holds too much")
            _refuse_unsafe(
                path,
                member.name,
                member.size,
                plain=member.isreg() or member.isdir(),
                allowed=allowed,
                seen=contents,
            )
            if member.name in allowed and (file := archive.extractfile(member)):
                contents[member.name] = file.read()
    _require_all(path, allowed, contents)
    return contents


def read_zip_members(path: Path, allowed: Mapping[str, int]) -> dict[str, bytes]:
    """The contents of the files in `allowed`, which maps a name to its largest size in bytes.

    Other members are passed over, or refused, by the rules of `read_tar_members`.

    Raises:
        UnsafeArchiveError: there is a member that has no business in a data set.
        MalformedDataError: the archive is damaged or encrypted, or lacks one of the files.
    """
    contents: dict[str, bytes] = {}
    with reading(path, expected="a zip archive", way_out=_AGAIN), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse_unsafe(
                path,
                member.filename,
                member.file_size,
                plain=_is_plain(member),
                allowed=allowed,
                seen=contents,
            )
            if member.filename in allowed:
                contents[member.filename] = archive.read(member)
    _require_all(path, allowed, contents)
    return contents


def _is_plain(member: zipfile.ZipInfo) -> bool:
    """Whether this is a file or a folder; a zip made on Unix can also hold links and devices."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind in (0, stat.S_IFREG, stat.S_IFDIR)


def _refuse_unsafe(
    path: Path,
    member: str,
    num_bytes: int,
    *,
    plain: bool,
    allowed: Mapping[str, int],
    seen: Mapping[str, bytes],
) -> None:
    limit = allowed.get(member, max(allowed.values()))
    name = PureWindowsPath(member)  # splits at / and \\, knows drive letters
    if name.anchor or ".." in name.parts:
        reason = "points out of the archive's folder"
    elif not plain:
        reason = "is neither a file nor a folder"
    elif num_bytes > limit:
        reason = f"holds {num_bytes:,} bytes where {limit:,} are allowed"
    elif member in seen:
        reason = "occurs twice"
    else:
        return
    raise _unsafe(path, f"{member!r}, which {reason}")


def _unsafe(path: Path, member: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(
        path,
        expected="plain files and folders inside the archive's own folder",
        found=f"the member {member}",
        way_out="Nothing was unpacked. Do not use this archive; fetch it from its publisher.",
    )


def _require_all(path: Path, allowed: Mapping[str, int], contents: Mapping[str, bytes]) -> None:
    if missing := allowed.keys() - contents:
        raise MalformedDataError(
            path,
            expected=f"the members {', '.join(allowed)}",
            found=f"an archive without {', '.join(sorted(missing))}",
            way_out="Check that this is the file that the loader describes.",
        )
