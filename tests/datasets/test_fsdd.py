"""The Free Spoken Digit Dataset: read, or refused with a reason; strung together; as published."""

import hashlib
import io
import tarfile
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tutorials_lib.datasets import ChecksumError, MalformedDataError, fsdd
from tutorials_lib.datasets.fsdd import (
    FSDD,
    Recording,
    load_fsdd,
    read_recordings,
    read_sound,
    string_together,
)


def wav(samples: np.ndarray, *, rate: int = 8_000, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def tone(length: int = 400) -> np.ndarray:
    return 8_192 * np.sin(np.arange(length) / 5)


def archive(names: tuple[str, ...] = ("0_ann_0", "0_ann_1", "7_bob_0")) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in (*(f"set/recordings/{name}.wav" for name in names), "set/README.md"):
            content = wav(tone()) if name.endswith("wav") else b"read me"
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def test_recordings_say_their_digit_and_speaker(tmp_path: Path):
    path = tmp_path / "set.tar.gz"
    path.write_bytes(archive())
    recordings = read_recordings(path)
    assert [(each.digit, each.speaker) for each in recordings] == [
        (0, "ann"),
        (0, "ann"),
        (7, "bob"),
    ]
    np.testing.assert_allclose(recordings[0].sound, tone() / 2**15, atol=1e-4)


def test_other_bytes_than_the_pinned_ones_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TUTORIALS_DATA_MIRROR", str(tmp_path))
    path = tmp_path / FSDD.mirror_path
    path.parent.mkdir()
    path.write_bytes(archive())
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    here = replace(FSDD, sha256=sha256, num_bytes=len(content))
    monkeypatch.setattr(fsdd, "FSDD", here)
    assert len(load_fsdd()) == 3
    monkeypatch.setattr(fsdd, "FSDD", replace(here, sha256="0" * 64))
    with pytest.raises(ChecksumError, match="expected sha256 0000"):
        load_fsdd()


def test_an_archive_without_recordings_is_named(tmp_path: Path):
    path = tmp_path / "set.tar.gz"
    path.write_bytes(archive(names=()))
    with pytest.raises(MalformedDataError, match="expected recordings; found none whose name"):
        read_recordings(path)
    path.write_bytes(b"no archive")
    with pytest.raises(MalformedDataError, match="expected a tar archive"):
        read_recordings(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"no sound", "found (EOFError|Error)"),
        (wav(tone())[:30], "found (EOFError|Error)"),
        (wav(tone(), rate=16_000), "1 channels, 16 bits, 16000 samples"),
        (wav(tone(), channels=2), "2 channels"),
        (wav(np.zeros(100)), "nothing but silence"),
    ],
    ids=["text", "cut", "fast", "stereo", "silent"],
)
def test_what_is_no_such_sound_is_named(content: bytes, found: str):
    with pytest.raises(MalformedDataError, match=rf"7\.wav: expected a WAV file, mono.*{found}"):
        read_sound(content, "7.wav")


def test_digits_are_strung_together_by_one_speaker_each():
    rng = np.random.default_rng(0)
    recordings = [
        Recording((level * tone(300 + 10 * digit)).astype(np.float32), digit, speaker)
        for digit in range(5)
        for speaker, level in (("ann", 1.0), ("bob", 0.1))
    ]
    rows = string_together(recordings, 6, digits=(2, 3), rng=rng)
    assert {len(row.digits) for row in rows} == {2, 3}
    for row in rows:
        assert row.sound.dtype == np.float32
        for digit, (start, stop) in zip(row.digits, row.borders, strict=True):
            assert stop - start == 300 + 10 * digit
            assert row.sound[start:stop].std() > 0.8
    with pytest.raises(ValueError, match="no recording to string together"):
        string_together([], 1, digits=(1, 2), rng=rng)


@pytest.mark.usefixtures("published_data")
def test_the_published_set_has_fifty_of_each_digit_by_five_speakers():
    recordings = load_fsdd()
    assert len(recordings) == 2_500
    counts = {(each.speaker, each.digit) for each in recordings}
    assert len(counts) == 50
    assert len({each.speaker for each in recordings}) == 5
    assert min(len(each.sound) for each in recordings) > 1_000
