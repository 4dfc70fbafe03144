"""What the page reads off translations: one sentence with its numbers, tables, and sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.translation import Pair
from tutorials_lib.datasets.translation_words import ADJECTIVES, NOUNS
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.translation import (
    LengthScore,
    bleu,
    by_length,
    by_split,
    exact_match,
)
from tutorials_lib.sequences.seq2seq import in_jax, problem
from tutorials_lib.sequences.seq2seq.evaluation import BEAMS, MODEL, PLAIN, TABLE, Trained
from tutorials_lib.sequences.seq2seq.problem import Data
from tutorials_lib.text.beams import best_beam
from tutorials_lib.text.corpus import Pairs
from tutorials_lib.text.parallel import Vocabularies, encode_pairs
from tutorials_lib.text.rivals import Translations, french_of
from tutorials_lib.text.vocabulary import PADDING, UNKNOWN

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
    rows = [
        [language, _as_code(" ".join(sentence)), _as_code(" ".join(map(str, ids[0].tolist())))]
        for language, sentence, ids in (
            ("English", pair.english, source),
            ("French", written, target),
        )
    ]
    return MarkdownRows(["", "words", "ids"], rows, of_words=(0, 1, 2))


def steps_table(aligned: Aligned) -> MarkdownRows:
    """Word by word: what it looks at most, and how probable the next word is."""
    most = aligned.weights.argmax(1)
    rows = [
        [
            f"{t + 1}",
            _as_code(word),
            _as_code(aligned.english[most[t]]),
            f"{row[most[t]]:.2f}",
            f"{probability:.3f}",
        ]
        for t, (word, row, probability) in enumerate(
            zip(aligned.french, aligned.weights, aligned.probabilities, strict=True)
        )
    ]
    columns = ["step", "next word", "looks most at", "with weight", "probability of the word"]
    return MarkdownRows(columns, rows, of_words=(1, 2))


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
    found = jax.tree.map(lambda each: np.asarray(each), found)
    tokens, parents, scores = (
        each[:, 0] for each in (found.history.tokens, found.history.parents, found.history.scores)
    )
    tokens = np.where(tokens < len(words.target), tokens, UNKNOWN)
    lengths = (found.words != PADDING).sum(-1)
    rank = int(best_beam(found.beams.scores, lengths, found.beams.finished, alpha=1.0)[0])
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


def smooth_losses(
    trained: Trained, plain: Trained
) -> tuple[dict[str, Float[np.ndarray, " points"]], list[int]]:
    """The losses of both networks as about thirty means, and the steps at which each ends."""
    steps = len(trained.losses)
    every = max(steps // 30, 1)
    whole = steps // every * every
    means = {
        name: each.losses[:whole].reshape(-1, every).mean(1)
        for name, each in ((MODEL, trained), (PLAIN, plain))
    }
    return means, list(range(every, whole + 1, every))


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
    scores = {name: by_split(each, data.references) for name, each in translations.items()}
    rows = [
        [
            name,
            *(
                f"{value:{'.1f' if column.startswith('BLEU') else '.3f'}}"
                for column, value in each.items()
            ),
        ]
        for name, each in scores.items()
    ]
    return MarkdownRows(["", *next(iter(scores.values()))], rows)


def _test_and_long(translations: Translations, data: Data) -> tuple[list, list, list[int]]:
    pairs = data.test + data.further["long"]
    hypotheses = [*translations["test"], *translations["long"]]
    return hypotheses, french_of(pairs), [len(pair.english) for pair in pairs]


def _as_code(text: str) -> str:
    """As Markdown leaves it alone: it takes the first word of a translation for a tag of HTML."""
    return f"`{text}`"


def plain(words: Sequence[str]) -> str:
    """A sentence in Markdown, where an unknown word, `<unk>`, would be taken for a tag."""
    text = " ".join(words).replace(" .", ".").replace(" ,", ",").replace("' ", "'")
    return escape(text, quote=False)


def _written(score: float, form: str) -> str:
    return "" if np.isnan(score) else f"{score:{form}}"


# ---------------------------------------------------------------- sentences


def say_what_it_writes(words: Sequence[str], pair: Pair) -> str:
    """What the network has made of a sentence, reading its own words."""
    if tuple(words) == pair.french:
        return "Left alone with its own words, the network writes the same sentence."
    return f"Left alone with its own words, the network writes *{plain(words)}*, which is wrong."


def say_whether_met(judgement: Judgement) -> str:
    """The verdict, with the line."""
    name, line = judgement.strongest
    verdict = "Met" if judgement.met else "Not met"
    return (
        f"{verdict}: BLEU is {judgement.value:.1f} with attention, and {line:.1f} by the strongest "
        f"rival ({name})."
    )


def say_what_attention_gains(scores: Mapping[str, tuple[LengthScore, ...]]) -> str:
    """What attention is worth to the shortest sentences and to the longest of a training length."""
    told = []
    for with_it, without in zip(scores[MODEL], scores[PLAIN], strict=True):
        if with_it.sentences and with_it.longest in (BOUNDS[0], BOUNDS[3]):
            told.append(
                f"of {with_it.shortest} to {with_it.longest} words {with_it.score:.0%} are exact "
                f"with attention and {without.score:.0%} without"
            )
    return f"Of the sentences {'; '.join(told)}."


def say_who_is_right(translations: Mapping[str, Translations], data: Data) -> str:
    """How often the network and the phrase table part, and an example of the rarer kind."""
    ours, theirs = translations[MODEL]["test"], translations[TABLE]["test"]
    right = [
        (a == pair.french, b == pair.french, pair, a)
        for a, b, pair in zip(ours, theirs, data.test, strict=True)
    ]
    lost = [(pair, a) for us, them, pair, a in right if them and not us]
    won = sum(us and not them for us, them, *_ in right)
    told = (
        f"Of {len(right)} test sentences the network with attention alone gets {won} right, the "
        f"phrase table alone {len(lost)}."
    )
    if not lost:
        return told
    pair, wrong = lost[0]
    return (
        f"{told} The first of the latter: for *{plain(pair.english)}* the network writes "
        f"*{plain(wrong)}* and should write *{plain(pair.french)}*"
    )


def say_where_it_leads(translations: Mapping[str, Translations], data: Data) -> str:
    """On which splits the network has more BLEU than the phrase table."""
    ahead: dict[bool, list[str]] = {True: [], False: []}
    for name, references in data.references.items():
        ours, theirs = (bleu(translations[each][name], references) for each in (MODEL, TABLE))
        ahead[ours > theirs].append(f"*{name}* ({ours:.1f} against {theirs:.1f})")
    told = [
        f"{who} has more BLEU on {' and '.join(ahead[ours])}"
        for ours, who in ((True, "the network with attention"), (False, "the phrase table"))
        if ahead[ours]
    ]
    sentence = ", ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def say_what_beams_change(translations: Mapping[str, Translations], data: Data) -> str:
    """How many sentences beam search changes, and to what end."""
    changed = better = worse = total = 0
    for name, pairs in data.judged.items():
        both = zip(translations[MODEL][name], translations[BEAMS][name], pairs, strict=True)
        for greedy, beams, pair in both:
            total += 1
            changed += greedy != beams
            better += beams == pair.french != greedy
            worse += greedy == pair.french != beams
    return (
        f"Of {total} sentences beam search changes {changed}: {better} become right, {worse} "
        "wrong, and the others were wrong and stay so."
    )


def say_how_large(trained: Trained, plain: Trained) -> str:
    """The numbers that both networks learn."""
    with_it, without = (
        sum(leaf.size for leaf in jax.tree.leaves(each.params)) for each in (trained, plain)
    )
    return f"With attention the network has {with_it:,} weights, without {without:,}"


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
