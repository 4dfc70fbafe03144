"""Attacks on trained networks, and how many digits they leave."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from tutorials_lib.vision.adversarial_attacks import black_box, defences, in_jax, problem
from tutorials_lib.vision.adversarial_attacks.in_jax import Params
from tutorials_lib.vision.adversarial_attacks.problem import Attack, Config, Digits

Pictures = Float32[np.ndarray, "digits 28 28 1"]


class Classifier(NamedTuple):
    """A network, and the threshold at which its pixels are cut first; 0 for none."""

    params: Params
    threshold: float = 0.0


def classify(classifier: Classifier, images: Any, config: Config) -> Int[np.ndarray, " digits"]:
    """The digit that each picture is taken for."""
    if classifier.threshold:
        images = defences.cut(jnp.asarray(images), classifier.threshold)
    return np.asarray(in_jax.compiled_predict(classifier.params, images, config).argmax(-1))


def accuracy(classifier: Classifier, digits: Digits, config: Config) -> float:
    """The share of digits that are read as what they are."""
    return float((classify(classifier, digits.images, config) == digits.labels).mean())


def run_attack(
    classifier: Classifier,
    digits: Digits,
    attack: Attack,
    config: Config,
    *,
    seed: int,
    num_restarts: int = 1,
    straight: bool = True,
) -> Pictures:
    """The pictures as the attack leaves them: for each digit the first start that succeeds.

    A digit that is misread anyway is left alone. Where no start succeeds, the picture is that of
    the last one.

    Args:
        classifier: what is attacked.
        digits: pictures, with labels or with targets, as `attack.direction` says.
        attack: the budget and the steps.
        config: the network's settings.
        seed: of the random starts.
        num_restarts: how many starts there are.
        straight: whether the attack on cut pixels knows of the cut, see `defences.pgd`.
    """
    rng = np.random.default_rng(seed)
    attacked = digits.images.copy()
    wanted = attack.direction < 0
    for _ in range(num_restarts):
        noise = rng.uniform(-1, 1, attacked.shape).astype(np.float32)
        said_so = classify(classifier, attacked, config) == digits.labels
        left = np.flatnonzero(said_so != wanted)  # where no start has succeeded yet
        chosen = Digits(digits.images[left], digits.labels[left])
        attacked[left] = attack_once(
            classifier, chosen, noise[left], attack, config, straight=straight
        )
    return attacked


def attack_once(
    classifier: Classifier,
    digits: Digits,
    noise: Pictures,
    attack: Attack,
    config: Config,
    *,
    straight: bool = True,
) -> Pictures:
    """The pictures as the attack leaves them from one start, whether it succeeds or not.

    They go through one program in batches, the last of which is filled up.
    """
    params, threshold = classifier
    found = [np.empty((0, *digits.images.shape[1:]), np.float32)]
    for batch in _batches(len(digits.labels), config.batch_size):
        inputs = params, *(jnp.asarray(each[batch]) for each in (*digits, noise)), attack
        if threshold:
            found.append(defences.pgd(*inputs, threshold, config, straight=straight))
        else:
            found.append(in_jax.compiled_pgd(*inputs, config))
    return np.concatenate(found)[: len(digits.labels)]


def _batches(count: int, size: int) -> Int[np.ndarray, "batches size"]:
    """The places of `count` digits in whole batches, the last one filled up with its last digit."""
    return np.minimum(np.arange(-(-count // size) * size), count - 1).reshape(-1, size)


def accuracy_under_attack(
    classifier: Classifier,
    digits: Digits,
    config: Config,
    *,
    seed: int,
    num_restarts: int = 1,
    epsilon: float | None = None,
    straight: bool = True,
) -> float:
    """The share of digits that are still read rightly after the attack that judges."""
    attack = problem.judging_attack(config, epsilon=epsilon)
    settings: dict[str, Any] = {"seed": seed, "num_restarts": num_restarts, "straight": straight}
    attacked = run_attack(classifier, digits, attack, config, **settings)
    return accuracy(classifier, Digits(attacked, digits.labels), config)


def try_attacks(
    classifier: Classifier, digits: Digits, config: Config, *, seed: int, num_restarts: int
) -> list[float]:
    """The share of digits read rightly as they are, after one step, many, and many starts.

    The last number is how often a targeted attack fails to make the network say the next digit.
    """
    left = partial(accuracy_under_attack, classifier, digits, config, seed=seed)
    step = Attack(config.epsilon, config.epsilon, 1)
    stepped = attack_once(classifier, digits, 0 * digits.images, step, config)
    wanted = digits._replace(labels=problem.targets(digits.labels))
    changed = run_attack(classifier, wanted, towards(config), config, seed=seed)
    return [
        accuracy(classifier, digits, config),
        accuracy(classifier, digits._replace(images=stepped), config),
        left(),
        left(num_restarts=num_restarts),
        1 - accuracy(classifier, wanted._replace(images=changed), config),
    ]


def towards(config: Config) -> Attack:
    """The attack that goes towards labels of its own choice, with twice the steps."""
    attack = problem.judging_attack(config)
    return attack._replace(direction=-1.0, num_steps=2 * config.num_steps)


def ask_for_the_next(
    classifiers: Mapping[str, Classifier], digits: Digits, config: Config, *, seed: int
) -> dict[str, tuple[Pictures, Int[np.ndarray, " digits"]]]:
    """What the first network says of the digits; and of digits made for each to say the next one.

    Returns:
        Pictures and what is said of them, by the network and what was done.
    """
    name, first = next(iter(classifiers.items()))
    found = {f"{name}, no attack": (digits.images, classify(first, digits.images, config))}
    wanted = digits._replace(labels=problem.targets(digits.labels))
    for name, each in classifiers.items():
        changed = run_attack(each, wanted, towards(config), config, seed=seed)
        found[f"{name}, attacked"] = changed, classify(each, changed, config)
    return found


def follow(
    classifier: Classifier, digit: Digits, config: Config, *, num_steps: int
) -> tuple[Pictures, Float[np.ndarray, "steps 10"]]:
    """One digit after 0, 1, 2 ... small steps of an attack, and what the network thinks of each."""
    attack = Attack(config.epsilon, config.epsilon / 4, 0)
    steps = [
        attack_once(classifier, digit, 0 * digit.images, attack._replace(num_steps=number), config)
        for number in range(num_steps + 1)
    ]
    pictures = np.concatenate(steps)
    return pictures, probabilities(classifier, pictures, config)


def probabilities(
    classifier: Classifier, images: Any, config: Config
) -> Float[np.ndarray, "digits 10"]:
    """The probability of each class."""
    return np.asarray(jax.nn.softmax(in_jax.compiled_predict(classifier.params, images, config)))


def survives_squares(
    classifier: Classifier, digits: Digits, config: Config, *, seed: int
) -> Bool[np.ndarray, " digits"]:
    """Which digits are still read rightly after the black-box attack, made batch by batch."""
    left = [np.empty(0, bool)]
    for number, batch in enumerate(_batches(len(digits.labels), config.batch_size)):
        _, margins = black_box.attack(
            classifier.params,
            *(jnp.asarray(each[batch]) for each in digits),
            config.epsilon,
            classifier.threshold,
            jax.random.fold_in(jax.random.key(seed), number),
            config,
            num_queries=config.num_queries,
        )
        left.append(np.asarray(margins > 0))
    return np.concatenate(left)[: len(digits.labels)]


def accuracy_under_all_attacks(
    classifier: Classifier, digits: Digits, config: Config, *, seed: int
) -> float:
    """The share of digits that are read rightly after every attack that suits the network.

    The gradient comes first, from all restarts. Where pixels are cut it is only a stand-in, so
    what it leaves is also attacked through the same network without the cut, and by squares.
    """
    attack = problem.judging_attack(config)
    knowing = [classifier]
    if classifier.threshold:
        knowing.append(classifier._replace(threshold=0.0))
    left = classify(classifier, digits.images, config) == digits.labels
    for each in knowing:
        changed = run_attack(
            each, digits, attack, config, seed=seed, num_restarts=config.num_restarts
        )
        left &= classify(classifier, changed, config) == digits.labels
    if classifier.threshold:
        standing = Digits(digits.images[left], digits.labels[left])
        left[left] = survives_squares(classifier, standing, config, seed=seed)
    return float(left.mean())


def transfer(
    classifiers: Mapping[str, Classifier], digits: Digits, config: Config, *, seed: int
) -> dict[str, list[float]]:
    """By the network that pictures are made for: the share that each network reads rightly.

    They are made for networks whose pixels are not cut, and shown to all.
    """
    attack = problem.judging_attack(config)
    made = {
        name: digits._replace(images=run_attack(each, digits, attack, config, seed=seed))
        for name, each in classifiers.items()
        if not each.threshold
    }
    return {
        source: [accuracy(each, changed, config) for each in classifiers.values()]
        for source, changed in made.items()
    }


class Left(NamedTuple):
    """The accuracy that is left by attacks that know less or more of a network.

    Attributes:
        by_gradient: by the true gradient.
        by_squares: by the attack without a gradient.
        by_passing: by passing the gradient straight through the cut; None without a cut.
    """

    by_gradient: float
    by_squares: float
    by_passing: float | None


def compare_knowledge(
    classifiers: Mapping[str, Classifier], digits: Digits, config: Config, *, seed: int
) -> dict[str, Left]:
    """What each kind of attack leaves of each network."""
    found = {}
    for name, each in classifiers.items():
        left = partial(accuracy_under_attack, each, digits, config, seed=seed)
        squares = float(survives_squares(each, digits, config, seed=seed).mean())
        found[name] = Left(left(straight=False), squares, left() if each.threshold else None)
    return found


def sweep(
    classifiers: Mapping[str, Classifier],
    digits: Digits,
    epsilons: Sequence[float],
    config: Config,
    *,
    seed: int,
) -> dict[str, list[float]]:
    """The accuracy of each network under attack, by the budget of the attack."""
    return {
        name: [
            accuracy_under_attack(classifier, digits, config, seed=seed, epsilon=epsilon)
            for epsilon in epsilons
        ]
        for name, classifier in classifiers.items()
    }


def certified_accuracy(
    params: Params,
    digits: Digits,
    radii: Float[np.ndarray, " radii"],
    noise: float,
    config: Config,
    *,
    seed: int,
    num_votes: int = 1_000,
) -> Float[np.ndarray, " radii"]:
    """The share of digits that a vote reads rightly, whatever happens within each radius."""
    keys = jax.random.split(jax.random.key(seed))
    images = jnp.asarray(digits.images)
    selection, estimation = (
        np.asarray(defences.count_votes(params, images, noise, key, count, config))
        for key, count in zip(keys, (100, num_votes), strict=True)
    )
    classes, certified = defences.certify(selection, estimation, noise)
    right = classes == digits.labels
    return (right & (certified > 0) & (certified >= radii[:, None])).mean(1)
