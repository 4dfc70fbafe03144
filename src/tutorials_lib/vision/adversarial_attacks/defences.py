"""Two defences that train nothing: cutting the pixels at a threshold, and voting under noise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray
from scipy.stats import beta, norm

from tutorials_lib.vision.adversarial_attacks import in_jax
from tutorials_lib.vision.adversarial_attacks.in_jax import Images, Labels, Params
from tutorials_lib.vision.adversarial_attacks.problem import NUM_CLASSES, Attack, Config

Votes = Int[np.ndarray, "digits classes"]


# ---------------------------------------------------------------- black and white


def cut(images: Images, threshold: float | Float[Array, ""]) -> Images:
    """Ink where a pixel is above the threshold, paper elsewhere."""
    return (images > threshold).astype(images.dtype)


@partial(jax.jit, static_argnames="config")
def true_gradient(
    params: Params,
    images: Images,
    labels: Labels,
    threshold: float | Float[Array, ""],
    config: Config,
) -> Images:
    """The gradient of the pixels through `cut`, as mathematics has it: a step has no slope."""

    def total(pixels: Images) -> Float[Array, ""]:
        return in_jax.losses(params, cut(pixels, threshold), labels, config).sum()

    return jax.grad(total)(images)


@partial(jax.jit, static_argnames=("config", "straight"))
def pgd(
    params: Params,
    images: Images,
    labels: Labels,
    noise: Images,
    attack: Attack,
    threshold: float | Float[Array, ""],
    config: Config,
    *,
    straight: bool,
) -> Images:
    """The attack on a network that sees cut pixels.

    With `straight` it knows of the cut: it takes the gradient at the cut picture and passes it
    straight through (backward pass differentiable approximation, Athalye et al. 2018). Otherwise
    it follows the true gradient.
    """

    def gradient(attacked: Images) -> Images:
        if straight:
            return in_jax.input_gradient(params, cut(attacked, threshold), labels, config)
        return true_gradient(params, attacked, labels, threshold, config)

    return in_jax.projected_ascent(gradient, images, noise, attack)


# ---------------------------------------------------------------- votes under noise


@partial(jax.jit, static_argnames="config")
def count_votes(
    params: Params,
    images: Images,
    noise: float | Float[Array, ""],
    key: PRNGKeyArray,
    num_votes: int | Int[Array, ""],
    config: Config,
) -> Int[Array, "batch classes"]:
    """How often the network gives each class to a picture under fresh Gaussian noise.

    The noisy picture is cut off at paper and ink, as in training.
    """

    def vote(number: Int[Array, ""], counts: Array) -> Array:
        drawn = jax.random.normal(jax.random.fold_in(key, number), images.shape)
        chosen = in_jax.predict(params, jnp.clip(images + noise * drawn, 0, 1), config).argmax(-1)
        return counts + (chosen[:, None] == jnp.arange(NUM_CLASSES))

    counts = jnp.zeros((len(images), NUM_CLASSES), jnp.int32)
    return jax.lax.fori_loop(0, num_votes, vote, counts)


def certify(
    selection: Votes, estimation: Votes, noise: float, *, alpha: float = 0.001
) -> tuple[Int[np.ndarray, " digits"], Float[np.ndarray, " digits"]]:
    r"""What a vote says, and within which distance no change can turn it (Cohen et al. 2019).

    The first votes choose the class, other ones estimate its share. With probability
    $1 - \alpha$ the share under noise is at least $\underline{p}$ (Clopper and Pearson 1934), and
    the class then stays what it is within $\sigma \Phi^{-1}(\underline{p})$ of the picture in
    Euclidean distance.

    Returns:
        The class of each picture, and its radius; 0 where the vote is too close to certify any.
    """
    classes = selection.argmax(-1)
    votes = estimation[np.arange(len(classes)), classes]
    total = estimation.sum(-1)
    share = np.where(votes > 0, beta.ppf(alpha, np.maximum(votes, 1), total - votes + 1), 0.0)
    return classes, np.where(share > 0.5, noise * norm.ppf(np.maximum(share, 0.5)), 0.0)
