"""What the page times beside its comparison: what padding costs, and what the cache saves."""

from collections.abc import Mapping
from functools import partial

import jax
import numpy as np
from jaxtyping import Int

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.sequences.transformer import in_jax, in_numpy
from tutorials_lib.sequences.transformer.problem import Batch, Config
from tutorials_lib.text.parallel import END
from tutorials_lib.text.vocabulary import PADDING

STEPS = ("JAX's own calls instead of NumPy's", "compiling the whole step into one program")
"""From bar to bar of the waterfall."""

PADDED, FILLED = "gradients of a batch", "the same, a word at every place"
CACHED, PLAIN = "16 translations with the cache", "the same without it"


def by_padding(params: in_jax.Params, batch: Batch, config: Config) -> dict[str, Times]:
    """Seconds for loss and gradients of a batch as it is, and with words instead of padding."""
    source, target = (np.where(ids == PADDING, END, ids) for ids in batch[:2])
    ours = partial(in_numpy.loss_and_grads, config=config)
    theirs = jax.jit(partial(in_jax.loss_and_grads, config=config))
    host = jax.tree.map(np.asarray, params)
    return {
        PADDED: time_both(ours, theirs, host, batch),
        FILLED: time_both(ours, theirs, host, Batch(source, target, batch.starts)),
    }


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
        for name, function in ((CACHED, "translate"), (PLAIN, "translate_without_cache"))
    }


def explain(record: Record, times: Mapping[str, Times], batch: Batch) -> str:
    """The reason by the bars, what padding costs each library, and what the cache saves."""
    padding = [float((ids == PADDING).mean()) for ids in (batch.source, batch.target[:, 1:])]
    filled, cache = (
        [format_ratio(b / a) for a, b in zip(times[one], times[other], strict=True)]
        for one, other in ((PADDED, FILLED), (CACHED, PLAIN))
    )
    return (
        f"{lead_reason(record, STEPS)}\n\nOf the places of a batch, {padding[0]:.0%} of the "
        f"English and {padding[1]:.0%} of the French ones are padding. With a word at each of "
        f"them, the gradients take NumPy {filled[0]} and JAX {filled[1]} as long: NumPy leaves "
        "padding out, and the compiled program, which has one shape for all batches, computes it "
        "and then hides it.\n\n"
        f"Without the cache, translating takes NumPy {cache[0]} and JAX {cache[1]} as long. NumPy "
        "then reads what has been written so far again for every word; JAX, by its fixed shapes, "
        "reads all places of the longest possible translation each time."
    )


def say_padding(times: Mapping[str, Times], batch: Batch) -> str:
    """A takeaway: the share of padding, and what leaving it out is worth to NumPy."""
    places = np.concatenate([batch.source.ravel(), batch.target[:, 1:].ravel()])
    gain = times[FILLED].numpy / times[PADDED].numpy
    return (
        "Work that need not be done is worth looking for before faster ways to do it: here "
        f"{float((places == PADDING).mean()):.0%} of all places are padding, and a batch without "
        f"any would take NumPy {format_ratio(gain)} as long."
    )
