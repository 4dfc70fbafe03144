"""Whether an EPUB is fit to be read: what it names is in it, and what EPUBCheck says."""

import posixpath
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGEST = 40_000_000
"""Bytes that the book may have: some stores and readers take no more."""

NEVER = ("script", "form", "input", "button", "iframe")
"""Elements that reading programs leave out or let do nothing."""

NOT_INSTALLED = (
    "EPUBCheck, which knows the whole standard, is not installed and was not asked. On Debian or "
    "Ubuntu: sudo apt install epubcheck"
)

_COMPLAINT = re.compile(r"^(?:FATAL|ERROR|WARNING)\(.*", re.MULTILINE)


def check(path: Path) -> list[str]:
    """What is wrong with the book, a line each, as far as this project can tell."""
    found = []
    if (weight := path.stat().st_size) > LARGEST:
        found.append(f"the book weighs {weight:,} bytes, and {LARGEST:,} are allowed")
    pages: dict[str, ET.Element] = {}
    with zipfile.ZipFile(path) as book:
        files = book.namelist()
        for name in files:
            if name.endswith((".xhtml", ".svg", ".opf", ".ncx")):
                try:
                    pages[name] = ET.fromstring(book.read(name))
                except ET.ParseError as error:
                    found.append(f"{name}: {error}")
    ids = {name: {each.get("id") for each in page.iter()} for name, page in pages.items()}
    for name in files:
        ids.setdefault(name, set())
    for name, page in pages.items():
        if name.endswith(".xhtml"):
            found += [f"{name}: {fault}" for fault in _faults_of(name, page, ids)]
    return found


def _faults_of(name: str, page: ET.Element, ids: Mapping[str, set[str | None]]) -> Iterator[str]:
    """What is wrong with a page: elements that do nothing, pictures not described, dead links."""
    for element in page.iter():
        tag = element.tag.rpartition("}")[2]
        if tag in NEVER:
            yield f"has <{tag}>"
        if tag == "img" and not element.get("alt", "").strip():
            yield f"{element.get('src')} has no alternative text"
        for attribute in ("src", "href"):
            address = urlsplit(element.get(attribute) or "")
            if address.scheme or not (address.path or address.fragment):
                continue
            folder = posixpath.dirname(name)
            target = posixpath.normpath(posixpath.join(folder, unquote(address.path)))
            target = target if address.path else name
            if target not in ids:
                yield f"{target} is not in the book"
            elif address.fragment and unquote(address.fragment) not in ids[target]:
                yield f"{target} has no {address.fragment}"


def verdict(path: Path) -> list[str] | None:
    """What EPUBCheck complains of; None where it is not installed.

    Debian's is an archive that only Java starts, unless the system has been told how.

    Raises:
        RuntimeError: it ended before it had a verdict.
    """
    program = shutil.which("epubcheck")
    if program is None:
        return None
    command = ["java", "-jar", program] if zipfile.is_zipfile(program) else [program]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    complaints = _COMPLAINT.findall(said)
    if done.returncode and not complaints:
        raise RuntimeError(f"{' '.join(command)} failed: {said.strip()}")
    return complaints


def size(path: Path) -> str:
    """How much the book holds."""
    with zipfile.ZipFile(path) as book:
        pages = sum(name.endswith(".xhtml") for name in book.namelist())
    return f"{pages} pages, {path.stat().st_size / 1e6:.1f} MB"
