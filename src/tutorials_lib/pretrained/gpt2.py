"""The published weights of GPT-2, as the nested dict of parameters that the book's model has.

GPT-2 was written with `Conv1D` layers, whose kernels are `[inputs, outputs]` as those of
`nnx.Linear` are, so that nothing is transposed. The embedding of the tokens is also the last
layer, and stands in the file once.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading

Params = dict[Any, Any]

GPT2_124M = RemoteFile(
    name="gpt2-124m.safetensors",
    url="https://huggingface.co/openai-community/gpt2/resolve/"
    "607a30d783dfa663caf39e06633721c8d4cfcd7e/model.safetensors",
    sha256="248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
    num_bytes=548_105_171,
    mirror_path="gpt2-124m/model.safetensors",
    licence="MIT",
    citation="A. Radford et al. (2019), Language models are unsupervised multitask learners, "
    "https://github.com/openai/gpt-2",
)
"""The smallest of the four published models, pinned by its commit."""

_LINEAR = {"weight": "kernel", "bias": "bias"}
_NORM = {"weight": "scale", "bias": "bias"}
_LAYERS = {
    "ln_1": (("norm_1",), _NORM),
    "attn.c_attn": (("attention", "project_in"), _LINEAR),
    "attn.c_proj": (("attention", "project_out"), _LINEAR),
    "ln_2": (("norm_2",), _NORM),
    "mlp.c_fc": (("mlp", "widen"), _LINEAR),
    "mlp.c_proj": (("mlp", "narrow"), _LINEAR),
}
_PREFIX = "transformer."
_BLOCK = re.compile(r"h\.(\d+)\.")
_HEAD = "lm_head.weight"  # where it is there, it is the same array as wte.weight
_WAY_OUT = "Take the file model.safetensors of a GPT-2."
_MASK = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # a constant that older files hold as well


def load_gpt2(*, remote: RemoteFile = GPT2_124M) -> Params:
    """The parameters of the published model: half a gigabyte, downloaded once.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no GPT-2.
    """
    return read_gpt2(fetch(remote))


def read_gpt2(path: Path) -> Params:
    """The parameters in a `.safetensors` file of any GPT-2, as the `transformers` library has it.

    Raises:
        MalformedDataError: an array is missing, has another shape than the others call for, or
            belongs to another model.
    """
    with reading(path, expected="a safetensors file", way_out=_WAY_OUT):
        arrays = load_file(path)
    arrays = {name.removeprefix(_PREFIX): array for name, array in arrays.items()}
    names = dict(_names(arrays))
    _check(path, arrays, set(names))
    params: Params = {}
    for name, place in names.items():
        branch = params
        for key in place[:-1]:
            branch = branch.setdefault(key, {})
        branch[place[-1]] = arrays[name]
    return params


def _names(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The names of all arrays of a model with these blocks, and their places in the tree."""
    yield "wte.weight", ("tokens", "embedding")
    yield "wpe.weight", ("positions", "embedding")
    blocks = {int(match[1]) for name in arrays if (match := _BLOCK.match(name))}
    for i in range(len(blocks)):  # a number left out is a missing array, one too high an unknown
        for layer, (place, leaves) in _LAYERS.items():
            for published, ours in leaves.items():
                yield f"h.{i}.{layer}.{published}", ("blocks", i, *place, ours)
    for published, ours in _NORM.items():
        yield f"ln_f.{published}", ("norm", ours)


def _shape(name: str, vocab: int, context: int, width: int) -> tuple[int, ...]:
    """The shape that an array must have in a model of this size."""
    if name == "wte.weight":
        return vocab, width
    if name == "wpe.weight":
        return context, width
    inputs = 4 * width if "mlp.c_proj" in name else width
    outputs = {"c_attn": 3 * width, "c_fc": 4 * width}.get(name.split(".")[-2], width)
    return (inputs, outputs) if "c_" in name and name.endswith("weight") else (outputs,)


def _check(path: Path, arrays: Mapping[str, np.ndarray], needed: set[str]) -> None:
    if missing := sorted(needed - arrays.keys()):
        raise _malformed(path, f"the array {missing[0]}", f"{len(missing)} arrays missing")
    unknown = {name for name in arrays.keys() - needed if not _MASK.fullmatch(name)}
    unknown.discard(_HEAD)
    if unknown:
        raise _malformed(path, "the arrays of a GPT-2", f"also {min(unknown)}")
    if not np.array_equal(arrays.get(_HEAD, arrays["wte.weight"]), arrays["wte.weight"]):
        raise _malformed(path, f"{_HEAD} equal to wte.weight", "another array")
    vocab, width = arrays["wte.weight"].shape
    context = len(arrays["wpe.weight"])
    for name in sorted(needed):
        expected, found = _shape(name, vocab, context, width), arrays[name].shape
        if found != expected:
            raise _malformed(path, f"{name} of the shape {expected}", str(found))
        if not np.issubdtype(arrays[name].dtype, np.floating):
            raise _malformed(
                path, f"{name} in floating-point numbers of NumPy", str(arrays[name].dtype)
            )


def _malformed(path: Path, expected: str, found: str) -> MalformedDataError:
    return MalformedDataError(path, expected=expected, found=found, way_out=_WAY_OUT)
