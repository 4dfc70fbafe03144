"""Formant speech: what was asked for is said, where the borders say, and as loud as the noise."""

import numpy as np
import pytest

from tutorials_lib.datasets.formant_speech import (
    PHONEMES,
    PRONUNCIATIONS,
    RATE,
    WORDS,
    draw_speaker,
    speak,
    utterances,
)


def spectrum(sound: np.ndarray, low: float, high: float) -> float:
    """The share of energy between two frequencies."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(power[(frequencies >= low) & (frequencies < high)].sum() / power.sum())


def test_a_seed_repeats_and_two_differ():
    one, again, other = (utterances(3, seed=seed, speakers=2, digits=(2, 3)) for seed in (0, 0, 1))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a.sound, b.sound)
        assert a[1:] == b[1:]
    assert [each.digits for each in one] != [each.digits for each in other]


def test_utterances_are_what_was_asked_for():
    spoken = utterances(12, seed=3, speakers=5, digits=(2, 4))
    assert {len(each.digits) for each in spoken} == {2, 3, 4}
    for each in spoken:
        assert each.sound.dtype == np.float32
        assert each.sound.std() == pytest.approx(1, rel=1e-3)
        assert len(each.borders) == len(each.digits)
        borders = np.array(each.borders)
        assert (borders[:, 0] < borders[:, 1]).all()
        assert (borders[1:, 0] >= borders[:-1, 1]).all()
        assert borders[0, 0] > 0
        assert borders[-1, 1] < len(each.sound)
        assert 0 <= each.snr <= 20


def test_digits_are_louder_than_what_lies_between():
    inside, outside = [], []
    for each in utterances(30, seed=0, speakers=10, digits=(1, 2)):
        if each.snr > 15:
            (start, _), (_, stop) = each.borders[0], each.borders[-1]
            inside.append(each.sound[start:stop].std())
            outside.append(each.sound[: start // 2].std())
    assert np.mean(outside) < 0.5 * np.mean(inside)


def test_a_hiss_is_high_and_a_vowel_is_low():
    rng = np.random.default_rng(0)
    speaker = draw_speaker(rng)
    high = {"six": [], "one": []}
    for word, found in high.items():
        for _ in range(8):
            each = speak(rng, speaker, [WORDS.index(word)])
            (start, stop), *_ = each.borders
            found.append(spectrum(each.sound[start : start + (stop - start) // 4], 2800, 4000))
    assert np.mean(high["six"]) > 2 * np.mean(high["one"])


def test_a_child_is_outside_of_the_range_of_men_and_women():
    rng = np.random.default_rng(0)
    adults, children = (
        [draw_speaker(rng, child=child) for _ in range(200)] for child in (False, True)
    )
    assert max(each.tract for each in adults) < min(each.tract for each in children)
    assert max(each.pitch for each in adults) < min(each.pitch for each in children)


def test_every_word_is_made_of_phonemes_that_there_are():
    assert len(WORDS) == len(PRONUNCIATIONS) == 10
    assert {name for each in PRONUNCIATIONS for name in each.split()} == set(PHONEMES)


def test_what_cannot_be_said_is_named():
    rng = np.random.default_rng(0)
    for digits in ([], [10]):
        with pytest.raises(ValueError, match="expected one or more from 0 to 9"):
            speak(rng, draw_speaker(rng), digits)
    with pytest.raises(ValueError, match="speakers is 0"):
        utterances(1, seed=0, speakers=0, digits=(1, 2))
    with pytest.raises(ValueError, match=r"digits is \(3, 2\)"):
        utterances(1, seed=0, speakers=1, digits=(3, 2))
