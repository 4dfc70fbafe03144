"""Damaged files for every parser of published data, below the checksum that would refuse them.

`python -m tests.datasets.damage` prints what came of them. It is a process of its own also in the
test: parsers written in C may crash on bytes that nobody pinned.
"""

import gzip
import importlib
import io
import json
import pkgutil
import resource
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from safetensors.numpy import save
from scipy.io import savemat

from tests.datasets import (
    test_ai4i,
    test_bccd,
    test_california,
    test_creditcard,
    test_errors,
    test_fsdd,
    test_mnist,
    test_mnist_5k,
    test_movielens,
    test_omniglot,
    test_stock_prices,
    test_sunspots,
)
from tests.pretrained import test_squeezenet
from tutorials_lib import datasets, pretrained
from tutorials_lib.datasets import (
    ai4i,
    bccd,
    california,
    cifar10,
    creditcard,
    denoising_sets,
    fsdd,
    gpt2_bpe,
    hymenoptera,
    isbi2012,
    mnist,
    mnist_5k,
    movielens,
    multi30k,
    olivetti,
    omniglot,
    otb,
    sentence_polarity,
    stock_prices,
    style_pair,
    sunspots,
    super_resolution,
    tinyshakespeare,
    tweeteval,
    wholesale,
)
from tutorials_lib.datasets.download import RemoteFile
from tutorials_lib.datasets.errors import MalformedDataError, UnsafeArchiveError
from tutorials_lib.pretrained import bert, gpt2
from tutorials_lib.pretrained.squeezenet import weights
from tutorials_lib.text.wordpiece import SPECIAL

REFERENCE = Path(__file__).parent.parent / "reference"

PROMISED = (MalformedDataError, UnsafeArchiveError)

NUM_INPUTS = 300
"""How many damaged files each parser is given."""

NASTY = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b",", b"\t", b"\n", b"\r", b"\x1a", b"-", b"{"),
    *(
        b"nan",
        b"1e400",
        b"-inf",
        b"0x10",
        b"1_0",
        b"9" * 5_000,
        b" " * 200_000,
        b"\xf4\x90\x80\x80",
    ),
    *("٣".encode(), "\u2028".encode(), b"\x7f\xff\xff\xff", b"\xff" * 8),
)
"""What has made parsers stumble, to be put anywhere in a file."""


class Parser(NamedTuple):
    """A good file, and what reads it."""

    good: bytes
    read: Callable[[Path], object]


class Report(NamedTuple):
    """What came of the damaged files of one parser.

    Attributes:
        outcomes: how many were read, or refused with which promised error.
        unpromised: what else came out, each with what was done to the file.
        seconds: the most that one file took, of the processor's time.
        megabytes: how much the process grew.
    """

    outcomes: dict[str, int]
    unpromised: list[str]
    seconds: float
    megabytes: float


def parsers() -> dict[str, Parser]:
    """Every parser of bytes from outside, by the name of its module."""
    grey = np.random.default_rng(0).integers(0, 256, (512, 512)).astype(np.uint8)
    photo = np.add.outer(np.arange(40), np.arange(60))[:, :, None] * np.array([1, 2, 1])
    jpeg = _picture(photo.astype(np.uint8), "JPEG")
    numbers = json.dumps(gpt2_bpe.byte_of_character() | {"ab": 256, "bc": 257}).encode()
    merges = b"#version: 0.2\na b\nb c\n"
    images, labels = (
        gzip.compress(test_mnist.to_idx(array)) for array in (test_mnist.IMAGES, test_mnist.LABELS)
    )
    image_files, label_files = (
        [mnist.MNIST[f"{split}_{kind}"] for split in ("train", "test")]
        for kind in ("images", "labels")
    )
    load_mnist = partial(mnist.load_mnist, 4, 4)
    return {
        "ai4i": _table(ai4i, test_ai4i.TABLE, ai4i.load_ai4i),
        "bert (safetensors)": Parser(
            Path(REFERENCE, "bert.safetensors").read_bytes(), bert.read_bert
        ),
        "bert, vocabulary": Parser(
            "\n".join((*SPECIAL, "a", "##b", "é")).encode(),
            lambda path: _with(bert, path, bert.load_bert_pieces),
        ),
        "bccd, annotation": Parser(
            test_bccd.annotation(("RBC", 80, 40, 160, 120), ("WBC", 0, 0, 200, 240)),
            lambda path: bccd.read_annotation(path.read_bytes(), str(path)),
        ),
        "bccd, archive": Parser(_bccd(), lambda path: bccd.read_cells(path, reduce=4)),
        "bccd, picture": Parser(
            test_bccd.jpeg(), lambda path: bccd.read_picture(path.read_bytes(), str(path), reduce=4)
        ),
        "california": _table(california, test_california.TABLE, california.load_california),
        "cifar10": Parser(
            _cifar10(), lambda path: _with(cifar10, path, lambda: cifar10.load_cifar10(5, 1))
        ),
        "creditcard": _table(creditcard, test_creditcard.TABLE, creditcard.load_creditcard),
        "denoising_sets": Parser(_picture(grey[:40], "PNG"), denoising_sets.read_grey),
        "fsdd, archive": Parser(test_fsdd.archive(), fsdd.read_recordings),
        "fsdd, sound": Parser(
            test_fsdd.wav(test_fsdd.tone()),
            lambda path: fsdd.read_sound(path.read_bytes(), str(path)),
        ),
        "gpt2 (safetensors)": Parser(save(test_errors.gpt2_arrays()), gpt2.read_gpt2),
        "gpt2_bpe, merges": Parser(
            merges,
            lambda path: _with(
                gpt2_bpe, path, gpt2_bpe.load_gpt2_ranks, {gpt2_bpe.ENCODER: numbers}
            ),
        ),
        "gpt2_bpe, numbers": Parser(
            numbers,
            lambda path: _with(gpt2_bpe, path, gpt2_bpe.load_gpt2_ranks, {gpt2_bpe.MERGES: merges}),
        ),
        "hymenoptera": Parser(
            jpeg,
            lambda path: _with(
                hymenoptera, path, lambda: hymenoptera.load_hymenoptera(_ONE_OF_EACH, size=16)
            ),
        ),
        "isbi2012": Parser(_picture(grey, "PNG"), isbi2012.read_section),
        "mnist, images": Parser(
            images, lambda path: _with(mnist, path, load_mnist, dict.fromkeys(label_files, labels))
        ),
        "mnist, labels": Parser(
            labels, lambda path: _with(mnist, path, load_mnist, dict.fromkeys(image_files, images))
        ),
        "mnist_5k": Parser(
            test_mnist_5k.to_table(np.stack([test_mnist_5k.a_row()] * 3)),
            lambda path: mnist_5k.parse_table(path.read_bytes(), str(path)),
        ),
        "movielens": _table(movielens, test_movielens.ROWS, movielens.load_movielens),
        "multi30k": Parser(
            gzip.compress(b"A dog runs.\nTwo men sit.\n"),
            lambda path: multi30k.parse_lines(path.read_bytes(), str(path)),
        ),
        "olivetti": Parser(_matlab(), lambda path: _with(olivetti, path, olivetti.load_olivetti)),
        "omniglot": Parser(_omniglot(), omniglot.read_characters),
        "otb, boxes": Parser(b"1,2,30,40\r\n1\t2\t30\t40\n" * 3, otb.read_boxes),
        "otb, frames": Parser(jpeg, lambda path: otb.read_frames([path])),
        "sentence_polarity": Parser(
            _sentences(),
            lambda path: _with(sentence_polarity, path, sentence_polarity.load_sentence_polarity),
        ),
        "squeezenet": Parser(
            test_squeezenet.synthetic_file(),
            lambda path: weights.decode(path.read_bytes(), test_squeezenet.SHAPES, path),
        ),
        "stock_prices, google": Parser(_google(), stock_prices.read_google),
        "stock_prices, index": _table(
            stock_prices, test_stock_prices.TABLE, stock_prices.load_sp500
        ),
        "style_pair": Parser(jpeg, style_pair.read_picture),
        "sunspots": Parser(
            test_sunspots.TABLE.encode(),
            lambda path: sunspots.parse_table(path.read_text("utf-8", "replace"), str(path)),
        ),
        "super_resolution": Parser(_picture(grey[:40], "BMP"), super_resolution.read_picture),
        "tinyshakespeare": _table(
            tinyshakespeare,
            "First:\nSpeak.\n\nAll:\nSpeak, speak.\n",
            tinyshakespeare.load_tinyshakespeare,
        ),
        "tweeteval": _table(tweeteval, "0\n3\n", lambda: tweeteval.load_tweeteval("train")),
        "wholesale": _table(
            wholesale,
            "Channel,Region,Fresh,Milk,Grocery,Frozen,Detergents_Paper,Delicassen\n"
            "2,3,12669,9656,7561,214,2674,1338\n1,1,7057,9810,9568,1762,3293,1776\n",
            wholesale.load_wholesale,
        ),
    }


def modules() -> set[str]:
    """The modules whose parsers are tried here."""
    return {name.split(",")[0].split(" ")[0] for name in parsers()}


def fetching() -> dict[str, ModuleType]:
    """The modules that fetch published files, by their dotted names."""
    names = (
        name
        for package in (datasets, pretrained)
        for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    )
    found = {name: importlib.import_module(name) for name in names}
    return {
        name: module
        for name, module in found.items()
        if hasattr(module, "fetch") and not name.endswith(".download")
    }


def damaged(good: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """A copy of `good` with one to three faults, and what they are."""
    faults = []
    content = bytearray(good)
    for _ in range(rng.integers(1, 4)):
        fault = str(rng.choice(list(_FAULTS)))
        start = int(rng.integers(len(content) + 1))
        stop = min(len(content), start + int(rng.integers(1, 33)))
        _FAULTS[fault](content, start, stop, rng)
        faults.append(f"{fault} at {start}")
    return ", ".join(faults), bytes(content)


def _flip(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    if start < stop:
        content[start] ^= 1 << int(rng.integers(8))


def _overwrite(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    content[start:stop] = rng.bytes(stop - start)


def _remove(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    del content[start:stop]


def _repeat(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    content[stop:stop] = content[start:stop] * int(rng.integers(1, 4))


def _cut(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    del content[start:]


def _insert(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    content[start:start] = NASTY[int(rng.integers(len(NASTY)))]


def _replace(content: bytearray, start: int, stop: int, rng: np.random.Generator) -> None:
    content[start:stop] = NASTY[int(rng.integers(len(NASTY)))]


_FAULTS = {
    "flip": _flip,
    "overwrite": _overwrite,
    "remove": _remove,
    "repeat": _repeat,
    "cut": _cut,
    "insert": _insert,
    "replace": _replace,
}


def examine(name: str, parser: Parser, folder: Path) -> Report:
    """Give `parser` the damaged files, after the good one, which it must read."""
    path = folder / "file"
    path.write_bytes(parser.good)
    parser.read(path)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    outcomes, unpromised, slowest = Counter[str](), [], 0.0
    before = _peak_megabytes()
    for _ in range(NUM_INPUTS):
        faults, content = damaged(parser.good, rng)
        path.write_bytes(content)
        start = time.process_time()
        try:
            parser.read(path)
            outcomes["read"] += 1
        except PROMISED as error:
            outcomes[type(error).__name__] += 1
        except Exception as error:
            unpromised.append(f"{type(error).__name__}: {error} ({faults})"[:300])
        slowest = max(slowest, time.process_time() - start)
    return Report(dict(outcomes), unpromised, slowest, _peak_megabytes() - before)


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _with(
    module: Any,
    path: Path,
    load: Callable[[], object],
    others: Mapping[RemoteFile, bytes] | None = None,
) -> object:
    """What `load` makes of the file at `path`, taken for all that is fetched but `others`."""
    paths = {}
    for number, (remote, content) in enumerate((others or {}).items()):
        paths[remote] = path.with_name(f"other{number}")
        paths[remote].write_bytes(content)
    fetch = module.fetch
    module.fetch = lambda remote: paths.get(remote, path)
    try:
        return load()
    finally:
        module.fetch = fetch


def _table(module: Any, text: str, load: Callable[[], object]) -> Parser:
    return Parser(text.encode(), lambda path: _with(module, path, load))


_ONE_OF_EACH = {kind: files[:1] for kind, files in hymenoptera.TRAIN.items()}


def _picture(pixels: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def _matlab() -> bytes:
    """The faces, blank but for a ramp, so that they compress."""
    faces = np.zeros((4096, 400), np.uint8)
    faces[:, 0] = np.arange(4096) // 16
    file = io.BytesIO()
    savemat(file, {"faces": faces}, do_compression=True)
    return file.getvalue()


def _google() -> bytes:
    """Two days, in the fields that are read."""
    table = np.zeros(2, [("date", "<M8[D]"), ("adj_close", "<f8")])
    table["date"], table["adj_close"] = ["2004-08-19", "2004-08-20"], [100.3, 108.3]
    file = io.BytesIO()
    np.savez(file, price_data=table)
    return file.getvalue()


def _bccd() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.zip")
        test_bccd.write_archive(path)
        return path.read_bytes()


def _omniglot() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.zip")
        test_omniglot.write_set(path)
        return path.read_bytes()


def _sentences() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for kind in ("neg", "pos"):
            sentences = "a fine film .\nnot so fine , this one .\n"
            archive.writestr(f"sentence_polarity/rt-polarity.{kind}", sentences)
    return file.getvalue()


def _cifar10() -> bytes:
    """An archive with a record in each file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = 3_073
            archive.addfile(info, io.BytesIO(bytes(3_073)))
    return file.getvalue()


def reports() -> Iterator[tuple[str, Report]]:
    """The report of every parser, one after the other; the name comes out first."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, parser in parsers().items():
            print(name, file=sys.stderr, flush=True)
            yield name, examine(name, parser, Path(folder))


if __name__ == "__main__":
    if "--json" in sys.argv:
        print(json.dumps({name: report._asdict() for name, report in reports()}))
    else:
        for name, report in reports():
            found = ", ".join(f"{count} {kind}" for kind, count in report.outcomes.items())
            print(
                f"{name}: {found}; {len(report.unpromised)} unpromised; slowest "
                f"{1e3 * report.seconds:.0f} ms, {report.megabytes:.0f} MB more"
            )
            for fault in report.unpromised[:5]:
                print("   ", fault)
