"""Payments and habits as numbers: what the context tells, and the tables that the rivals read."""

import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib.datasets import transactions
from tutorials_lib.datasets.transactions import History, Payments

Tables = dict[str, np.ndarray]
"""Tables of the same rows by name, each with columns of its own."""


def numbers(payments: Payments) -> dict[str, Float[np.ndarray, " rows"]]:
    """The fields that are numbers, amounts, distances and gaps as logarithms."""
    return {
        "hour": payments.hour,
        "amount": payments.log_amount,
        "km from home": np.log1p(payments.km_home),
        "km since last": np.log1p(payments.km_last),
        "gap": np.log(payments.gap),
    }


def context_of(history: History) -> Float32[np.ndarray, "customers contexts"]:
    """The habits of each customer as standardized numbers."""
    around = np.mean([np.roll(history.hours, shift, axis=1) for shift in (-1, 0, 1)], axis=0)
    habits = np.column_stack(
        [
            np.log(history.categories + 0.01),
            np.log(3 * around[:, ::2] + 0.01),
            np.log(history.channels + 0.01),
            history.log_amount,
            history.spread,
            history.of_category,
            history.log_km,
        ]
    )
    return ((habits - habits.mean(0)) / habits.std(0)).astype(np.float32)


def tables_of(payments: Payments, history: History) -> Tables:
    """Three tables: the payment with its context, with deviations from habits, and with both."""
    who, hour = payments.customer, payments.hour.astype(int)
    angle = payments.hour * np.pi / 12
    own = [column for name, column in numbers(payments).items() if name != "hour"]
    fields = np.column_stack(
        [
            *own,
            np.sin(angle),
            np.cos(angle),
            payments.weekday > 4,
            np.eye(len(transactions.CHANNELS))[payments.channel],
            np.eye(len(transactions.CATEGORIES))[payments.category],
        ]
    )
    around = np.mean([history.hours[who, (hour + shift) % 24] for shift in (-1, 0, 1)], axis=0)
    deviations = np.column_stack(
        [
            payments.log_amount - history.log_amount[who],
            payments.log_amount - history.of_category[who, payments.category],
            np.log(history.categories[who, payments.category] + 0.01),
            np.log(around + 0.005),
            np.log(history.channels[who, payments.channel] + 0.01),
            np.log1p(payments.km_last) - np.log1p(60 * payments.gap),  # how fast the card moved
        ]
    )
    context = context_of(history)[who]
    return {
        "fields and habits": np.column_stack([fields, context]),
        "fields and deviations": np.column_stack([fields, deviations]),
        "all": np.column_stack([fields, deviations, context]),
    }


def standardize(tables: list[Tables]) -> list[Tables]:
    """Each table by the mean and the spread of its training rows, which come first."""
    scaled: list[Tables] = [{} for _ in tables]
    for name, train in tables[0].items():
        mean, spread = train.mean(0), train.std(0) + 1e-9
        for table, result in zip(tables, scaled, strict=True):
            result[name] = ((table[name] - mean) / spread).astype(np.float32)
    return scaled
