"""Whatever bytes a parser is given, the promised error comes out, or the right values."""

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16
from PIL import Image
from safetensors.numpy import save

from tutorials_lib.datasets.archives import read_tar_members, read_zip_members
from tutorials_lib.datasets.errors import MalformedDataError, UnsafeArchiveError, reading
from tutorials_lib.datasets.style_pair import read_picture
from tutorials_lib.pretrained.gpt2 import read_gpt2


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def test_an_error_of_a_parser_becomes_the_promised_one_and_keeps_its_cause() -> None:
    with (
        pytest.raises(MalformedDataError, match="a number; found ValueError") as raised,
        reading("some.file", expected="a number", way_out="Look again."),
    ):
        int("one")
    assert isinstance(raised.value.__cause__, ValueError)


def test_an_error_of_a_data_set_passes_as_it_is() -> None:
    unsafe = UnsafeArchiveError("a.zip", expected="files", found="a link", way_out="Leave it.")
    with (
        pytest.raises(UnsafeArchiveError, match="a link"),
        reading("a.zip", expected="an archive", way_out="Look again."),
    ):
        raise unsafe


def test_a_grey_picture_of_16_bits_keeps_its_greys(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(16, 16)
    (tmp_path / "ramp.png").write_bytes(png(ramp))
    pixels = read_picture(tmp_path / "ramp.png")
    assert pixels.shape == (16, 16, 3)
    np.testing.assert_allclose(pixels[:, :, 1], ramp / 65_535, atol=1e-6)


def test_a_zip_whose_name_is_no_utf8_is_malformed(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("n\u00e4me.txt", "text")  # flagged as UTF-8
    (tmp_path / "a.zip").write_bytes(file.getvalue().replace("\u00e4".encode(), b"\xff\xff"))
    with pytest.raises(MalformedDataError, match="a zip archive"):
        read_zip_members(tmp_path / "a.zip", {"name.txt": 10})


PICTURE = png(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))


@pytest.mark.parametrize("read", [read_picture, read_gpt2, lambda p: read_tar_members(p, {"a": 9})])
@given(place=st.integers(0, len(PICTURE) - 1), value=st.integers(0, 255), kept=st.integers(0, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_damaged_bytes_give_values_or_the_promised_error(
    read, tmp_path: Path, place: int, value: int, kept: int
) -> None:
    damaged = bytearray(PICTURE)
    damaged[place] = value
    path = tmp_path / "file"
    path.write_bytes(bytes(damaged[: max(kept, place)]))
    with contextlib.suppress(MalformedDataError):
        read(path)


def gpt2_arrays(**changed: np.ndarray) -> dict[str, np.ndarray]:
    width = 4
    arrays = {
        "wte.weight": np.ones((6, width), np.float32),
        "wpe.weight": np.ones((5, width), np.float32),
        "ln_f.weight": np.ones(width, np.float32),
        "ln_f.bias": np.ones(width, np.float32),
    }
    return arrays | {name.replace("_dot_", "."): array for name, array in changed.items()}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (gpt2_arrays(ln_f_dot_bias=np.ones(4, np.int64)), "numbers of NumPy.*; found int64"),
        (gpt2_arrays(ln_f_dot_bias=np.ones(4, bfloat16)), "numbers of NumPy.*; found bfloat16"),
        (gpt2_arrays(lm_head_dot_weight=np.zeros((6, 4), np.float32)), "equal to wte.weight"),
        (gpt2_arrays(h_dot_200000_dot_ln_1_dot_bias=np.ones(4, np.float32)), "arrays missing"),
    ],
)
def test_values_of_another_model_are_refused(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(arrays))
    with pytest.raises(MalformedDataError, match=message):
        read_gpt2(path)
