"""What new faces cost in each library, measured beside the comparison of training steps."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tutorials_lib.benchmark import median_seconds, median_seconds_at_best
from tutorials_lib.benchmark.lookup import claim_of
from tutorials_lib.benchmark.record import Ratio
from tutorials_lib.benchmark.report import place_in_claim
from tutorials_lib.benchmark.tables import MarkdownRows, format_ratio, format_seconds
from tutorials_lib.generative.vae import in_jax, in_numpy
from tutorials_lib.generative.vae.problem import Config


def sampling_table(counts: Sequence[int], config: Config) -> MarkdownRows:
    """`sampling_seconds` for so many faces, with the ratio beside the claim.

    The ratios are of one process, so they come without an interval.
    """
    rows, claim = [], claim_of("vae")
    for num_faces in counts:
        ours, theirs = sampling_seconds(num_faces, config)
        center = ours / theirs
        place = place_in_claim(Ratio(center=center, low=center, high=center, processes=1), claim)
        seconds = format_seconds(ours), format_seconds(theirs)
        rows.append([f"{num_faces:,}", *seconds, format_ratio(center), place])
    header = ["New faces", "NumPy", "JAX", "NumPy ÷ JAX", "verdict on sampling"]
    return MarkdownRows(header, rows, of_words=(0, 4))


def sampling_seconds(num_faces: int, config: Config) -> tuple[float, float]:
    """Median seconds of NumPy and of JAX for new faces: draw latents and decode them.

    The parameters are fresh ones, and NumPy has its best number of threads.
    """
    create_key, draw_key = jax.random.split(jax.random.key(0))
    params = jax.tree.map(np.asarray, in_jax.create(config, create_key))
    rng = np.random.default_rng(0)
    shape = num_faces, config.num_latents

    def sample_in_numpy() -> np.ndarray:
        return in_numpy.sample(params, rng.standard_normal(shape, np.float32), config)

    @jax.jit
    def sample_in_jax(params: in_jax.Params, key: PRNGKeyArray) -> Float[Array, "faces pixels"]:
        return in_jax.sample(params, jax.random.normal(key, shape), config)

    inputs = jax.device_put(params), draw_key
    in_jax_seconds = median_seconds(sample_in_jax, *inputs, repeats=25)  # before BLAS has threads
    return median_seconds_at_best(sample_in_numpy, repeats=25), in_jax_seconds
