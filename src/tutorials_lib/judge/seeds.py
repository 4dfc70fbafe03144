"""A result over several seeds: one judgement each, and what they say together."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import stdtrit

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge.evaluation import load_config, load_evaluation
from tutorials_lib.judge.judgement import Judgement

CONFIDENCE = 0.90
"""How often an interval such as `Summary.interval` covers the mean over all seeds."""


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise `ValueError` unless there is a seed, all are zero or more, and none occurs twice."""
    listed = ", ".join(map(str, seeds))
    if not seeds:
        raise ValueError("there is no seed; give at least one")
    if min(seeds) < 0:
        raise ValueError(f"seeds are {listed}; each must be zero or more")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds are {listed}; each may be given once")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One seed: the judgement, and the seconds that it took with training and rivals."""

    seed: int
    judgement: Judgement
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The judgements of several seeds.

    A seed draws the parameters, and the data where they are generated or divided anew, so value
    and line of one seed belong together: what is averaged is their difference, seed by seed.
    Seeds that divide one published set anew share its rows, so that the interval tells how much
    hangs on the seed, and not how other data would turn out (Nadeau and Bengio 2003).

    Raises:
        ValueError: the seeds are not what `check_seeds` expects, or metric, direction, margin
            or the names of the rivals differ between seeds.
    """

    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        check_seeds(self.seeds)
        kinds = {
            (each.metric, each.higher_is_better, each.margin, frozenset(each.baselines))
            for each in self.judgements
        }
        if len(kinds) > 1:
            raise ValueError(
                "metric, direction, margin and the rivals' names must be the same for every seed"
            )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order in which they were run."""
        return tuple(run.seed for run in self.runs)

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """The judgements in the order of `seeds`."""
        return tuple(run.judgement for run in self.runs)

    @property
    def seconds(self) -> float:
        """What all seeds took together."""
        return sum(run.seconds for run in self.runs)

    @property
    def value(self) -> float:
        """The mean of the values."""
        return statistics.fmean(each.value for each in self.judgements)

    @property
    def line(self) -> float:
        """The mean of the lines to beat: each seed's own strongest rival."""
        return statistics.fmean(each.strongest[1] for each in self.judgements)

    @property
    def difference(self) -> float:
        """The mean of the differences between value and line; positive is better."""
        return statistics.fmean(each.difference for each in self.judgements)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The t interval of the mean difference at `CONFIDENCE`; None for a single seed."""
        differences = [each.difference for each in self.judgements]
        if len(differences) < 2:
            return None
        quantile = float(stdtrit(len(differences) - 1, (1 + CONFIDENCE) / 2))
        half = quantile * statistics.stdev(differences) / math.sqrt(len(differences))
        return self.difference - half, self.difference + half

    @property
    def num_met(self) -> int:
        """The number of seeds that beat their line, each judged by itself."""
        return sum(each.met for each in self.judgements)

    @property
    def met(self) -> bool:
        """Whether the whole interval of the mean difference lies above the margin.

        A single seed has no interval, and its own judgement stands.
        """
        if self.interval is None:
            return self.judgements[0].met
        return bool(self.interval[0] > self.judgements[0].margin)


def judge_with_seeds(
    slug: str,
    seeds: Sequence[int],
    *,
    config: Any = None,
    advance: Callable[[int], None] = lambda seed: None,
) -> Summary:
    """Judge the tutorial `slug` with each of `seeds`.

    Args:
        slug: the tutorial's name in the catalog.
        seeds: given to its `judge` one after the other.
        config: its configuration; by default the one that the environment asks for.
        advance: called with each seed that has been judged.

    Raises:
        KeyError: no tutorial has this name.
        NoEvaluationError: the tutorial cannot be judged yet.
        ValueError: the environment asks for a preset that there is not, or the seeds are not
            what `check_seeds` expects.
        DatasetError: a published file cannot be had or is not what it should be.
    """
    check_seeds(seeds)
    judge = load_evaluation(slug).judge
    config = load_config(slug) if config is None else config
    runs = []
    for seed in seeds:
        judgement, seconds = timed(judge, config, seed=seed)
        runs.append(Run(seed=seed, judgement=judgement, seconds=seconds))
        advance(seed)
    return Summary(runs=tuple(runs))
