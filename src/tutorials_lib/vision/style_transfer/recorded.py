"""The picture that SqueezeNet paints, made once and committed.

`python -m tutorials_lib.vision.style_transfer.recorded` makes it: the photograph is the page's own
and the painting van Gogh's Starry Night, which is in the public domain; both may be shown. Beside
the picture lies a record of what it was made of.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from tutorials_lib.datasets import download, photos, style_pair
from tutorials_lib.files import write_json
from tutorials_lib.judge.record import evaluation_digest
from tutorials_lib.vision.style_transfer import in_jax, problem
from tutorials_lib.vision.style_transfer.problem import Config, Pair, Picture

FOLDER = Path("book/_data/pictures")
"""Where pictures are committed, in a checkout."""

PICTURE = FOLDER / "style_transfer.jpg"
RECORD = FOLDER / "style_transfer.json"

CONFIG = dataclasses.replace(
    problem.PAGE, source="real", size=256, num_steps=200, style_weight=10.0
)
USED = (
    *("content_square", "size", "style_weight", "smoothness"),
    *("noise", "num_steps", "learning_rate"),
)
"""The settings that count here; the others describe random filters."""

SEED = 0
QUALITY = 88
LARGEST = 150_000
"""Bytes that the picture may have."""


def load() -> Pair:
    """The photograph of the page's offline preset, and the published painting.

    Raises:
        DatasetError: the painting cannot be had.
    """
    content = photos.load_photo(CONFIG.content, size=CONFIG.size, crop=CONFIG.content_square)
    painting = style_pair.STYLE  # in the place of the photograph, too, which may not be shown
    return Pair(content, style_pair.load_style_pair(size=CONFIG.size, content=painting).style)


def paint(pair: Pair, config: Config, *, seed: int) -> Picture:
    """The photograph in the style of the painting, as the trained network sees both."""
    params = problem.load_params(config)
    targets = in_jax.make_targets(params, *pair, config=config)
    state = in_jax.start(jnp.asarray(problem.first_picture(pair.content, config, seed=seed)))
    step = jax.jit(in_jax.step, static_argnames="config")
    for _ in range(config.num_steps):
        state, _ = step(params, state, targets, np.float32(config.style_weight), config=config)
    return np.asarray(state.picture).clip(0, 1)


def side_by_side(pictures: list[Picture]) -> Image.Image:
    """The pictures in a row, a white gap between two."""
    gap = np.ones((len(pictures[0]), 8, 3), np.float32)
    row = [part for picture in pictures for part in (picture, gap)][:-1]
    return Image.fromarray((np.concatenate(row, 1) * 255).round().astype(np.uint8))


def describe(files: dict[str, download.RemoteFile]) -> dict[str, Any]:
    """What the committed picture was made of."""
    return {
        "sha256": hashlib.sha256(PICTURE.read_bytes()).hexdigest(),
        "seed": SEED,
        "settings": {name: getattr(CONFIG, name) for name in USED},
        "code_digest": evaluation_digest("style_transfer"),
        "photograph": {"name": CONFIG.content, "licence": photos.PHOTOS[CONFIG.content].licence},
        "files": [
            {"name": file.name, "sha256": file.sha256, "licence": file.licence}
            for _, file in sorted(files.items())
        ],
    }


def main() -> None:
    """Paint, and write picture and record into the checkout in which it is called.

    Raises:
        SystemExit: the command was not called in a checkout.
    """
    if not FOLDER.parent.is_dir():
        raise SystemExit(f"{FOLDER.parent} is not here; call this in the root of a checkout")
    with download.watch() as files:
        pair = load()
        painted = paint(pair, CONFIG, seed=SEED)
    FOLDER.mkdir(exist_ok=True)
    side_by_side([*pair, painted]).save(PICTURE, quality=QUALITY, optimize=True)
    size = PICTURE.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{PICTURE} has {size:,} bytes; {LARGEST:,} are allowed: lower QUALITY")
    write_json(RECORD, describe(files))


if __name__ == "__main__":
    main()
