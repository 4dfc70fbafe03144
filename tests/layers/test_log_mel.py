"""Log-mel features: SciPy's spectra under triangles written out, in both libraries."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from tutorials_lib.layers.log_mel import hertz, log_mel, mel, mel_bank

RATE, WINDOW, HOP, SIZE = 8_000, 200, 80, 256


def triangle(band: int, frequency: float, *, bands: int, lowest: float) -> float:
    """The weight of a frequency in a band, by its own edges."""
    low, high = (1127 * math.log(1 + each / 700) for each in (lowest, RATE / 2))
    left, peak, right = (
        700 * (math.exp((low + (band + i) * (high - low) / (bands + 1)) / 1127) - 1)
        for i in range(3)
    )
    if frequency <= peak:
        return max(0.0, (frequency - left) / (peak - left))
    return max(0.0, (right - frequency) / (right - peak))


def test_the_bank_is_made_of_these_triangles():
    bank = mel_bank(20, SIZE, RATE, lowest=50.0)
    assert bank.shape == (SIZE // 2 + 1, 20)
    for i, j in ((0, 0), (3, 0), (4, 1), (40, 12), (41, 12), (128, 19), (125, 19)):
        expected = triangle(j, i * RATE / SIZE, bands=20, lowest=50.0)
        assert bank[i, j] == pytest.approx(expected, abs=1e-12)


def test_the_features_are_those_of_scipy():
    sound = np.random.default_rng(0).standard_normal(2_000)
    bank = mel_bank(16, SIZE, RATE)
    transform = signal.ShortTimeFFT(
        signal.windows.hann(WINDOW, sym=False), HOP, RATE, mfft=SIZE, phase_shift=None
    )
    spectra = transform.stft(sound, p0=0, p1=len(sound) // HOP).T
    expected = np.log(np.abs(spectra) ** 2 @ bank + 1e-2)
    found = log_mel(sound, bank, window=WINDOW, hop=HOP)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("samples", [WINDOW, 1_003])
def test_both_libraries_find_the_same_for_many_sounds_at_once(samples: int):
    sounds = np.random.default_rng(1).standard_normal((3, samples)).astype(np.float32)
    bank = mel_bank(16, SIZE, RATE).astype(np.float32)
    ours = log_mel(sounds, bank, window=WINDOW, hop=HOP)
    theirs = log_mel(jnp.asarray(sounds), jnp.asarray(bank), window=WINDOW, hop=HOP)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape == (3, samples // HOP, 16)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
    alone = log_mel(sounds[1], bank, window=WINDOW, hop=HOP)
    np.testing.assert_allclose(ours[1], alone, rtol=1e-5)


def test_a_tone_is_loud_in_its_band_and_silence_is_the_floor():
    tone = np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE)
    bank = mel_bank(32, SIZE, RATE)
    centers = hertz(np.linspace(mel(100), mel(RATE / 2), 34))[1:-1]
    loudest = log_mel(tone, bank, window=WINDOW, hop=HOP)[50].argmax()
    assert abs(centers[loudest] - 1_000) < 60
    silence = log_mel(np.zeros(800), bank, window=WINDOW, hop=HOP, floor=0.5)
    np.testing.assert_allclose(silence, np.log(0.5))


def test_mel_and_hertz_are_inverse_and_known():
    assert mel(1_000) == pytest.approx(1_000, abs=0.1)
    np.testing.assert_allclose(hertz(mel(np.arange(0, 4_000, 500))), np.arange(0, 4_000, 500))


def test_banks_and_windows_that_cannot_be_are_named():
    with pytest.raises(ValueError, match=r"lowest is 4000.0 Hz; expected 0 or more, and less"):
        mel_bank(10, SIZE, RATE, lowest=4_000.0)
    with pytest.raises(ValueError, match="of 200 bands hold none of the frequencies"):
        mel_bank(200, SIZE, RATE)
    with pytest.raises(ValueError, match="a window of 300 samples; the bank is one of 256"):
        log_mel(np.zeros(800), mel_bank(10, SIZE, RATE), window=300, hop=HOP)
