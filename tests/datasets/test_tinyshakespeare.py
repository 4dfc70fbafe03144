"""Tiny Shakespeare and the vocabulary of GPT-2: the published files as they are."""

import dataclasses
import json
from pathlib import Path

import pytest

from tutorials_lib.datasets import ChecksumError, MalformedDataError
from tutorials_lib.datasets import gpt2_bpe as bpe
from tutorials_lib.datasets.tinyshakespeare import TINYSHAKESPEARE, load_tinyshakespeare


def test_the_published_file_begins_with_the_first_citizen(published_data: Path):
    speeches = load_tinyshakespeare()
    assert speeches[0].startswith("First Citizen:\nBefore we proceed")
    assert len(speeches) == 7_222
    assert all(speech and "\n\n" not in speech for speech in speeches)


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / TINYSHAKESPEARE.mirror_path).write_bytes(b"x" * TINYSHAKESPEARE.num_bytes)
    with pytest.raises(ChecksumError):
        load_tinyshakespeare()


def test_the_published_vocabulary_has_all_bytes_and_50000_merges(published_data: Path):
    ranks = bpe.load_gpt2_ranks()
    assert len(ranks) == 50_256
    assert sorted(ranks[bytes([byte])] for byte in range(256)) == list(range(256))
    assert ranks[b" the"] == 262


def test_merges_in_another_order_than_the_numbers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def remote(name: str, content: bytes) -> bpe.RemoteFile:
        from hashlib import sha256

        (tmp_path / name).write_bytes(content)
        return dataclasses.replace(
            bpe.MERGES,
            sha256=sha256(content).hexdigest(),
            num_bytes=len(content),
            mirror_path=name,
        )

    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    numbers = bpe.byte_of_character()
    encoder = remote("encoder.json", json.dumps({**numbers, "ab": 256, "bc": 257}).encode())
    good = remote("good.bpe", b"#version: 0.2\na b\nb c\n")
    bad = remote("bad.bpe", b"#version: 0.2\nb c\na b\n")
    assert bpe.load_gpt2_ranks(encoder=encoder, merges=good)[b"bc"] == 257
    with pytest.raises(MalformedDataError, match="another order"):
        bpe.load_gpt2_ranks(encoder=encoder, merges=bad)
