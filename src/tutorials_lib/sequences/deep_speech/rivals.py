"""Recognisers from before networks: stretched templates, and a hidden Markov model.

Both are told where every word of the training utterances begins and ends, and hear nothing but the
ten words. They look at cepstra, the cosine transform of the same log-mel energies, and at how these
change. A word is a chain of states, and one pass through the utterance finds the cheapest path
through any row of words (Ney 1984).
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.fft import dct
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from tutorials_lib.datasets.formant_speech import WORDS
from tutorials_lib.metrics.transcription import word_error_rate
from tutorials_lib.sequences.deep_speech.problem import HOP, STRIDE, Data, Split, text_of

DTW, HMM = "templates, stretched in time", "hidden Markov model"

NUM_CEPSTRA = 13
NUM_TEMPLATES = 8
"""Of each word; and three times as many moments of silence."""

NUM_STATES = 10
"""Of the hidden Markov model, for each word."""

MIXTURES = (8, 16)
"""How many Gaussians a state may have; the development split chooses."""

SILENCE = -1
SLOPES = (0.0, 0.5)
"""How much the slopes of cepstra may count in a distance; the development split chooses."""

PENALTIES = {DTW: (0.0, 1.0, 2.0), HMM: (0.0, 10.0, 20.0)}
"""What another word may cost, likewise."""

_REALIGNMENTS = 3
_SMALLEST_VARIANCE = 0.02
_CHUNK = 60  # utterances that are searched side by side

Cepstra = Float[np.ndarray, "_ cepstra"]
Costs = Float[np.ndarray, "utterances states"]
CostOf = Callable[[Float[np.ndarray, "utterances cepstra"]], Costs]


class Chains(NamedTuple):
    """States of all words, one chain behind the other.

    Attributes:
        first: of each chain.
        last: of each chain.
        labels: the digit of each chain, or `SILENCE`.
    """

    first: Int[np.ndarray, " chains"]
    last: Int[np.ndarray, " chains"]
    labels: Int[np.ndarray, " chains"]


class Recogniser(NamedTuple):
    """What a search needs.

    Attributes:
        chains: of words.
        cost: of every state, for a row of cepstra of each utterance.
        every: which looks it listens to: all, or every second one.
        may_skip: whether a path may leave out a state.
        penalty: what another word costs.
    """

    chains: Chains
    cost: CostOf
    every: int = 1
    may_skip: bool = False
    penalty: float = 0.0


class Rival(NamedTuple):
    """A recogniser with its settings chosen, its score there, and what it hears in every split."""

    development: float
    texts: dict[str, list[str]]


def cepstra(split: Split) -> list[Cepstra]:
    """Of every utterance: 13 cepstra at the most, their slopes, and the slopes of these."""
    found = []
    for features, length in zip(split.features, split.lengths, strict=True):
        still = dct(features[: STRIDE * length], norm="ortho", axis=1)[:, :NUM_CEPSTRA]
        slopes = np.gradient(still, axis=0)
        found.append(np.concatenate([still, 2 * slopes, 3 * np.gradient(slopes, axis=0)], axis=1))
    return found


def segments(split: Split) -> dict[int, list[Cepstra]]:
    """The pieces of every digit, and of the silence between, by the true borders."""
    pieces: dict[int, list[Cepstra]] = {label: [] for label in range(SILENCE, len(WORDS))}
    for looks, utterance in zip(cepstra(split), split.utterances, strict=True):
        end = 0
        for digit, (start, stop) in zip(utterance.digits, utterance.borders, strict=True):
            if start // HOP > end:
                pieces[SILENCE].append(looks[end : start // HOP])
            end = stop // HOP
            pieces[digit].append(looks[start // HOP : end])
    return {label: [each for each in found if len(each) > 2] for label, found in pieces.items()}


# ---------------------------------------------------------------- search


def recognise(recogniser: Recogniser, split: Split) -> list[str]:
    """What is heard in every utterance."""
    looks, texts = [each[:: recogniser.every] for each in cepstra(split)], []
    for start in range(0, len(looks), _CHUNK):
        texts += [text_of(digits) for digits in one_pass(recogniser, looks[start : start + _CHUNK])]
    return texts


def one_pass(recogniser: Recogniser, utterances: Sequence[Cepstra]) -> list[list[int]]:
    """The digits on the cheapest path through each utterance."""
    lengths = np.array([len(looks) for looks in utterances])
    padded = np.zeros((lengths.max(), len(lengths), utterances[0].shape[1]))
    for row, looks in enumerate(utterances):
        padded[: len(looks), row] = looks
    chains, rows = recogniser.chains, np.arange(len(lengths))
    is_first = np.zeros(chains.last[-1] + 1, bool)
    is_first[chains.first] = True
    totals = np.where(is_first, recogniser.cost(padded[0]), np.inf)
    came = np.full(totals.shape, -1)  # when the word before ended
    labels, befores = np.zeros((2, *padded.shape[:2]), int)
    for t in range(1, len(padded)):
        chain = totals[:, chains.last].argmin(1)
        end = chains.last[chain]
        labels[t], befores[t] = chains.labels[chain], came[rows, end]
        enter = totals[rows, end] + recogniser.penalty
        moved, times = _moved(totals, came, is_first, enter, t, recogniser.may_skip)
        goes_on = (t < lengths)[:, None]
        np.copyto(totals, moved + recogniser.cost(padded[t]), where=goes_on)
        np.copyto(came, times, where=goes_on)
    chain = totals[:, chains.last].argmin(1)
    ends = came[rows, chains.last[chain]]
    return [
        _trace(int(chains.labels[chain[row]]), int(ends[row]), labels[:, row], befores[:, row])
        for row in rows
    ]


def _moved(
    totals: Costs,
    came: Int[np.ndarray, "utterances states"],
    is_first: Bool[np.ndarray, " states"],
    enter: Float[np.ndarray, " utterances"],
    time: int,
    may_skip: bool,
) -> tuple[Costs, Int[np.ndarray, "utterances states"]]:
    """The cheapest way into each state, and when the word before it ended."""
    best, times = totals.copy(), came.copy()
    for jump in (1, 2) if may_skip else (1,):
        step, then = np.full_like(totals, np.inf), np.full_like(came, -1)
        step[:, jump:], then[:, jump:] = totals[:, :-jump], came[:, :-jump]
        starts = is_first if jump == 1 else is_first | np.roll(is_first, 1)
        step[:, starts] = np.inf
        if jump == 1:
            step[:, is_first], then[:, is_first] = enter[:, None], time
        is_better = step < best
        np.copyto(best, step, where=is_better)
        np.copyto(times, then, where=is_better)
    return best, times


def _trace(
    label: int,
    time: int,
    labels: Int[np.ndarray, " time"],
    befores: Int[np.ndarray, " time"],
) -> list[int]:
    """From the last word back to the first."""
    found = [label]
    while time >= 0:
        found.append(int(labels[time]))
        time = int(befores[time])
    return [each for each in reversed(found) if each != SILENCE]


def chain_up(lengths: Sequence[int], labels: Sequence[int]) -> Chains:
    """Chains of these lengths."""
    ends = np.cumsum(lengths)
    return Chains(ends - np.asarray(lengths), ends - 1, np.asarray(labels))


# ---------------------------------------------------------------- the two recognisers


def templates(train: Split, *, slopes: float, seed: int) -> Recogniser:
    """Pieces of training, drawn at random; the cost is the distance to their cepstra.

    As the network does, they listen to every second look.
    """
    rng, pieces = np.random.default_rng([seed, 7]), segments(train)
    spread = np.concatenate([each for label in range(len(WORDS)) for each in pieces[label]]).std(0)
    counts = np.repeat([1, slopes, 0], len(spread) // 3) / spread
    chosen = [
        (label, pieces[label][place][::STRIDE])
        for label in range(len(WORDS))
        for place in rng.permutation(len(pieces[label]))[:NUM_TEMPLATES]
    ]
    silences = rng.permutation(len(pieces[SILENCE]))[: 3 * NUM_TEMPLATES]
    chosen += [(SILENCE, pieces[SILENCE][place].mean(0, keepdims=True)) for place in silences]
    points = np.concatenate([piece for _, piece in chosen]) * counts
    squares = (points**2).sum(1)

    def cost(looks: Float[np.ndarray, "utterances cepstra"]) -> Costs:
        scaled = looks * counts
        distances = (scaled**2).sum(1)[:, None] + squares - 2 * scaled @ points.T
        return np.sqrt(distances.clip(0))

    chains = chain_up([len(piece) for _, piece in chosen], [label for label, _ in chosen])
    return Recogniser(chains, cost, every=STRIDE, may_skip=True)


def markov_model(train: Split, *, mixture: int) -> Recogniser:
    """Ten states a word, with Gaussians each, and one of silence, trained by Viterbi's rule."""
    states, labels, lengths = [], [], []
    for label, pieces in segments(train).items():
        count = 1 if label == SILENCE else NUM_STATES
        long_enough = [piece for piece in pieces if len(piece) >= count]
        states += _split_up(long_enough, count)
        labels.append(label)
        lengths.append(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = [_fit(looks, mixture) for looks in states]
    return Recogniser(chain_up(lengths, labels), partial(_negative_log, _gather(fitted)))


def _fit(looks: Cepstra, mixture: int) -> GaussianMixture:
    model = GaussianMixture(
        min(mixture, len(looks)),
        covariance_type="diag",
        reg_covar=_SMALLEST_VARIANCE,
        max_iter=10,
        tol=1e-2,
        random_state=0,
    )
    return model.fit(looks)


def _split_up(pieces: Sequence[Cepstra], count: int) -> list[Cepstra]:
    """The looks of each state: first in equal parts, then where one Gaussian each puts them."""
    states = [np.arange(len(piece)) * count // len(piece) for piece in pieces]
    everything = np.concatenate(pieces)
    for _ in range(_REALIGNMENTS if count > 1 else 0):
        where = np.concatenate(states)
        means = np.stack([everything[where == i].mean(0) for i in range(count)])
        variances = np.stack([everything[where == i].var(0) for i in range(count)])
        variances += _SMALLEST_VARIANCE
        constants = np.log(variances).sum(1)
        states = [
            _align((((piece[:, None] - means) ** 2 / variances).sum(-1) + constants) / 2)
            for piece in pieces
        ]
    where = np.concatenate(states)
    return [everything[where == i] for i in range(count)]


def _align(costs: Float[np.ndarray, "looks states"]) -> Int[np.ndarray, " looks"]:
    """The cheapest way from the first state to the last, which stays or goes on by one."""
    looks, count = costs.shape
    totals = np.full(count, np.inf)
    totals[0] = costs[0, 0]
    steps = np.zeros(costs.shape, bool)
    for t in range(1, looks):
        step = np.concatenate([[np.inf], totals[:-1]])
        steps[t] = step < totals
        totals = np.minimum(totals, step) + costs[t]
    path = np.empty(looks, int)
    state = count - 1
    for t in reversed(range(looks)):
        path[t] = state
        state -= steps[t, state]
    return path


class _Gaussians(NamedTuple):
    """Of all states: what is multiplied with squares, with looks, and what is added."""

    by_squares: np.ndarray
    by_looks: np.ndarray
    constants: np.ndarray


def _gather(fitted: Sequence[GaussianMixture]) -> _Gaussians:
    most = max(len(each.weights_) for each in fitted)
    precision = np.zeros((len(fitted), most, fitted[0].means_.shape[1]))
    means, constants = np.zeros_like(precision), np.full((len(fitted), most), -np.inf)
    for i, each in enumerate(fitted):
        size = len(each.weights_)
        precision[i, :size], means[i, :size] = 1 / each.covariances_, each.means_
        logs = np.log(2 * np.pi * each.covariances_) + each.means_**2 / each.covariances_
        constants[i, :size] = np.log(each.weights_) - logs.sum(-1) / 2
    return _Gaussians(-precision / 2, precision * means, constants)


def _negative_log(gaussians: _Gaussians, looks: Float[np.ndarray, "utterances cepstra"]) -> Costs:
    """Of the density of each state."""
    by_squares, by_looks, constants = gaussians
    flat = (-1, looks.shape[1])
    logs = looks**2 @ by_squares.reshape(flat).T + looks @ by_looks.reshape(flat).T
    logs = logs.reshape(len(looks), *constants.shape) + constants
    most = logs.max(-1, keepdims=True)
    return -(most[..., 0] + np.log(np.exp(logs - most).sum(-1)))


# ---------------------------------------------------------------- settings and scores


def all_rivals(data: Data, *, seed: int) -> dict[str, Rival]:
    """Both, each with the settings that the development split likes best."""
    candidates: Mapping[str, list[Recogniser]] = {
        DTW: [templates(data.train, slopes=slopes, seed=seed) for slopes in SLOPES],
        HMM: [markov_model(data.train, mixture=mixture) for mixture in MIXTURES],
    }
    return {
        name: _choose(
            [each._replace(penalty=penalty) for each in recognisers for penalty in PENALTIES[name]],
            data,
        )
        for name, recognisers in candidates.items()
    }


def _choose(recognisers: Sequence[Recogniser], data: Data) -> Rival:
    scores = [
        word_error_rate(recognise(each, data.development), data.development.texts)
        for each in recognisers
    ]
    best = int(np.argmin(scores))
    texts = {name: recognise(recognisers[best], split) for name, split in data.unseen.items()}
    return Rival(scores[best], texts)
