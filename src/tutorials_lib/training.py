"""Training in rounds: the one place that scans over rounds of steps and looks on in between.

A *round* is a number of training steps, such as an *epoch*, which takes every example once. After
each, held-back examples are looked at, for the learning curve. All of it is one compiled program.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Array, Int, Key, PRNGKeyArray

State = TypeVar("State")
Look = TypeVar("Look")

Tree = Any
"""Nested containers of arrays, or one array."""


def scan_rounds(
    step: Callable[[State, Any], tuple[State, Any]],
    look: Callable[[State, Any, Any], Look],
    state: State,
    rounds: Tree,
    batches: Callable[[Any], Tree] = lambda one_round: one_round,
) -> tuple[State, Look]:
    """Train round by round, and look on after each: a scan over rounds of a scan over steps.

    Args:
        step: `(state, batch) -> (new state, report)`; the report is usually the loss.
        look: `(state, reports, one_round) -> what is kept of the round`, usually a `History`. The
            state is the one after the round, and the reports have an axis of steps in front.
        state: before the first step.
        rounds: what the rounds are made of, such as a key for each; every array has an axis of
            rounds in front, and `one_round` is the same without it.
        batches: `one_round -> what its steps take`, every array with an axis of steps in front. It
            runs when the round begins, so that the batches of one round alone exist at a time. By
            default `one_round` is the batches itself.

    Returns:
        The state after the last step, and what was kept, with an axis of rounds in front.

    Raises:
        ValueError: arrays of `rounds`, or of the batches of a round, differ in the length of their
            first axis, or have none.
        TypeError: `step` does not return the state as it came, in tree, shapes and dtypes.
    """

    def train_round(state: State, one_round: Tree) -> tuple[State, Look]:
        state, reports = jax.lax.scan(step, state, _with_axis("steps", batches(one_round)))
        return state, look(state, reports, one_round)

    return jax.lax.scan(train_round, state, _with_axis("rounds", rounds))


def _with_axis(name: str, tree: Tree) -> Tree:
    """The tree as it is; `lax.scan` would say of a number only that an index is out of range."""
    if any(np.ndim(each) == 0 for each in jax.tree.leaves(tree)):
        raise ValueError(
            f"an array has no axis of {name} in front: its shape is (); `rounds` begins with an "
            "axis of rounds, and what `batches` makes of one round with an axis of steps"
        )
    return tree


def shuffled(key: PRNGKeyArray, count: int, shape: tuple[int, int]) -> Int[Array, "steps batch"]:
    """The places of `count` examples in random order, cut into batches of one epoch.

    Args:
        key: for another order in every epoch.
        count: how many examples there are.
        shape: the number of steps and the size of a batch; examples that fill no batch are left
            out, others each time.

    Raises:
        ValueError: there are fewer examples than the batches take.
    """
    num_steps, batch_size = shape
    if num_steps * batch_size > count:
        raise ValueError(
            f"{num_steps} batches of {batch_size} take {num_steps * batch_size} examples, but "
            f"there are {count}; shuffle fewer batches or smaller ones"
        )
    return jax.random.permutation(key, count)[: num_steps * batch_size].reshape(shape)


def drawn(
    key: PRNGKeyArray, count: int, shape: tuple[int, int]
) -> tuple[Int[Array, "steps batch"], Key[Array, "steps batch"]]:
    """The places of examples for the steps of a round, each drawn from all, and a key for each.

    Args:
        key: for other examples in every round.
        count: how many examples there are.
        shape: the number of steps and the size of a batch, which may be more than there are.

    Returns:
        The places, and keys by which the examples there may be augmented.

    Raises:
        ValueError: there are no examples.
    """
    if count < 1:
        raise ValueError(f"there are {count} examples to draw from; expected one at the least")
    choose_key, augment_key = jax.random.split(key)
    return jax.random.randint(choose_key, shape, 0, count), jax.random.split(augment_key, shape)


def in_rounds(steps: Tree, num_rounds: int) -> Tree:
    """What all steps take, cut into rounds of equal length: the `rounds` of `scan_rounds`.

    Args:
        steps: arrays with an axis of steps in front.
        num_rounds: how many rounds they make.

    Returns:
        The same arrays with axes of rounds and of steps in front.

    Raises:
        ValueError: an array has no such axis, or its steps do not make so many equal rounds.
    """

    def cut(each: Array) -> Array:
        num_steps = each.shape[0] if each.ndim else 1
        if not each.ndim or num_rounds < 1 or num_steps % num_rounds:
            raise ValueError(
                f"an array of shape {each.shape} cannot be cut into {num_rounds} rounds; expected "
                "an axis of steps in front whose length is a multiple of the number of rounds"
            )
        return each.reshape(num_rounds, -1, *each.shape[1:])

    return jax.tree.map(cut, steps)
