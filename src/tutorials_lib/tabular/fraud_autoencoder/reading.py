"""What a trained autoencoder says of single payments, of customers, and in sentences."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.datasets import transactions
from tutorials_lib.judge import Judgement
from tutorials_lib.tabular.fraud_autoencoder import in_jax, problem
from tutorials_lib.tabular.fraud_autoencoder.evaluation import Alerts, Found, Scores
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
    cells.append(["**sum**", "", "", *(f"**{value:.1f}**" for value in sums)])
    return MarkdownRows(
        ["Field", "answer", "probability", "surprise", "expected", "surplus"], cells
    )


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

    probs = np.asarray(expected(problem.context_of(drawn.bank.history)))
    profile = drawn.bank.customers.profile
    return {
        name: probs[profile == number].mean(0) for number, name in enumerate(transactions.PROFILES)
    }


def by_habits_alone(params: in_jax.Params, rows: Rows, config: Config) -> Scores:
    """The surplus of each payment whose fields are all hidden at once: what its context tells."""
    everything = np.ones((len(rows.kind), len(config.sizes)), np.float32)
    shown = jnp.asarray(rows.answers), jnp.asarray(rows.context)
    logits = in_jax.predict(params, *shown, jnp.asarray(everything), config)
    actual, expected = in_jax.surprise_of(shown[0], logits, config)
    return np.asarray(actual - expected).sum(1)


def table_of_alerts(found: Mapping[str, Alerts]) -> MarkdownRows:
    """What each score does with the same budget."""
    return MarkdownRows(
        ["Score", "alerts", "of them fraud", "of all frauds"],
        [
            [name, f"{each.number:,}", f"{each.precision:.0%}", f"{each.recall:.0%}"]
            for name, each in found.items()
        ],
    )


def say_whether_met(judgement: Judgement) -> str:
    """The line to beat, whether it is, and what that says."""
    name, line = judgement.strongest
    beside = f"{judgement.value:.3f} beside the {line:.3f} of {name}"
    if judgement.met:
        return f"{beside}: with this seed the line is met."
    return f"{beside}: with this seed the line is not met."
