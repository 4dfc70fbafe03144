"""The lines to beat with three pairs of pictures and three seeds of filters.

Run by `python -m tutorials_lib.vision.style_transfer.seeds`; it is no part of the build.
"""

import dataclasses
import sys
from collections.abc import Iterator

import numpy as np

from tutorials_lib import presets, runtime
from tutorials_lib.vision.style_transfer import baselines, in_jax, problem
from tutorials_lib.vision.style_transfer.problem import Config, Picture

PAIRS = (
    {},  # the page's own
    {
        "content": "astronaut",
        "content_square": (0.25, 0.45, 0.55),
        "style": "gravel",
    },
    {
        "content": "chelsea",
        "content_square": (0.42, 0.5, 0.9),
        "style": "flower",
        "style_square": (0.45, 0.5, 0.7),
    },
)
"""Settings of `Config`; pair `i` is painted with the filters and the noise of seed `i`."""


def paint(config: Config, style_weight: float) -> Picture:
    """The picture that the optimization of `config` ends with, from 0 to 1."""
    pair, params = problem.load(config), problem.load_params(config, config.seed)
    targets = in_jax.make_targets(params, *pair, config=config)
    start = problem.first_picture(pair.content, config)
    picture, _ = in_jax.fit(params, start, targets, np.float32(style_weight), config)
    return np.asarray(picture).clip(0, 1)


def compare(config: Config) -> tuple[str, float, float, float]:
    """The pair, the content loss of matched colours, their style loss, and ours at that content.

    All are judged by filters that the optimization has not seen.
    """
    pair, judge = problem.load(config), in_jax.judge(problem.load(config), config)
    matched = judge(baselines.match_colors(pair))
    results = [judge(paint(config, weight)) for weight in problem.STYLE_WEIGHTS]
    contents, styles = np.array([result[:2] for result in results]).T
    ours = baselines.at_equal_content(contents, styles, float(matched.content))
    name = "real" if config.source == "real" else f"{config.content} in {config.style}"
    return name, float(matched.content), float(matched.style), ours


def table(config: Config) -> Iterator[str]:
    """A line for each pair, and one for the mean."""
    yield f"{'pair':32}{'content':>10}{'matched':>10}{'ours':>10}"
    rows = []
    for seed, pair in enumerate(PAIRS):
        changes = {"seed": seed} if config.source == "real" else {"seed": seed, **pair}
        name, *values = compare(dataclasses.replace(config, **changes))
        rows.append(values)
        yield f"{name:32}" + "".join(f"{value:10.3f}" for value in values)
    yield f"{'mean':32}" + "".join(f"{value:10.3f}" for value in np.mean(rows, axis=0))


def main() -> None:
    """Print the table for the preset and the data that the environment names."""
    for line in table(presets.choose(problem.PRESETS)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    runtime.configure()
    main()
