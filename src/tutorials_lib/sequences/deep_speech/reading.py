"""What the page reads off a recogniser: one utterance with its numbers, tables, and sentences."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.formant_speech import RATE, WORDS, Utterance
from tutorials_lib.judge import Judgement
from tutorials_lib.layers.bidirectional.in_numpy import pack
from tutorials_lib.layers.ctc import BLANK
from tutorials_lib.layers.ctc.in_numpy import align
from tutorials_lib.metrics.transcription import edits, word_error_rate
from tutorials_lib.sequences.deep_speech import in_numpy
from tutorials_lib.sequences.deep_speech.evaluation import (
    GREEDY,
    JUDGED,
    MODEL,
    Judged,
    Trained,
    ten_words,
)
from tutorials_lib.sequences.deep_speech.problem import (
    HOP,
    STRIDE,
    Split,
    decode,
    encode,
)
from tutorials_lib.sequences.deep_speech.rivals import HMM
from tutorials_lib.text.ctc_decoding import greedy, prefix_beam

FRAME_MS = 1000 * HOP * STRIDE // RATE
"""From one frame to the next."""

SNR_BOUNDS = (0.0, 5.0, 10.0, 15.0, 20.0)
"""Classes of noise, in decibels."""


class Followed(NamedTuple):
    """One utterance on its way through the network.

    Attributes:
        utterance: the sound, and what was said.
        text: what was said.
        looks: the log-mel energies.
        log_probs: of blank and all letters at every frame.
        letters: heard from the most probable class of each frame.
        words: heard within the ten words.
        shares: of all paths that say the text, how much is in each state at each frame.
        states: the classes of the states.
    """

    utterance: Utterance
    text: str
    looks: Float[np.ndarray, "looks bands"]
    log_probs: Float[np.ndarray, "frames classes"]
    letters: str
    words: str
    shares: Float[np.ndarray, "frames states"]
    states: np.ndarray


def pick(split: Split, *, digits: int = 3, snr: float = 10.0) -> int:
    """The place of the first utterance with so many digits and no more noise than this, or 0."""
    for place, each in enumerate(split.utterances):
        if len(each.digits) == digits and each.snr >= snr:
            return place
    return 0


def follow(trained: Trained, split: Split, row: int) -> Followed:
    """The utterance in a row of a split, by the NumPy twin."""
    params = jax.tree.map(np.asarray, trained.params)
    lengths = split.lengths[row : row + 1]
    looks = split.features[row, : STRIDE * int(lengths[0])]
    logits = in_numpy.predict(params, looks[None], lengths, trained.config)[:, 0]
    text = split.texts[row]
    found = align(logits, np.array([encode(text)]), pack(lengths))
    best = prefix_beam(found.log_probs, num_beams=trained.config.num_beams, words=ten_words())
    return Followed(
        utterance=split.utterances[row],
        text=text,
        looks=looks,
        log_probs=found.log_probs,
        letters=decode(greedy(found.log_probs)),
        words=decode(best[0].labels),
        shares=found.shares,
        states=found.classes[0],
    )


def name_of(label: int) -> str:
    """A class as it is written: a letter, a space, or blank."""
    if label == BLANK:
        return "(blank)"
    return decode([label]).replace(" ", "(space)")


def frames_table(followed: Followed, *, count: int = 10) -> MarkdownRows:
    """The most probable class of the frames in which the first letters are heard."""
    best = followed.log_probs.argmax(-1)
    first = max(int(np.flatnonzero(best != BLANK)[0]) - 1, 0) if best.any() else 0
    rows = [
        [
            f"{FRAME_MS * frame} ms",
            f"`{name_of(int(best[frame]))}`",
            f"{np.exp(followed.log_probs[frame, best[frame]]):.2f}",
            f"`{decode(greedy(followed.log_probs[: frame + 1])) or ' '}`",
        ]
        for frame in range(first, min(first + count, len(best)))
    ]
    columns = ["at", "most probable class", "its probability", "heard up to here"]
    return MarkdownRows(columns, rows, of_words=(1, 3))


def edits_table(texts: Sequence[str], references: Sequence[str], *, most: int = 3) -> MarkdownRows:
    """The first utterances with a mistake, and the mistakes told apart."""
    rows = []
    for heard, said in zip(texts, references, strict=True):
        if heard != said and len(rows) < most:
            found = edits(heard.split(), said.split())
            kinds = found.substitutions, found.deletions, found.insertions
            rate = f"{found.total} of {found.length}"
            rows.append([f"`{said}`", f"`{heard or ' '}`", *map(str, kinds), rate])
    columns = ["said", "heard", "substituted", "deleted", "inserted", "wrong words"]
    return MarkdownRows(columns, rows, of_words=(0, 1))


def rates_table(judgement: Judgement) -> MarkdownRows:
    """Word and character error rates of every method on every split."""
    columns = list(judgement.details[MODEL])
    rows = [
        [name, *(f"{rates[column]:.3f}" for column in columns)]
        for name, rates in judgement.details.items()
    ]
    return MarkdownRows(["", *columns], rows)


class SnrScore(NamedTuple):
    """The word error rate of the utterances from `low` to `high` decibels; NaN where none is."""

    low: float
    high: float
    utterances: int
    rate: float


def by_snr(judged: Judged, split: str = JUDGED) -> dict[str, tuple[SnrScore, ...]]:
    """The word error rate of every method by how loud the noise is."""
    spoken = judged.trained.data.unseen[split]
    levels, said = np.array([each.snr for each in spoken.utterances]), spoken.texts
    found: dict[str, tuple[SnrScore, ...]] = {}
    for name, texts in judged.texts.items():
        classes = []
        for low, high in pairwise(SNR_BOUNDS):
            places = np.flatnonzero((levels >= low) & (levels < high)).tolist()
            heard, wanted = ([each[i] for i in places] for each in (texts[split], said))
            rate = word_error_rate(heard, wanted) if places else math.nan
            classes.append(SnrScore(low, high, len(places), rate))
        found[name] = tuple(classes)
    return found


# ---------------------------------------------------------------- sentences


def say_what_is_heard(followed: Followed) -> str:
    """What the letters alone say, and what the ten words make of it."""
    if followed.letters == followed.text:
        return f"The letters say *{followed.letters}*, and that is right."
    right = "which is right" if followed.words == followed.text else f"not *{followed.text}*"
    return (
        f"The letters say *{followed.letters}*. Within the ten words it is *{followed.words}*, "
        f"{right}."
    )


def say_what_letters_lack(judged: Judged, split: str = JUDGED) -> str:
    """How many of the words that letters alone give are none, and which most often."""
    texts, said = judged.texts[GREEDY][split], judged.trained.data.unseen[split].texts
    heard = [word for text in texts for word in text.split()]
    none = Counter(word for word in heard if word not in WORDS)
    rates = [word_error_rate(judged.texts[name][split], said) for name in (GREEDY, MODEL)]
    told = ", ".join(f"*{word}*" for word, _ in none.most_common(3)) or "none"
    return (
        f"Of {len(heard)} words that the letters alone give, {none.total()} are no words at all "
        f"(most often {told}). The lexicon brings the word error rate from {rates[0]:.3f} to "
        f"{rates[1]:.3f}."
    )


def say_whether_met(judgement: Judgement) -> str:
    """Whether the line is beaten, and by how much."""
    name, line = judgement.strongest
    verb = "beats" if judgement.met else "does not beat"
    return (
        f"By unseen speakers the network gets {judgement.value:.3f} of the words wrong, and the "
        f"strongest rival, the {name}, {line:.3f}: it {verb} the line."
    )


def say_where_it_leads(judgement: Judgement) -> str:
    """On which splits the network has fewer wrong words than the hidden Markov model."""
    ours, theirs = (judgement.details[name] for name in (MODEL, HMM))
    splits = [column for column in ours if column.startswith("WER")]
    named = {column: column.removeprefix("WER, ") for column in splits}
    leads = [
        f"*{named[c]}* ({ours[c]:.3f} against {theirs[c]:.3f})"
        for c in splits
        if ours[c] < theirs[c]
    ]
    trails = [
        f"*{named[c]}* ({ours[c]:.3f} against {theirs[c]:.3f})"
        for c in splits
        if ours[c] >= theirs[c]
    ]
    first = (
        f"It has fewer wrong words than the hidden Markov model on {_and(leads)}"
        if leads
        else ("It has no fewer wrong words than the hidden Markov model on any split")
    )
    second = f", and no fewer on {_and(trails)}" if leads and trails else ""
    return f"{first}{second}."


def say_what_noise_does(scores: Mapping[str, Sequence[SnrScore]]) -> str:
    """The word error rates of network and Markov model in the most noise and in the least."""
    ours, theirs = ([each for each in scores[name] if each.utterances] for name in (MODEL, HMM))
    told = "; ".join(
        f"between {mine.low:.0f} and {mine.high:.0f} dB the network within the ten words gets "
        f"{mine.rate:.3f} of the words wrong, and the hidden Markov model {other.rate:.3f}"
        for mine, other in ((ours[0], theirs[0]), (ours[-1], theirs[-1]))
    )
    ahead = [mine.rate < other.rate for mine, other in zip(ours, theirs, strict=True)]
    if ahead[0] and not any(ahead[1:]):
        return f"{_capital(told)}. The network's lead is all in the loudest noise"
    return _capital(told)


def say_how_many_paths(followed: Followed) -> str:
    """How many paths say the text of the utterance, as a power of ten."""
    frames = len(followed.log_probs)
    power = len(str(count_paths(followed.text, frames))) - 1
    return (
        f"at {frames} frames, at least 10 to the power of {power} of them say the "
        f"{len(followed.text)} letters and spaces of the text in the picture"
    )


def count_paths(text: str, frames: int) -> int:
    r"""The number of paths of so many frames that say `text`.

    Each of $n$ letters takes a frame at least, and so does a blank before each of the $r$ letters
    that repeat the one before. The other $T - n - r$ frames are shared out among $n$ runs of
    letters and $n + 1$ of blanks, in $\binom{T + n - r}{2 n}$ ways.
    """
    repeats = sum(one == other for one, other in pairwise(text))
    return math.comb(frames + len(text) - repeats, 2 * len(text))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _and(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
