"""One result on held-out data, and the line that it has to beat.

A rival with settings is tuned on a development split, which is part of the training data; the
held-out split is looked at once, when everything is settled. The line to beat is the rival that
is strongest *held out*. Choosing it there favours the rivals, never the result: whichever rival
a development split might prefer, its held-out score is at best as good as this line.
"""

import math
from dataclasses import dataclass, field

from tutorials_lib.benchmark.record import Quality


@dataclass(frozen=True)
class Score:
    """What a rival reaches.

    Attributes:
        development: with its chosen setting, on the split that chose it; None for a rival
            without settings.
        held_out: with the same setting, on held-out data.
    """

    development: float | None
    held_out: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was reached with one seed, beside the rivals on the same split.

    Attributes:
        metric: what is scored, in words, such as "held-out accuracy".
        value: what the tutorial's model reaches on held-out data.
        baselines: the rivals' scores, by name.
        higher_is_better: which direction is better.
        margin: how much better than the line the value has to be.
        training_seconds: how long training took, where it was timed.
        details: further scores that decide nothing, as rows of a table: the name of a row, that
            of a column, and the score.

    Raises:
        ValueError: there is no rival, a score is not a finite number, or the margin is negative.
    """

    metric: str
    value: float
    baselines: dict[str, Score]
    higher_is_better: bool = True
    margin: float = 0.0
    training_seconds: float | None = None
    details: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.baselines:
            raise ValueError(f"{self.metric} has no rival; a value alone says nothing")
        scores = {"the model": self.value}
        for name, score in self.baselines.items():
            scores[name] = score.held_out
            if score.development is not None:
                scores[f"{name} on the development split"] = score.development
        for row, columns in self.details.items():
            scores |= {f"{row}, {column}": score for column, score in columns.items()}
        for name, value in scores.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"{self.metric} of {name} is {value}, which cannot be judged; look for a "
                    "division by zero, or for training that diverged"
                )
        if not self.margin >= 0:
            raise ValueError(
                f"margin is {self.margin}; it must be zero or more. A result that falls short of "
                "a rival is not met, and the page says why"
            )

    @property
    def strongest(self) -> tuple[str, float]:
        """The line to beat: name and score of the rival that is strongest held out."""
        best = max if self.higher_is_better else min
        name = best(self.baselines, key=lambda name: self.baselines[name].held_out)
        return name, self.baselines[name].held_out

    @property
    def difference(self) -> float:
        """How much better than the line the value is; negative where it is worse."""
        sign = 1.0 if self.higher_is_better else -1.0
        return sign * (self.value - self.strongest[1])

    @property
    def met(self) -> bool:
        """Whether the value beats the line by more than the margin; a tie does not."""
        return bool(self.difference > self.margin)

    def quality(self) -> Quality:
        """The same for the record of the benchmark: held-out scores only."""
        return Quality(
            metric=self.metric,
            value=self.value,
            baselines={name: score.held_out for name, score in self.baselines.items()},
            higher_is_better=self.higher_is_better,
            margin=self.margin,
            training_seconds=self.training_seconds,
        )
