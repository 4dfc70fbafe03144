"""What the page times beside its comparison: CTC alone, and the rest of a step."""

from functools import partial
from typing import Any

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.layers.ctc import in_jax as ctc_in_jax
from tutorials_lib.layers.ctc import in_numpy as ctc_in_numpy
from tutorials_lib.sequences.deep_speech import comparison, in_jax, in_numpy
from tutorials_lib.sequences.deep_speech.problem import Config

STEPS = (
    "compiling one program, which computes padding too",
    "taking Optax's CTC",
)
"""From bar to bar of the waterfall."""

WHOLE = "loss and gradients"
FULL = "loss and gradients, all utterances of full length"
OWN = "CTC alone, in JAX our own"
OPTAX = "CTC alone, in JAX Optax's"


def _ctc_in_numpy(logits: Any, labels: Any, lengths: Any) -> Any:
    losses, vjp = ctc_in_numpy.ctc_loss(logits, labels, lengths)
    return losses.sum(), vjp(np.ones_like(losses))


def works(config: Config) -> dict[str, Times]:
    """Seconds of loss and gradients of a batch, and of CTC with its gradient alone."""
    inputs = comparison.make_inputs(config)
    batch = inputs.batch
    longest = np.full_like(batch.lengths, batch.lengths.max())
    times = {}
    for name, read in ((WHOLE, batch), (FULL, batch._replace(lengths=longest))):
        ours, theirs = (partial(twin.loss_and_grads, config=config) for twin in (in_numpy, in_jax))
        times[name] = time_both(ours, jax.jit(theirs), inputs.params, read)
    logits = in_numpy.predict(inputs.params, batch.features, batch.lengths, config)
    for name, ctc in ((OWN, ctc_in_jax.ctc_loss), (OPTAX, in_jax.ctc_by_optax)):
        theirs = jax.jit(jax.value_and_grad(lambda *each, ctc=ctc: ctc(*each).sum()))
        times[name] = time_both(_ctc_in_numpy, theirs, logits, batch.labels, batch.lengths)
    return times


def explain(record: Record, times: dict[str, Times], lengths: np.ndarray) -> str:
    """The reason by the bars, what padding costs in both libraries, and what CTC takes.

    `lengths` are those of what is trained on; the share of padding is counted.
    """
    empty = 1 - float(lengths.mean() / lengths.max())
    padding = [
        format_ratio(full / whole) for full, whole in zip(times[FULL], times[WHOLE], strict=True)
    ]
    share = [ctc / whole for ctc, whole in zip(times[OPTAX], times[WHOLE], strict=True)]
    return (
        f"{lead_reason(record, STEPS)} Of all frames of training, padded to the longest utterance, "
        f"{empty:.0%} are padding. Were they speech, NumPy would take {padding[0]} the time, and "
        f"JAX {padding[1]}. CTC is {share[0]:.0%} of the loss and gradients in NumPy and "
        f"{share[1]:.0%} in JAX."
    )
