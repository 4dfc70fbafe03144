"""Learning from a few examples: the configuration, the characters and the episodes (NumPy only)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int32

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import alphabets, omniglot

SIZE, NUM_DRAWERS = alphabets.SIZE, alphabets.NUM_DRAWERS
NUM_POOLED = 2
"""Blocks of the network that halve the picture, the first ones: 28 pixels, 14, 7."""

NUM_TURNS = 8
"""A square has so many symmetries."""

SETTINGS = ((5, 1), (5, 5), (20, 1), (20, 5))
"""Ways and shots of the episodes that are scored; the third is the one that is judged."""

JUDGED = SETTINGS[2]

Pictures = Float32[np.ndarray, "characters drawers height width"]
Images = Float32[np.ndarray, "characters drawers height width 1"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """One network and one training run.

    Attributes:
        num_train: generated alphabets to learn from.
        num_development: generated alphabets that choose the rivals' settings.
        num_test: generated alphabets that are looked at once.
        num_characters: characters of a generated alphabet, each drawn by twenty hands.
        channels: feature maps of each block of the network.
        num_features: numbers into which it turns a picture.
        num_ways: characters in an episode of the training.
        num_shots: drawings of each that are given as examples.
        num_queries: further drawings of each that are to be recognized, in every episode.
        num_rounds: parts of the training, after each of which it is looked at.
        steps_per_round: episodes of one part, each of them a training step.
        peak_learning_rate: of the schedule that rises to it and falls again.
        statistics_momentum: share of the running batch statistics that a step keeps.
        temperature: what squared distances are divided by.
        num_episodes: held-out episodes of each kind that are scored.
        source: `offline` for generated alphabets, `real` for Omniglot.

    Raises:
        ValueError: an episode would need more characters or more drawings than there are, or the
            source is unknown.
    """

    num_train: int = 20
    num_development: int = 2
    num_test: int = 6
    num_characters: int = 20
    channels: tuple[int, ...] = (16, 32, 64, 64)
    num_features: int = 64
    num_ways: int = 20
    num_shots: int = 1
    num_queries: int = 5
    num_rounds: int = 10
    steps_per_round: int = 40
    peak_learning_rate: float = 4e-3
    statistics_momentum: float = 0.95
    temperature: float = 4.0
    num_episodes: int = 600
    source: str = "offline"

    def __post_init__(self) -> None:
        most_ways, most_shots = np.max(SETTINGS, axis=0).tolist()
        scored = min(self.num_development, self.num_test) * self.num_characters
        for ways, there in (
            (self.num_ways, self.num_train * self.num_characters),
            (most_ways, scored),
        ):
            if ways > there:
                raise ValueError(
                    f"an episode of {ways} ways needs as many characters, and with num_characters="
                    f"{self.num_characters} there are {there}; take more of them, or more alphabets"
                )
        shots = max(most_shots, self.num_shots)
        if shots + self.num_queries > NUM_DRAWERS:
            raise ValueError(
                f"{shots} shots and {self.num_queries} queries are more than the "
                f"{NUM_DRAWERS} drawings that a character has"
            )
        presets.check_source(self.source)

    @property
    def num_steps(self) -> int:
        """Training steps of the whole run."""
        return self.num_rounds * self.steps_per_round


TINY = Config(
    num_train=2,
    num_development=1,
    num_test=1,
    channels=(4, 8),
    num_features=8,
    num_ways=5,
    num_rounds=3,
    steps_per_round=10,
    num_episodes=40,
)
PAGE = Config()
FULL = Config(num_train=60, channels=(64, 64, 64, 64), num_ways=60, num_rounds=40)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


# ---------------------------------------------------------------- the characters


class Data(NamedTuple):
    """Drawings from 0 (paper) to 1 (ink); no two parts share an alphabet."""

    train: Pictures
    development: Pictures
    test: Pictures


def load(config: Config, *, seed: int = 0) -> Data:
    """Characters of each part: generated with `seed`, or those of Omniglot's small sets.

    Of Omniglot, the network learns from the first small set, except for one alphabet of it, by
    the seed another one, which is for development; test characters are those of the second set,
    without Greek and Latin, which the first one has too. No part takes more characters than it
    would generate.

    Raises:
        DatasetError: Omniglot was asked for and cannot be had.
    """
    sizes = np.array([config.num_train, config.num_development, config.num_test])
    if config.source == "real":
        return Data(
            *(each[: size * config.num_characters] for each, size in _published(sizes, seed))
        )
    drawn = alphabets.alphabets(int(sizes.sum()), config.num_characters, seed=seed)
    return Data(*(np.concatenate(part) for part in np.split(drawn, np.cumsum(sizes)[:-1])))


def _published(sizes: np.ndarray, seed: int) -> list[tuple[Pictures, int]]:
    known = omniglot.load_omniglot(omniglot.OMNIGLOT["small1"])
    new = omniglot.load_omniglot(omniglot.OMNIGLOT["small2"])
    names = sorted(set(known.alphabets))
    held_back = np.array(known.alphabets) == names[seed % len(names)]
    unseen = ~np.isin(new.alphabets, names)
    parts = known.drawings[~held_back], known.drawings[held_back], new.drawings[unseen]
    return [(shrink(part), size) for part, size in zip(parts, sizes.tolist(), strict=True)]


def shrink(drawings: Bool[np.ndarray, "characters drawers side side"]) -> Pictures:
    """The share of ink in each of 28 x 28 equal squares, as dark as the darkest of a drawing."""
    side = drawings.shape[-1]
    edges = np.linspace(0, side, SIZE + 1)
    pixels = np.arange(side)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = shared.clip(0).astype(np.float32)  # [squares, pixels]
    ink = overlap @ drawings.astype(np.float32) @ overlap.T
    return ink / ink.max((-2, -1), keepdims=True)


def to_images(pictures: Float32[np.ndarray, "*drawings"]) -> Float32[np.ndarray, "*drawings 1"]:
    """With an axis for the one channel that grey has."""
    return pictures[..., None]


# ---------------------------------------------------------------- the episodes


class Episodes(NamedTuple):
    """Which drawings are examples and which are to be recognized.

    A drawing is named by its place when all drawings stand in one row, character after character.
    """

    support: Int32[np.ndarray, "episodes ways shots"]
    queries: Int32[np.ndarray, "episodes ways queries"]


def draw_episodes(
    num_characters: int,
    num_episodes: int,
    *,
    num_ways: int,
    num_shots: int,
    num_queries: int,
    seed: int,
) -> Episodes:
    """Episodes of `num_ways` different characters, and of different drawings of each."""
    rng = np.random.default_rng([seed, num_ways, num_shots])
    order = rng.random((num_episodes, num_characters)).argsort(-1)
    characters = order[:, :num_ways, None]
    drawers = rng.random((num_episodes, num_ways, NUM_DRAWERS)).argsort(-1)
    drawings = (characters * NUM_DRAWERS + drawers).astype(np.int32)
    return Episodes(drawings[..., :num_shots], drawings[..., num_shots : num_shots + num_queries])


class Lessons(NamedTuple):
    """The episodes of the training, a step each.

    Attributes:
        drawings: of each character, the examples first and then the queries.
        turns: which of the eight symmetries of a square is applied to all drawings of a
            character; turned or mirrored, it is a character that nobody has seen.
    """

    drawings: Int32[np.ndarray, "steps ways drawings"]
    turns: Int32[np.ndarray, "steps ways"]


def draw_lessons(num_characters: int, config: Config, *, seed: int) -> Lessons:
    """The episodes of a whole training run."""
    episodes = draw_episodes(
        num_characters,
        config.num_steps,
        num_ways=config.num_ways,
        num_shots=config.num_shots,
        num_queries=config.num_queries,
        seed=seed,
    )
    rng = np.random.default_rng([seed, NUM_TURNS])
    turns = rng.integers(NUM_TURNS, size=(config.num_steps, config.num_ways), dtype=np.int32)
    return Lessons(np.concatenate(episodes, axis=-1), turns)


def labels(config: Config) -> Int32[np.ndarray, " queries"]:
    """Which of the characters of an episode each query shows, character after character."""
    return np.arange(config.num_ways, dtype=np.int32).repeat(config.num_queries)


def learning_rates(config: Config) -> schedules.Schedule:
    """The rate of every step: up over the first fifth, then down to zero (Smith 2018).

    The zero at the end is that of all steps beyond the last.
    """
    return schedules.one_cycle(config.num_steps, config.peak_learning_rate, rising=1 / 5)
