"""Classifiers that get the same labelled pictures and their copies, and no pretrained network."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from tutorials_lib.vision.transfer_learning.draws import Lesson
from tutorials_lib.vision.transfer_learning.problem import Data, Labelled

Setting = Any
"""What a rival can be tuned by."""

Classify = Callable[[Float[np.ndarray, "pictures _ _ _"]], Int[np.ndarray, " pictures"]]
Rival = Callable[[Lesson, Setting], Classify]
"""Learns from a lesson with a setting, and can then name pictures."""


class Accuracies(NamedTuple):
    """A row for each number of labels, a column for each draw of them."""

    development: Float[np.ndarray, "*numbers draws"]
    test: Float[np.ndarray, "*numbers draws"]


def accuracy(classify: Classify, data: Labelled) -> float:
    """The share of pictures that get the right name."""
    return float((classify(data.images) == data.labels).mean())


def as_rows(images: Float[np.ndarray, "pictures _ _ _"]) -> Float[np.ndarray, "pictures pixels"]:
    """One row a picture."""
    return images.reshape(len(images), -1)


def nearest(lesson: Lesson, neighbours: int) -> Classify:
    """The class of the nearest copy, or the most frequent one of some of the nearest."""
    model = KNeighborsClassifier(neighbours)
    model.fit(as_rows(lesson.copies.images), lesson.copies.labels)
    return lambda images: model.predict(as_rows(images))


def support_vectors(lesson: Lesson, setting: tuple[float, float]) -> Classify:
    """A support vector machine with a Gaussian kernel, on the copies (Cortes and Vapnik 1995).

    The setting is the penalty, and the kernel's gamma times the number of pixels.
    """
    rows = as_rows(lesson.copies.images)
    penalty, gamma = setting
    model = SVC(C=penalty, gamma=gamma / rows.shape[1]).fit(rows, lesson.copies.labels)
    return lambda images: model.predict(as_rows(images))


def with_printed(printed: Labelled) -> Rival:
    """The same on printed digits and the copies together.

    The setting is the kernel's gamma times the number of pixels, and the weight of a copy.
    """

    def learn(lesson: Lesson, setting: tuple[float, float]) -> Classify:
        gamma, weight = setting
        rows = as_rows(np.concatenate([printed.images, lesson.copies.images]))
        labels = np.concatenate([printed.labels, lesson.copies.labels])
        weights = np.where(np.arange(len(labels)) < len(printed.labels), 1, weight)
        model = SVC(C=10, gamma=gamma / rows.shape[1]).fit(rows, labels, sample_weight=weights)
        return lambda images: model.predict(as_rows(images))

    return learn


NUM_PRINTED = 1000
"""Printed digits that `with_printed` gets."""


def techniques(printed: Labelled | None) -> dict[str, tuple[Rival, Sequence[Setting]]]:
    """The rivals by name, each with its settings."""
    found: dict[str, tuple[Rival, Sequence[Setting]]] = {
        "nearest copy": (nearest, (1, 3, 5)),
        "SVM on copies": (support_vectors, [(10.0, gamma) for gamma in (1.5, 3.0, 6.0, 12.0)]),
    }
    if printed is not None:
        few = Labelled(*(each[:NUM_PRINTED] for each in printed))
        settings = ((3.0, 10.0), (6.0, 1.0), (6.0, 10.0))
        found["SVM on print and copies"] = with_printed(few), settings
    return found


def choose(
    rival: Rival, settings: Sequence[Setting], lessons: Sequence[Sequence[Lesson]], data: Data
) -> Accuracies:
    """For each number of labels, the setting whose mean accuracy on the development split is best.

    `lessons` has a row for each number of labels, and in it a lesson for each draw.
    """
    best = [_best([_scores(rival, s, row, data) for s in settings]) for row in lessons]
    development, test = zip(*best, strict=True)
    return Accuracies(np.stack(development), np.stack(test))


def _scores(rival: Rival, setting: Setting, row: Sequence[Lesson], data: Data) -> Accuracies:
    learned = [rival(lesson, setting) for lesson in row]
    return Accuracies(*(np.array([accuracy(each, part) for each in learned]) for part in data[1:]))


def _best(scores: Sequence[Accuracies]) -> Accuracies:
    return max(scores, key=lambda score: score.development.mean())


def choose_all(
    printed: Labelled | None, lessons: Sequence[Sequence[Lesson]], data: Data
) -> Mapping[str, Accuracies]:
    """Every rival, tuned."""
    return {
        name: choose(rival, settings, lessons, data)
        for name, (rival, settings) in techniques(printed).items()
    }
