"""Whose data the book uses, under which licence: one table, read from the loaders themselves."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tutorials_lib import datasets, pretrained
from tutorials_lib.datasets.download import RemoteFile
from tutorials_lib.datasets.photos import PHOTOS


class Credit(NamedTuple):
    """A published set, or a part of it with a licence of its own.

    Attributes:
        what: the first sentence of its module.
        licence: as its publisher states it.
        citation: who made it, and where it comes from.
        num_files: how many files are fetched.
        num_bytes: what they weigh together.
    """

    what: str
    licence: str
    citation: str
    num_files: int
    num_bytes: int


def published() -> list[Credit]:
    """The sets and weights that are downloaded on request, by the names of their modules."""
    credits: list[Credit] = []
    for name in _modules():
        module = importlib.import_module(name)
        if not hasattr(module, "fetch"):  # what it holds of files is another module's
            continue
        files = {remote.url: remote for remote in _remote_files(tuple(vars(module).values()))}
        what = (module.__doc__ or "").splitlines()[0].rstrip(".")
        grouped: dict[tuple[str, str], list[RemoteFile]] = {}
        for remote in files.values():
            grouped.setdefault((remote.licence, remote.citation), []).append(remote)
        credits += [
            Credit(what, *source, len(remotes), sum(remote.num_bytes for remote in remotes))
            for source, remotes in grouped.items()
        ]
    return credits


def bundled() -> list[tuple[str, str, str]]:
    """The pictures that come with packages: what each shows, its licence, the package."""
    names = {"skimage": "scikit-image", "sklearn": "scikit-learn"}
    return [(photo.shows, photo.licence, names[photo.package]) for photo in PHOTOS.values()]


def _modules() -> Iterator[str]:
    for package in (datasets, pretrained):
        for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not name.endswith((".credits", ".download")):
                yield name


def _remote_files(value: object) -> Iterator[RemoteFile]:
    """The files in a constant of a module: one, or several in a mapping or a tuple."""
    if isinstance(value, RemoteFile):
        yield value
    elif isinstance(value, Mapping | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _remote_files(each)
