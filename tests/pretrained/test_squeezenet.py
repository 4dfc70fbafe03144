"""SqueezeNet: the decoder's every byte and error, the layers, and two photographs recognized."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.datasets.photos import load_photo
from tutorials_lib.pretrained.squeezenet import in_jax, in_numpy, weights
from tutorials_lib.pretrained.squeezenet.weights import Shape, decode

SHAPES: dict[tuple[Any, ...], Shape] = {
    ("first",): Shape(2, 3, 1, 1),
    ("second",): Shape(1, 2, 3, 3),
}
CODEBOOK = np.linspace(0, 2.55, 256, dtype=np.float32)
BIASES = (np.array([1, 2], np.float32), np.array([3], np.float32))


def synthetic_file(first_gaps: bytes = b"\x31", second_gaps: bytes = b"\xf0\x00") -> bytes:
    """Two layers of two and three weights with codes 10, 20 and 30, after gaps of 4 bits."""
    content = np.array([2, 3], "<u4").tobytes()
    for codes, bias, gaps in (
        (b"\x0a\x14", BIASES[0], first_gaps),
        (b"\x0a\x14\x1e", BIASES[1], second_gaps),
    ):
        content += CODEBOOK.tobytes() + bias.tobytes() + codes + gaps
    return content


@pytest.fixture(scope="module")
def random_params() -> dict[Any, Any]:
    """The whole network with random weights that keep the maps in range."""
    rng = np.random.default_rng(0)

    def layer(shape: Shape) -> weights.Layer:
        scale = np.sqrt(2 * shape.outputs / shape.size)
        kernel = rng.normal(size=(shape.rows, shape.columns, shape.inputs, shape.outputs))
        return (scale * kernel).astype(np.float32), rng.normal(size=shape.outputs).astype("f4")

    return weights.as_params({path: layer(shape) for path, shape in weights.shapes().items()})


# --- The decoder ------------------------------------------------------------------------------


def test_weights_lie_after_their_gaps_with_the_values_of_their_codes():
    layers = decode(synthetic_file(), SHAPES, "synthetic")
    for path, places, bias in (
        (("first",), [1, 5], BIASES[0]),  # gaps 1 and 3
        (("second",), [0, 16, 17], BIASES[1]),  # gaps 0, 15 and 0
    ):
        kernel, found_bias = layers[path]
        expected = np.zeros(SHAPES[path].size, np.float32)
        expected[places] = CODEBOOK[[10, 20, 30]][: len(places)]
        np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1).ravel(), expected)
        np.testing.assert_array_equal(found_bias, bias)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (synthetic_file(first_gaps=b"\x41"), "a weight in place 7"),
        (synthetic_file()[:-1], r"at least 2,0\d\d bytes; found 2,0\d\d"),
        (synthetic_file()[:3], "at least 8 bytes; found 3"),
        (synthetic_file() + b"\x00", r"expected 2,0\d\d bytes; found 2,0\d\d"),
    ],
)
def test_every_byte_must_be_accounted_for(content: bytes, message: str):
    with pytest.raises(MalformedDataError, match=message):
        decode(content, SHAPES, "synthetic")


def test_the_first_layer_gets_its_colours_in_our_order():
    blue_green_red = np.arange(3, dtype=np.float32).reshape(1, 1, 3, 1)
    params = weights.as_params({("conv1",): (blue_green_red, np.zeros(1, np.float32))})
    np.testing.assert_array_equal(params["conv1"]["kernel"].ravel(), [2, 1, 0])


# --- The network ------------------------------------------------------------------------------


def test_the_network_has_the_published_number_of_weights():
    network = nnx.eval_shape(lambda: in_jax.SqueezeNet(rngs=nnx.Rngs(0)))
    sizes = [leaf.size for leaf in jax.tree.leaves(nnx.state(network, nnx.Param))]
    biases = sum(shape.outputs for shape in weights.shapes().values())
    assert sum(sizes) == sum(shape.size for shape in weights.shapes().values()) + biases
    assert sum(sizes) == 1_248_424


def test_both_backends_say_the_same(random_params: dict):
    picture = np.random.default_rng(1).uniform(size=(67, 70, 3)).astype(np.float32)
    with jax.default_matmul_precision("highest"):
        theirs = jax.jit(in_jax.classify)(random_params, picture[None])[0]
    np.testing.assert_allclose(in_numpy.classify(random_params, picture), theirs, atol=1e-5)


@pytest.mark.parametrize("size", [3, 4, 5, 6, 15, 30])
def test_pooling_takes_every_window_that_begins_inside_as_caffe_does(size: int):
    x = np.random.default_rng(size).normal(size=(size, size + 1, 2))
    rows, columns = (int(np.ceil((n - 3) / 2)) + 1 for n in x.shape[:2])
    pooled = in_numpy.max_pool(x)
    assert pooled.shape == (rows, columns, 2)
    for i, j in np.ndindex(rows, columns):
        window = x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        np.testing.assert_array_equal(pooled[i, j], window.max((0, 1)))
    with jax.enable_x64(True):
        np.testing.assert_array_equal(in_jax.max_pool(jnp.asarray(x[None]))[0], pooled)


def test_the_first_convolution_is_one_with_stride_two_and_no_padding(random_params: dict):
    picture = np.random.default_rng(2).uniform(size=(24, 21, 3)).astype(np.float32)
    ours = in_numpy.conv1(random_params["conv1"], in_numpy.prepare(picture))
    expected = jax.lax.conv_general_dilated(
        jnp.asarray(in_numpy.prepare(picture)[None]),
        random_params["conv1"]["kernel"],
        (2, 2),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    expected = np.maximum(expected[0] + random_params["conv1"]["bias"], 0)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(
        in_jax.describe(random_params, jnp.asarray(picture[None]))[0][0],
        expected,
        rtol=1e-4,
        atol=1e-2,
    )


def test_gradients_stay_in_the_layout_that_is_fast_inside_loops(random_params: dict):
    @jax.jit
    def loop(params: dict[Any, Any], picture: jax.Array) -> jax.Array:
        def total(picture: jax.Array) -> jax.Array:
            return jnp.stack([each.sum() for each in in_jax.describe(params, picture)]).sum()

        def step(picture: jax.Array, _: None) -> tuple[jax.Array, None]:
            return picture - jax.grad(total)(picture), None

        return jax.lax.scan(step, picture, length=2)[0]

    lowered = loop.lower(random_params, jnp.zeros((1, 80, 80, 3)))
    program = lowered.compile().as_text() or ""
    strided = "lhs_dilate"  # the way back through the first convolution
    lines = [line for line in program.splitlines() if "dim_labels=" in line]
    ordinary = [line for line in lines if strided not in line]
    labels = {line.split("dim_labels=")[1].split(",")[0] for line in ordinary}
    assert len(lines) == len(ordinary) + 1
    assert labels == {"b01f_01io->b01f"}


@pytest.mark.parametrize(("name", "expected"), [("chelsea", 285), ("coffee", 967)])
def test_it_recognizes_a_cat_and_an_espresso(published_data: Path, name: str, expected: int):
    params = weights.load_squeezenet()
    picture = load_photo(name, size=227)
    probs = in_numpy.classify(params, picture)
    assert probs.argmax() == expected  # 285: Egyptian cat, 967: espresso
    assert probs.max() > 0.5
    theirs = jax.jit(in_jax.classify)(params, picture[None])[0]
    np.testing.assert_allclose(probs, theirs, atol=1e-3)
