r"""A gated recurrent unit that attends to what it translates, and the way back, in NumPy.

All that does not wait for the word before is computed for all words at once, outside of the loop:
the drive of the words, the keys, and on the way back every gradient that no earlier step needs.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

Drive = Float[np.ndarray, "target_time batch gates"]
States = Float[np.ndarray, "target_time batch hidden"]
SourceStates = Float[np.ndarray, "source_time batch hidden"]
Weights = Float[np.ndarray, "target_time source_time batch"]


class Kernels(NamedTuple):
    """The weights of the decoder, as the network names them.

    Attributes:
        recurrent: from the state to reset gate, update gate and candidate.
        context: from the context to the same three.
        query: from the state to what is compared with the keys.
        score: from the tanh of query and key to the score of a word.
    """

    recurrent: Float[np.ndarray, "hidden gates"]
    context: Float[np.ndarray, "hidden gates"]
    query: Float[np.ndarray, "hidden hidden"]
    score: Float[np.ndarray, "hidden 1"]


class Written(NamedTuple):
    """What the decoder does at every word: its new state, what it saw, and how it weighed that."""

    states: States
    contexts: States
    weights: Weights


class Gradients(NamedTuple):
    """Those of all that `attentive_gru` takes."""

    drive: Drive
    initial: Float[np.ndarray, "batch hidden"]
    memory: SourceStates
    keys: SourceStates
    kernels: Kernels


def attentive_gru(
    drive: Drive,
    initial: Float[np.ndarray, "batch hidden"],
    memory: SourceStates,
    keys: SourceStates,
    mask: Bool[np.ndarray, "source_time batch"],
    kernels: Kernels,
) -> tuple[Written, Callable[[States, States], Gradients]]:
    r"""Write word by word; before each, look at the source (Bahdanau et al. 2015, appendix A.1.2).

    With the state $s$, word $j$ of the source gets the weight
    $a_j = \mathrm{softmax}_j(v^\top \tanh(k_j + s U_q))$, the context is $c = \sum_j a_j m_j$, and
    the next state is that of `tutorials_lib.layers.recurrent.in_numpy.gru` for the drive
    $d + c W_c$.

    Args:
        drive: $d$, what the word before contributes.
        initial: the first state.
        memory: $m_j$, the states of the encoder.
        keys: $k_j$, of the same words.
        mask: True at words; what is False gets the weight zero.
        kernels: the weights.

    Returns:
        What is done at every word, and the function that takes the gradients of states and
        contexts to those of the arguments.
    """
    steps, batch, _ = drive.shape
    hidden = len(kernels.recurrent)
    both, last, query = slice(2 * hidden), slice(2 * hidden, 3 * hidden), slice(3 * hidden, None)
    kernel = np.concatenate([kernels.recurrent, kernels.query], axis=1)  # one product a step
    by_sentence = np.ascontiguousarray(memory.transpose(1, 0, 2))
    never = np.where(mask, 0, -np.inf).astype(drive.dtype)

    states = np.empty((steps + 1, batch, hidden), drive.dtype)
    states[0] = initial
    products = np.empty((steps, batch, 4 * hidden), drive.dtype)
    compared = np.empty((steps, *keys.shape), drive.dtype)
    weights = np.empty((steps, *mask.shape), drive.dtype)
    contexts = np.empty_like(states[1:])
    gates = np.empty((steps, batch, 2 * hidden), drive.dtype)
    candidates = np.empty_like(contexts)
    reset, update = gates[..., :hidden], gates[..., hidden:]
    for t, (before, after) in enumerate(pairwise(states)):
        product = np.matmul(before, kernel, out=products[t])
        np.add(keys, product[:, query], out=compared[t])
        np.tanh(compared[t], out=compared[t])
        scores = (compared[t].reshape(-1, hidden) @ kernels.score).reshape(mask.shape)
        scores += never
        scores -= scores.max(0)
        np.exp(scores, out=weights[t])
        weights[t] /= weights[t].sum(0)
        np.matmul(weights[t].T[:, None], by_sentence, out=contexts[t][:, None])
        pushed = contexts[t] @ kernels.context
        pushed += drive[t]
        np.add(pushed[:, both], product[:, both], out=gates[t])
        _sigmoid(gates[t])
        candidate = np.multiply(reset[t], product[:, last], out=candidates[t])
        candidate += pushed[:, last]
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=after)  # s' = n + z (s - n)
        after *= update[t]
        after += candidate

    def vjp(dstates: States, dcontexts: States) -> Gradients:
        by_candidate = (1 - update) * (1 - candidates**2)
        by_update = (states[:-1] - candidates) * update * (1 - update)
        by_reset = products[..., last] * reset * (1 - reset)
        backward_kernel = np.ascontiguousarray(kernel.T)
        backward_context = np.ascontiguousarray(kernels.context.T)
        score = kernels.score[:, 0]
        ddrive, dproducts = np.empty_like(drive), np.empty_like(products)
        dcontexts, dscores = dcontexts.copy(), np.empty_like(weights)
        dkeys, dscore = np.zeros_like(keys), np.zeros_like(score)
        dstate = np.zeros_like(initial)
        for t in reversed(range(steps)):
            dstate += dstates[t]
            dcandidate = np.multiply(dstate, by_candidate[t], out=ddrive[t, :, last])
            np.multiply(dcandidate, by_reset[t], out=ddrive[t, :, :hidden])
            np.multiply(dstate, by_update[t], out=ddrive[t, :, hidden : 2 * hidden])
            dcontexts[t] += ddrive[t] @ backward_context
            dweights = np.matmul(by_sentence, dcontexts[t][:, :, None])[..., 0].T
            dweights -= (weights[t] * dweights).sum(0)
            np.multiply(weights[t], dweights, out=dscores[t])
            dscore += dscores[t].ravel() @ compared[t].reshape(-1, hidden)
            # The slope of tanh is 1 - y^2; the gradients of all scores add up to zero, and so
            # does what the 1 would bring to the query. Keys get it behind the loop.
            square = np.square(compared[t], out=compared[t])
            square *= dscores[t][..., None]
            dkeys -= square
            dproducts[t, :, both] = ddrive[t, :, both]
            np.multiply(dcandidate, reset[t], out=dproducts[t, :, last])
            np.multiply(square.sum(0), -score, out=dproducts[t, :, query])
            dstate *= update[t]
            dstate += dproducts[t] @ backward_kernel
        dkeys += dscores.sum(0)[..., None]
        dkeys *= score
        # a[t, s, b] and dc[t, b, h] -> dm[b, s, h]
        dmemory = weights.transpose(2, 1, 0) @ dcontexts.transpose(1, 0, 2)
        dkernel = _kernel_gradient(states[:-1], dproducts)
        dkernels = Kernels(
            dkernel[:, : 3 * hidden],
            _kernel_gradient(contexts, ddrive),
            dkernel[:, query],
            dscore[:, None],
        )
        return Gradients(ddrive, dstate, dmemory.transpose(1, 0, 2), dkeys, dkernels)

    return Written(states[1:], contexts, weights), vjp


def _sigmoid(x: np.ndarray) -> None:
    """The logistic function in place, as a hyperbolic tangent, which cannot overflow."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def _kernel_gradient(
    inputs: Float[np.ndarray, "steps batch inputs"],
    doutputs: Float[np.ndarray, "steps batch gates"],
) -> Float[np.ndarray, "inputs gates"]:
    """The sum over all steps and rows, as one product."""
    return inputs.reshape(-1, inputs.shape[-1]).T @ doutputs.reshape(-1, doutputs.shape[-1])
