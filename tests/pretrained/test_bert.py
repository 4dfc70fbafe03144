"""Weights in the published format: read unchanged, and what they give is that of the library."""

from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.pretrained.weights import REFERENCE, changed
from tutorials_lib.datasets import MalformedDataError
from tutorials_lib.pretrained.bert import BERT_BASE, load_bert, load_bert_pieces, read_bert
from tutorials_lib.sequences.bert import in_jax, in_numpy
from tutorials_lib.sequences.bert.problem import Config

FILE = REFERENCE / "bert.safetensors"
CONFIG = Config(width=32, num_layers=2, num_heads=4, num_positions=24)
ANSWERS = load_file(REFERENCE / "bert_answers.safetensors")


@pytest.mark.parametrize("twin", [in_numpy, in_jax])
def test_hidden_states_and_logits_are_those_of_transformers(twin: ModuleType):
    params, ids, types = read_bert(FILE), ANSWERS["ids"], ANSWERS["types"]
    is_piece = ids != 0
    assert not is_piece.all()
    assert ANSWERS["types"].any()
    assert np.abs(ANSWERS["hidden"]).max() > 1
    places = np.tile(np.arange(13), (2, 1))
    if twin is in_jax:
        params, ids, types, places = jax.tree.map(jnp.asarray, (params, ids, types, places))
    with jax.default_matmul_precision("highest"):
        hidden = np.asarray(twin.encode(params, ids, CONFIG, types))
        logits = np.asarray(twin.guess(params, ids, places, CONFIG, types))
    params = jax.tree.map(np.asarray, params)
    np.testing.assert_allclose(hidden[is_piece], ANSWERS["hidden"][-1][is_piece], atol=1e-4)
    np.testing.assert_allclose(logits, ANSWERS["logits"][:, :13], atol=1e-4)
    pooler = params["classifier"]["pooler"]
    pooled = np.tanh(hidden[:, 0] @ pooler["kernel"] + pooler["bias"])
    np.testing.assert_allclose(pooled, ANSWERS["pooled"], atol=1e-4)


def test_the_parameters_have_the_names_and_shapes_of_our_model():
    ours = in_jax.create.trace(CONFIG, 96, jax.random.key(0)).out_info
    del ours["classifier"]["readout"]
    shapes = jax.tree.map(lambda leaf: leaf.shape, ours)
    assert shapes == jax.tree.map(np.shape, read_bert(FILE))


def test_the_fixture_says_how_it_was_made_and_is_small():
    files = [FILE, REFERENCE / "bert_answers.safetensors"]
    assert sum(file.stat().st_size for file in files) < 200_000
    with safe_open(FILE, "numpy") as opened:
        assert opened.metadata().keys() == {"seed", "torch", "transformers", "num_heads"}


def test_newer_names_and_copies_of_the_table_are_read_alike(tmp_path: Path):
    arrays = {
        name.replace("gamma", "weight").replace("beta", "bias"): array
        for name, array in load_file(FILE).items()
    }
    arrays["cls.predictions.decoder.weight"] = arrays["bert.embeddings.word_embeddings.weight"]
    save_file(arrays, tmp_path / "newer.safetensors")
    newer = read_bert(tmp_path / "newer.safetensors")
    jax.tree.map(np.testing.assert_array_equal, newer, read_bert(FILE))


LAYER = "bert.encoder.layer"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{LAYER}.1.output.dense.weight": np.ones((128, 32), np.float32)}, r"\(32, 128\)"),
        ({"bert.embeddings.word_embeddings.weight": None}, "word_embeddings.weight"),
        ({f"{LAYER}.0.attention.self.key.bias": None}, "layer.0.attention.self.key.bias"),
        ({f"{LAYER}.5.output.dense.bias": np.ones(32, np.float32)}, "the array bert.encoder"),
        ({"classifier.weight": np.ones(2, np.float32)}, "also classifier.weight"),
        ({"cls.predictions.bias": np.ones(96, np.int32)}, "floating-point"),
        (
            {"cls.predictions.decoder.weight": np.ones((96, 32), np.float32)},
            "decoder.weight equal to",
        ),
    ],
)
def test_an_array_that_does_not_fit_is_named(tmp_path: Path, changes: dict, message: str):
    with pytest.raises(MalformedDataError, match=message):
        read_bert(changed(FILE, tmp_path, **changes))


def test_a_file_that_is_no_safetensors_is_named(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(MalformedDataError, match="a safetensors file"):
        read_bert(tmp_path / "model.safetensors")


def test_the_published_files_are_looked_for_in_the_mirror(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    with pytest.raises(Exception, match=BERT_BASE.mirror_path):
        load_bert()
    with pytest.raises(Exception, match=r"vocab\.txt"):
        load_bert_pieces()
