"""What pretraining and fine-tuning reach on held-out posts, beside rivals that count words."""

from collections.abc import Callable
from statistics import fmean
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from sklearn.metrics import f1_score

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.sequences.bert import in_jax, problem, rivals
from tutorials_lib.sequences.bert.problem import Config, Data, Ids
from tutorials_lib.sequences.bert.rivals import Labelled, Results, accuracy

MODEL = "BERT, pretrained"
SCRATCH = "BERT from scratch"


class Trained(NamedTuple):
    """What was trained, and what it says.

    Attributes:
        config: of the source that was used.
        data: its posts.
        params: after pretraining: the encoder and the masked-language head.
        losses: before every step of pretraining.
        tuned: the parameters after fine-tuning, by the number of labels.
        results: of the pretrained network.
        seconds: of pretraining and of fine-tuning with the most labels, without compilation.
        tuning_seconds: of the latter alone.
        others: results of the rivals, where they have been fitted.
    """

    config: Config
    data: Data
    params: in_jax.Params
    losses: Float[np.ndarray, " steps"]
    tuned: dict[int, in_jax.Params]
    results: dict[int, Labelled]
    seconds: float
    tuning_seconds: float
    others: Results | None = None


def train(config: Config, *, seed: int) -> Trained:
    """Pretrain on the unlabelled posts, then fine-tune with each number of labels."""
    config = problem.for_source(config)
    data = problem.load(config, seed=seed)
    params = in_jax.create(config, len(data.tokenizer), jax.random.key(seed))
    ids = problem.to_ids(data.unlabelled, data.tokenizer, config)
    rng = np.random.default_rng([seed, 1])
    batches = problem.draw_masked(ids, data.tokenizer, config, rng=rng)
    inputs = jax.device_put((in_jax.start_pretraining(params, config), ids, batches))
    pretrain = in_jax.compiled_pretrain.lower(*inputs, config).compile()  # so as not to time it
    (state, losses), seconds = timed(pretrain, *inputs)
    whole = params | state.params
    tuned, tuning_seconds = fine_tune(whole, data, config, seed=seed)
    return Trained(
        config,
        data,
        state.params,
        np.asarray(losses),
        tuned,
        label_all(tuned, data, config),
        seconds + tuning_seconds,
        tuning_seconds,
    )


def fine_tune(
    params: in_jax.Params, data: Data, config: Config, *, seed: int
) -> tuple[dict[int, in_jax.Params], float]:
    """The parameters after fine-tuning with each number of labels, and the seconds of the last."""
    ids = problem.to_ids(data.train.texts, data.tokenizer, config)
    state = in_jax.start(params, config)
    rng = np.random.default_rng([seed, 2])
    tuned, seconds, fit = {}, 0.0, None
    for num in config.num_labelled:
        rows = problem.draw_batches(num, config, rng=rng)
        inputs = jax.device_put((state, ids[rows], data.train.labels[rows]))
        fit = fit or in_jax.compiled_fit.lower(*inputs, config).compile()
        (after, _), seconds = timed(fit, *inputs)
        tuned[num] = after.params
    return tuned, seconds


def label_all(tuned: dict[int, in_jax.Params], data: Data, config: Config) -> dict[int, Labelled]:
    """What the network says to the development and to the test posts."""
    splits = data.development, data.test
    ids = [problem.to_ids(split.texts, data.tokenizer, config) for split in splits]
    results = {}
    for num, params in tuned.items():
        development, test = (labels_of(params, each, config) for each in ids)
        results[num] = Labelled(accuracy(development, data.development.labels), test)
    return results


def labels_of(params: in_jax.Params, ids: Ids, config: Config) -> np.ndarray:
    """The most probable label of every post."""
    return np.asarray(in_jax.compiled_predict(params, ids, config)).argmax(-1)


# ---------------------------------------------------------------- judgement


def fit_rivals(data: Data, config: Config, *, seed: int) -> Results:
    """Every rival that counts words, and the same network without pretraining."""
    fresh = in_jax.create(config, len(data.tokenizer), jax.random.key(seed))
    scratch = fine_tune(fresh, data, config, seed=seed)[0]
    return rivals.fit_all(data, config) | {SCRATCH: label_all(scratch, data, config)}


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The accuracy of every rival, the mean over the numbers of labels."""
    config = problem.for_source(config)
    return _scores(fit_rivals(data, config, seed=seed), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same posts.

    The details are accuracy and macro-F1 by the number of labels.
    """
    trained = train(config, seed=seed) if trained is None else trained
    config, data = trained.config, trained.data
    others = trained.others or fit_rivals(data, config, seed=seed)
    numbers = " and ".join(f"{num:,}" for num in config.num_labelled)
    return Judgement(
        metric=f"held-out accuracy, mean of {numbers} labels",
        value=_mean(trained.results, lambda each: accuracy(each.predicted, data.test.labels)),
        baselines=_scores(others, data),
        training_seconds=trained.seconds,
        details={
            name: details(by_number, data)
            for name, by_number in ({MODEL: trained.results} | others).items()
        },
    )


def details(by_number: dict[int, Labelled], data: Data) -> dict[str, float]:
    """Accuracy and macro-F1 of one method on the test posts, by the number of labels."""
    labels = data.test.labels
    scores = {}
    for num, each in by_number.items():
        scores[f"accuracy, {num:,}"] = accuracy(each.predicted, labels)
        scores[f"macro-F1, {num:,}"] = float(f1_score(labels, each.predicted, average="macro"))
    return scores


def _scores(results: Results, data: Data) -> dict[str, Score]:
    return {
        name: Score(
            _mean(by_number, lambda each: each.development),
            _mean(by_number, lambda each: accuracy(each.predicted, data.test.labels)),
        )
        for name, by_number in results.items()
    }


def _mean(by_number: dict[int, Labelled], score: Callable[[Labelled], float]) -> float:
    return fmean(score(each) for each in by_number.values())
