"""Fill in the missing parts of an image, in NumPy: the same functions, gradients by hand."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from tutorials_lib.generative.inpainting import problem
from tutorials_lib.generative.inpainting.problem import GAIN, OUTSIDE, Batch, Config, Coords, Space
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update

Params = dict[Any, Any]
"""`{"inlet", "blocks": {i: {"first", "second"}}, "outlet"}`, each layer `{"kernel", "bias"}`."""

Hidden = Float[np.ndarray, "batch hidden"]
Cells = Float[np.ndarray, "batch cells"]
Times = Float[np.ndarray, " batch"]


# ---------------------------------------------------------------- the network


def look(params: Params, guess: Coords, cells: Cells) -> Hidden:
    """What the network makes of the guess and the hole, which is the same for all times."""
    return linear(np.concatenate([guess, cells], axis=1), **params["seen"])[0]


def network(
    params: Params, moved: Coords, times: Times, looked: Hidden
) -> tuple[Coords, Callable[[Coords], tuple[Hidden, Params]]]:
    """What is to be added to the guess, and the way back to `looked` and to the parameters."""
    ticks = clock(times)
    moved = times[:, None] * moved
    x = moved @ params["moved"]["kernel"]
    x += ticks @ params["clock"]["kernel"]
    x += looked
    backs = []
    for layers in params["blocks"].values():
        x, back = block(layers, x)
        backs.append(back)
    last = np.maximum(x, 0)
    y, outlet_vjp = linear(last, **params["outlet"])
    y *= GAIN

    def vjp(dy: Coords) -> tuple[Hidden, Params]:
        dx, doutlet = outlet_vjp(GAIN * dy)
        grads = {"outlet": doutlet, "blocks": {}}
        dx *= last > 0
        for i, back in reversed(list(enumerate(backs))):
            dx, grads["blocks"][i] = back(dx)
        grads["moved"], grads["clock"] = {"kernel": moved.T @ dx}, {"kernel": ticks.T @ dx}
        return dx, grads

    return y, vjp


def block(params: Params, x: Hidden) -> tuple[Hidden, Callable[[Hidden], tuple[Hidden, Params]]]:
    """Two layers whose answer is added to what came in."""
    cut = np.maximum(x, 0)
    inner, first_vjp = linear(cut, **params["first"])
    np.maximum(inner, 0, out=inner)
    y, second_vjp = linear(inner, **params["second"])
    y += x

    def vjp(dy: Hidden) -> tuple[Hidden, Params]:
        dinner, dsecond = second_vjp(dy)
        dinner *= inner > 0
        dx, dfirst = first_vjp(dinner)
        dx *= cut > 0
        dx += dy
        return dx, {"first": dfirst, "second": dsecond}

    return y, vjp


def clock(times: Times) -> Float[np.ndarray, "batch 4"]:
    """The time as places on two circles, which a network can tell apart well."""
    angles = times[:, None] * np.array([np.pi / 2, np.pi], times.dtype)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def expect(
    params: Params,
    moved: Coords,
    times: Times,
    guess: Coords,
    cells: Cells,
    space: Space,
    config: Config,
) -> Coords:
    """The coordinates of the picture that is expected, from where they have `moved` by now."""
    looked = look(params, guess / space.scales, cells)
    return guess + network(params, moved / space.scales, times, looked)[0]


# ---------------------------------------------------------------- the loss


def loss_and_grads(
    params: Params,
    batch: Batch,
    holes: Bool[np.ndarray, "masks pixels"],
    space: Space,
    config: Config,
) -> tuple[np.floating, Params]:
    r"""The squared error $\| w \odot U^T (\hat c - c) \|^2$ in pixels, and its gradient.

    A pixel of the hole has the weight 1 in its mean, one outside it `OUTSIDE`; and a picture
    counts $1 + 2 t$, since late errors are small and decide what a fill looks like.
    """
    times = batch.times[:, None]
    moved = (1 - times) * batch.start + times * batch.truth
    missing = holes[batch.which]
    shares = problem.cells(holes)[batch.which].astype(moved.dtype)
    seen = np.concatenate([batch.guess / space.scales, shares], axis=1)
    looked, seen_vjp = linear(seen, **params["seen"])
    found, vjp = network(params, moved / space.scales, batch.times, looked)
    found += batch.guess
    errors = (found - batch.truth) @ space.directions
    inside = (1 + 2 * times) / missing.sum(1, keepdims=True).astype(errors.dtype)
    weighted = np.where(missing, inside, OUTSIDE * inside)
    weighted *= errors
    value = np.vdot(weighted, errors) / len(moved)
    weighted *= 2 / len(moved)
    dlooked, grads = vjp(weighted @ space.directions.T)
    _, grads["seen"] = seen_vjp(dlooked)
    return value, grads


# ---------------------------------------------------------------- training


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params))


def train_step(
    state: State,
    batch: Batch,
    holes: Bool[np.ndarray, "masks pixels"],
    space: Space,
    rates: Float[np.ndarray, " counts"],
    config: Config,
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    value, grads = loss_and_grads(state.params, batch, holes, space, config)
    rate = rates[min(int(state.opt_state.steps), len(rates) - 1)]
    return State(*adam_update(state.params, grads, state.opt_state, learning_rate=rate)), value


def train_steps(
    state: State,
    batches: Batch,
    holes: Bool[np.ndarray, "masks pixels"],
    space: Space,
    rates: Float[np.ndarray, " counts"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the losses before each."""
    values = np.empty(len(batches.times), batches.guess.dtype)
    for step in range(len(values)):
        batch = Batch(*(each[step] for each in batches))
        state, values[step] = train_step(state, batch, holes, space, rates, config)
    return state, values


# ---------------------------------------------------------------- filling


def predict(params: Params, guess: Coords, cells: Cells, space: Space, config: Config) -> Coords:
    """The mean of all fills: what is expected at time 0, when nothing is known but what is seen."""
    times = np.zeros(len(guess), guess.dtype)
    return expect(params, np.zeros_like(guess), times, guess, cells, space, config)


def flow(
    params: Params, start: Coords, guess: Coords, cells: Cells, space: Space, config: Config
) -> Float[np.ndarray, "times batch coords"]:
    """The coordinates on the way from a picture drawn by chance to a fill, by Euler's steps."""
    count = config.num_flow_steps
    looked = look(params, guess / space.scales, cells)
    path = np.empty((count + 1, *start.shape), start.dtype)
    path[0] = start
    for i in range(count):
        times = np.full(len(start), i / count, start.dtype)
        expected = guess + network(params, path[i] / space.scales, times, looked)[0]
        path[i + 1] = path[i] + (expected - path[i]) / (count - i)
    return path


def sample(
    params: Params,
    starts: Float[np.ndarray, "samples batch coords"],
    guess: Coords,
    cells: Cells,
    space: Space,
    config: Config,
) -> Float[np.ndarray, "samples batch coords"]:
    """Fills of every hole, one for each start: the ends of their paths, all as one batch."""
    count, samples = config.num_flow_steps, len(starts)
    looked = look(params, guess / space.scales, cells)
    clocks = clock(np.arange(count, dtype=guess.dtype) / count) @ params["clock"]["kernel"]
    inlet = params["moved"]["kernel"] / space.scales[:, None]
    outlet = {name: GAIN * each for name, each in params["outlet"].items()}
    moved = starts.reshape(-1, guess.shape[1]).copy()
    for i in range(count):
        x = moved @ inlet
        x *= i / count
        by_hole = x.reshape(samples, *looked.shape)
        by_hole += looked + clocks[i]
        for layers in params["blocks"].values():
            x = _add_block(layers, x)
        np.maximum(x, 0, out=x)
        expected = x @ outlet["kernel"]
        expected.reshape(starts.shape)[...] += guess + outlet["bias"]
        expected -= moved
        expected /= count - i
        moved += expected
    return moved.reshape(starts.shape)


def _add_block(params: Params, x: Hidden) -> Hidden:
    """`block` in place, without what the way back needs."""
    inner = np.maximum(x, 0) @ params["first"]["kernel"]
    inner += params["first"]["bias"]
    np.maximum(inner, 0, out=inner)
    x += inner @ params["second"]["kernel"]
    x += params["second"]["bias"]
    return x
