"""What the page reads off its results, as tables and as sentences."""

from collections.abc import Mapping, Sequence

import numpy as np

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.generative.inpainting import gaussian as gaussians
from tutorials_lib.generative.inpainting import in_jax, problem
from tutorials_lib.generative.inpainting.evaluation import (
    MODEL,
    SAMPLE,
    Report,
    Trained,
    draw_starts,
    see,
)
from tutorials_lib.generative.inpainting.problem import GRAIN, KINDS, Config, Part
from tutorials_lib.generative.inpainting.rivals import DRAW, GAUSSIAN, PASTED, Fills, paste, psnr
from tutorials_lib.judge import Judgement

NUM_SHOWN = 3
"""Coordinates of the worked example."""


def say_data(config: Config) -> str:
    """What the pictures are."""
    count = f"{config.num_train:,}"
    if config.source == "real":
        return f"handwritten digits of MNIST, {count} to learn from"
    return (
        f"faces of {config.side} × {config.side} pixels, drawn by a program from 21 factors, "
        f"{count} to learn from"
    )


def example(trained: Trained, config: Config, place: int) -> dict[str, np.ndarray]:
    """The coordinates of one test picture, from what the Gaussian expects to the fill."""
    test = trained.data.test
    part = test._replace(
        pictures=test.pictures[place : place + 1], which=test.which[place : place + 1]
    )
    seen, space = see(trained.gaussian, part), problem.space_of(trained.gaussian)
    start = draw_starts(trained.gaussian, part, count=1, seed=0)[0]
    path = np.asarray(in_jax.compiled_flow(trained.params, start, *seen, space, config))[:, 0]
    mean = np.asarray(in_jax.compiled_predict(trained.params, *seen, space, config))[0]
    truth = (part.pictures[0] - trained.gaussian.mean) @ trained.gaussian.directions.T
    return {
        "the truth": truth,
        "what the Gaussian expects": seen.guess[0],
        "a picture drawn by chance": path[0],
        "half way": path[len(path) // 2],
        "at the end: a fill": path[-1],
        "the mean fill": mean,
    }


def example_table(trained: Trained, stages: Mapping[str, np.ndarray], place: int) -> MarkdownRows:
    """A few coordinates at every stage, and the error in the hole."""
    test, gaussian = trained.data.test, trained.gaussian
    one = test._replace(
        pictures=test.pictures[place : place + 1], which=test.which[place : place + 1]
    )
    rows = []
    for name, coords in stages.items():
        found = paste(gaussians.pictures_of(gaussian, coords[None]), one)
        numbers = [f"{value:.2f}" for value in coords[:NUM_SHOWN]]
        rows.append([name, *numbers, f"{psnr(found, one):.1f}"])
    names = [f"$c_{{{i + 1}}}$" for i in range(NUM_SHOWN)]
    return MarkdownRows(["Stage", *names, "PSNR in the hole, dB"], rows)


def report_table(
    reports: Mapping[str, Report], fills: Mapping[str, Fills], config: Config
) -> MarkdownRows:
    """All scores of all who fill, a row each."""
    header = ["Who fills", "setting", "PSNR", *KINDS, "Fréchet distance", read_column(config)]
    rows = []
    for name, each in reports.items():
        setting = fills[name].setting if name in fills else None
        rows.append(
            [
                name,
                "" if setting is None else f"{setting:g}",
                *(f"{value:.2f}" for value in (each.psnr, *each.kinds)),
                f"{each.distance:.2f}",
                f"{each.agreement:.3f}",
            ]
        )
    return MarkdownRows(header, rows)


def read_column(config: Config) -> str:
    """What the last column of the table counts."""
    return "digits read right" if config.source == "real" else "factors explained"


def say_mean(judgement: Judgement) -> str:
    """Whether the mean fill beats the strongest rival in PSNR."""
    name, line = judgement.strongest
    word = "met" if judgement.met else "not met"
    return (
        f"By error the line is the strongest rival, {name}: {line:.2f} dB. The network's mean is "
        f"at {judgement.value:.2f} dB: {word}, by {judgement.difference:+.2f} dB."
    )


def say_looks(reports: Mapping[str, Report]) -> str:
    """Whether one fill looks more like a whole picture than the rivals' possible fills."""
    ours = reports[SAMPLE]
    name = min((DRAW, PASTED), key=lambda rival: reports[rival].distance)
    word = "met" if ours.distance < reports[name].distance else "not met"
    nearer = ours.psnr > reports[name].psnr
    said = (
        f"By looks the line is {name}, at a distance of {reports[name].distance:.2f}; one fill of "
        f"the network is at {ours.distance:.2f}: {word}. Of these two "
        f"{'the network' if nearer else 'the rival'} is nearer to the truth ({ours.psnr:.2f} and "
        f"{reports[name].psnr:.2f} dB)."
    )
    if word == "not met" and nearer:
        said += " Fills that are nearer to the truth but farther in looks are too near to the mean."
    return said


def say_trade(reports: Mapping[str, Report]) -> str:
    """How error and looks disagree about the network's mean and one of its fills."""
    mean, one = reports[MODEL], reports[SAMPLE]
    nearer = "nearer to" if mean.psnr > one.psnr else "farther from"
    like = "less" if mean.distance > one.distance else "more"
    return (
        f"The mean fill is {nearer} the truth than one fill ({mean.psnr:.2f} and {one.psnr:.2f} "
        f"dB) and looks {like} like a whole picture (distances {mean.distance:.2f} and "
        f"{one.distance:.2f})."
    )


def say_gain(reports: Mapping[str, Report]) -> str:
    """Where the network's mean gains over the Gaussian's, by kind of hole."""
    gains = {
        kind: ours - theirs
        for kind, ours, theirs in zip(
            KINDS, reports[MODEL].kinds, reports[GAUSSIAN].kinds, strict=True
        )
    }
    told = ", ".join(f"{kind} {gain:+.2f} dB" for kind, gain in gains.items())
    return f"Beside the Gaussian's mean, by kind of hole: {told}."


def say_answer(reports: Mapping[str, Report]) -> str:
    """What learning added to the Gaussian, in one sentence for the reader to keep."""
    error = reports[MODEL].psnr - reports[GAUSSIAN].psnr
    looks = reports[DRAW].distance - reports[SAMPLE].distance
    what = "gains" if error > 0 else "loses"
    how = "nearer to" if looks > 0 else "farther from"
    return (
        f"Over the Gaussian that it starts from, the network {what} {abs(error):.2f} dB in the "
        f"mean fill, and its fills are {how} whole pictures than the Gaussian's draws are, by "
        f"{abs(looks):.2f}."
    )


def say_spread(by_kind: Mapping[str, float], config: Config) -> str:
    """How much a missing pixel varies over the fills, beside the noise of a pixel."""
    told = ", ".join(f"{kind} {value:.3f}" for kind, value in by_kind.items())
    return (
        f"The standard deviation of a missing pixel over {config.num_samples} fills, in the mean "
        f"by kind of hole: {told} (black is 0 and white is 1; the noise of a whole picture's "
        f"pixel is {GRAIN[config.source]:.2f}, and fills have none)."
    )


def spreads(fills: np.ndarray, part: Part) -> dict[str, float]:
    """The mean standard deviation of a missing pixel over the fills, for each kind of hole."""
    deviations = fills.std(0)
    kinds = part.which % len(KINDS)
    return {
        kind: float(deviations[kinds == i][part.missing[kinds == i]].mean())
        for i, kind in enumerate(KINDS)
    }


def describe_rows(reports: Mapping[str, Report], names: Sequence[str]) -> str:
    """Alternative text of pictures filled by several techniques."""
    told = "; ".join(f"{name} {reports[name].psnr:.1f} dB" for name in names)
    return f"Pictures with holes and the same with the holes filled, a column each: {told}."


def describe_growing(count: int, first: float, last: float) -> str:
    """Alternative text of the stepper."""
    return (
        f"{count} pictures whose holes are filled step by step, from pictures drawn by chance to "
        f"fills; PSNR inside the holes goes from {first:.1f} to {last:.1f} dB."
    )
