"""How many held-out digits two defences together read under attack, beside single ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.vision.adversarial_attacks import in_jax, problem
from tutorials_lib.vision.adversarial_attacks.attacking import (
    Classifier,
    accuracy,
    accuracy_under_all_attacks,
    accuracy_under_attack,
)
from tutorials_lib.vision.adversarial_attacks.in_jax import History, Params
from tutorials_lib.vision.adversarial_attacks.problem import (
    ONE_STEP,
    SEVERAL_STEPS,
    UNDEFENDED,
    Config,
    Data,
    Defence,
)

METRIC = "held-out accuracy under attack"
OURS = "both together"
ALONE = "trained under attack"
CLEAN = "accuracy without an attack"

NOISE = 0.25
"""Standard deviation of the noise that a rival learns from."""

THRESHOLDS = (0.4, 0.5, 0.6)
"""Where pixels may be cut, for the rival that cuts them and for the two defences together."""

FLIPS = {"cut pixels": 0.0, "cut noisy pixels": 0.12}
"""What the rival that cuts its pixels may learn from, and the noise before the cut.

The noise turns over the pixels that an attack can turn over, which lie near the threshold.
"""


class Rival(NamedTuple):
    """A defence with the setting that is best on the development digits.

    Attributes:
        classifier: what it has become.
        development: its accuracy under attack there.
        setting: the one that was chosen, in words; empty where there was none to choose.
    """

    classifier: Classifier
    development: float
    setting: str


class Trained(NamedTuple):
    """The network that was trained under attack, and what was seen on the way.

    Attributes:
        data: the digits.
        ours: the network, with the threshold that the development digits choose.
        history: the learning curve.
        seconds: how long it took, where it was timed.
        rivals: what `train_rivals` found on the same data, where that has been done.
    """

    data: Data
    ours: Rival
    history: History
    seconds: float | None = None
    rivals: dict[str, Rival] | None = None


# ---------------------------------------------------------------- training


def train(config: Config, *, seed: int) -> Trained:
    """Both defences on the digits of the source that `config` names, drawn with `seed`."""
    data = problem.load(config, seed=seed)
    fit, inputs = _prepare(data, SEVERAL_STEPS, config, seed=seed)
    fit = fit.lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *inputs)  # compiled ahead, so as not to time that
    ours = _choose(_cut(state.params), data, config, seed=seed)
    return Trained(data, ours, jax.tree.map(np.asarray, history), seconds)


def fit_network(data: Data, defence: Defence, config: Config, *, seed: int) -> Params:
    """A network that was trained with `defence`; the start and all draws are those of `train`."""
    fit, inputs = _prepare(data, defence, config, seed=seed)
    return fit(*inputs, config)[0].params


def _prepare(data: Data, defence: Defence, config: Config, *, seed: int) -> tuple[Any, tuple]:
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    start = in_jax.start(in_jax.create(config, create_key), config)
    few = slice(config.num_checked)
    held_back = data.development.images[few], data.development.labels[few]
    inputs = (start, *data.train, held_back, defence, fit_key)
    return in_jax.compiled_fit, jax.tree.map(jnp.asarray, inputs)


def train_rivals(
    data: Data, config: Config, *, seed: int, under_attack: Params | None = None
) -> dict[str, Rival]:
    """Every single defence, with the setting that the development digits choose.

    `under_attack` is the network that was trained under attack, where there is one already.
    """

    def fit(defence: Defence) -> Params:
        return fit_network(data, defence, config, seed=seed)

    undefended = fit(UNDEFENDED)
    cut = _cut(undefended) | {
        f"cut at 0.5, trained on {name}": Classifier(fit(Defence(noise=noise, threshold=0.5)), 0.5)
        for name, noise in FLIPS.items()
    }
    tried = {
        "undefended": {"": Classifier(undefended)},
        "cut pixels": cut,
        "trained with noise": {"": Classifier(fit(Defence(noise=NOISE)))},
        "trained with one step": {"": Classifier(fit(ONE_STEP))},
        ALONE: {"": Classifier(fit(SEVERAL_STEPS) if under_attack is None else under_attack)},
    }
    return {name: _choose(each, data, config, seed=seed) for name, each in tried.items()}


def _cut(params: Params) -> dict[str, Classifier]:
    return {f"cut at {threshold:g}": Classifier(params, threshold) for threshold in THRESHOLDS}


def _choose(
    classifiers: Mapping[str, Classifier], data: Data, config: Config, *, seed: int
) -> Rival:
    """The setting that resists the attack by the gradient best on the development digits."""
    tried = [
        Rival(each, accuracy_under_attack(each, data.development, config, seed=seed), setting)
        for setting, each in classifiers.items()
    ]
    return max(tried, key=lambda rival: rival.development)


# ---------------------------------------------------------------- judging


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The accuracy of each rival under attack, tuned on the development digits."""
    return _to_scores(train_rivals(data, config, seed=seed), data, config, seed=seed)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same digits.

    The details say what each network reads where nobody attacks: the price of a defence.
    """
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    ours = trained.ours.classifier
    rivals = trained.rivals or train_rivals(data, config, seed=seed, under_attack=ours.params)
    networks = {name: rival.classifier for name, rival in rivals.items()} | {OURS: ours}
    return Judgement(
        metric=METRIC,
        value=accuracy_under_all_attacks(ours, data.test, config, seed=seed),
        baselines=_to_scores(rivals, data, config, seed=seed),
        training_seconds=trained.seconds,
        details={
            name: {CLEAN: accuracy(each, data.test, config)} for name, each in networks.items()
        },
    )


def _to_scores(
    rivals: dict[str, Rival], data: Data, config: Config, *, seed: int
) -> dict[str, Score]:
    return {
        name: Score(
            rival.development,
            accuracy_under_all_attacks(rival.classifier, data.test, config, seed=seed),
        )
        for name, rival in rivals.items()
    }
