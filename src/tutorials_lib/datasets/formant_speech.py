"""FORMANT SPEECH: strings of English digits, spoken by a synthesiser that is all NumPy.

A voice is a row of pulses from the larynx, or noise where the air rushes through a narrow place.
The tract between larynx and lips lets some frequencies pass best, its *formants*, and a vowel is
little more than three of them. Speakers differ in pitch, in the length of the tract, which moves
all formants, in accent, tempo and breath; recordings differ in room and noise.

The frequencies of the vowels are the means for men by Peterson and Barney (1952); the consonants
are rough. It is clear speech for a machine and odd speech for an ear.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

RATE = 8_000
"""Samples of sound in a second, as on the telephone."""

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

SNR = (0.0, 20.0)
"""Decibels by which speech is louder than noise: the lowest, and the highest."""

PRONUNCIATIONS = (
    "z ih r ow",
    "w ah n",
    "t uw",
    "th r iy",
    "f ao r",
    "f ay v",
    "s ih k s",
    "s eh v ah n",
    "ey t",
    "n ay n",
)

_HOP = 40  # samples from one setting of the tract to the next: 5 ms
_WINDOW = 4 * _HOP
_REST = np.array([[450.0, 1500.0, 2500.0]])  # formants of a tract that says nothing
_SILENCE = np.array([0.0, 0.0, 0.0, 4000.0])
_WIDTHS = (70, 100, 160)  # of the formants, in hertz
_GAP_CHANCE = 0.6  # of a pause between two digits
_CLOSED = 0.6  # the share of a stop in which nothing is heard

Sound = Float32[np.ndarray, " samples"]
Track = Float[np.ndarray, "_ _"]
"""Numbers for every setting of larynx and tract."""
Setting = Float[np.ndarray, "4"]
"""Voice, noise, and the band of the noise."""


class Phoneme(NamedTuple):
    """How a sound of the language is made.

    Attributes:
        formants: where the tract lets pass best, in hertz.
        duration: in milliseconds, at the tempo 1.
        voice: how loud the larynx is.
        noise: how loud the rush of air is.
        band: between which frequencies it rushes.
        glides_to: the formants at the end, where they move.
        is_stop: whether the tract is closed first.
    """

    formants: tuple[int, int, int]
    duration: float = 120
    voice: float = 1
    noise: float = 0
    band: tuple[int, int] = (0, 4000)
    glides_to: tuple[int, int, int] | None = None
    is_stop: bool = False


PHONEMES = {
    "iy": Phoneme((270, 2290, 3010)),
    "ih": Phoneme((390, 1990, 2550)),
    "eh": Phoneme((530, 1840, 2480)),
    "ah": Phoneme((640, 1190, 2390)),
    "ao": Phoneme((570, 840, 2410)),
    "uw": Phoneme((300, 870, 2240)),
    "ay": Phoneme((730, 1090, 2440), 180, glides_to=(300, 2150, 2800)),
    "ey": Phoneme((500, 1850, 2480), 180, glides_to=(300, 2200, 2850)),
    "ow": Phoneme((560, 950, 2400), 180, glides_to=(330, 750, 2250)),
    "r": Phoneme((420, 1300, 1600), 65, voice=0.7),
    "w": Phoneme((300, 650, 2200), 70, voice=0.6),
    "n": Phoneme((250, 1200, 2200), 75, voice=0.4),
    "v": Phoneme((220, 1100, 2200), 60, voice=0.3, noise=0.1, band=(900, 4000)),
    "z": Phoneme((250, 1700, 2600), 80, voice=0.25, noise=0.3, band=(2800, 4000)),
    "s": Phoneme((300, 1700, 2600), 100, voice=0, noise=0.45, band=(2800, 4000)),
    "f": Phoneme((300, 1100, 2300), 85, voice=0, noise=0.1, band=(900, 4000)),
    "th": Phoneme((300, 1400, 2500), 75, voice=0, noise=0.06, band=(1300, 4000)),
    "t": Phoneme((300, 1750, 2600), 70, voice=0, noise=0.35, band=(2400, 4000), is_stop=True),
    "k": Phoneme((300, 1900, 2500), 70, voice=0, noise=0.35, band=(1500, 2600), is_stop=True),
}


class Speaker(NamedTuple):
    """What a voice has of its own.

    Attributes:
        tract: all formants are this many times those of the table; a short tract has high ones.
        pitch: pulses of the larynx in a second.
        tempo: durations are this many times those of the table.
        breath: how much air passes beside the voice.
        tilt: how dull the voice is, from 0 to 1.
        accent: by how much each formant of each phoneme differs besides.
    """

    tract: float
    pitch: float
    tempo: float
    breath: float
    tilt: float
    accent: dict[str, Float[np.ndarray, "3"]]


class Utterance(NamedTuple):
    """What was said, and how it sounds.

    Attributes:
        sound: with a standard deviation of one.
        digits: what was said.
        borders: the first sample of every digit, and the first one after it.
        snr: decibels by which speech is louder than noise.
    """

    sound: Sound
    digits: tuple[int, ...]
    borders: tuple[tuple[int, int], ...]
    snr: float


def draw_speaker(rng: np.random.Generator, *, child: bool = False) -> Speaker:
    """A man or a woman by even chance, or a child, who is outside of the range of both."""
    if child:
        tract, pitch = rng.uniform(1.13, 1.24), rng.uniform(230, 300)
    elif rng.random() < 0.5:
        tract, pitch = rng.uniform(0.85, 1.0), rng.uniform(85, 140)
    else:
        tract, pitch = rng.uniform(0.97, 1.1), rng.uniform(150, 220)
    return Speaker(
        tract=tract,
        pitch=pitch,
        tempo=rng.uniform(0.7, 1.15),
        breath=rng.uniform(0.01, 0.06),
        tilt=rng.uniform(0.85, 0.97),
        accent={name: np.exp(rng.normal(0, 0.06, 3)) for name in PHONEMES},
    )


def utterances(
    count: int,
    *,
    seed: int | Sequence[int],
    speakers: int,
    digits: tuple[int, int],
    child: bool = False,
) -> tuple[Utterance, ...]:
    """Random strings of digits, by speakers who take turns.

    Args:
        count: how many utterances.
        seed: the same one gives the same utterances; give each split its own.
        speakers: how many voices.
        digits: the fewest and the most of an utterance.
        child: whether the speakers are children.

    Raises:
        ValueError: there is no speaker, or no number of digits between these two.
    """
    if speakers < 1:
        raise ValueError(f"speakers is {speakers}; there must be one at least")
    if not 1 <= digits[0] <= digits[1]:
        raise ValueError(f"digits is {digits}; the fewest, one at least, stands before the most")
    rng = np.random.default_rng(seed)
    voices = [draw_speaker(rng, child=child) for _ in range(speakers)]
    said = (rng.integers(0, 10, rng.integers(digits[0], digits[1] + 1)) for _ in range(count))
    return tuple(speak(rng, voices[i % speakers], each.tolist()) for i, each in enumerate(said))


def speak(rng: np.random.Generator, speaker: Speaker, digits: Sequence[int]) -> Utterance:
    """Say these digits, somewhere, with some noise.

    Raises:
        ValueError: there is no digit, or one is none.
    """
    if not digits or not all(0 <= digit <= 9 for digit in digits):
        raise ValueError(f"the digits are {digits}; expected one or more from 0 to 9")
    score = _Score(rng, speaker)
    score.rest(rng.uniform(40, 125))
    borders = []
    for place, digit in enumerate(digits):
        if place and rng.random() < _GAP_CHANCE:
            score.rest(rng.uniform(10, 150))
        start = score.length
        score.word(PRONUNCIATIONS[digit].split())
        borders.append((start * _HOP, score.length * _HOP))
    score.rest(rng.uniform(40, 125))
    snr = rng.uniform(*SNR)
    sound = _recorded(rng, _sung(rng, speaker, score.tracks()), snr)
    return Utterance(sound, tuple(digits), tuple(borders), float(snr))


class _Score:
    """What larynx and tract do from setting to setting, written one phoneme after the other."""

    def __init__(self, rng: np.random.Generator, speaker: Speaker) -> None:
        self.rng, self.speaker, self.length = rng, speaker, 0
        self.parts: list[tuple[Track, Setting, int]] = []

    def rest(self, duration: float) -> None:
        """Say nothing for so many milliseconds, more or less."""
        self._add(_REST, _SILENCE, self._settings(duration))

    def word(self, phonemes: Sequence[str]) -> None:
        """One word, of which all is longer or shorter together."""
        stress = np.exp(self.rng.normal(0, 0.2))
        for name in phonemes:
            phoneme, count = PHONEMES[name], self._settings(PHONEMES[name].duration * stress)
            formants = np.array([phoneme.formants], float)
            if phoneme.glides_to:
                moved = np.linspace(-0.25, 1.25, count).clip(0, 1)[:, None]
                formants = (1 - moved) * formants + moved * phoneme.glides_to
            formants = formants * self.speaker.accent[name] * np.exp(self.rng.normal(0, 0.03, 3))
            sound = np.array([phoneme.voice, phoneme.noise, *phoneme.band], float)
            closed = int(_CLOSED * count) if phoneme.is_stop else 0
            if closed:
                self._add(formants, _SILENCE, closed)
            self._add(formants, sound, count - closed)

    def tracks(self) -> tuple[Track, Track]:
        """The formants; and voice, noise, and the band of the noise. Nothing jumps."""
        counts = [count for _, _, count in self.parts]
        formants = np.concatenate(
            [np.broadcast_to(each, (count, 3)) for each, _, count in self.parts]
        )
        sounds = np.repeat([sound for _, sound, _ in self.parts], counts, axis=0)
        sounds[:, :2] = _smooth(sounds[:, :2], 3)
        return _smooth(formants, 9) * self.speaker.tract, sounds

    def _settings(self, duration: float) -> int:
        varied = duration * self.speaker.tempo * np.exp(self.rng.normal(0, 0.15))
        return max(2, round(varied * RATE / 1000 / _HOP))

    def _add(self, formants: Track, sound: Setting, count: int) -> None:
        self.parts.append((formants, sound, count))
        self.length += count


def _smooth(track: Track, width: int) -> Track:
    """The mean over `width` settings around each."""
    padded = np.pad(track, ((width // 2 + 1, width // 2), (0, 0)), mode="edge").cumsum(0)
    return (padded[width:] - padded[:-width]) / width


def _sung(rng: np.random.Generator, speaker: Speaker, tracks: tuple[Track, Track]) -> Sound:
    """Larynx and rushing air, each shaped by the tract, without room and noise.

    Short windows of sound overlap; each is shaped as a spectrum, and all are added up.
    """
    formants, sounds = (track.astype(np.float32)[:, :, None] for track in tracks)
    voice, noise, low, high = (sounds[:, i] for i in range(4))
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / RATE).astype(np.float32)
    larynx = _spectra(_pulses(rng, speaker, len(voice))) * _one_pole(speaker.tilt, frequencies)
    air = _spectra(rng.standard_normal(len(voice) * _HOP, np.float32))
    larynx += speaker.breath * air
    for formant, width in zip(formants.clip(None, 3900).swapaxes(0, 1), _WIDTHS, strict=True):
        square = formant**2
        larynx *= square / np.sqrt((square - frequencies**2) ** 2 + (width * frequencies) ** 2)
    low = low * np.float32(speaker.tract**0.5)
    rush = 4 * noise / (1 + np.exp((low - frequencies) / 150))
    rush /= 1 + np.exp((frequencies - high) / 150)
    return _added_up(larynx * voice + air * rush)


def _pulses(rng: np.random.Generator, speaker: Speaker, settings: int) -> Sound:
    """One sample for each time that the larynx opens; the pitch falls and wavers."""
    along = np.linspace(0, 1, settings * _HOP, endpoint=False, dtype=np.float32)
    wavers = np.interp(along, np.linspace(0, 1, 8), rng.normal(0, 0.06, 8))
    turns = np.cumsum(speaker.pitch / RATE * (1.1 - 0.2 * along) * np.exp(wavers))
    opens = np.flatnonzero(np.diff(np.floor(turns), prepend=0))
    pulses = np.zeros(len(along), np.float32)
    pulses[opens] = np.exp(rng.normal(0, 0.1, len(opens)))
    return pulses


def _one_pole(pole: float, frequencies: np.ndarray) -> np.ndarray:
    r"""How loud each frequency is behind $y_t = x_t + a y_{t-1}$."""
    angle = 2 * np.pi * frequencies / RATE
    return (1 / np.sqrt(1 + pole**2 - 2 * pole * np.cos(angle))).astype(np.float32)


_HANN = np.sin(np.pi * np.arange(_WINDOW) / _WINDOW).astype(np.float32) ** 2


def _spectra(sound: Sound) -> np.ndarray:
    """Of a window around every setting."""
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW // 2 - _HOP))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    return np.fft.rfft(windows * _HANN)


def _added_up(spectra: np.ndarray) -> Sound:
    """The sound of which these are the spectra, as nearly as there is one."""
    parts = (np.fft.irfft(spectra, _WINDOW) * _HANN / 1.5).reshape(len(spectra), 4, _HOP)
    sound = np.zeros((len(spectra) + 3, _HOP), np.float32)
    for i in range(4):
        sound[i : i + len(spectra)] += parts[:, i]
    return sound[2:-1].ravel()


def _recorded(rng: np.random.Generator, sound: Sound, snr: float) -> Sound:
    """In a room with an echo of up to 50 ms, and with noise of some colour."""
    taps = np.arange(400, dtype=np.float32)
    room = 0.25 * rng.standard_normal(400, np.float32) * np.exp(-taps / rng.uniform(20, 120))
    room[0] = 1
    size = 1 << (len(sound) + len(room)).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / RATE).astype(np.float32)
    colour = _one_pole(rng.uniform(-0.6, 0.9), frequencies)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(size, np.float32)) * colour)
    speech = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(room, size))
    speech, noise = speech[: len(sound)], noise[: len(sound)]
    mixed = speech / speech.std() + noise / noise.std() * np.float32(10 ** (-snr / 20))
    return (mixed / mixed.std()).astype(np.float32)
