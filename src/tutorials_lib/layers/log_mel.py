r"""Log-mel features: how loud each band of frequencies is, moment by moment, as an ear hears it.

A pure function of an array, so that both libraries use the same one: it asks the array for its
namespace and imports neither.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

Array = Any
"""A NumPy or a JAX array."""


def mel(frequency: Array) -> Array:
    r"""Hertz as mel: $1127 \ln(1 + f / 700)$, steps of equal size to the ear (O'Shaughnessy)."""
    return 1127 * np.log1p(np.asarray(frequency) / 700)


def hertz(mels: Array) -> Array:
    """The inverse of `mel`."""
    return 700 * np.expm1(np.asarray(mels) / 1127)


def mel_bank(
    num_bands: int, size: int, rate: int, *, lowest: float = 100.0
) -> Float[np.ndarray, "frequencies bands"]:
    """Triangles that overlap by half, of equal width in mel, up to half the rate.

    Args:
        num_bands: how many.
        size: of the transform, of which there are `size // 2 + 1` frequencies.
        rate: samples in a second.
        lowest: hertz at which the first triangle begins.

    Raises:
        ValueError: `lowest` is not below half the rate, or a band holds none of the frequencies.
    """
    if not 0 <= lowest < rate / 2:
        raise ValueError(f"lowest is {lowest} Hz; expected 0 or more, and less than {rate / 2}")
    edges = hertz(np.linspace(mel(lowest), mel(rate / 2), num_bands + 2))
    frequencies = np.fft.rfftfreq(size, 1 / rate)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    bank = np.minimum(rising, falling).clip(0)
    if not bank.any(0).all():
        raise ValueError(
            f"{int((~bank.any(0)).sum())} of {num_bands} bands hold none of the frequencies of a "
            f"transform of {size} samples; take fewer bands, or a larger transform"
        )
    return bank


def log_mel(
    sound: Array,
    bank: Array,
    *,
    window: int,
    hop: int,
    floor: float = 1e-2,
) -> Array:
    r"""The logarithm of the energy in each band, for a window around every `hop`-th sample.

    $\log(|F(w \odot x_t)|^2 B + \epsilon)$ for the discrete Fourier transform $F$, Hann's window
    $w$ and the bank $B$ (Davis and Mermelstein 1980, before their cosine transform).

    Args:
        sound: `[*batch, samples]`; it is silent before its beginning and behind its end.
        bank: `[size // 2 + 1, bands]`, as of `mel_bank`, in the dtype of the sound.
        window: samples that are looked at together.
        hop: samples from one window to the next.
        floor: $\epsilon$, what silence counts.

    Returns:
        `[*batch, samples // hop, bands]`.

    Raises:
        ValueError: a window does not fit into the transform of the bank.
    """
    xp, size = sound.__array_namespace__(), 2 * (len(bank) - 1)
    if window > size:
        raise ValueError(f"a window of {window} samples; the bank is one of {size} samples")
    half = window // 2
    padded = xp.pad(sound, [(0, 0)] * (sound.ndim - 1) + [(half, window - half)])
    starts = hop * np.arange(sound.shape[-1] // hop)
    windows = padded[..., starts[:, None] + np.arange(window)]
    hann = np.sin(np.pi * np.arange(window) / window) ** 2
    spectra = xp.fft.rfft(windows * hann.astype(sound.dtype), size)
    energy = spectra.real**2 + spectra.imag**2
    return xp.log(energy @ bank + floor)
