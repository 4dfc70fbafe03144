"""Scores of transcriptions: the shares of words and of letters that are wrong."""

from collections.abc import Sequence
from typing import NamedTuple


class Edits(NamedTuple):
    """The fewest changes that turn a reference into a hypothesis, and the length of the former."""

    substitutions: int
    deletions: int
    insertions: int
    length: int

    @property
    def total(self) -> int:
        """All changes."""
        return self.substitutions + self.deletions + self.insertions


def edits(hypothesis: Sequence[object], reference: Sequence[object]) -> Edits:
    """Levenshtein's distance, told apart by kind.

    Where several ways are equally short, a substitution goes before a deletion, and a deletion
    before an insertion.
    """
    # Of each beginning of the hypothesis: total, substitutions, deletions, insertions.
    row = [(j, 0, 0, j) for j in range(len(hypothesis) + 1)]
    for i, wanted in enumerate(reference, 1):
        above, row = row, [(i, 0, i, 0)]
        for j, heard in enumerate(hypothesis, 1):
            if wanted == heard:
                row.append(above[j - 1])
                continue
            ways = (
                _one_more(above[j - 1], 1),
                _one_more(above[j], 2),
                _one_more(row[j - 1], 3),
            )
            row.append(min(ways, key=lambda way: way[0]))
    _, *kinds = row[-1]
    return Edits(*kinds, length=len(reference))


def _one_more(way: tuple[int, ...], kind: int) -> tuple[int, int, int, int]:
    counts = list(way)
    counts[0] += 1
    counts[kind] += 1
    return tuple(counts)  # pyright: ignore[reportReturnType]


def word_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Substituted, deleted and inserted words, over all words of the references.

    It can exceed one, since there is no end to insertions.

    Raises:
        ValueError: the numbers of texts differ, or the references hold no word.
    """
    return error_rate([each.split() for each in hypotheses], [each.split() for each in references])


def character_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """The same of characters, spaces with them.

    Raises:
        ValueError: the numbers of texts differ, or the references hold no character.
    """
    return error_rate(hypotheses, references)


def error_rate(
    hypotheses: Sequence[Sequence[object]], references: Sequence[Sequence[object]]
) -> float:
    """All changes over the length of all references.

    Raises:
        ValueError: the numbers differ, or the references hold nothing.
    """
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{len(hypotheses)} transcriptions for {len(references)} references; each utterance "
            "needs one of both"
        )
    found = [edits(ours, theirs) for ours, theirs in zip(hypotheses, references, strict=True)]
    length = sum(each.length for each in found)
    if not length:
        raise ValueError("the references are empty; there is nothing to be wrong about")
    return sum(each.total for each in found) / length
