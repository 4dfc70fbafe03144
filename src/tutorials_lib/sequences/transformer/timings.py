"""What the page times beside its comparison: padding, matrix products alone, and the cache."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import TIE, Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.sequences.transformer import in_jax, in_numpy
from tutorials_lib.sequences.transformer.problem import Batch, Config
from tutorials_lib.text.parallel import END
from tutorials_lib.text.vocabulary import PADDING

STEPS = ("JAX's own calls instead of NumPy's", "compiling the whole step into one program")
"""From bar to bar of the waterfall."""

PADDED, FILLED = "gradients of a batch", "the same, a word at every place"
PRODUCTS = "matrix products of an encoder block alone"
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


def by_products(batch: Batch, config: Config) -> dict[str, Times]:
    """Seconds for the matrix products of one encoder block alone, forward and backward.

    Both libraries multiply the same random arrays, with the shapes of the batch and its padding.
    """
    return {PRODUCTS: time_both(products, jax.jit(products), factors_of(batch, config))}


def factors_of(batch: Batch, config: Config) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random factors of every matrix product of an encoder block, in the order of the block."""
    rng = np.random.default_rng(0)
    (sentences, time), width = batch.source.shape, config.width
    rows, heads = sentences * time, (sentences, config.num_heads)
    features = width // config.num_heads
    shapes = (
        ((rows, width), (width, 3 * width)),  # queries, keys and values
        ((*heads, time, features), (*heads, features, time)),  # scores
        ((*heads, time, time), (*heads, time, features)),  # means of the values
        ((rows, width), (width, width)),
        ((rows, width), (width, 4 * width)),
        ((rows, 4 * width), (4 * width, width)),
    )
    draw = partial(rng.standard_normal, dtype=np.float32)
    return [(draw(left), draw(right)) for left, right in shapes]


def products(factors: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Each product, and the two of its way back, with itself in place of its gradient."""
    found = []
    for x, kernel in factors:
        y = x @ kernel
        found += [y, y @ kernel.mT, x.mT @ y]
    return found


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
    """The reason by the bars and that of the document, padding, and what the cache saves."""
    padding = [float((ids == PADDING).mean()) for ids in (batch.source, batch.target[:, 1:])]
    filled, cache = (
        [format_ratio(b / a) for a, b in zip(times[one], times[other], strict=True)]
        for one, other in ((PADDED, FILLED), (CACHED, PLAIN))
    )
    return (
        f"{lead_reason(record, STEPS)}\n\n"
        f"{say_products(times[PRODUCTS], record.ratio.center)}\n\n"
        f"Of the places of a batch, {padding[0]:.0%} of the "
        f"English and {padding[1]:.0%} of the French ones are padding. With a word at each of "
        f"them, the gradients take NumPy {filled[0]} and JAX {filled[1]} as long: NumPy leaves "
        "padding out, and the compiled program, which has one shape for all batches, computes it "
        "and then hides it.\n\n"
        f"Without the cache, translating takes NumPy {cache[0]} and JAX {cache[1]} as long. NumPy "
        "then reads what has been written so far again for every word; JAX, by its fixed shapes, "
        "reads all places of the longest possible translation each time."
    )


def say_products(products: Times, step: float) -> str:
    """Whether matrix products alone are faster in JAX, as the source document says.

    `step` is NumPy's time for a training step over JAX's.
    """
    gain = products.numpy / products.jax
    if TIE[0] <= gain <= TIE[1]:
        told = "so the products are level, and the document's reason explains nothing here"
    elif gain < 1:
        told = "so JAX multiplies more slowly here, and the document's reason does not hold"
    elif step > TIE[1]:
        told = (
            "so the document's reason holds for the products; a whole step takes NumPy "
            f"{format_ratio(step)} as long"
        )
    else:
        told = "so the document's reason holds for the products, but it does not carry a whole step"
    return (
        "The document names matrix products. Alone, with the same shapes in both libraries, those "
        f"of an encoder block take NumPy {format_ratio(gain)} as long as JAX, {told}."
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
