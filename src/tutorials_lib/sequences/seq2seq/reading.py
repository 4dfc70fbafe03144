"""What the page reads off translations: one sentence with its numbers, tables, and sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.translation import Pair
from tutorials_lib.datasets.translation_words import ADJECTIVES, NOUNS
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.translation import LengthScore, bleu, by_length, exact_match
from tutorials_lib.sequences.seq2seq import in_jax, problem, rivals
from tutorials_lib.sequences.seq2seq.evaluation import MODEL, PLAIN, Trained
from tutorials_lib.sequences.seq2seq.problem import Data, Pairs
from tutorials_lib.sequences.seq2seq.rivals import Translations
from tutorials_lib.text.parallel import Vocabularies, encode_pairs
from tutorials_lib.text.vocabulary import PADDING

BOUNDS = (7, 10, 14, 18, 22, 28)
"""The most English words of each class of lengths."""


def pick_swap(pairs: Pairs, *, shortest: int = 7, longest: int = 9) -> int:
    """The place of the first pair in which an adjective and its noun change places.

    Where none of these lengths has one, the first pair.
    """
    behind = {each.english for each in ADJECTIVES if not each.before}
    nouns = {word for noun in NOUNS for word in noun.english}
    for place, (english, _) in enumerate(pairs):
        swaps = any(one in behind and other in nouns for one, other in pairwise(english))
        if swaps and shortest <= len(english) <= longest:
            return place
    return 0


# ---------------------------------------------------------------- one sentence


class Aligned(NamedTuple):
    """A pair, and how the decoder weighed the English words before each French one.

    Attributes:
        english: the words.
        french: the words, and the end.
        weights: a row for each French word.
        probabilities: of each French word, given those before it.
    """

    english: tuple[str, ...]
    french: tuple[str, ...]
    weights: Float[np.ndarray, "target_time source_time"]
    probabilities: Float[np.ndarray, " target_time"]


def align(trained: Trained, pair: Pair) -> Aligned:
    """Of a network with attention, which is given the French words."""
    batch = encode_pairs([pair], trained.data.words)
    arrays = trained.params, batch.source, batch.target[:, :-1], trained.config
    logits = jax.jit(in_jax.predict, static_argnums=3)(*arrays)
    probs = np.asarray(jax.nn.softmax(logits[:, 0]))
    labels = batch.target[0, 1:]
    return Aligned(
        english=pair.english,
        french=(*pair.french, "</s>"),
        weights=np.asarray(in_jax.compiled_alignments(*arrays))[:, 0],
        probabilities=probs[np.arange(len(labels)), labels],
    )


def ids_table(pair: Pair, words: Vocabularies) -> MarkdownRows:
    """A pair as words and as ids."""
    source, target = encode_pairs([pair], words)
    written = [words.target.words[i] for i in target[0]]
    return MarkdownRows(
        ["", "words", "ids"],
        [
            ["English", " ".join(pair.english), " ".join(map(str, source[0].tolist()))],
            ["French", " ".join(written), " ".join(map(str, target[0].tolist()))],
        ],
    )


def steps_table(aligned: Aligned) -> MarkdownRows:
    """Word by word: what it looks at most, and how probable the next word is."""
    most = aligned.weights.argmax(1)
    rows = [
        [f"{t + 1}", word, aligned.english[most[t]], f"{row[most[t]]:.2f}", f"{probability:.3f}"]
        for t, (word, row, probability) in enumerate(
            zip(aligned.french, aligned.weights, aligned.probabilities, strict=True)
        )
    ]
    columns = ["step", "next word", "looks most at", "with weight", "probability of the word"]
    return MarkdownRows(columns, rows)


class Node(NamedTuple):
    """A word that beam search has kept.

    Attributes:
        depth: how many words stand before it.
        rank: its place among those that are kept beside it, the best first.
        parent: the rank of the word before.
        word: it.
        score: the log-probability of the sentence up to it.
        is_best: whether it belongs to the translation that is chosen.
    """

    depth: int
    rank: int
    parent: int
    word: str
    score: float
    is_best: bool


def beam_tree(trained: Trained, pair: Pair) -> list[Node]:
    """All words that beam search keeps on the way to the translation of a pair's English."""
    config, words = trained.config, trained.data.words
    source = problem.encode_english((pair,), words, config)
    found = in_jax.compiled_search(trained.params, source, config, num_beams=config.num_beams)
    tokens, parents, scores = (
        np.asarray(each)[:, 0]
        for each in (found.history.tokens, found.history.parents, found.history.scores)
    )
    tokens = problem.known(tokens, words)
    lengths = (np.asarray(found.words)[0] != PADDING).sum(-1)
    rank = int(np.argmax(np.asarray(found.scores)[0] / lengths))
    best = set()
    for depth in reversed(range(int((tokens != PADDING).any(1).sum()))):
        best.add((depth, rank))
        rank = int(parents[depth, rank])
    return [
        Node(
            depth,
            rank,
            int(parents[depth, rank]),
            words.target.words[token],
            float(scores[depth, rank]),
            (depth, rank) in best,
        )
        for (depth, rank), token in np.ndenumerate(tokens)
        if token != PADDING
    ]


# ---------------------------------------------------------------- scores


def ngrams_table(hypothesis: Sequence[str], reference: Sequence[str]) -> MarkdownRows:
    """What BLEU counts in one sentence: n-grams, and those that are in the reference too."""
    rows = []
    for n in range(1, 5):
        ours, theirs = (
            Counter(zip(*(words[i:] for i in range(n)), strict=False))
            for words in (hypothesis, reference)
        )
        found, total = (ours & theirs).total(), ours.total()
        rows.append([f"{n}", f"{total}", f"{found}", f"{found / max(total, 1):.2f}"])
    return MarkdownRows(
        ["words in a row", "in the translation", "also in the reference", "share"], rows
    )


def exact_by_length(
    translations: Mapping[str, Translations], data: Data
) -> dict[str, tuple[LengthScore, ...]]:
    """The share of exact translations of each method, by the number of English words."""
    return {
        name: by_length(exact_match, *_test_and_long(each, data), BOUNDS)
        for name, each in translations.items()
    }


def length_table(translations: Mapping[str, Translations], data: Data) -> MarkdownRows:
    """BLEU by the number of English words."""
    scores = {
        name: by_length(bleu, *_test_and_long(each, data), BOUNDS)
        for name, each in translations.items()
    }
    classes = next(iter(scores.values()))
    rows = [[name, *(_written(each.score, ".1f") for each in row)] for name, row in scores.items()]
    counts = ["sentences", *(f"{each.sentences}" for each in classes)]
    header = ["English words", *(f"{each.shortest} to {each.longest}" for each in classes)]
    return MarkdownRows(header, [counts, *rows])


def split_table(translations: Mapping[str, Translations], data: Data) -> MarkdownRows:
    """BLEU and exact match of every split that judges."""
    splits = {name: each for name, each in rivals.splits(data).items() if name != "development"}
    rows = []
    for method, each in translations.items():
        row = [method]
        for name, pairs in splits.items():
            french = [pair.french for pair in pairs]
            row += [f"{bleu(each[name], french):.1f}", f"{exact_match(each[name], french):.3f}"]
        rows.append(row)
    header = [f"{name}: {score}" for name in splits for score in ("BLEU", "exact")]
    return MarkdownRows(["", *header], rows)


def _test_and_long(translations: Translations, data: Data) -> tuple[list, list, list[int]]:
    pairs = data.test + data.further["long"]
    hypotheses = [*translations["test"], *translations["long"]]
    return hypotheses, [pair.french for pair in pairs], [len(pair.english) for pair in pairs]


def _written(score: float, form: str) -> str:
    return "" if np.isnan(score) else f"{score:{form}}"


# ---------------------------------------------------------------- sentences


def say_whether_met(judgement: Judgement) -> str:
    """The verdict, with the line."""
    name, line = judgement.strongest
    verdict = "Met" if judgement.met else "Not met"
    return (
        f"{verdict}: BLEU is {judgement.value:.1f} with attention, and {line:.1f} by the strongest "
        f"rival ({name})."
    )


def say_by_length(scores: Mapping[str, tuple[LengthScore, ...]]) -> str:
    """What attention is worth to short and to long sentences."""
    told = []
    for with_it, without in zip(scores[MODEL], scores[PLAIN], strict=True):
        if with_it.sentences and with_it.longest in (BOUNDS[0], BOUNDS[3]):
            told.append(
                f"of {with_it.shortest} to {with_it.longest} words {with_it.score:.0%} are exact "
                f"with attention and {without.score:.0%} without"
            )
    return f"Of the sentences {', '.join(told)}."


def say_swap(aligned: Aligned) -> str:
    """Whether the weights go back where French changes the order."""
    most = aligned.weights.argmax(1)[:-1]
    back = [t for t in range(1, len(most)) if most[t] < most[t - 1]]
    if not back:
        return "Here the most attended word never goes back."
    t = back[0]
    return (
        f"Before *{aligned.french[t - 1]}* it looks most at *{aligned.english[most[t - 1]]}*, and "
        f"then, before *{aligned.french[t]}*, back at *{aligned.english[most[t]]}*."
    )
