"""The published weights of SqueezeNet, decoded from the format of Deep Compression.

Han et al. (2016) prune a network, let the remaining weights share a few values, and store what is
left in few bits. The published file begins with the number of stored weights of each of the 26
convolutions (`uint32`). For each convolution follow

- a codebook of 256 values (`float32`),
- a bias for each output channel (`float32`),
- a code for each stored weight, its place in the codebook (`uint8`),
- the gap before each stored weight, two of 4 bits in a byte, the low half first.

Where a gap does not fit into 4 bits, a weight is stored whose code means zero. Weights lie in the
order output channel, input channel, row, column; those that are not stored have code 0.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError

SQUEEZENET = RemoteFile(
    name="compressed_SqueezeNet.net",
    url="https://raw.githubusercontent.com/songhan/SqueezeNet-Deep-Compression/"
    "fb13faa2cf121ced9999f8a9d538ec6c56084733/compressed_SqueezeNet.net",
    sha256="e4ab6960ae8cd81505e1c2136921201507e930966c53deaf15862a395b3a3261",
    num_bytes=675_763,
    mirror_path="squeezenet/compressed_SqueezeNet.net",
    licence="BSD, 2 clauses",
    citation="F. N. Iandola et al. (2016), SqueezeNet: AlexNet-level accuracy with 50x fewer "
    "parameters, arXiv:1602.07360; S. Han et al. (2016), Deep compression, ICLR",
)
"""A file pinned by its commit in the authors' repository."""

Params = dict[Any, Any]
"""`{"conv1": {"kernel", "bias"}, "fires": {i: {"squeeze", "expand1", "expand3"}}, "conv10"}`"""

MEAN_PIXEL = (123.0, 117.0, 104.0)
"""Red, green and blue, from 0 to 255, that are subtracted from every pixel."""

FIRES = (
    (16, 64),
    (16, 64),
    (32, 128),
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
)
"""Output channels of the squeezing and of each expanding convolution of the modules 2 to 9."""

NUM_CLASSES = 1000
_CODEBOOK = 256


class Shape(NamedTuple):
    """The shape of one convolution's weights, in the order of the file."""

    outputs: int
    inputs: int
    rows: int
    columns: int

    @property
    def size(self) -> int:
        """The number of weights."""
        return self.outputs * self.inputs * self.rows * self.columns


def shapes() -> dict[tuple[Any, ...], Shape]:
    """The convolutions in the order of the file, by their path in the parameters."""
    found: dict[tuple[Any, ...], Shape] = {("conv1",): Shape(96, 3, 7, 7)}
    channels = 96
    for i, (squeezed, expanded) in enumerate(FIRES):
        found["fires", i, "squeeze"] = Shape(squeezed, channels, 1, 1)
        found["fires", i, "expand1"] = Shape(expanded, squeezed, 1, 1)
        found["fires", i, "expand3"] = Shape(expanded, squeezed, 3, 3)
        channels = 2 * expanded
    found["conv10",] = Shape(NUM_CLASSES, channels, 1, 1)
    return found


def load_squeezenet(*, remote: RemoteFile = SQUEEZENET) -> Params:
    """The parameters, with kernels `[rows, columns, inputs, outputs]` and red, green, blue inputs.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is not of its format
            (which of these, the subclass and the message say).
    """
    path = fetch(remote)
    return as_params(decode(path.read_bytes(), shapes(), path))


Layer = tuple[Float32[np.ndarray, "rows columns inputs outputs"], Float32[np.ndarray, " outputs"]]


def as_params(layers: dict[tuple[Any, ...], Layer]) -> Params:
    """Nest the layers by their paths; the first one's inputs change from BGR to RGB."""
    params: Params = {}
    for path, (kernel, bias) in layers.items():
        branch = params
        for name in path:
            branch = branch.setdefault(name, {})
        kernel = kernel[:, :, ::-1] if path == ("conv1",) else kernel
        branch.update(kernel=np.ascontiguousarray(kernel), bias=bias)
    return params


def decode(
    content: bytes, layer_shapes: dict[tuple[Any, ...], Shape], file: Path | str
) -> dict[tuple[Any, ...], Layer]:
    """Kernel and bias of every convolution in `content`.

    Raises:
        MalformedDataError: the file ends early, goes on after the last layer, or a gap leads
            beyond the last weight of its layer.
    """
    reader = _Reader(content, file)
    counts = reader.take(np.uint32, len(layer_shapes))
    layers = {
        path: _decode_layer(reader, int(count), shape)
        for count, (path, shape) in zip(counts, layer_shapes.items(), strict=True)
    }
    reader.finish()
    return layers


def _decode_layer(reader: "_Reader", count: int, shape: Shape) -> Layer:
    codebook = reader.take(np.float32, _CODEBOOK)
    bias = reader.take(np.float32, shape.outputs)
    codes = reader.take(np.uint8, count)
    gaps = _unpack(reader.take(np.uint8, (count + 1) // 2))[:count]
    places = np.cumsum(gaps.astype(np.int64) + 1) - 1
    if count and places[-1] >= shape.size:
        raise reader.malformed(
            f"weights in {shape.size:,} places", f"a weight in place {places[-1] + 1:,}"
        )
    flat = np.zeros(shape.size, np.uint8)
    flat[places] = codes
    # weights[output, input, row, column] -> kernel[row, column, input, output]
    kernel = codebook[flat].reshape(shape).transpose(2, 3, 1, 0)
    return kernel, bias


def _unpack(packed: UInt8[np.ndarray, " bytes"]) -> UInt8[np.ndarray, " 2*bytes"]:
    """Two numbers of 4 bits from each byte, the low half first."""
    return np.stack([packed & 15, packed >> 4], axis=-1).ravel()


class _Reader:
    """Takes arrays off the front of a file, and counts the bytes."""

    def __init__(self, content: bytes, file: Path | str) -> None:
        self._content = content
        self._file = file
        self._place = 0

    def take(self, dtype: type, count: int) -> np.ndarray:
        """The next `count` numbers, little-endian."""
        little_endian = np.dtype(dtype).newbyteorder("<")
        end = self._place + count * little_endian.itemsize
        if end > len(self._content):
            raise self.malformed(f"at least {end:,} bytes", f"{len(self._content):,}")
        array = np.frombuffer(self._content, little_endian, count, self._place)
        self._place = end
        return array.astype(dtype)

    def finish(self) -> None:
        """Every byte must have been consumed."""
        if self._place != len(self._content):
            raise self.malformed(f"{self._place:,} bytes", f"{len(self._content):,}")

    def malformed(self, expected: str, found: str) -> MalformedDataError:
        way_out = "Check that this is the compressed SqueezeNet of Deep Compression."
        return MalformedDataError(self._file, expected=expected, found=found, way_out=way_out)
