"""What the page times beside its comparison: translating with the cache and without."""

from functools import partial

import jax
import numpy as np
from jaxtyping import Int

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.sequences.transformer import in_jax, in_numpy
from tutorials_lib.sequences.transformer.problem import Batch, Config
from tutorials_lib.text.vocabulary import PADDING

STEPS = ("compiling the whole step into one program",)
"""From bar to bar of the waterfall."""


def by_cache(
    params: in_jax.Params, source: Int[np.ndarray, "batch time"], config: Config
) -> dict[str, Times]:
    """Seconds to translate the sentences, the most probable word each time."""
    host = jax.tree.map(np.asarray, params)
    return {
        name: time_both(
            partial(getattr(in_numpy, function), config=config),
            jax.jit(partial(getattr(in_jax, function), config=config)),
            host,
            source,
        )
        for name, function in (
            ("with the cache", "translate"),
            ("without", "translate_without_cache"),
        )
    }


def explain(record: Record, times: dict[str, Times], batch: Batch) -> str:
    """The reason by the bars, how much of a batch is padding, and what the cache gains."""
    padding = [float((ids == PADDING).mean()) for ids in (batch.source, batch.target[:, 1:])]
    cached, plain = times.values()
    gains = " and ".join(
        f"{format_ratio(b / a)} in {name}"
        for name, a, b in (("NumPy", cached.numpy, plain.numpy), ("JAX", cached.jax, plain.jax))
    )
    return (
        f"{lead_reason(record, STEPS)} Of the places of a batch {padding[0]:.0%} of the English "
        f"and {padding[1]:.0%} of the French ones are padding. NumPy leaves them out; the compiled "
        "program has one shape for all batches and computes them, too. "
        f"Without the cache, translating takes {gains} of the time with it."
    )
