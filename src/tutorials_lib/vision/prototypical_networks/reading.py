"""What the page reads off episodes: one question with its numbers, curves, and sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge import Judgement
from tutorials_lib.vision.prototypical_networks.evaluation import (
    OURS,
    Estimate,
    episodes_of,
    estimate,
)
from tutorials_lib.vision.prototypical_networks.problem import (
    JUDGED,
    SETTINGS,
    Config,
    Episodes,
    Pictures,
)
from tutorials_lib.vision.prototypical_networks.rivals import Score

SHOTS = (1, 2, 3, 5, 10)
"""Numbers of examples that `accuracy_by_shots` tries."""


# ---------------------------------------------------------------- one question


class Question(NamedTuple):
    """A drawing, one example of each character that it may show, and which it does.

    Attributes:
        support: places of the examples in the row of all drawings.
        query: that of the drawing.
        answer: which of the examples shows the same character.
    """

    support: list[int]
    query: int
    answer: int


def squared_distances(
    rows: Float[np.ndarray, "pictures numbers"], question: Question
) -> Float[np.ndarray, " ways"]:
    """From the drawing to each example."""
    return ((rows[question.support] - rows[question.query]) ** 2).sum(-1)


def telling_question(
    pixels: Float[np.ndarray, "pictures numbers"],
    features: Float[np.ndarray, "pictures features"],
    episodes: Episodes,
) -> Question:
    """The first question of one-shot episodes that features answer rightly and pixels do not.

    Where there is none, the first question.
    """
    questions = [
        Question(support[:, 0].tolist(), int(query), way)
        for support, queries in zip(*episodes, strict=True)
        for way, row in enumerate(queries)
        for query in row
    ]
    for question in questions:
        seen, felt = (squared_distances(rows, question).argmin() for rows in (pixels, features))
        if felt == question.answer != seen:
            return question
    return questions[0]


class Steps(NamedTuple):
    """The numbers of a question on the way to its answer, one for each example."""

    pixels: Float[np.ndarray, " ways"]
    features: Float[np.ndarray, " ways"]
    logits: Float[np.ndarray, " ways"]
    probs: Float[np.ndarray, " ways"]


def steps_of(
    pixels: Float[np.ndarray, "pictures numbers"],
    features: Float[np.ndarray, "pictures features"],
    question: Question,
    config: Config,
) -> Steps:
    """Distances by pixels and by features, and what becomes of the latter."""
    distances = squared_distances(features, question)
    logits = -distances / config.temperature
    exp = np.exp(logits - logits.max())
    return Steps(squared_distances(pixels, question), distances, logits, exp / exp.sum())


def step_table(steps: Steps, question: Question, sizes: tuple[int, int]) -> MarkdownRows:
    """The steps as rows and the examples as columns; `sizes` are the numbers a drawing has."""
    letters = [chr(ord("A") + way) for way in range(len(question.support))]
    names = [
        f"squared distance between {sizes[0]} pixels",
        f"squared distance between {sizes[1]} features",
        "logit",
        "probability",
    ]
    rows = [
        [name, *(f"{number:.{digits}f}" for number in numbers)]
        for name, numbers, digits in zip(names, steps, (1, 1, 1, 3), strict=True)
    ]
    return MarkdownRows(["", *letters], rows)


def say_why_shown(steps: Steps, question: Question) -> str:
    """By what `telling_question` picked the question."""
    by_pixels, by_features = steps.pixels.argmin(), steps.features.argmin()
    if by_features == question.answer != by_pixels:
        return (
            "It is the first question that the network answers rightly and a comparison of pixels "
            "does not."
        )
    return (
        "It is the first question of all: there is none that the network answers rightly and a "
        "comparison of pixels does not."
    )


def say_answers(steps: Steps, question: Question) -> str:
    """What pixels and features answer, and what is right."""
    by_pixels, by_features, right = (
        chr(ord("A") + int(way))
        for way in (steps.pixels.argmin(), steps.features.argmin(), question.answer)
    )
    return (
        f"By pixels the nearest example is {by_pixels}, by the network's features {by_features}; "
        f"the drawing is another {right}."
    )


# ---------------------------------------------------------------- answers and curves


def recognized(
    rows: Float[np.ndarray, "pictures numbers"], episodes: Episodes, number: int
) -> Bool[np.ndarray, "ways queries"]:
    """Which queries of one one-shot episode are nearest to their own example."""
    examples, queries = rows[episodes.support[number, :, 0]], rows[episodes.queries[number]]
    distances = ((queries[:, :, None] - examples) ** 2).sum(-1)
    return distances.argmin(-1) == np.arange(len(examples))[:, None]


def accuracy_by_shots(
    scores: Mapping[str, Score], pictures: Pictures, config: Config, *, seed: int
) -> dict[str, list[Estimate]]:
    """The accuracy of each technique with more and more examples of each character."""
    ways = JUDGED[0]
    kinds = [episodes_of(pictures, config, ways=ways, shots=each, seed=seed) for each in SHOTS]
    return {name: [estimate(score(kind)) for kind in kinds] for name, score in scores.items()}


def estimate_table(estimates: Mapping[str, Sequence[Estimate]]) -> MarkdownRows:
    """The accuracies with their intervals, a row for each technique, and what guessing reaches."""
    header = ["Accuracy", *(f"{ways}-way {shots}-shot" for ways, shots in SETTINGS)]
    rows = [[name, *map(str, values)] for name, values in estimates.items()]
    return MarkdownRows(header, [*rows, ["guessing", *(f"{1 / ways:.3f}" for ways, _ in SETTINGS)]])


# ---------------------------------------------------------------- sentences


def say_whether_met(judgement: Judgement, estimates: Mapping[str, Sequence[Estimate]]) -> str:
    """Whether the line is beaten, and in how many of the settings the network leads."""
    rival, line = judgement.strongest
    met = "is met" if judgement.met else "is *not met*"
    own = estimates[OURS]
    led = sum(
        value.mean > max(each[place].mean for name, each in estimates.items() if name != OURS)
        for place, value in enumerate(own)
    )
    return (
        f"The line, {line:.3f} ({rival}), {met} with {judgement.value:.3f}. "
        f"The network is ahead of every rival in {led} of {len(own)} settings."
    )


def say_worth(curves: Mapping[str, Sequence[Estimate]], rival: str) -> str:
    """How many examples the rival needs to know as much as the network with one."""
    one = curves[OURS][0].mean
    enough = [shots for shots, each in zip(SHOTS, curves[rival], strict=True) if each.mean >= one]
    if not enough:
        return (
            f"With {SHOTS[-1]} examples of each character, *{rival}* still knows less than the "
            "network with one."
        )
    if enough[0] == 1:
        return f"*{rival}* knows at least as much from one example as the network does."
    return (
        f"*{rival}* needs {enough[0]} examples of each character to know as much as the network "
        "with one."
    )


def describe_maps(
    features: Float[np.ndarray, "rounds characters drawers features"], names: Sequence[str]
) -> str:
    """Alternative text of the map, with how far apart the characters are at both ends."""
    first, last = (separation(each) for each in (features[0], features[-1]))
    return (
        f"Dots of {features.shape[1]} colours, one for each drawing, with a character at the "
        f"middle of each colour, after {names[0]} to {names[-1]} training steps. The spread of the "
        f"middles is {first:.1f} times that of the dots around them at first, and {last:.1f} times "
        "at last."
    )


def separation(features: Float[np.ndarray, "characters drawers features"]) -> float:
    """The spread of the prototypes over that of the drawings around them."""
    prototypes = features.mean(1, keepdims=True)
    between = ((prototypes - prototypes.mean(0)) ** 2).sum(-1).mean()
    within = ((features - prototypes) ** 2).sum(-1).mean()
    return float((between / within) ** 0.5)
