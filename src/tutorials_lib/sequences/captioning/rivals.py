"""Captions without a network: that of the nearest picture, and two pipelines built by hand.

A pipeline finds out what stands where and fills it into the first sentence of the layout. The
first asks one classifier for every attribute of every object, on features of the whole picture.
The second cuts out what differs from the background and looks at each piece by itself; the grammar
and the geometry that it is told, the network has to learn.
"""

import colorsys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import gaussian_filter, label
from skimage.feature import hog
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tutorials_lib.datasets.scene_captions import Words, is_true, say
from tutorials_lib.datasets.scenes import (
    LAYOUTS,
    MAX_OBJECTS,
    NOTHING,
    OBJECTS_IN,
    PICTURE_SIZE,
    Scenes,
    take,
)
from tutorials_lib.sequences.captioning.problem import Data

NEAREST = "nearest picture"
CLASSIFIERS = "attribute classifiers"
BLOBS = "blobs by hand"
RIVALS = (NEAREST, CLASSIFIERS, BLOBS)

PENALTIES = (100.0, 1_000.0)
"""Those of the classifiers that are tried."""

THRESHOLDS = (1.6, 2.0, 2.6)
"""How many times the usual distance from the background makes a pixel an object's, tried."""

_TO_CHOOSE = 1_500  # scenes from which the forests learn while a threshold is chosen; then all
_LEAST_PIXELS = 18  # of a blob

Pictures = UInt8[np.ndarray, "scenes 48 48 3"]
Features = Float[np.ndarray, "rows features"]
Kind = tuple[int, int, int]


class Written(NamedTuple):
    """What a rival writes with the setting that suits the development scenes.

    Attributes:
        setting: the number that has been chosen; None where there is nothing to choose.
        captions: by the name of the split.
    """

    setting: float | None
    captions: dict[str, list[Words]]


def write_all(data: Data, *, seed: int) -> dict[str, Written]:
    """The captions of every rival for every split but `train`."""
    rows = {name: features(scenes.pictures) for name, scenes in data._asdict().items()}
    classifiers = _choose(lambda penalty: _classifiers(data, rows, penalty), PENALTIES, data)
    some = data._replace(train=take(data.train, slice(_TO_CHOOSE)))
    threshold, _ = _choose(lambda each: _blobs(some, each, seed), THRESHOLDS, data)
    return {
        NEAREST: _write(None, _nearest(data, rows), data),
        CLASSIFIERS: _write(*classifiers, data),
        BLOBS: _write(threshold, _blobs(data, threshold, seed), data),
    }


def exact(captions: Iterable[Words], scenes: Scenes) -> float:
    """The share of captions that are true of their scene."""
    each = zip(captions, scenes.objects, scenes.layouts.tolist(), strict=True)
    return float(np.mean([is_true(*one) for one in each]))


def unseen(data: Data) -> dict[str, Scenes]:
    """Every split but `train`, by its name."""
    return {name: scenes for name, scenes in data._asdict().items() if name != "train"}


Writer = Callable[[str], list[Words]]
"""From the name of a split to the captions of its scenes."""


def _choose(
    fit: Callable[[float], Writer], settings: Sequence[float], data: Data
) -> tuple[float, Writer]:
    """The setting with most true captions of the development scenes, and what it has fitted."""
    writers = {setting: fit(setting) for setting in settings}
    scenes = data.development
    best = max(settings, key=lambda each: exact(writers[each]("development"), scenes))
    return best, writers[best]


def _write(setting: float | None, writer: Writer, data: Data) -> Written:
    return Written(setting, {name: writer(name) for name in unseen(data)})


# ---------------------------------------------------------------- the whole picture


def _nearest(data: Data, rows: Mapping[str, Features]) -> Writer:
    """The first caption of the training picture that is nearest in the features."""
    known = rows["train"]
    lengths = np.square(known).sum(1)

    def write(split: str) -> list[Words]:
        places = (lengths - 2 * rows[split] @ known.T).argmin(1)
        return [say(data.train.objects[i], int(data.train.layouts[i]), 0) for i in places]

    return write


def features(pictures: Pictures) -> Features:
    """Directions of edges in blocks of 8 x 8 pixels, and colours against the median in 4 x 4."""
    edges = np.stack([hog(each, 8, (8, 8), (1, 1), channel_axis=-1) for each in pictures])
    colors = pictures / np.float32(255)
    away = colors - np.median(colors, axis=(1, 2), keepdims=True)
    away *= np.abs(away).max(-1, keepdims=True)  # what hardly differs counts less
    blocks = away.reshape(len(away), 12, 4, 12, 4, 3).mean((2, 4)).reshape(len(away), -1)
    return np.concatenate([0.6 * edges / edges.std(), blocks / blocks.std()], axis=1)


def _classifiers(data: Data, rows: Mapping[str, Features], penalty: float) -> Writer:
    """One linear classifier for the layout, and one for each attribute of each object.

    The latter learn from scenes that have as many objects in the same direction.
    """

    def learn(known: Features, labels: Int[np.ndarray, " rows"]) -> Pipeline:
        return make_pipeline(StandardScaler(), RidgeClassifier(penalty)).fit(known, labels)

    known, scenes = rows["train"], data.train
    layouts = learn(known, scenes.layouts)
    groups = np.maximum(scenes.layouts, _ALONE)
    of_group = {
        group: [
            [learn(known[groups == group], scenes.objects[groups == group, i, j]) for j in range(3)]
            for i in range(OBJECTS_IN[group])
        ]
        for group in np.unique(groups).tolist()
    }

    def write(split: str) -> list[Words]:
        found = layouts.predict(rows[split])
        objects = np.full((len(found), MAX_OBJECTS, 3), NOTHING, np.int32)
        for group, classifiers in of_group.items():
            these = np.flatnonzero(np.maximum(found, _ALONE) == group)
            for i, j in np.ndindex(len(classifiers), 3):
                if len(these):
                    objects[these, i, j] = classifiers[i][j].predict(rows[split][these])
        return [say(each, layout, 0) for each, layout in zip(objects, found.tolist(), strict=True)]

    return write


_ALONE = LAYOUTS.index("middle")
"""The last layout of a single object, which stands for all of them."""


# ---------------------------------------------------------------- piece by piece


class Blob(NamedTuple):
    """A piece that differs from the background: its middle, its size, and its features."""

    column: float
    row: float
    pixels: int
    features: list[float]


def _blobs(data: Data, threshold: float, seed: int) -> Writer:
    """Cut out, ask a forest for each attribute of each piece, and see how the pieces stand."""
    rows, kinds = [], []
    for place, picture in enumerate(data.train.pictures):
        for blob in find_blobs(picture, threshold):
            rows.append(blob.features)
            kinds.append(_what_it_is(blob, data.train, place))
    labels = np.array(kinds)
    forests = [
        RandomForestClassifier(120, min_samples_leaf=2, random_state=seed).fit(rows, labels[:, j])
        for j in range(3)
    ]

    def write(split: str) -> list[Words]:
        pictures = getattr(data, split).pictures
        pieces = [find_blobs(each, threshold) for each in pictures]
        told = [piece.features for each in pieces for piece in each]
        probs = [forest.predict_proba(told) for forest in forests] if told else []
        captions, start = [], 0
        for each in pieces:
            now = slice(start, start + len(each))
            captions.append(_assemble(each, [p[now] for p in probs], forests))
            start = now.stop
        return captions

    return write


def find_blobs(picture: UInt8[np.ndarray, "48 48 3"], threshold: float) -> list[Blob]:
    """Connected pixels that are far from the colours of the background (Mahalanobis 1936)."""
    colors = picture / 255
    background = np.median(colors.reshape(-1, 3), axis=0)
    away = gaussian_filter(colors, (0.7, 0.7, 0)) - background
    size = np.abs(away).sum(-1)
    usual = away[size < np.quantile(size, 0.7)]
    inverse = np.linalg.inv(np.cov(usual.T) + 1e-4 * np.eye(3))
    distance = np.sqrt(np.einsum("yxi,ij,yxj->yx", away, inverse, away))
    pieces, count = label(distance > threshold * np.median(distance))
    found = []
    for piece in range(1, count + 1):
        inside = pieces == piece
        if inside.sum() >= _LEAST_PIXELS:
            found.append(_describe(inside, colors, distance, background))
    return found


def _describe(
    inside: np.ndarray, colors: np.ndarray, distance: np.ndarray, background: np.ndarray
) -> Blob:
    """Form and colour of a piece in 35 numbers."""
    rows, columns = np.nonzero(inside)
    pixels = len(rows)
    middle = rows.mean(), columns.mean()
    down, right = rows - middle[0], columns - middle[1]
    low, extent = (rows.min(), columns.min()), (np.ptp(rows) + 1, np.ptp(columns) + 1)
    cross = down @ right
    spread = np.linalg.eigvalsh([[down @ down, cross], [cross, right @ right]])
    radius = np.hypot(down, right) / pixels**0.5
    turns = np.exp(1j * np.outer((3, 4), np.arctan2(down, right))).mean(1)
    own = colors[rows, columns]
    color = np.median(own, axis=0)
    numbers = [pixels, (spread[0] + 1e-6) / (spread[1] + 1e-6), pixels / np.prod(extent), *extent]
    numbers += [pixels - np.sum(gaussian_filter(inside * 1.0, 1) > 0.5)]
    numbers += [radius.mean(), radius.max()]
    numbers += [*color, *colorsys.rgb_to_hsv(*color), *own.std(0), *(color - background)]
    numbers += [distance[inside].mean()]
    for places, start, width in zip((rows, columns), low, extent, strict=True):
        numbers += [*np.bincount((places - start) * 4 // width, minlength=4) / pixels]
    numbers += [*(radius[:, None] < (0.3, 0.4, 0.5, 0.6)).mean(0), *np.abs(turns)]
    return Blob(float(middle[1]), float(middle[0]), pixels, [float(each) for each in numbers])


def _what_it_is(blob: Blob, scenes: Scenes, place: int) -> Kind:
    """The object whose middle is near; a piece that is far from all, or too large, is none."""
    for kind, (column, row, radius) in zip(
        scenes.objects[place], scenes.places[place], strict=True
    ):
        near = np.hypot(blob.column - column, blob.row - row) < 0.6 * radius
        if near and blob.pixels < 4.2 * radius**2:
            return int(kind[0]), int(kind[1]), int(kind[2])
    return NOTHING, NOTHING, NOTHING


def _assemble(
    pieces: Sequence[Blob], probs: Sequence[np.ndarray], forests: Sequence[RandomForestClassifier]
) -> Words:
    """The first sentence about the pieces that are most likely objects, three at most."""
    chances = sum(
        (_chance_of_nothing(p, f) for p, f in zip(probs, forests, strict=True)),
        start=np.zeros(len(pieces)),
    )
    kept = [i for i in np.argsort(chances)[:MAX_OBJECTS] if chances[i] < 1.5]
    if not kept:
        kept = np.argsort(chances)[:1].tolist()
    objects = np.full((MAX_OBJECTS, 3), NOTHING, np.int32)
    if not kept:  # not a single piece has been found
        objects[0] = 0
        return say(objects, _ALONE, 0)
    places = np.array([(pieces[i].column, pieces[i].row) for i in kept]) - PICTURE_SIZE / 2
    layout, order = _layout_of(places)
    for slot, which in enumerate(order):
        for j, (prob, forest) in enumerate(zip(probs, forests, strict=True)):
            is_object = forest.classes_ != NOTHING
            objects[slot, j] = forest.classes_[np.where(is_object, prob[kept[which]], -1).argmax()]
    return say(objects, layout, 0)


def _chance_of_nothing(
    probs: Float[np.ndarray, "pieces classes"], forest: RandomForestClassifier
) -> Float[np.ndarray, " pieces"]:
    return probs[:, forest.classes_ == NOTHING].sum(1)


def _layout_of(places: Float[np.ndarray, "objects 2"]) -> tuple[int, list[int]]:
    """How objects stand around the middle of the picture, and in which order."""
    if len(places) == 1:
        across, down = places[0]
        if max(abs(across), abs(down)) < 6.5:
            return _ALONE, [0]
        if abs(across) > abs(down):
            return LAYOUTS.index("right" if across > 0 else "left"), [0]
        return LAYOUTS.index("bottom" if down > 0 else "top"), [0]
    axis = int(np.ptp(places[:, 1]) > np.ptp(places[:, 0]))
    number = {2: "two", 3: "three"}[len(places)]
    name = f"{('row', 'column')[axis]} of {number}"
    return LAYOUTS.index(name), np.argsort(places[:, axis]).tolist()
