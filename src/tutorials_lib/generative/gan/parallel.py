"""Data-parallel training of both networks; the compiler splits the step that exists already.

The discriminator looks at the spread of the whole batch, so the devices have to talk in the middle
of a step too. Where only the inputs say how they are spread, XLA finds out what must be added up.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from tutorials_lib import data_parallel
from tutorials_lib.generative.gan import in_jax, problem
from tutorials_lib.generative.gan.problem import TINY


def compare(num_steps: int) -> dict[str, Any]:
    """Train on one device and on all of them, in 64 bits."""
    config = dataclasses.replace(TINY, num_steps=num_steps, steps_per_report=1)
    train = problem.load(config).train
    draws = problem.draw(len(train.labels), config, seed=0)
    rates = problem.learning_rates(config).astype(np.float64)

    def step(state: in_jax.State, images: Any, labels: Any, latents: Any) -> tuple[Any, Any]:
        return in_jax.train_step(state, images, labels, latents, jnp.asarray(rates), config)

    batches = [
        (train.images[batch].astype(np.float64), train.labels[batch], latents.astype(np.float64))
        for batch, latents in zip(*draws, strict=True)
    ]
    with jax.enable_x64(True):
        created = in_jax.create(config, jax.random.key(0))
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), created)
        state = in_jax.start(params, config)
        specs = P("batch"), P("batch"), P(None, "batch")
        return data_parallel.compare(step, step, state, batches, *specs)
