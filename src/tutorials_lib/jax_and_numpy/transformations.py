r"""A robot arm in the plane, on which the chapter about transformations tries each of them.

The arm has joints that turn and rods of equal length between them. Its base is at the origin;
`angles` says by how much each rod turns against the one before it. All rods together have the
length 1, so that the hand reaches every point of the unit disc that it can fold to.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from tutorials_lib import figures
from tutorials_lib.benchmark import median_seconds

Angles = Float[Array, " joints"]
Point = Float[Array, "2"]
AnglesInNumpy = Float[np.ndarray, " joints"]

DAMPING = 1e-3
"""Keeps a step of `reach` finite where the arm is stretched and cannot move along itself."""


def hand(angles: Angles) -> Point:
    """Where the hand is: the sum of all rods, each turned by all joints before it."""
    directions = jnp.cumsum(angles)
    return jnp.stack([jnp.cos(directions).sum(), jnp.sin(directions).sum()]) / len(angles)


def hand_in_numpy(angles: AnglesInNumpy) -> Float[np.ndarray, "2"]:
    """The same in NumPy."""
    directions = np.cumsum(angles)
    return np.stack([np.cos(directions).sum(), np.sin(directions).sum()]) / len(angles)


def miss(angles: Angles, target: Point) -> Float[Array, ""]:
    """Half the squared distance between hand and target."""
    return ((hand(angles) - target) ** 2).sum() / 2


def miss_in_numpy(angles: AnglesInNumpy, target: Float[np.ndarray, "2"]) -> np.floating:
    """The same in NumPy."""
    return ((hand_in_numpy(angles) - target) ** 2).sum() / 2


def gradient_by_hand(angles: AnglesInNumpy, target: Float[np.ndarray, "2"]) -> AnglesInNumpy:
    """The gradient of `miss_in_numpy`, derived on paper.

    Joint j turns all rods from j on, so that the hand moves at right angles to their sum.
    """
    directions = np.cumsum(angles)
    rods = np.stack([np.cos(directions), np.sin(directions)]) / len(angles)
    carried = np.cumsum(rods[:, ::-1], axis=1)[:, ::-1]  # from each joint to the hand
    x, y = rods.sum(axis=1) - target
    return y * carried[0] - x * carried[1]


def finite_differences(
    function: Callable[[AnglesInNumpy], np.floating], x: AnglesInNumpy, *, step: float
) -> AnglesInNumpy:
    """The gradient from two calls of `function` for every component of `x` (central)."""
    moves = step * np.eye(len(x), dtype=x.dtype)
    return np.array([function(x + move) - function(x - move) for move in moves]) / (2 * step)


def reach(angles: Angles, target: Point, num_steps: int) -> Angles:
    """Angles that bring the hand to the target, by damped Gauss-Newton steps.

    Each step solves the linear problem that the Jacobian describes (Levenberg 1944). The target
    must lie within the arm's reach: towards one outside the disc, the steps overshoot for ever.
    """

    def step(angles: Angles, _: None) -> tuple[Angles, None]:
        jacobian = jax.jacobian(hand)(angles)  # [2, joints]
        gram = jacobian @ jacobian.T + DAMPING * jnp.eye(2)
        return angles - jacobian.T @ jnp.linalg.solve(gram, hand(angles) - target), None

    return jax.lax.scan(step, angles, length=num_steps)[0]


def joints(angles: Float[np.ndarray, "*batch joints"]) -> Float[np.ndarray, "*batch ends 2"]:
    """The base, the joints and the hand of arms, for drawing."""
    directions = np.cumsum(angles, axis=-1)
    rods = np.stack([np.cos(directions), np.sin(directions)], axis=-1) / angles.shape[-1]
    ends = np.cumsum(rods, axis=-2)
    return np.concatenate([np.zeros_like(ends[..., :1, :]), ends], axis=-2)


def error_by_step(
    steps: Float[np.ndarray, " steps"], *, num_joints: int = 8, seed: int = 0
) -> Float[np.ndarray, " steps"]:
    """The largest relative error of finite differences in float64, for each step size."""
    angles, target = _pose(num_joints, seed)
    exact = gradient_by_hand(angles, target)
    function = partial(miss_in_numpy, target=target)
    errors = [np.abs(finite_differences(function, angles, step=h) - exact).max() for h in steps]
    return np.array(errors) / np.abs(exact).max()


def seconds_by_joints(counts: tuple[int, ...]) -> dict[str, list[float]]:
    """Median seconds of one gradient in float32, for arms with more and more joints, by method.

    The methods are finite differences and the formula derived on paper, both in NumPy, and
    `jax.grad`, compiled, whose inputs are on the device.

    Raises:
        ArithmeticError: the methods do not agree in float64; nothing is timed.
    """
    methods: dict[str, Callable] = {
        "finite differences, NumPy": lambda angles, target: finite_differences(
            partial(miss_in_numpy, target=target), angles, step=1e-3
        ),
        "derived by hand, NumPy": gradient_by_hand,
        "jax.grad, compiled": jax.jit(jax.grad(miss)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for num_joints in counts:
        pose = _pose(num_joints, seed=0)
        _require_agreement(methods, pose)
        in_float32 = tuple(each.astype(np.float32) for each in pose)
        for name, method in methods.items():
            inputs = jax.device_put(in_float32) if "jax" in name else in_float32
            seconds[name].append(median_seconds(method, *inputs))
    return seconds


def _require_agreement(methods: dict[str, Callable], pose: tuple[np.ndarray, np.ndarray]) -> None:
    exact = gradient_by_hand(*pose)
    for name, method in methods.items():
        with jax.enable_x64(True):
            error = np.abs(np.asarray(method(*pose)) - exact).max()
        if error > 1e-5 * np.abs(exact).max():
            raise ArithmeticError(f"{name}: the gradient is off by {error:.1e}")


def _pose(num_joints: int, seed: int) -> tuple[AnglesInNumpy, Float[np.ndarray, "2"]]:
    """An arm bent at random, and a target within its reach."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, num_joints), np.array([0.3, 0.4])


# ---------------------------------------------------------------- pictures


def draw_arms(
    poses: Float[np.ndarray, "arms joints"], targets: Float[np.ndarray, "arms 2"]
) -> Figure:
    """Arms with their targets, and the circle that bounds their reach."""
    figure, axes = plt.subplots(figsize=(4.6, 4.6))
    axes.add_patch(Circle((0, 0), 1, fill=False, color=figures.GRID))
    for ends in joints(poses):
        axes.plot(*ends.T, color=figures.COLORS["jax"], marker="o", markersize=3, alpha=0.8)
    axes.scatter(*targets.T, marker="x", color=figures.INK, zorder=3)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


def draw_errors(steps: Float[np.ndarray, " steps"], errors: Float[np.ndarray, " steps"]) -> Figure:
    """The error of finite differences against the size of the step."""
    figure, axes = plt.subplots(figsize=(7.0, 3.0))
    axes.loglog(steps, errors, marker="o", color=figures.COLORS["numpy"])
    axes.set_xlabel("step between the two calls")
    axes.set_ylabel("relative error")
    axes.grid(axis="y")
    return figure


def draw_costs(counts: tuple[int, ...], seconds: dict[str, list[float]]) -> Figure:
    """The time of a gradient against the number of joints, by method."""
    figure, axes = plt.subplots(figsize=(7.0, 3.4))
    for name, each in seconds.items():
        color = figures.COLORS["jax" if "jax" in name else "numpy"]
        dashes = "--" if "finite" in name else "-"
        axes.loglog(counts, each, dashes, marker="o", color=color, label=name)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("joints")
    axes.set_ylabel("seconds per gradient")
    axes.legend()
    axes.grid(axis="y")
    return figure
