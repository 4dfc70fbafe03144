"""What a trained autoencoder says of single payments, of customers, and in sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from tutorials_lib import pure
from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets import transactions
from tutorials_lib.judge import Judgement
from tutorials_lib.tabular.fraud_autoencoder import evaluation, features, in_jax, problem
from tutorials_lib.tabular.fraud_autoencoder.evaluation import Alerts, Found, Reading, Scores
from tutorials_lib.tabular.fraud_autoencoder.problem import Config, Rows


def typical(scores: Scores, kind: Int[np.ndarray, " rows"], wanted: int) -> int:
    """The payment of the `wanted` kind whose score is in the middle of its kind."""
    rows = np.flatnonzero(kind == wanted)
    return int(rows[scores[rows].argsort()[len(rows) // 2]])


def explain_payment(rows: Rows, found: Found, row: int, config: Config) -> MarkdownRows:
    """Each field of one payment: the answer, how probable it was, and what that comes to."""
    chosen = np.flatnonzero(rows.answers[row])
    names = problem.choice_names(config)
    cells = [
        [
            field,
            names[choice],
            f"{np.exp(-actual):.1%}" if actual < 6.9 else "below 0.1%",
            f"{actual:.1f}",
            f"{expected:.1f}",
            f"{actual - expected:+.1f}",
        ]
        for field, choice, actual, expected in zip(
            problem.field_names(config), chosen, found.actual[row], found.expected[row], strict=True
        )
    ]
    sums = found.actual[row].sum(), found.expected[row].sum(), found.surplus[row].sum()
    actual, expected, surplus = sums
    cells.append(
        ["**sum**", "", "", f"**{actual:.1f}**", f"**{expected:.1f}**", f"**{surplus:+.1f}**"]
    )
    return MarkdownRows(
        ["Field", "answer", "probability", "surprise", "expected", "surplus"], cells
    )


def stages(
    params: in_jax.Params, answers: jax.Array, context: jax.Array, hidden: jax.Array, config: Config
) -> dict[str, jax.Array]:
    """What payments become on their way through the network, by name."""
    inputs = in_jax.inputs_of(answers, context, hidden, config)
    model = pure.assemble(pure.graph(in_jax.Autoencoder, config), params)
    code = model.encoder(inputs)
    logits = in_jax.predict(params, answers, context, hidden, config)
    probs = in_jax.softmax(logits, config).probs
    return {
        "answers": answers,
        "input": inputs,
        "code": code,
        "logits": logits,
        "probabilities": probs,
    }


class Question(NamedTuple):
    """One field of one payment, asked when some of the others are known.

    Attributes:
        field: what is asked.
        names: what may be answered.
        probs: how probable the network takes each answer to be.
        true: index of the answer that is true.
    """

    field: str
    names: list[str]
    probs: Float[np.ndarray, " choices"]
    true: int

    @property
    def surprise(self) -> float:
        """Of the true answer, in nats."""
        return -float(np.log(self.probs[self.true]))

    @property
    def expected(self) -> float:
        """The mean surprise over all answers, in nats."""
        return -float(self.probs @ np.log(self.probs + 1e-30))


def ask(
    params: in_jax.Params, rows: Rows, row: int, order: Int[np.ndarray, " asked"], config: Config
) -> list[Question]:
    """Reveal fields of one payment in `order`; each is asked before it is shown."""
    names, fields = problem.choice_names(config), problem.field_names(config)
    firsts = problem.starts(config.sizes)
    shown = jnp.asarray(rows.answers[row : row + 1]), jnp.asarray(rows.context[row : row + 1])
    hidden = np.ones((1, len(fields)), np.float32)
    questions = []
    for field in order:
        logits = in_jax.predict(params, *shown, jnp.asarray(hidden), config)
        choices = slice(firsts[field], firsts[field] + config.sizes[field])
        probs = np.asarray(in_jax.softmax(logits, config).probs[0, choices])
        true = int(rows.answers[row, choices].argmax())
        questions.append(Question(fields[field], names[choices], probs, true))
        hidden[:, field] = 0
    return questions


def one_at_a_time(params: in_jax.Params, rows: Rows, config: Config) -> Scores:
    """The surplus of each payment when every field is asked with all others known."""
    answers, context = jnp.asarray(rows.answers), jnp.asarray(rows.context)

    def surplus(alone: jax.Array) -> jax.Array:
        hidden = jnp.broadcast_to(alone, (len(answers), len(alone)))
        logits = in_jax.predict(params, answers, context, hidden, config)
        actual, expected = in_jax.surprise_of(answers, logits, config)
        return (actual - expected) @ alone

    each = jnp.eye(len(config.sizes), dtype=answers.dtype)
    return np.asarray(jax.jit(lambda: jax.lax.map(surplus, each).sum(0))())


def hours_by_weekday(
    params: in_jax.Params, drawn: problem.Drawn, config: Config
) -> dict[str, Float[np.ndarray, "weekdays hours"]]:
    """For each profile: the hours that the autoencoder expects, knowing customer and weekday.

    All other fields are hidden; the mean over the customers of the profile.
    """
    weekday, hour = (problem.FIELDS.index(name) for name in ("weekday", "hour"))
    first = problem.starts(config.sizes)
    days = config.sizes[weekday]
    answers = np.zeros((days, sum(config.sizes)), np.float32)
    answers[np.arange(days), first[weekday] + np.arange(days)] = 1
    hidden = np.ones((days, len(config.sizes)), np.float32)
    hidden[:, weekday] = 0

    @jax.jit
    @jax.vmap
    def expected(context: jax.Array) -> jax.Array:
        same = jnp.broadcast_to(context, (days, len(context)))
        logits = in_jax.predict(params, jnp.asarray(answers), same, jnp.asarray(hidden), config)
        return in_jax.softmax(logits, config).probs[:, first[hour] : first[hour] + 24]

    probs = np.asarray(expected(features.context_of(drawn.bank.history)))
    profile = drawn.bank.customers.profile
    return {
        name: probs[profile == number].mean(0) for number, name in enumerate(transactions.PROFILES)
    }


def by_habits_alone(params: in_jax.Params, rows: Rows, config: Config, name: str) -> Scores:
    """The score of each payment whose fields are all hidden at once: what its context tells.

    `name` is one of `evaluation.readings`.
    """
    everything = np.ones((len(rows.kind), len(config.sizes)), np.float32)
    shown = jnp.asarray(rows.answers), jnp.asarray(rows.context)
    logits = in_jax.predict(params, *shown, jnp.asarray(everything), config)
    found = Found(*map(np.asarray, in_jax.surprise_of(shown[0], logits, config)))
    return evaluation.readings(found)[name]


def habits_and_chain(
    models: Mapping[str, tuple[in_jax.Params, Config]], readings: Mapping[str, Reading], rows: Rows
) -> dict[str, list[Scores]]:
    """The scores of each model by the habits alone and by the chain, in the reading it has."""
    return {
        name: [by_habits_alone(params, rows, config, readings[name].name), readings[name].test]
        for name, (params, config) in models.items()
    }


def table_of_alerts(found: Mapping[str, Alerts]) -> MarkdownRows:
    """What each score does with the same budget."""
    return MarkdownRows(
        ["Score", "alerts", "of them fraud", "of all frauds"],
        [
            [name, f"{each.number:,}", f"{each.precision:.0%}", f"{each.recall:.0%}"]
            for name, each in found.items()
        ],
    )


def table_of_scores(
    header: Sequence[str], scores: Mapping[str, Sequence[Scores]], rows: Rows
) -> MarkdownRows:
    """The average precision of the scores of `rows`, a line for each name."""
    return MarkdownRows(
        header,
        [
            [name, *(f"{evaluation.precision(each, rows):.3f}" for each in several)]
            for name, several in scores.items()
        ],
    )


def table_by_kind(scores: Mapping[str, Scores], rows: Rows, kinds: Sequence[str]) -> MarkdownRows:
    """The average precision on all frauds of `rows`, and on each kind without the others.

    `kinds` are the names of the normal payments and of the kinds of fraud.
    """
    return MarkdownRows(
        ["Average precision", "all frauds", *(f"{kind}, no other fraud" for kind in kinds[1:])],
        [
            [
                name,
                f"{evaluation.precision(each, rows):.3f}",
                *(f"{value:.2f}" for value in evaluation.by_kind(each, rows.kind).values()),
            ]
            for name, each in scores.items()
        ],
    )


def say_whether_met(judgement: Judgement) -> str:
    """The line to beat, whether it is, and what that says."""
    name, line = judgement.strongest
    verdict = "met" if judgement.met else "not met"
    return (
        f"The autoencoder reaches {judgement.value:.3f}, and the strongest rival, {name}, "
        f"{line:.3f}: with this seed the line is {verdict}."
    )


def say_whose_idea_is_better(autoencoder: float, linear_heads: float) -> str:
    """Which of the two is less surprised by normal payments, in nats for each."""
    if autoencoder < linear_heads:
        return "The autoencoder has a better idea of normal payments than the linear heads."
    if autoencoder == linear_heads:
        return "The linear heads have as good an idea of normal payments as the autoencoder."
    return "Here the linear heads have a better idea of normal payments than the autoencoder."


def say_of_the_chain(chained: float, one_at_a_time: float) -> str:
    """Whether the chain ranks better than each field by all others does."""
    if chained > one_at_a_time:
        return "The chain ranks better here."
    return "Here, though, the chain ranks no better."
