"""A summary in words and as rows of texts, for the command line and for the site."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.judge.judgement import Judgement
from tutorials_lib.judge.seeds import CONFIDENCE, Summary

MODEL = "this tutorial's model"


def format_score(value: float, *, digits: int = 4, sign: str = "") -> str:
    """A score with so many significant digits; with `sign="+"` always with its sign."""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:{sign},.0f}"
    return f"{value:{sign}#.{digits}g}".rstrip(".")


def score_table(summary: Summary) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Header and rows: the model, then its rivals from the strongest to the weakest.

    The columns are the mean of the development scores, where a rival has settings, the mean of
    the held-out scores, and the held-out score of each seed.
    """
    first = summary.judgements[0]
    header = (first.metric, "development", "mean", *(f"seed {seed}" for seed in summary.seeds))
    rivals = {}
    for name in first.baselines:
        scores = [each.baselines[name] for each in summary.judgements]
        tuned = [score.development for score in scores if score.development is not None]
        rivals[name] = tuned, [score.held_out for score in scores]
    ranked = sorted(rivals, key=lambda name: fmean(rivals[name][1]), reverse=first.higher_is_better)
    rows = [(MODEL, ([], [each.value for each in summary.judgements]))]
    rows += [(name, rivals[name]) for name in ranked]
    return header, [
        (
            name,
            format_score(fmean(tuned)) if tuned else "",
            *map(format_score, (fmean(held_out), *held_out)),
        )
        for name, (tuned, held_out) in rows
    ]


def details_table(summary: Summary) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Header and rows of the judgements' details, each the mean over the seeds; no row for none.

    A column stands for every name that a row has; where a row lacks it, its cell is empty.
    """
    details = [judgement.details for judgement in summary.judgements]
    columns = list(dict.fromkeys(column for row in details[0].values() for column in row))

    def cell(row: str, column: str) -> str:
        found = [each[row][column] for each in details if column in each[row]]
        return format_score(fmean(found)) if found else ""

    return ("mean of the seeds", *columns), [
        (row, *(cell(row, column) for column in columns)) for row in details[0]
    ]


def rivals_table(
    judgement: Judgement,
    *,
    model: str,
    more: Mapping[str, float] | None = None,
    form: str = ".3f",
) -> MarkdownRows:
    """The rivals of a page, then its model: on the development split, and held out.

    Args:
        judgement: of one seed.
        model: what the page's own model is called in its row.
        more: held-out scores of rows below it, by name.
        form: how a score is written.
    """
    rows = [
        [name, _write(score.development, form), _write(score.held_out, form)]
        for name, score in judgement.baselines.items()
    ]
    ours = {model: judgement.value} | dict(more or {})
    rows += [[name, "", _write(score, form)] for name, score in ours.items()]
    return MarkdownRows([judgement.metric, "development", "held out"], rows)


def _write(score: float | None, form: str) -> str:
    return "" if score is None else f"{score:{form}}"


def verdict(summary: Summary) -> str:
    """The verdict in a word or two."""
    return "met" if summary.met else "not met"


def verdict_sentences(summary: Summary) -> str:
    """The verdict, the mean difference from the strongest rival, and the seeds one by one."""
    first = summary.judgements[0]
    direction = "higher" if first.higher_is_better else "lower"
    difference = format_score(summary.difference, digits=3, sign="+")
    text = (
        f"{verdict(summary).capitalize()}: the mean is {format_score(summary.value)} against "
        f"{format_score(summary.line)} of the strongest rival, and {direction} is better. "
        f"The difference is {difference}, positive where the model is better"
    )
    if summary.interval is not None:
        low, high = (format_score(edge, digits=3, sign="+") for edge in summary.interval)
        text += f" ({CONFIDENCE:.0%} interval {low} to {high})"
    if first.margin:
        text += f", where more than {format_score(first.margin, digits=3)} is asked for"
    return f"{text}. Met on {summary.num_met} of {len(summary.runs)} seeds."


def short_verdict(summary: Summary) -> str:
    """The verdict in a cell of the ledger."""
    return (
        f"{verdict(summary)}: {summary.judgements[0].metric} {format_score(summary.value)}, "
        f"strongest rival {format_score(summary.line)}"
    )
