"""What the page reads off the data, the network and its translations, as tables and sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.translation import MAX_TRAIN_WORDS, MAX_WORDS, Pair
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.translation import LengthScore, by_length, exact_match
from tutorials_lib.sequences.transformer import in_numpy
from tutorials_lib.sequences.transformer.evaluation import (
    BEAMS,
    MODEL,
    PHRASES,
    WORDS,
    Trained,
    translate,
)
from tutorials_lib.sequences.transformer.problem import make_batch
from tutorials_lib.text.parallel import encode_pairs
from tutorials_lib.text.rivals import french_of
from tutorials_lib.text.vocabulary import PADDING

_ENGLISH = "the letters that the old queen drew are not white ."
_FRENCH = "les lettres que la vieille reine a dessinées ne sont pas blanches ."

EXAMPLE = Pair(tuple(_ENGLISH.split()), tuple(_FRENCH.split()))
"""A sentence in which a participle has to agree with a noun far before it."""

BOUNDS = (7, 10, 14, MAX_TRAIN_WORDS, 22, MAX_WORDS)
"""The longest sentences of each class of lengths."""

SHOWN = (MODEL, PHRASES, WORDS)


def ids_table(pairs: Sequence[Pair], trained: Trained) -> MarkdownRows:
    """English sentences as words, as ids, and which of the places are words."""
    sentences = encode_pairs(pairs, trained.data.words)
    rows = [
        [" ".join(pair.english), " ".join(map(str, row)), " ".join("01"[i != PADDING] for i in row)]
        for pair, row in zip(pairs, sentences.source.tolist(), strict=True)
    ]
    return MarkdownRows(["Words", "Ids", "Mask"], rows, of_words=(0, 1, 2))


class Looking(NamedTuple):
    """Where a translation looks, in every block of the decoder and every head.

    Attributes:
        scores: of cross-attention.
        weights: which they become.
        english: the words looked at.
        french: the words read, with the end of the sentence.
    """

    scores: Float[np.ndarray, "blocks heads target source"]
    weights: Float[np.ndarray, "blocks heads target source"]
    english: tuple[str, ...]
    french: tuple[str, ...]

    @property
    def last(self) -> Float[np.ndarray, "target source"]:
        """The weights of the last block, the mean of its heads."""
        return self.weights[-1].mean(0)


def look(pair: Pair, trained: Trained) -> Looking:
    """Cross-attention while the network reads the right translation."""
    batch = make_batch(encode_pairs([pair], trained.data.words), trained.config)
    looks = in_numpy.cross_looks(_as_numpy(trained.params), batch, trained.config)
    scores, weights = (np.stack([each[i][0] for each in looks]) for i in range(2))
    return Looking(scores, weights, pair.english, (*pair.french, "(end)"))


def _as_numpy(params: in_numpy.Params) -> in_numpy.Params:
    return jax.tree.map(np.asarray, params)


def attention_table(looking: Looking, word: str) -> MarkdownRows:
    """From scores to weights, where `word` is to be written, in a head of the last block.

    It is the least sure one, whose largest weight is the smallest.
    """
    place = looking.french.index(word)
    head = looking.weights[-1, :, place].max(1).argmin()
    rows = [
        [english, f"{score:+.2f}", f"{np.exp(score):,.2f}", f"{weight:.3f}"]
        for english, score, weight in zip(
            looking.english,
            looking.scores[-1, head, place],
            looking.weights[-1, head, place],
            strict=True,
        )
    ]
    return MarkdownRows(["English word", "score", "its exponential", "weight"], rows)


def say_who_looks(looking: Looking, word: str, at: str) -> str:
    """How many heads look most at `at` where `word` is to be written, and at what the others do."""
    most = looking.weights[:, :, looking.french.index(word)].argmax(-1).ravel()
    words = Counter(looking.english[place] for place in most.tolist())
    count, total = words.pop(at, 0), len(most)
    told = ", ".join(f"*{each}* ({n})" for each, n in words.most_common())
    if not count:
        return (
            f"None of the {total} heads of the decoder looks most at *{at}* then; they look most "
            f"at {told}. The encoder has mixed the words before, so that other places can tell "
            f"about *{at}*, too."
        )
    others = f" The others look most at {told}." if told else ""
    return f"Of the {total} heads of the decoder, {count} look most at *{at}* then.{others}"


def say_written(pair: Pair, trained: Trained) -> str:
    """What the network itself makes of the sentence."""
    (ours,) = translate(trained, (pair,))
    if ours == pair.french:
        return "Left to itself, the network writes exactly this."
    written = escape(" ".join(ours), quote=False)  # `<unk>` is no tag of HTML
    return f"Left to itself, the network writes: *{written}*"


def example_table(trained: Trained, place: int) -> MarkdownRows:
    """A test sentence as every method translates it."""
    pair = trained.data.test[place]
    outputs = trained.outputs or {}
    rows = [["English", " ".join(pair.english)], ["French", " ".join(pair.french)]]
    rows += [[name, _marked(outputs[name]["test"][place], pair.french)] for name in SHOWN]
    return MarkdownRows(["", "Sentence"], rows, of_words=(0, 1))


class Parting(NamedTuple):
    """On which test sentences the network and the phrase table part.

    Attributes:
        example: the first one of 8 to 12 words on which they do, or the first sentence of all.
        ours: how many the network alone gets right.
        theirs: how many the phrase table alone gets right.
        total: of so many.
    """

    example: int
    ours: int
    theirs: int
    total: int


def parting(trained: Trained) -> Parting:
    """Count where one of them is right and the other is wrong."""
    outputs, pairs = trained.outputs or {}, trained.data.test
    ours, theirs = (
        np.array([a == pair.french for a, pair in zip(outputs[name]["test"], pairs, strict=True)])
        for name in (MODEL, PHRASES)
    )
    middling = np.array([8 <= len(pair.english) <= 12 for pair in pairs])
    example = int(((ours != theirs) & middling).argmax())
    return Parting(example, int((ours & ~theirs).sum()), int((theirs & ~ours).sum()), len(pairs))


def say_parting(parting: Parting) -> str:
    """How the example was found, and how often which of the two is right alone."""
    return (
        "It is the first of 8 to 12 words on which the transformer and the phrase table part. Of "
        f"{parting.total} test sentences the transformer alone gets {parting.ours} right, and the "
        f"phrase table alone {parting.theirs}."
    )


def mistakes_table(trained: Trained, *, count: int) -> MarkdownRows:
    """The first sentences that the network gets wrong, with what is wrong in bold."""
    translations = (trained.outputs or {})[MODEL]["test"]
    wrong = [
        (pair, ours)
        for pair, ours in zip(trained.data.test, translations, strict=True)
        if ours != pair.french and len(pair.english) <= 14
    ]
    rows = [
        [" ".join(pair.english), " ".join(pair.french), _marked(ours, pair.french)]
        for pair, ours in wrong[:count]
    ]
    return MarkdownRows(["English", "French", "What the network writes"], rows, of_words=(0, 1, 2))


def _marked(ours: Sequence[str], reference: Sequence[str]) -> str:
    """The words, those that are not in the reference at this place in bold."""
    parts = []
    for kind, _, _, start, stop in SequenceMatcher(None, reference, ours).get_opcodes():
        words = escape(" ".join(ours[start:stop]), quote=False)  # `<unk>` is no tag of HTML
        if words:
            parts.append(words if kind == "equal" else f"**{words}**")
        elif kind == "delete":
            parts.append("**(...)**")
    return " ".join(parts)


def lengths_of(trained: Trained) -> dict[str, tuple[LengthScore, ...]]:
    """Exact match by the length of the English sentence, test and long sentences together."""
    outputs = trained.outputs or {}
    splits = {name: trained.data.judged[name] for name in ("test", "long")}
    pairs = [pair for each in splits.values() for pair in each]
    lengths = [len(pair.english) for pair in pairs]
    return {
        method: by_length(
            exact_match,
            [words for name in splits for words in outputs[method][name]],
            french_of(pairs),
            lengths,
            BOUNDS,
        )
        for method in SHOWN
    }


def scores_table(judgement: Judgement) -> MarkdownRows:
    """BLEU and exact match of every method on every held-out split."""
    columns = list(next(iter(judgement.details.values())))
    rows = [
        [name, *(f"{row[each]:{'.1f' if each.startswith('BLEU') else '.3f'}}" for each in columns)]
        for name, row in judgement.details.items()
    ]
    return MarkdownRows(["Method", *columns], rows)


def say_whether_met(judgement: Judgement) -> str:
    """The line to beat, and on which side of it the network is."""
    name, line = judgement.strongest
    word = "It beats" if judgement.met else "It does not beat"
    return (
        f"The strongest rival is the {name}, at {line:.1f} BLEU; the transformer reaches "
        f"{judgement.value:.1f}. {word} the line."
    )


def say_splits(details: Mapping[str, Mapping[str, float]]) -> str:
    """Who wins on unseen pairs of words and on long sentences, in words for either case."""
    ours, theirs = details[MODEL], details[PHRASES]
    told = {}
    for name in ("pairs", "long"):
        column = f"exact, {name}"
        told[name] = (
            f"{ours[column]:.0%} against {theirs[column]:.0%}",
            ours[column] > theirs[column],
        )
    pairs, long = told["pairs"], told["long"]
    first = (
        f"Of the sentences with an unseen pair it gets {pairs[0]} of the phrase table exactly right"
    )
    second = f"of the long ones {long[0]}: " + (
        "it wins there, too."
        if long[1]
        else "there the phrase table wins. It translates piece by piece, however many pieces "
        "there are. A likely reason on the other side, not tested here: no training sentence gave "
        "the network so many words to look at."
    )
    return f"{first}, {second}"


def say_beams(trained: Trained) -> str:
    """How often beam search changes a test translation, and whether for the better."""
    outputs, pairs = trained.outputs or {}, trained.data.test
    both = list(zip(outputs[MODEL]["test"], outputs[BEAMS]["test"], french_of(pairs), strict=True))
    changed = sum(greedy != beam for greedy, beam, _ in both)
    better = sum(greedy != french == beam for greedy, beam, french in both)
    worse = sum(beam != french == greedy for greedy, beam, french in both)
    return (
        f"With {trained.config.num_beams} beams, {changed} of {len(pairs)} test translations come "
        f"out other than greedily; {better} become right by it, and {worse} become wrong."
    )
