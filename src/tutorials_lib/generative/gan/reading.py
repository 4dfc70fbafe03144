"""What the page reads off its results, as tables and as sentences."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import expit

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.generative.gan import evaluation, in_jax, in_numpy
from tutorials_lib.generative.gan.evaluation import GAN, Report, Trained
from tutorials_lib.generative.gan.problem import Config
from tutorials_lib.judge import Judgement
from tutorials_lib.metrics.frechet import frechet_distance

Numbers = Float[np.ndarray, " scores"]


class Slopes(NamedTuple):
    """How fast either loss of the generator falls when a score rises."""

    saturating: Numbers
    non_saturating: Numbers


def slopes(scores: Numbers) -> Slopes:
    r"""The derivatives of $\log(1 - p)$ and of $-\log p$ by the score, with $p = \sigma(s)$."""
    return Slopes(-expit(scores), -expit(-scores))


def scores_of_one_wish(trained: Trained, config: Config, place: int) -> dict[str, float]:
    """What the trained discriminator says of a digit over the steps, and of a real one.

    Each picture is scored in a batch of its kind, since the spread of the batch counts.
    """
    weights, _ = in_jax.spectral_norm(trained.state.discriminator.params, trained.state.directions)
    discriminate = jax.jit(in_jax.discriminate, static_argnames="config")
    labels, test = trained.wishes.labels, trained.data.test
    batch = slice(config.batch_size)
    found = {}
    first, last = min(trained.frames), max(trained.frames)
    for name, steps in ((f"drawn after {first} steps", first), (f"after {last:,} steps", last)):
        scores = discriminate(weights, trained.frames[steps][batch], labels[batch], config)
        found[name] = float(scores[place])
    first_of_kind = int(np.argmax(test.labels == labels[place]))
    digits = np.arange(first_of_kind, first_of_kind + config.batch_size) % len(test.labels)
    real = discriminate(weights, test.images[digits], test.labels[digits], config)
    return {**found, "a real one": float(real[0])}


def score_table(scores: Mapping[str, float]) -> MarkdownRows:
    """Score, probability and losses of some pictures."""
    rows = []
    for name, score in scores.items():
        s = np.array([score])
        as_real, as_drawn = in_numpy.softplus(-s)[0], in_numpy.softplus(s)[0]
        flat, steep = (each[0] for each in slopes(s))
        numbers = (score, expit(score), as_real, as_drawn, flat, steep)
        rows.append([name, *(f"{number:.3f}" for number in numbers)])
    header = ["The picture", "score $s$", "$p = \\sigma(s)$", "$-\\log p$", "$-\\log(1 - p)$"]
    return MarkdownRows([*header, "slope of $\\log(1 - p)$", "slope of $-\\log p$"], rows)


def report_table(reports: Mapping[str, Report]) -> MarkdownRows:
    """All scores of all who draw, a row each."""
    rows = [
        [
            name,
            f"{each.distance:.1f}",
            f"{each.covered:.0f}",
            f"{each.smallest:.1%}",
            f"{each.obeyed:.1%}",
            f"{each.sure:.1%}",
            f"{each.diversity:.3f}",
            f"{each.nearest:.2f}",
        ]
        for name, each in reports.items()
    ]
    return MarkdownRows(["Who draws", *evaluation.COLUMNS], rows)


def distances(trained: Trained) -> list[float]:
    """The distance to the development digits at each report."""
    judge = trained.judge
    return [
        frechet_distance(judge.features(images), judge.development)
        for images in trained.frames.values()
    ]


def last_and_average(trained: Trained, config: Config) -> dict[str, float]:
    """The distance to the development digits by the last parameters, and by their average."""
    images = in_jax.compiled_generate(trained.state.generator.params, *trained.wishes, config)
    judge = trained.judge
    last = frechet_distance(judge.features(np.asarray(images)), judge.development)
    return {"the last parameters": last, "their average": distances(trained)[-1]}


def say_verdict(judgement: Judgement) -> str:
    """Whether the GAN beats the strongest rival."""
    name, line = judgement.strongest
    word = "met" if judgement.met else "not met"
    return (
        f"The line to beat is the strongest rival, the {name}, at {line:.1f}; "
        f"the GAN is at {judgement.value:.1f}: {word}."
    )


def say_columns(reports: Mapping[str, Report], rival: str, real: str) -> str:
    """In which scores the GAN is nearer to real digits than a rival, and in which it is not."""
    ours, theirs, goal = reports[GAN], reports[rival], reports[real]
    names = ("diversity", "obedience to the wish", "readability")
    scores = [(each.diversity, each.obeyed, each.sure) for each in (ours, theirs, goal)]
    nearer = {
        name: abs(mine - best) < abs(other - best)
        for name, mine, other, best in zip(names, *scores, strict=True)
    }
    won = [name for name, ahead in nearer.items() if ahead] or ["nothing else"]
    lost = [name for name, ahead in nearer.items() if not ahead] or ["nothing"]
    return (
        f"Beside the {rival}, the GAN is nearer to real digits in {' and '.join(won)}, and "
        f"farther from them in {' and '.join(lost)}."
    )


def say_collapse(balanced: Report, loose: Report, real: Report, num_steps: int) -> str:
    """What the digits of a game without balance are like."""
    return (
        f"After {num_steps} steps {loose.covered:.0f} of ten digits are covered, and the asked "
        f"one is seen in {loose.obeyed:.0%}. The diversity within a digit is "
        f"{loose.diversity:.3f}, with balance it is {balanced.diversity:.3f} by then, and in real "
        f"digits it is {real.diversity:.3f}; the distance is {loose.distance:.0f} against "
        f"{balanced.distance:.0f}."
    )


def say_copies(reports: Mapping[str, Report], test: str) -> str:
    """How far drawn digits lie from the nearest training digit, beside real ones."""
    real = reports[test].nearest
    drawn = {n: each for n, each in reports.items() if n not in (evaluation.TRAIN, test)}
    closer = [name for name, each in drawn.items() if each.nearest < real]
    told = f"A real test digit is {real:.2f} away from the nearest training digit"
    ours = f"a digit of the GAN {reports[GAN].nearest:.2f}"
    if not closer:
        return f"{told}, {ours}; nobody who draws is closer than a real one."
    return f"{told}, {ours}. Closer than a real one is: {', '.join(closer)}."


def describe_sheets(reports: Mapping[str, Report]) -> str:
    """Alternative text of sheets of digits: how far each is from real ones."""
    told = "; ".join(
        f"{name} at a distance of {each.distance:.0f}" for name, each in reports.items()
    )
    return f"Sheets of small handwritten digits, a column for each digit: {told}."


def describe_growing(labels: list[str], values: list[float]) -> str:
    """Alternative text of the stepper: the distance from the first frame to the last."""
    return (
        f"Ten columns of pictures, one for each digit, after {', '.join(labels)} steps. Their "
        f"distance to real digits goes from {values[0]:.0f} to {values[-1]:.0f}."
    )
