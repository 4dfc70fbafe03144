"""Weights in the published format: read unchanged, and the logits are those of `transformers`."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.pretrained.weights import REFERENCE, changed
from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.pretrained.gpt2 import GPT2_124M, load_gpt2, read_gpt2
from tutorials_lib.sequences.gpt2 import in_jax, in_numpy
from tutorials_lib.sequences.gpt2.problem import Config

FILE = REFERENCE / "gpt2.safetensors"
CONFIG = Config(vocab_size=96, context=32, width=32, num_layers=2, num_heads=4, num_new_tokens=8)


def test_the_logits_are_those_of_transformers_in_both():
    params, answers = read_gpt2(FILE), load_file(REFERENCE / "gpt2_answers.safetensors")
    tokens, expected = answers["tokens"], answers["logits"]
    assert np.abs(expected).max() > 1
    ours = in_numpy.predict(params, tokens, CONFIG)
    np.testing.assert_allclose(ours, expected, atol=1e-4)
    with jax.default_matmul_precision("highest"):
        theirs = in_jax.predict(jax.tree.map(jnp.asarray, params), jnp.asarray(tokens), CONFIG)
    np.testing.assert_allclose(theirs, expected, atol=1e-4)


def test_the_parameters_have_the_names_and_shapes_of_our_model():
    ours = in_jax.create(CONFIG, jax.random.key(0))
    shapes = jax.tree.map(np.shape, read_gpt2(FILE))
    assert shapes == jax.tree.map(np.shape, ours)


def test_the_fixture_says_how_it_was_made_and_is_small():
    files = [FILE, REFERENCE / "gpt2_answers.safetensors"]
    assert sum(file.stat().st_size for file in files) < 200_000
    with safe_open(FILE, "numpy") as opened:
        assert opened.metadata().keys() == {"seed", "torch", "transformers", "num_heads"}


def test_newer_files_have_a_prefix_and_the_embedding_twice(tmp_path: Path):
    arrays = {f"transformer.{name}": array for name, array in load_file(FILE).items()}
    arrays["lm_head.weight"] = arrays["transformer.wte.weight"]
    save_file(arrays, tmp_path / "newer.safetensors")
    for ours, expected in zip(
        jax.tree.leaves(read_gpt2(tmp_path / "newer.safetensors")),
        jax.tree.leaves(read_gpt2(FILE)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"h.1.mlp.c_fc.weight": np.ones((128, 32), np.float32)}, r"c_fc.weight .*\(32, 128\)"),
        ({"ln_f.bias": np.ones(31, np.float32)}, r"ln_f.bias of the shape \(32,\)"),
        ({"wpe.weight": None}, "the array wpe.weight"),
        ({"h.0.ln_1.bias": None}, "the array h.0.ln_1.bias"),
        ({"h.5.ln_1.bias": np.ones(32, np.float32)}, "the array h.2.attn.c_attn.bias"),
        ({"score.weight": np.ones(2, np.float32)}, "also score.weight"),
    ],
)
def test_an_array_that_does_not_fit_is_named(tmp_path: Path, changes, message):
    with pytest.raises(MalformedDataError, match=message):
        read_gpt2(changed(FILE, tmp_path, **changes))


def test_a_file_that_is_no_safetensors_is_named(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(MalformedDataError, match="a safetensors file"):
        read_gpt2(tmp_path / "model.safetensors")


def test_the_published_file_is_looked_for_in_the_mirror(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    with pytest.raises(Exception, match=GPT2_124M.mirror_path):
        load_gpt2()
