"""The Free Spoken Digit Dataset: ten digits, fifty times by each of five speakers.

Jackson et al. recorded single digits of English at 8 kHz and cut off the silence. Here they are
also strung together to rows of digits, as nobody spoke them, each row by one speaker.
"""

import io
import re
import tarfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tutorials_lib.datasets.archives import read_tar_members
from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError, reading
from tutorials_lib.datasets.formant_speech import RATE, Utterance

FSDD = RemoteFile(
    name="free-spoken-digit-dataset-1.0.9.tar.gz",
    url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz",
    sha256="8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
    num_bytes=11_975_353,
    mirror_path="fsdd/free-spoken-digit-dataset-1.0.9.tar.gz",
    licence="CC BY-SA 4.0",
    citation="Z. Jackson, C. Souza, J. Flaks, Y. Pan, H. Nicolas and A. Thite (2018), "
    "Free Spoken Digit Dataset, v1.0.8, https://github.com/Jakobovski/free-spoken-digit-dataset",
)
"""Version 1.0.9."""

_MEMBER = re.compile(r"[^/]+/recordings/(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<number>\d+)\.wav")
_LARGEST = 100_000
"""Bytes of a recording; the longest published one lasts less than three seconds."""

_WAY_OUT = "Check that this is the set as it was published."
_LONGEST_GAP, _LONGEST_EDGE = 0.15, 0.125  # seconds of silence


class Recording(NamedTuple):
    """One digit.

    Attributes:
        sound: samples from -1 to 1.
        digit: which one.
        speaker: who says it.
    """

    sound: Float32[np.ndarray, " samples"]
    digit: int
    speaker: str


def load_fsdd() -> tuple[Recording, ...]:
    """All recordings, in the order of their names.

    Raises:
        DatasetError: the file cannot be had, is not the pinned one, or is no archive of recordings
            (which of these, the subclass and the message say).
    """
    return read_recordings(fetch(FSDD))


def read_recordings(path: Path) -> tuple[Recording, ...]:
    """The recordings in an archive whose names say digit and speaker.

    Raises:
        UnsafeArchiveError: the archive has a member that has no business there.
        MalformedDataError: it is damaged, holds no recording, or one is not mono, 16 bits, 8 kHz.
    """
    with reading(path, expected="a tar archive", way_out=_WAY_OUT), tarfile.open(path) as archive:
        found = {name: _MEMBER.fullmatch(name) for name in sorted(archive.getnames())}
    members = {name: match for name, match in found.items() if match}
    if not members:
        raise MalformedDataError(
            path,
            expected="recordings",
            found="none whose name says its digit and speaker",
            way_out=_WAY_OUT,
        )
    contents = read_tar_members(path, dict.fromkeys(members, _LARGEST))
    return tuple(
        Recording(
            read_sound(contents[name], f"{path}: {name}"), int(match["digit"]), match["speaker"]
        )
        for name, match in members.items()
    )


def read_sound(content: bytes, file: str) -> Float32[np.ndarray, " samples"]:
    """The samples of a WAV file, from -1 to 1.

    Raises:
        MalformedDataError: `content` is no such file, or not mono with 16 bits at 8 kHz.
    """
    expected = f"a WAV file, mono, 16 bits, {RATE} samples a second"
    with (
        reading(file, expected=expected, way_out=_WAY_OUT),
        wave.open(io.BytesIO(content)) as sound,
    ):
        form = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
        frames = sound.readframes(sound.getnframes())
        samples = np.frombuffer(frames, "<i2").astype(np.float32) / 2**15
    if form != (1, 2, RATE) or not samples.any():
        found = (
            f"{form[0]} channels, {8 * form[1]} bits, {form[2]} samples a second"
            if form != (1, 2, RATE)
            else "nothing but silence"
        )
        raise MalformedDataError(file, expected=expected, found=found, way_out=_WAY_OUT)
    return samples


def string_together(
    recordings: Sequence[Recording],
    count: int,
    *,
    digits: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Utterance, ...]:
    """Rows of digits, each by one speaker, with a little silence between most of them.

    Args:
        recordings: what is strung together.
        count: how many rows.
        digits: the fewest and the most of a row.
        rng: chooses speakers, recordings and silences.

    Raises:
        ValueError: there is no recording.
    """
    if not recordings:
        raise ValueError("there is no recording to string together")
    of_speaker: dict[str, list[Recording]] = {}
    for each in recordings:
        of_speaker.setdefault(each.speaker, []).append(each)
    names, rows = sorted(of_speaker), []
    for i in range(count):
        spoken = of_speaker[names[i % len(names)]]
        places = rng.integers(0, len(spoken), rng.integers(digits[0], digits[1] + 1))
        rows.append(_row([spoken[place] for place in places], rng))
    return tuple(rows)


def _row(spoken: Sequence[Recording], rng: np.random.Generator) -> Utterance:
    """The recordings as loud as each other, one after the other; the noise is that of silence."""
    longest = [_LONGEST_EDGE, *[_LONGEST_GAP] * (len(spoken) - 1), _LONGEST_EDGE]
    silences = [int(RATE * rng.uniform(0, each)) for each in longest]
    parts, borders, length = [np.zeros(silences[0], np.float32)], [], silences[0]
    for recording, silence in zip(spoken, silences[1:], strict=True):
        borders.append((length, length + len(recording.sound)))
        parts += [recording.sound / recording.sound.std(), np.zeros(silence, np.float32)]
        length += len(recording.sound) + silence
    sound = np.concatenate(parts)
    sound += np.float32(1e-2) * rng.standard_normal(len(sound), np.float32)
    digits = tuple(each.digit for each in spoken)
    return Utterance(sound / sound.std(), digits, tuple(borders), 40.0)
