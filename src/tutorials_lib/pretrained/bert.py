"""The published weights of BERT, as the nested dict of parameters that the book's model has.

The published layers keep their kernels as `[outputs, inputs]`, so that they are transposed here;
queries, keys and values are three layers there and one here. The table of the pieces is also the
last product of the masked-language head, and stands in the file once.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading
from tutorials_lib.text.wordpiece import WordPiece

Params = dict[Any, Any]
Arrays = dict[str, np.ndarray]

_SOURCE = (
    "https://huggingface.co/google-bert/bert-base-uncased/resolve/"
    "86b5e0934494bd15c9632b12f734a8a67f723594"
)
_LICENCE = "Apache-2.0"
_CITATION = (
    "J. Devlin et al. (2019), BERT: pre-training of deep bidirectional transformers, "
    "https://github.com/google-research/bert"
)

BERT_BASE = RemoteFile(
    name="bert-base-uncased.safetensors",
    url=f"{_SOURCE}/model.safetensors",
    sha256="68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
    num_bytes=440_449_768,
    mirror_path="bert-base-uncased/model.safetensors",
    licence=_LICENCE,
    citation=_CITATION,
)
"""Twelve blocks with 12 heads, 768 wide, for lower-case English; pinned by its commit."""

VOCABULARY = RemoteFile(
    name="bert-base-uncased-vocab.txt",
    url=f"{_SOURCE}/vocab.txt",
    sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    num_bytes=231_508,
    mirror_path="bert-base-uncased/vocab.txt",
    licence=_LICENCE,
    citation=_CITATION,
)
"""Its 30,522 pieces, one in each line."""

_WAY_OUT = "Take the files model.safetensors and vocab.txt of an uncased BERT for pretraining."
_LAYER = re.compile(r"bert\.encoder\.layer\.(\d+)\.")
_NORM = {"weight": "scale", "bias": "bias"}
_NORMS = {
    "attention.output.LayerNorm": "norm_1",
    "output.LayerNorm": "norm_2",
}
_LINEARS = {
    "attention.output.dense": ("attention", "project_out"),
    "intermediate.dense": ("mlp", "widen"),
    "output.dense": ("mlp", "narrow"),
}
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
_POSITION_IDS = "bert.embeddings.position_ids"  # 0, 1, 2, ... in some files
_PAIRS = "cls.seq_relationship."  # whether two texts belong together: not used here
_COPIES = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}


def load_bert(*, remote: RemoteFile = BERT_BASE) -> Params:
    """The parameters of the published model: 440 MB, downloaded once.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no BERT.
    """
    return read_bert(fetch(remote))


def load_bert_pieces(*, remote: RemoteFile = VOCABULARY) -> WordPiece:
    """The tokenizer of the published model.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no vocabulary.
    """
    path = fetch(remote)
    with reading(path, expected="a piece of a word in each line", way_out=_WAY_OUT):
        return WordPiece(path.read_text("utf-8").removesuffix("\n").split("\n"))


def read_bert(path: Path) -> Params:
    """The parameters in a `.safetensors` file of any BERT, as the `transformers` library has it.

    Returns:
        Encoder, masked-language head, and of the classifier the pooler: what reads a label off
        it, fine-tuning brings.

    Raises:
        MalformedDataError: an array is missing, has another shape than the others call for, or
            belongs to another model.
    """
    with reading(path, expected="a safetensors file", way_out=_WAY_OUT):
        arrays = {_new_name(name): array for name, array in load_file(path).items()}
    _check(path, arrays)
    embeddings = {
        name: {"embedding": arrays[f"bert.embeddings.{published}_embeddings.weight"]}
        for name, published in (
            ("pieces", "word"), ("positions", "position"), ("types", "token_type")
        )
    }  # fmt: skip
    embeddings["norm"] = _norm(arrays, "bert.embeddings.LayerNorm")
    return {
        "encoder": {
            "embeddings": embeddings,
            "blocks": {i: _block(arrays, i) for i in range(_num_layers(arrays))},
        },
        "masked": {
            "dense": _linear(arrays, "cls.predictions.transform.dense"),
            "norm": _norm(arrays, "cls.predictions.transform.LayerNorm"),
            "bias": arrays["cls.predictions.bias"],
        },
        "classifier": {"pooler": _linear(arrays, "bert.pooler.dense")},
    }


def _block(arrays: Arrays, number: int) -> Params:
    prefix = f"bert.encoder.layer.{number}."
    parts = [
        _linear(arrays, f"{prefix}attention.self.{name}") for name in ("query", "key", "value")
    ]
    block: Params = {
        "attention": {
            "project_in": {
                leaf: np.concatenate([part[leaf] for part in parts], axis=-1)
                for leaf in ("kernel", "bias")
            }
        },
        "mlp": {},
    }
    for published, (part, name) in _LINEARS.items():
        block[part][name] = _linear(arrays, prefix + published)
    return block | {name: _norm(arrays, prefix + each) for each, name in _NORMS.items()}


def _linear(arrays: Arrays, name: str) -> Params:
    kernel = np.ascontiguousarray(arrays[f"{name}.weight"].T)
    return {"kernel": kernel, "bias": arrays[f"{name}.bias"]}


def _norm(arrays: Arrays, name: str) -> Params:
    return {ours: arrays[f"{name}.{published}"] for published, ours in _NORM.items()}


def _new_name(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def _num_layers(arrays: Mapping[str, np.ndarray]) -> int:
    return len({match[1] for name in arrays if (match := _LAYER.match(name))})


# ---------------------------------------------------------------- checks


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """The shapes that a model with these tables and so many blocks must have."""
    vocab, width = arrays["bert.embeddings.word_embeddings.weight"].shape
    tables = {"word": vocab, "position": None, "token_type": None}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, rows in tables.items():
        full = f"bert.embeddings.{name}_embeddings.weight"
        shapes[full] = (len(arrays[full]) if rows is None else rows, width)
    linears = {"bert.pooler.dense": (width, width), "cls.predictions.transform.dense": (width,) * 2}
    norms = ["bert.embeddings.LayerNorm", "cls.predictions.transform.LayerNorm"]
    for i in range(_num_layers(arrays)):
        prefix = f"bert.encoder.layer.{i}."
        for name in ("query", "key", "value"):
            linears[f"{prefix}attention.self.{name}"] = (width, width)
        linears[f"{prefix}attention.output.dense"] = (width, width)
        linears[f"{prefix}intermediate.dense"] = (4 * width, width)
        linears[f"{prefix}output.dense"] = (width, 4 * width)
        norms += [prefix + name for name in _NORMS]
    for name, shape in linears.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return shapes | {"cls.predictions.bias": (vocab,)}


def _check(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    for table in ("word", "position", "token_type"):
        name = f"bert.embeddings.{table}_embeddings.weight"
        if name not in arrays or arrays[name].ndim != 2:
            raise _malformed(path, f"the table {name}", "none with two axes")
    needed = _shapes(arrays)
    if missing := sorted(needed.keys() - arrays.keys()):
        raise _malformed(path, f"the array {missing[0]}", f"{len(missing)} arrays missing")
    others = sorted(arrays.keys() - needed.keys() - _COPIES.keys() - {_POSITION_IDS})
    if unknown := [name for name in others if not name.startswith(_PAIRS)]:
        raise _malformed(path, "the arrays of a BERT for pretraining", f"also {unknown[0]}")
    for copy, original in _COPIES.items():
        if not np.array_equal(arrays.get(copy, arrays[original]), arrays[original]):
            raise _malformed(path, f"{copy} equal to {original}", "another array")
    for name, expected in needed.items():
        if arrays[name].shape != expected:
            raise _malformed(path, f"{name} of the shape {expected}", str(arrays[name].shape))
        if not np.issubdtype(arrays[name].dtype, np.floating):
            raise _malformed(
                path, f"{name} in floating-point numbers of NumPy", str(arrays[name].dtype)
            )


def _malformed(path: Path, expected: str, found: str) -> MalformedDataError:
    return MalformedDataError(path, expected=expected, found=found, way_out=_WAY_OUT)
