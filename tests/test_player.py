"""Players: what is heard is what was given, and what cannot be heard is refused."""

import base64
import io
import re
import wave

import numpy as np
import pytest

from tutorials_lib.figures.player import LARGEST, player, to_wav

TONE = np.sin(np.arange(800) / 3)


def test_the_sounds_are_part_of_the_page():
    shown = player({"a tone": TONE, "<loud>": 2 * TONE}, rate=8_000, alt="A tone, once and louder.")
    html = shown._repr_mimebundle_()["text/html"]
    assert html.count("<audio controls") == 2
    assert "&lt;loud&gt;" in html
    assert "http" not in html
    content = re.findall(r"base64,([^\"]+)", html)[0]
    with wave.open(io.BytesIO(base64.b64decode(content))) as sound:
        assert sound.getframerate() == 8_000
        samples = np.frombuffer(sound.readframes(800), "<i2")
    np.testing.assert_allclose(samples / np.abs(samples).max(), TONE / TONE.max(), atol=1e-3)


def test_print_has_the_waves_and_everybody_the_words():
    bundle = player({"a tone": TONE}, rate=8_000, alt="A tone of one pitch.")._repr_mimebundle_()
    assert base64.b64decode(bundle["application/pdf"]).startswith(b"%PDF")
    assert "<svg" in bundle["image/svg+xml"]
    assert bundle["text/plain"] == "A tone of one pitch."


def test_the_loudest_sample_fits():
    with wave.open(io.BytesIO(to_wav(1e-3 * TONE, 8_000))) as sound:
        samples = np.frombuffer(sound.readframes(800), "<i2")
    assert 29_000 < np.abs(samples).max() < 2**15


def test_what_cannot_be_heard_is_named():
    with pytest.raises(ValueError, match="nothing to play"):
        player({}, rate=8_000, alt="A sound of nothing.")
    with pytest.raises(ValueError, match="'quiet' has no sample that is not zero"):
        player({"quiet": np.zeros(9)}, rate=8_000, alt="A sound of nothing.")
    with pytest.raises(ValueError, match="does not describe"):
        player({"a tone": TONE}, rate=8_000, alt="tone")
    long = np.sin(np.arange(LARGEST) / 3)
    with pytest.raises(ValueError, match="bytes, and 600,000 at most"):
        player({"long": long}, rate=8_000, alt="A very long tone.")
