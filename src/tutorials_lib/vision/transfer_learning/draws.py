"""What is drawn at random: labelled pictures, copies of them, and batches (NumPy only)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32
from scipy.ndimage import map_coordinates

from tutorials_lib.vision.transfer_learning.problem import Config, Labelled, first_of_each_class


class Lesson(NamedTuple):
    """What every technique learns from: some labelled pictures.

    Attributes:
        examples: the pictures.
        copies: of each of them a few, the first of which is the picture itself.
        batches: places of copies, a row for each step; a strategy takes the first ones.
    """

    examples: Labelled
    copies: Labelled
    batches: Int32[np.ndarray, "steps batch"]


def draw_lesson(pool: Labelled, per_class: int, config: Config, *, seed: int, draw: int) -> Lesson:
    """As many pictures of each class; those of a smaller number are among them."""
    rng = np.random.default_rng([seed, 1, draw])
    order = rng.permutation(len(pool.labels))
    chosen = order[first_of_each_class(Labelled(pool.images, pool.labels[order]), per_class)]
    examples = Labelled(pool.images[chosen], pool.labels[chosen])
    copies = copies_of(examples, config.num_copies, mirrored=config.source == "real", rng=rng)
    num_steps = max(config.num_tuning_steps, config.num_scratch_steps)
    batches = draw_batches(len(copies.labels), num_steps, config, rng=rng)
    return Lesson(examples, copies, batches)


def draw_batches(
    num_pictures: int, num_steps: int, config: Config, *, rng: np.random.Generator
) -> Int32[np.ndarray, "steps batch"]:
    """Places of pictures for each step of a fine-tuning, drawn one by one."""
    size = num_steps, config.tuning_batch_size
    return rng.integers(num_pictures, size=size, dtype=np.int32)


def draw_epoch(
    num_pictures: int, config: Config, *, rng: np.random.Generator
) -> Int32[np.ndarray, "steps batch"]:
    """Places of pictures for each step of an epoch of pretraining, each at most once."""
    size = config.steps_per_epoch, config.batch_size
    return rng.permutation(num_pictures)[: size[0] * size[1]].reshape(size).astype(np.int32)


def copies_of(
    data: Labelled, num_copies: int, *, mirrored: bool, rng: np.random.Generator
) -> Labelled:
    """Every picture, and `num_copies - 1` more of it, turned, slanted, scaled and moved a little.

    With `mirrored`, half of the further ones are mirrored, too.
    """
    which = np.arange(len(data.labels)).repeat(num_copies)
    first = np.arange(len(which)) % num_copies == 0
    spread = np.where(first, 0, 1)[:, None]
    count, height, width = len(which), *data.images.shape[1:3]
    turn, slant = (0.12 * spread * rng.standard_normal((count, 2))).T
    scale = np.exp(0.08 * spread * rng.standard_normal((count, 2)))
    moves = 0.05 * height * spread * rng.standard_normal((count, 2))
    if mirrored:
        scale[:, 1] *= np.where(~first & (rng.random(count) < 0.5), -1, 1)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned[:, 0] += slant * turned[:, 1]
    middle = np.array([height - 1, width - 1]) / 2
    places = np.indices((height, width)) - middle[:, None, None]
    seen = np.einsum("abn,nb,bij->anij", turned, scale, places)
    seen += (moves + middle).T[..., None, None]
    picture = np.broadcast_to(which[:, None, None], seen.shape[1:])
    channels = [
        map_coordinates(channel, [picture, *seen], order=1, output=np.float32, mode="constant")
        for channel in np.moveaxis(data.images, -1, 0)
    ]
    return Labelled(np.stack(channels, axis=-1), data.labels[which])
