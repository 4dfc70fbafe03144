"""What the page reads off captions: one of them word by word, tables, and sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int32, UInt8

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.scene_captions import Words, is_true, parse
from tutorials_lib.datasets.scenes import (
    COLORS,
    NOTHING,
    OBJECTS_IN,
    SHAPES,
    SIZES,
    Scenes,
)
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.forecasting import block_bootstrap_interval
from tutorials_lib.sequences.captioning import in_jax, problem
from tutorials_lib.sequences.captioning.evaluation import BEAMS, MODEL, Trained, look_at
from tutorials_lib.sequences.captioning.problem import ATTRIBUTES, GRID, NUM_CELLS, Data
from tutorials_lib.sequences.captioning.rivals import BLOBS, RIVALS, exact
from tutorials_lib.text.batches import pad
from tutorials_lib.text.parallel import END, START

SPLITS = {"test": "seen pairs", "pairs": "unseen pairs"}
"""What the splits that judge are called."""

NAMES = (SIZES, COLORS, SHAPES)
KINDS = ("size", "colour", "shape")

Captions = Mapping[str, Mapping[str, Sequence[Words]]]
"""By the name of the method, and that of the split."""


def truths(captions: Sequence[Words], scenes: Scenes) -> list[bool]:
    """Whether each caption is true of its scene."""
    each = zip(captions, scenes.objects, scenes.layouts.tolist(), strict=True)
    return [is_true(*one) for one in each]


def name_of(kind: Sequence[int] | np.ndarray) -> str:
    """An object in words, such as *big red cross*."""
    return " ".join(names[index] for names, index in zip(NAMES, kind, strict=True))


def pick(captions: Sequence[Words], scenes: Scenes, *, true: bool, objects: int = 2) -> int:
    """The first scene with so many objects whose caption is true, or is not; else the first."""
    for place, right in enumerate(truths(captions, scenes)):
        if right == true and OBJECTS_IN[scenes.layouts[place]] == objects:
            return place
    return 0


# ---------------------------------------------------------------- one caption


class Looked(NamedTuple):
    """A caption, and where the network looked before each of its words.

    Attributes:
        picture: the scene.
        words: that it writes, and the end.
        weights: of all cells before each word.
        probabilities: of each word, given those before it.
        cells: which object really is in each cell.
        objects: what they are.
        true: whether the caption is.
    """

    picture: UInt8[np.ndarray, "48 48 3"]
    words: Words
    weights: Float[np.ndarray, "time cells"]
    probabilities: Float[np.ndarray, " time"]
    cells: Int32[np.ndarray, " cells"]
    objects: Int32[np.ndarray, "objects 3"]
    true: bool


def look(trained: Trained, scenes: Scenes, place: int, words: Words) -> Looked:
    """At one scene while `words` are read."""
    ids = [START, *problem.vocabulary().encode(words), END][: problem.SENTENCE_LENGTH + 1]
    given = pad([ids[:-1]], problem.SENTENCE_LENGTH).ids
    one = scenes.pictures[place : place + 1]
    as_it_is = np.eye(3, dtype=np.float32)[None]
    seen, _ = look_at(trained.params["encoder"], one, as_it_is, trained.config)
    weights, logits = in_jax.compiled_predict(
        trained.params["decoder"], jax.tree.map(np.asarray, seen), given, trained.config
    )
    count = len(ids) - 1
    probs = np.asarray(jax.nn.softmax(logits))[0, :count]
    cells = problem.cells_of(Scenes(*(each[place : place + 1] for each in scenes)))[0]
    return Looked(
        one[0],
        (*words, "</s>")[:count],
        np.exp(np.asarray(weights))[0, :count],
        probs[np.arange(count), ids[1:]],
        cells,
        scenes.objects[place],
        is_true(words, scenes.objects[place], int(scenes.layouts[place])),
    )


def steps_table(looked: Looked) -> MarkdownRows:
    """Word by word: how probable it is, and what is where the network looks most."""
    rows = []
    for step, (word, weights, probability) in enumerate(
        zip(looked.words, looked.weights, looked.probabilities, strict=True), start=1
    ):
        most = int(weights.argmax())
        row, column = divmod(most, GRID)
        here = looked.cells[most]
        what = "background" if here == NOTHING else name_of(looked.objects[here])
        place = f"row {row + 1}, column {column + 1}"
        written = f"`{word}`"
        rows.append([f"{step}", written, f"{probability:.3f}", place, f"{weights[most]:.2f}", what])
    header = [
        "step",
        "next word",
        "its probability",
        "looks most at",
        "with weight",
        "what is there",
    ]
    return MarkdownRows(header, rows, of_words=(1, 3, 5))


def ids_table(words: Words) -> MarkdownRows:
    """A caption as words, as ids, and as what the decoder hears."""
    vocabulary = problem.vocabulary()
    ids = [START, *vocabulary.encode(words), END]
    heard = problem.heard_as()[ids]
    rows = [
        ["words", f"`{' '.join(vocabulary.words[i] for i in ids)}`"],
        ["ids", f"`{' '.join(map(str, ids))}`"],
        ["as it is heard", f"`{' '.join(map(str, heard.tolist()))}`"],
    ]
    return MarkdownRows(["", "the caption"], rows, of_words=(0, 1))


def plain(words: Words) -> str:
    """A caption as a sentence."""
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}."


def smooth_losses(
    losses: Mapping[str, Float[np.ndarray, " steps"]], points: int = 30
) -> tuple[dict[str, Float[np.ndarray, " points"]], list[float]]:
    """Each as so many means at most, and at which share of the steps each of them ends."""
    points = min(points, *map(len, losses.values()))
    means = {}
    for name, each in losses.items():
        every = len(each) // points
        means[name] = each[: every * points].reshape(points, every).mean(1)
    return means, [(place + 1) / points for place in range(points)]


# ---------------------------------------------------------------- many captions


def cell_accuracies(trained: Trained) -> dict[str, dict[str, float]]:
    """`attribute_accuracies` of both splits that judge, their colours as they are."""
    found = {}
    for split, name in SPLITS.items():
        scenes: Scenes = getattr(trained.data, split)
        as_it_is = np.broadcast_to(np.eye(3, dtype=np.float32), (len(scenes.pictures), 3, 3))
        found[name] = attribute_accuracies(trained, scenes, as_it_is)
    return found


def attribute_accuracies(
    trained: Trained, scenes: Scenes, turns: Float[np.ndarray, "scenes 3 3"]
) -> dict[str, float]:
    """The share of cells with an object of which the encoder names size, colour and shape."""
    _, logits = look_at(trained.params["encoder"], scenes.pictures, turns, trained.config)
    cells = problem.cells_of(scenes)
    picture, cell = np.nonzero(cells != NOTHING)
    kinds = scenes.objects[picture, cells[picture, cell]]
    found, first = {}, 1
    for place, (kind, count) in enumerate(zip(KINDS, ATTRIBUTES, strict=True)):
        guessed = logits[picture, cell, first : first + count].argmax(-1)
        found[kind] = float(np.mean(guessed == kinds[:, place]))
        first += count
    return found


def cells_table(accuracies: Mapping[str, Mapping[str, float]]) -> MarkdownRows:
    """The same as a table."""
    rows = [[name, *(f"{each:.3f}" for each in row.values())] for name, row in accuracies.items()]
    return MarkdownRows(["cells with an object", *KINDS], rows)


def exact_by_count(captions: Captions, data: Data) -> dict[str, dict[str, list[float]]]:
    """The share of true captions of one, two and three objects; by method and split."""
    found: dict[str, dict[str, list[float]]] = {}
    for method, by_split in captions.items():
        found[method] = {}
        for split, name in SPLITS.items():
            scenes: Scenes = getattr(data, split)
            right = np.array(truths(by_split[split], scenes))
            counts = np.array(OBJECTS_IN)[scenes.layouts]
            found[method][name] = [
                float(right[counts == num].mean()) if (counts == num).any() else float("nan")
                for num in (1, 2, 3)
            ]
    return found


def split_table(details: Mapping[str, Mapping[str, float]]) -> MarkdownRows:
    """True captions and BLEU of every method, on seen and on unseen pairs."""
    columns = {
        "exact, test": ".3f",
        "exact, pairs": ".3f",
        "BLEU, test": ".1f",
        "BLEU, pairs": ".1f",
    }
    header = [
        "",
        "true, seen pairs",
        "true, unseen pairs",
        "BLEU, seen pairs",
        "BLEU, unseen pairs",
    ]
    rows = [
        [method, *(f"{scores[column]:{form}}" for column, form in columns.items())]
        for method, scores in details.items()
    ]
    return MarkdownRows(header, rows)


def faults(captions: Sequence[Words], scenes: Scenes) -> Counter[str]:
    """What is wrong in false captions; one may have several faults."""
    found: Counter[str] = Counter()
    for words, objects, layout in zip(captions, scenes.objects, scenes.layouts, strict=True):
        parsed = parse(words)
        if parsed is None:
            found["no sentence of the grammar"] += 1
        elif parsed.layout != layout:
            found["the places"] += 1
        else:
            for place, kind in enumerate(KINDS):
                pairs = zip(parsed.objects, objects, strict=False)
                found[f"a {kind}"] += any(told[place] != there[place] for told, there in pairs)
    return +found


def attention_mass(trained: Trained, scenes: Scenes, most: int = 200) -> tuple[float, float]:
    """How much of the weight lies on the named object before its words, and how much at random.

    The right captions of some scenes are read; words of objects that fill no cell are left out.
    """
    some = Scenes(*(each[:most] for each in scenes))
    captions = problem.encode(some)
    ids, about = captions.ids[:, 0], captions.about[:, 0]
    as_it_is = np.broadcast_to(np.eye(3, dtype=np.float32), (len(ids), 3, 3))
    seen, _ = look_at(trained.params["encoder"], some.pictures, as_it_is, trained.config)
    seen = jax.tree.map(np.asarray, seen)
    decoder = trained.params["decoder"]
    weights, _ = in_jax.compiled_predict(decoder, seen, ids[:, :-1], trained.config)
    picture, step = np.nonzero(about != NOTHING)
    is_there = problem.cells_of(some)[picture] == about[picture, step, None]
    mass = (np.exp(np.asarray(weights))[picture, step] * is_there).sum(-1)[is_there.any(-1)]
    return float(mass.mean()), float(is_there.sum(-1).mean() / NUM_CELLS)


# ---------------------------------------------------------------- sentences


def say_whether_met(judgement: Judgement) -> str:
    """The verdict, with the line."""
    name, line = judgement.strongest
    verdict = "Met" if judgement.met else "Not met"
    return (
        f"{verdict}: of scenes with seen pairs, {judgement.value:.1%} of the network's captions "
        f"are exactly true, and {line:.1%} of those of the strongest rival ({name})."
    )


def lead_over(captions: Captions, scenes: Scenes, split: str, rival: str) -> tuple[float, float]:
    """The 95 % interval of the network's share of true captions less that of `rival`.

    Both describe the same pictures, which are drawn anew in pairs.
    """
    ours, theirs = (np.array(truths(captions[n][split], scenes), float) for n in (MODEL, rival))
    return block_bootstrap_interval(ours - theirs, block=1)


def say_unseen(details: Mapping[str, Mapping[str, float]], captions: Captions, data: Data) -> str:
    """Who is ahead where every scene has a pair that was never seen, if anyone is for sure."""
    ours = details[MODEL]["exact, pairs"]
    rival = max(RIVALS, key=lambda name: details[name]["exact, pairs"])
    theirs = details[rival]["exact, pairs"]
    lost = details[MODEL]["exact, test"] - ours
    low, high = lead_over(captions, data.pairs, "pairs", rival)
    ahead = f"the network and *{rival}* are level"
    if not low <= 0 <= high:
        ahead = "the network is ahead" if low > 0 else f"*{rival}* is ahead"
    return (
        f"With an unseen pair in every scene {ahead}: {ours:.1%} of the network's captions are "
        f"true, {theirs:.1%} of those of *{rival}*, and the 95 % interval of the difference, over "
        f"the pictures, goes from {100 * low:+.1f} to {100 * high:+.1f} points. "
        "From seen to unseen pairs the network loses "
        f"{100 * lost:.0f} points, and *{BLOBS}* "
        f"{100 * (details[BLOBS]['exact, test'] - details[BLOBS]['exact, pairs']):.0f}."
    )


def say_bleu(details: Mapping[str, Mapping[str, float]]) -> str:
    """How much BLEU the method gets whose captions are true most seldom."""
    name = min(details, key=lambda each: details[each]["exact, test"])
    scores = details[name]
    return (
        f"BLEU gives {scores['BLEU, test']:.0f} of 100 points to captions of which "
        f"{scores['exact, test']:.1%} are true (*{name}*)."
    )


def say_faults(captions: Sequence[Words], scenes: Scenes) -> str:
    """What is wrong most often."""
    found = faults(captions, scenes)
    wrong = len(captions) - sum(truths(captions, scenes))
    told = ", ".join(f"{name} in {count}" for name, count in found.most_common())
    return f"Of {len(captions)} captions {wrong} are false: wrong is {told or 'nothing'}."


def say_beams(captions: Captions, data: Data) -> str:
    """What beam search changes."""
    told = []
    for split, name in SPLITS.items():
        scenes: Scenes = getattr(data, split)
        greedy, beams = (captions[each][split] for each in (MODEL, BEAMS))
        changed = sum(one != other for one, other in zip(greedy, beams, strict=True))
        told.append(
            f"{changed} of {len(greedy)} captions on {name}, and the share of true ones goes from "
            f"{exact(greedy, scenes):.1%} to {exact(beams, scenes):.1%}"
        )
    return f"Beam search changes {'; '.join(told)}."


def say_mass(mass: tuple[float, float]) -> str:
    """Where the attention lies."""
    return (
        f"Before the words about an object {mass[0]:.0%} of the weight lies on its cells, which "
        f"are {mass[1]:.1%} of all."
    )
