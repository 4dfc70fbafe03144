"""Multi30k: captions of photographs in English, and what translators made of them in French.

Written by people for 31,014 photographs of Flickr (Young et al. 2014; Elliott et al. 2016 and
2017): 29,000 pairs to learn from, 1,014 to choose settings by and 1,000 as `test_2016_flickr`.
"""

import re
import zlib
from typing import Literal, NamedTuple

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading
from tutorials_lib.datasets.translation import Pair

Split = Literal["train", "val", "test_2016_flickr"]
Language = Literal["en", "fr"]

_COMMIT = "a3d2e0d26b56f3846f66a952536ffed4e401d05a"
_MAX_BYTES = 1 << 24  # unpacked; the largest file has a seventh of it
_WAY_OUT = "Check that this is a file of Multi30k."


def _remote(split: Split, language: Language, num_bytes: int, sha256: str) -> RemoteFile:
    name = f"{split}.{language}.gz"
    return RemoteFile(
        name=f"multi30k-{name}",
        url=f"https://raw.githubusercontent.com/multi30k/dataset/{_COMMIT}/data/task1/raw/{name}",
        sha256=sha256,
        num_bytes=num_bytes,
        mirror_path=f"multi30k/raw/{name}",
        licence="not stated; for research, no redistribution",
        citation="D. Elliott, S. Frank, K. Sima'an and L. Specia (2016), Multi30K: Multilingual "
        "English-German Image Descriptions; French by D. Elliott, S. Frank, L. Barrault, "
        "F. Bougares and L. Specia (2017), https://github.com/multi30k/dataset",
    )


MULTI30K: dict[tuple[Split, Language], RemoteFile] = {
    ("train", "en"): _remote(
        "train", "en", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"
    ),
    ("train", "fr"): _remote(
        "train", "fr", 604_242, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c"
    ),
    ("val", "en"): _remote(
        "val", "en", 21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"
    ),
    ("val", "fr"): _remote(
        "val", "fr", 23_001, "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9"
    ),
    ("test_2016_flickr", "en"): _remote(
        "test_2016_flickr",
        "en",
        21_077,
        "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    ),
    ("test_2016_flickr", "fr"): _remote(
        "test_2016_flickr",
        "fr",
        22_310,
        "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
    ),
}
"""English and French of each split, pinned by their commit. Pages show scores only."""


class Multi30k(NamedTuple):
    """Captions as pairs of words, see `tokens`; the splits as published."""

    train: tuple[Pair, ...]
    development: tuple[Pair, ...]
    test: tuple[Pair, ...]


def load_multi30k() -> Multi30k:
    """The three splits, from English to French.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, or is not of this form (which
            of these, the subclass and the message say).
    """
    splits: tuple[Split, ...] = ("train", "val", "test_2016_flickr")
    return Multi30k(*map(_load_split, splits))


def _load_split(split: Split) -> tuple[Pair, ...]:
    english, french = (
        parse_lines((path := fetch(MULTI30K[split, language])).read_bytes(), str(path))
        for language in ("en", "fr")
    )
    return pair_up(english, french, f"{split} of Multi30k")


def parse_lines(packed: bytes, file: str) -> tuple[str, ...]:
    """The lines of a file in UTF-8 that gzip has packed.

    Raises:
        MalformedDataError: it is no such file, unpacks to more than 16 MiB, or has a line
            without words.
    """
    with reading(file, expected="lines in UTF-8, packed by gzip", way_out=_WAY_OUT):
        unpacker = zlib.decompressobj(wbits=31)
        content = unpacker.decompress(packed, _MAX_BYTES)
        if not unpacker.eof:
            raise ValueError("the packed data does not end, or is too large")
        lines = tuple(content.decode("utf-8").removesuffix("\n").split("\n"))
    for number, line in enumerate(lines, start=1):
        if not tokens(line):
            place = f"{file}, line {number}"
            raise MalformedDataError(
                place, expected="a sentence", found="no word", way_out=_WAY_OUT
            )
    return lines


def pair_up(english: tuple[str, ...], french: tuple[str, ...], file: str) -> tuple[Pair, ...]:
    """Line for line.

    Raises:
        MalformedDataError: their numbers differ.
    """
    if len(english) != len(french):
        raise MalformedDataError(
            file,
            expected=f"{len(english)} French lines, as many as English ones",
            found=str(len(french)),
            way_out=_WAY_OUT,
        )
    return tuple(Pair(tokens(en), tokens(fr)) for en, fr in zip(english, french, strict=True))


def tokens(line: str) -> tuple[str, ...]:
    """Words in lower case, signs apart; French *l'* keeps its apostrophe, as in the grammar."""
    return tuple(re.findall(r"\w+['’](?=\w)|\w+|[^\w\s]", line.lower()))
