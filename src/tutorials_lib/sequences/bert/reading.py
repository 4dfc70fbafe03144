"""What the page reads off the networks: one post with its numbers, tables, and sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.posts import CLASS_NAMES, MOODS, NEGATIONS, NEGATIVE, POSITIVE
from tutorials_lib.figures.confusion import largest_mistake
from tutorials_lib.judge import Judgement
from tutorials_lib.sequences.bert import in_jax, problem
from tutorials_lib.sequences.bert.evaluation import MODEL, Trained
from tutorials_lib.sequences.bert.rivals import Results, accuracy
from tutorials_lib.text.wordpiece import MASK

GAP = "___"
"""What stands for the hidden piece in the texts of this module."""

GAPS = (
    "the camera is great and the screen is ___",
    "the camera is great but the screen is ___",
    "the camera is not great and the screen is ___",
    "the ___ was lovely , best pizza",
    "they said the crew would be ___ , they were wrong . overall superb",
    "just what i needed , another ___",
)
"""Texts to fill; what stands in the gap depends on more than the words beside it."""


class Guess(NamedTuple):
    """A text with a gap, and what the network makes of it.

    Attributes:
        text: with `GAP` in it.
        pieces: what the network reads.
        place: which of them is hidden.
        probs: of every piece of the vocabulary.
        praise: the probability of all words of praise together.
        blame: that of all words of blame.
    """

    text: str
    pieces: tuple[str, ...]
    place: int
    probs: Float[np.ndarray, " vocab"]
    praise: float
    blame: float


def fill(trained: Trained, texts: Sequence[str] = GAPS) -> list[Guess]:
    """Fill the gap of every text."""
    tokenizer, config = trained.data.tokenizer, trained.config
    before = [tokenizer.encode(text.split(GAP)[0]) for text in texts]
    places = np.array([[1 + len(pieces)] for pieces in before])
    filled = [text.replace(GAP, "the") for text in texts]  # any word that is one piece
    ids = problem.to_ids(filled, tokenizer, config)
    np.put_along_axis(ids, places, tokenizer.ids[MASK], axis=1)
    logits = np.asarray(in_jax.compiled_guess(trained.params, ids, places, config))[:, 0]
    probs = np.exp(logits - logits.max(-1, keepdims=True))
    probs /= probs.sum(-1, keepdims=True)
    sides = [
        [tokenizer.ids[w] for w in side if w in tokenizer.ids] for side in (POSITIVE, NEGATIVE)
    ]
    return [
        Guess(
            text,
            tuple(tokenizer.decode(row[row != 0].tolist())),
            int(place[0]),
            each,
            *(float(each[side].sum()) for side in sides),
        )
        for text, row, place, each in zip(texts, ids, places, probs, strict=True)
    ]


def best_pieces(trained: Trained, guess: Guess, count: int) -> list[tuple[str, float]]:
    """The most probable pieces and their probabilities."""
    best = guess.probs.argsort()[::-1][:count]
    return [(trained.data.tokenizer.pieces[i], float(guess.probs[i])) for i in best]


def fill_table(trained: Trained, guesses: Sequence[Guess]) -> MarkdownRows:
    """The texts, the best guesses, and how much probability praise and blame have."""
    rows = [
        [
            each.text.replace(GAP, "\\_\\_\\_"),
            ", ".join(f"{name} {prob:.2f}" for name, prob in best_pieces(trained, each, 3)),
            f"{each.praise:.2f}",
            f"{each.blame:.2f}",
        ]
        for each in guesses
    ]
    return MarkdownRows(["Text", "best guesses", "praise", "blame"], rows)


def example_table(trained: Trained, guess: Guess) -> MarkdownRows:
    """One text on its way through tokenizer, encoder and masked-language head."""
    tokenizer, config = trained.data.tokenizer, trained.config
    ids = [[tokenizer.ids[piece] for piece in guess.pieces]]
    vectors = np.asarray(in_jax.encode(trained.params, jnp.array(ids), config))[0]
    best = best_pieces(trained, guess, 3)
    logits = np.log([prob for _, prob in best])
    rows = [
        ["the text", guess.text.replace(GAP, "\\_\\_\\_")],
        ["its pieces", " ".join(f"`{piece}`" for piece in guess.pieces)],
        ["their numbers", " ".join(map(str, ids[0]))],
        [
            f"the first 4 of {config.width} numbers for the gap, after the last block",
            ", ".join(f"{number:.2f}" for number in vectors[guess.place, :4]),
        ],
        [
            "the best guesses, their logits above that of the third",
            ", ".join(
                f"{name} {logit:.2f}"
                for (name, _), logit in zip(best, logits - logits[-1], strict=True)
            ),
        ],
        ["their probabilities", ", ".join(f"{name} {prob:.2f}" for name, prob in best)],
    ]
    return MarkdownRows(["Stage", ""], rows)


# ---------------------------------------------------------------- kinds of posts


def kinds_of(trained: Trained, num: int) -> dict[str, Bool[np.ndarray, " posts"]]:
    """Which test posts hold what is hard, where `num` labels are known."""
    texts, labels = trained.data.test.texts, trained.data.test.labels
    known = {word for text in trained.data.train.texts[:num] for word in text.split()}
    verdicts = {*POSITIVE, *NEGATIVE}
    mood_of = {emoji: mood for mood, group in enumerate(MOODS) for emoji in group}
    words = [text.split() for text in texts]
    moods = [next((mood_of[w] for w in each if w in mood_of), None) for each in words]
    is_told = labels != CLASS_NAMES.index("neutral")
    return {
        "all": np.ones(len(texts), bool),
        "a negation": is_told & _where(any(f" {n} " in f" {t} " for n in NEGATIONS) for t in texts),
        "two opposed verdicts": is_told
        & _where(bool({"but", "although", "though"} & set(each)) for each in words),
        "an emoji of the other mood": is_told
        & _where(mood == 2 - label for mood, label in zip(moods, labels.tolist(), strict=True)),
        "a verdict word that no labelled post has": is_told
        & _where(bool((verdicts & set(each)) - known) for each in words),
    }


def _where(values: object) -> Bool[np.ndarray, " posts"]:
    return np.array(list(values), bool)  # type: ignore[call-overload]


def kinds_table(trained: Trained, num: int) -> MarkdownRows:
    """The accuracy of every method on every kind of post."""
    labels = trained.data.test.labels
    kinds = kinds_of(trained, num)
    methods = {MODEL: trained.results} | (trained.others or {})
    rows = [
        [
            f"{kind} ({int(rows.sum())})",
            *(
                f"{accuracy(each[num].predicted[rows], labels[rows]):.3f}"
                for each in methods.values()
            ),
        ]
        for kind, rows in kinds.items()
    ]
    return MarkdownRows([f"Test posts with ..., {num:,} labels", *methods], rows)


# ---------------------------------------------------------------- scores


def confusion(trained: Trained, num: int) -> Float[np.ndarray, "classes classes"]:
    """The share of each true label (rows) that is given each label (columns)."""
    labels, predicted = trained.data.test.labels, trained.results[num].predicted
    counts = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES)))
    np.add.at(counts, (labels, predicted), 1)
    return counts / counts.sum(1, keepdims=True)


def scores_table(details: Mapping[str, Mapping[str, float]]) -> MarkdownRows:
    """Accuracy and macro-F1 of every method."""
    columns = list(next(iter(details.values())))
    rows = [[name, *(f"{each[c]:.3f}" for c in columns)] for name, each in details.items()]
    return MarkdownRows(["", *columns], rows)


def say_whether_met(judgement: Judgement) -> str:
    """The verdict, with both scores."""
    name, line = judgement.strongest
    verdict = "Met" if judgement.met else "Not met"
    return (
        f"{verdict} by this seed: in the mean of both numbers of labels, {judgement.value:.1%} of "
        f"the posts are labelled rightly, and {line:.1%} by the strongest rival, {name}."
    )


def say_by_number(trained: Trained, results: Results) -> str:
    """How far the network is from its strongest rival, for each number of labels."""
    labels = trained.data.test.labels
    told = []
    for num, own in trained.results.items():
        rivals = {n: accuracy(each[num].predicted, labels) for n, each in results.items()}
        best = max(rivals, key=lambda n: rivals[n])
        gap = 100 * (accuracy(own.predicted, labels) - rivals[best])
        word = "ahead of" if gap > 0 else "behind"
        told.append(f"{abs(gap):.1f} points {word} {best} with {num:,} labels")
    return f"The pretrained network is {' and '.join(told)}."


def say_confusion(shares: Float[np.ndarray, "classes classes"]) -> str:
    """The most frequent mistake."""
    true, given, share = largest_mistake(shares)
    return (
        f"The most frequent mistake: {share:.1%} of the {CLASS_NAMES[true]} posts are labelled "
        f"{CLASS_NAMES[given]}."
    )
