r"""A gated recurrent unit that attends to what it translates, and the way back, in NumPy.

All that does not wait for the word before is computed for all words at once, outside of the loop:
the drive of the words, the keys, and on the way back every gradient that no earlier step needs.
Words are packed (`tutorials_lib.layers.recurrent.packed`), and so are the keys, sentence by
sentence: padding costs nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from tutorials_lib.layers.recurrent.packed import sigmoid, states_before, steps_of

Drive = Float[np.ndarray, "rows gates"]
States = Float[np.ndarray, "rows hidden"]
Initial = Float[np.ndarray, "batch hidden"]
SourceStates = Float[np.ndarray, "batch source_time hidden"]
Keys = Float[np.ndarray, "source_words hidden"]
Weights = Float[np.ndarray, "target_time batch source_time"]


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
    initial: Initial
    memory: SourceStates
    keys: Keys
    kernels: Kernels


def attentive_gru(
    drive: Drive,
    initial: Initial,
    memory: SourceStates,
    keys: Keys,
    mask: Bool[np.ndarray, "batch source_time"],
    kernels: Kernels,
    counts: Sequence[int],
) -> tuple[Written, Callable[[States, States], Gradients]]:
    r"""Write word by word; before each, look at the source (Bahdanau et al. 2015, appendix A.1.2).

    With the state $s$, word $j$ of the source gets the weight
    $a_j = \mathrm{softmax}_j(v^\top \tanh(k_j + s U_q))$, the context is $c = \sum_j a_j m_j$, and
    the next state is that of `tutorials_lib.layers.recurrent.packed.packed_gru` for the drive
    $d + c W_c$.

    Args:
        drive: $d$, what the word before contributes, packed.
        initial: the first states, of the longest translation first.
        memory: $m_j$, the states of the encoder.
        keys: $k_j$, where `mask` is True, sentence by sentence.
        mask: True at words; what is False has no weight.
        kernels: the weights.
        counts: how many sentences have each step.

    Returns:
        What is done at every word, and the function that takes the gradients of states and
        contexts to those of the arguments.
    """
    batch, hidden = initial.shape
    both, last, query = slice(2 * hidden), slice(2 * hidden, 3 * hidden), slice(3 * hidden, None)
    kernel = np.concatenate([kernels.recurrent, kernels.query], axis=1)  # one product a step
    lengths = mask.sum(1)
    stops = np.cumsum(lengths)  # of each sentence's keys

    states = np.concatenate([initial, np.empty((len(drive), hidden), drive.dtype)])
    blocks = steps_of([batch, *counts])  # of `states`, whose first one is `initial`
    products = np.empty((len(drive), 4 * hidden), drive.dtype)
    weights = np.zeros((len(counts), *mask.shape), drive.dtype)
    contexts = np.empty((len(drive), hidden), drive.dtype)
    gates = np.empty((len(drive), 2 * hidden), drive.dtype)
    candidates = np.empty_like(contexts)
    reset, update = gates[:, :hidden], gates[:, hidden:]
    comparisons = []
    for t, (count, now) in enumerate(zip(counts, steps_of(counts), strict=True)):
        before, after = states[blocks[t]][:count], states[blocks[t + 1]]
        product = np.matmul(before, kernel, out=products[now])
        compared = np.repeat(product[:, query], lengths[:count], axis=0)
        compared += keys[: len(compared)]
        np.tanh(compared, out=compared)
        comparisons.append(compared)
        scores = np.full((count, mask.shape[1]), -np.inf, drive.dtype)
        scores[mask[:count]] = (compared @ kernels.score)[:, 0]
        scores -= scores.max(1, keepdims=True)
        weight = np.exp(scores, out=weights[t, :count])
        weight /= weight.sum(1, keepdims=True)
        context = np.matmul(weight[:, None], memory[:count], out=contexts[now][:, None])[:, 0]
        pushed = context @ kernels.context
        pushed += drive[now]
        np.add(pushed[:, both], product[:, both], out=gates[now])
        sigmoid(gates[now])
        candidate = np.multiply(reset[now], product[:, last], out=candidates[now])
        candidate += pushed[:, last]
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=after)  # s' = n + z (s - n)
        after *= update[now]
        after += candidate

    def vjp(dstates: States, dcontexts: States) -> Gradients:
        before = states_before(states, batch, counts)
        by_candidate = (1 - update) * (1 - candidates**2)
        by_update = (before - candidates) * update * (1 - update)
        by_reset = products[:, last] * reset * (1 - reset)
        backward_kernel = np.ascontiguousarray(kernel.T)
        backward_context = np.ascontiguousarray(kernels.context.T)
        score = kernels.score[:, 0]
        ddrive, dproducts = np.empty_like(drive), np.empty_like(products)
        dseen = np.zeros((len(counts), *initial.shape), drive.dtype)  # of contexts, unpacked
        dkeys, dkey_scores = np.zeros_like(keys), np.zeros(len(keys), drive.dtype)
        dscore, dstate = np.zeros_like(score), np.zeros_like(initial)
        for t, now in reversed([*enumerate(steps_of(counts))]):
            count = counts[t]
            weight, compared, dnow = weights[t, :count], comparisons[t], dstate[:count]
            dnow += dstates[now]
            dcandidate = np.multiply(dnow, by_candidate[now], out=ddrive[now, last])
            np.multiply(dcandidate, by_reset[now], out=ddrive[now, :hidden])
            np.multiply(dnow, by_update[now], out=ddrive[now, hidden : 2 * hidden])
            dcontext = np.matmul(ddrive[now], backward_context, out=dseen[t, :count])
            dcontext += dcontexts[now]
            dweight = np.matmul(memory[:count], dcontext[:, :, None])[..., 0]
            dweight -= np.vecdot(weight, dweight)[:, None]
            dweight *= weight
            dscores = dweight[mask[:count]]
            dscore += dscores @ compared
            # The slope of tanh is 1 - y^2; the gradients of all scores of a sentence add up to
            # zero, and so does what the 1 would bring to its query. Keys get it behind the loop.
            square = np.square(compared, out=compared)
            square *= dscores[:, None]
            dkeys[: len(square)] -= square
            dkey_scores[: len(square)] += dscores
            dquery = np.add.reduceat(square, stops[:count] - lengths[:count], axis=0)
            np.multiply(dquery, -score, out=dproducts[now, query])
            dproducts[now, both] = ddrive[now, both]
            np.multiply(dcandidate, reset[now], out=dproducts[now, last])
            dnow *= update[now]
            dnow += dproducts[now] @ backward_kernel
        dkeys += dkey_scores[:, None]
        dkeys *= score
        # a[t, b, s] and dc[t, b, h] -> dm[b, s, h]
        dmemory = weights.transpose(1, 2, 0) @ dseen.transpose(1, 0, 2)
        dkernel = before.T @ dproducts
        dkernels = Kernels(
            dkernel[:, : 3 * hidden], contexts.T @ ddrive, dkernel[:, query], dscore[:, None]
        )
        return Gradients(ddrive, dstate, dmemory, dkeys, dkernels)

    return Written(states[batch:], contexts, weights), vjp
