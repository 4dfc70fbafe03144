"""What the page reads off the data, the network and its translations, as tables and sentences."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets.translation import MAX_TRAIN_WORDS, MAX_WORDS, Pair
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.translation import LengthScore, by_length, exact_match
from tutorials_lib.sequences.transformer import in_numpy
from tutorials_lib.sequences.transformer.evaluation import (
    MODEL,
    PHRASES,
    WORDS,
    Trained,
)
from tutorials_lib.sequences.transformer.problem import Batch
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
    return MarkdownRows(["Words", "Ids", "Mask"], rows)


class Looking(NamedTuple):
    """Where a translation looks.

    Attributes:
        weights: of cross-attention in the last block, the mean of its heads.
        heads: the same for each head.
        english: the words looked at.
        french: the words written, with the end of the sentence.
    """

    weights: Float[np.ndarray, "target source"]
    heads: Float[np.ndarray, "heads target source"]
    english: tuple[str, ...]
    french: tuple[str, ...]


def look(pair: Pair, trained: Trained) -> Looking:
    """Cross-attention while the network reads the right translation."""
    sentences = encode_pairs([pair], trained.data.words)
    batch = Batch(*sentences, np.zeros(2, np.int32))
    params = _as_numpy(trained.params)
    (heads,) = in_numpy.attention_maps(params, batch, trained.config)[-1]
    return Looking(heads.mean(0), heads, pair.english, (*pair.french, "(end)"))


def _as_numpy(params: in_numpy.Params) -> in_numpy.Params:
    return {
        name: _as_numpy(part) if isinstance(part, dict) else np.asarray(part)
        for name, part in params.items()
    }


def attention_table(looking: Looking, word: str) -> MarkdownRows:
    """From scores to weights, for one French word in the head that is surest about it."""
    row = looking.heads[:, looking.french.index(word)]
    weights = row[row.max(1).argmax()]
    scores = np.log(weights / weights.max())
    rows = [
        [english, f"{score:+.2f}", f"{np.exp(score):.3f}", f"{weight:.3f}"]
        for english, score, weight in zip(looking.english, scores, weights, strict=True)
    ]
    header = ["English word", "score below the largest", "its exponential", "weight"]
    return MarkdownRows(header, rows)


def example_table(trained: Trained, place: int) -> MarkdownRows:
    """A test sentence as every method translates it."""
    pair = trained.data.test[place]
    outputs = trained.outputs or {}
    rows = [["English", " ".join(pair.english)], ["French", " ".join(pair.french)]]
    rows += [[name, _marked(outputs[name]["test"][place], pair.french)] for name in SHOWN]
    return MarkdownRows(["", "Sentence"], rows)


def telling_example(trained: Trained) -> int:
    """A test sentence that the network gets right and both rivals get wrong, or the first one."""
    outputs = trained.outputs or {}
    for place, pair in enumerate(trained.data.test):
        right = [outputs[name]["test"][place] == pair.french for name in SHOWN]
        if right == [True, False, False] and 8 <= len(pair.english) <= 12:
            return place
    return 0


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
    return MarkdownRows(["English", "French", "What the network writes"], rows)


def _marked(ours: Sequence[str], reference: Sequence[str]) -> str:
    """The words, those that are not in the reference at this place in bold."""
    parts = []
    for kind, _, _, start, stop in SequenceMatcher(None, reference, ours).get_opcodes():
        words = " ".join(ours[start:stop])
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
        else "there the phrase table wins. It translates piece by piece and does not mind how "
        "many pieces there are; the network has never been at such positions."
    )
    return f"{first}, {second}"
