r"""Long short-term memory in NumPy, with back-propagation through time by hand.

`state, vjp = lstm(x, kernel, recurrent_kernel, bias)` reads a sequence, and `vjp` takes the
gradient with respect to the last state back through time. Time comes first. Between time and batch
there may be further axes, such as one for several networks, each with parameters of its own.

Inside, the batch comes last, so that each gate is one block of memory, and the inputs and a one
are rows below the state: a single product a step then gives $x_t W + h_{t-1} U + b$.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Inputs = Float[np.ndarray, "time *networks batch features"]
State = Float[np.ndarray, "*networks batch hidden"]
Kernel = Float[np.ndarray, "*networks features gates"]
RecurrentKernel = Float[np.ndarray, "*networks hidden gates"]
Bias = Float[np.ndarray, "*networks gates"]
Vjp = Callable[[State], tuple[Inputs, Kernel, RecurrentKernel, Bias]]


def lstm(
    x: Inputs, kernel: Kernel, recurrent_kernel: RecurrentKernel, bias: Bias
) -> tuple[State, Vjp]:
    r"""What is remembered at the end (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    $i, f, o = \sigma(\cdot)$ and $g = \tanh(\cdot)$ of their quarters of $x_t W + h_{t-1} U + b$,
    $c_t = f \odot c_{t-1} + i \odot g$ and $h_t = o \odot \tanh c_t$, from $h_0 = c_0 = 0$.

    Args:
        x: the inputs $x_t$.
        kernel: $W$, its columns those of $i$, $f$, $o$ and $g$.
        recurrent_kernel: $U$, likewise.
        bias: $b$, likewise.

    Returns:
        $h_T$, and the function that takes its gradient to those of the arguments.
    """
    steps, *networks, batch, features = x.shape
    hidden, num_gates = recurrent_kernel.shape[-2:]
    rows = hidden + features
    sigmoids = 3 * hidden
    weights = np.concatenate([recurrent_kernel, kernel, bias[..., None, :]], axis=-2)
    forward = np.ascontiguousarray(np.swapaxes(weights, -1, -2))
    forward[..., :sigmoids, :] *= 0.5  # σ(z) = tanh(z / 2) / 2 + 1/2: one tanh serves all gates

    seen = np.empty((steps + 1, *networks, rows + 1, batch), x.dtype)
    seen[0, ..., :hidden, :] = 0
    seen[:-1, ..., hidden:rows, :] = np.swapaxes(x, -1, -2)
    seen[..., rows, :] = 1
    gates = np.empty((steps, *networks, num_gates, batch), x.dtype)
    cells = np.zeros((steps + 1, *networks, hidden, batch), x.dtype)
    squashed = np.empty((steps, *networks, hidden, batch), x.dtype)
    for t in range(steps):
        np.matmul(forward, seen[t], out=gates[t])
        np.tanh(gates[t], out=gates[t])
        open_ = gates[t, ..., :sigmoids, :]
        open_ *= 0.5
        open_ += 0.5
        let_in, forget, output, candidate = _quarters(gates[t])
        cell = np.multiply(forget, cells[t], out=cells[t + 1])
        cell += np.multiply(let_in, candidate, out=squashed[t])
        np.tanh(cell, out=squashed[t])
        np.multiply(output, squashed[t], out=seen[t + 1, ..., :hidden, :])

    def vjp(dstate: State) -> tuple[Inputs, Kernel, RecurrentKernel, Bias]:
        backward = np.ascontiguousarray(weights[..., :rows, :])
        dseen = np.zeros((*networks, rows, batch), x.dtype)
        dhidden = dseen[..., :hidden, :]
        dhidden[...] = np.swapaxes(dstate, -1, -2)
        dx = np.empty((steps, *networks, features, batch), x.dtype)
        dcell = np.zeros_like(cells[0])
        slope, dgates = np.empty_like(gates[0]), np.empty_like(gates[0])
        through = np.empty_like(dcell)
        dweights, of_step = np.zeros_like(forward), np.empty_like(forward)
        for t in reversed(range(steps)):
            let_in, _, output, candidate = _quarters(gates[t])
            np.multiply(squashed[t], squashed[t], out=through)
            np.subtract(1, through, out=through)
            through *= output
            through *= dhidden
            dcell += through
            dlet_in, dforget, doutput, dcandidate = _quarters(dgates)
            np.multiply(dcell, candidate, out=dlet_in)
            np.multiply(dcell, cells[t], out=dforget)
            np.multiply(dhidden, squashed[t], out=doutput)
            np.multiply(dcell, let_in, out=dcandidate)
            dgates *= _slope(gates[t], sigmoids, out=slope)
            dweights += np.matmul(dgates, np.swapaxes(seen[t], -1, -2), out=of_step)
            np.matmul(backward, dgates, out=dseen)
            dx[t] = dseen[..., hidden:, :]
            dcell *= gates[t, ..., hidden : 2 * hidden, :]
        drecurrent, dkernel, dbias = np.split(
            np.swapaxes(dweights, -1, -2), [hidden, rows], axis=-2
        )
        return np.swapaxes(dx, -1, -2), dkernel, drecurrent, dbias[..., 0, :]

    return np.swapaxes(seen[-1, ..., :hidden, :], -1, -2), vjp


def _quarters(gates: np.ndarray) -> list[np.ndarray]:
    """Views of the input, forget and output gates and of the candidates."""
    hidden = gates.shape[-2] // 4
    return [gates[..., k * hidden : (k + 1) * hidden, :] for k in range(4)]


def _slope(gates: np.ndarray, sigmoids: int, *, out: np.ndarray) -> np.ndarray:
    """The derivatives s(1 - s) of the sigmoids and 1 - g² of the candidates, from their values."""
    np.multiply(gates, gates, out=out)
    np.subtract(gates[..., :sigmoids, :], out[..., :sigmoids, :], out=out[..., :sigmoids, :])
    np.subtract(1, out[..., sigmoids:, :], out=out[..., sigmoids:, :])
    return out
