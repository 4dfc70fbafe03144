"""Fraud detection: the configuration, the payments as questions with finitely many answers."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from tutorials_lib import presets, schedules
from tutorials_lib.datasets import creditcard, transactions
from tutorials_lib.datasets.transactions import Bank, Payments
from tutorials_lib.tabular.fraud_autoencoder.features import (
    Tables,
    context_of,
    numbers,
    standardize,
    tables_of,
)

Answers = Float32[np.ndarray, "rows choices"]
"""The choices of all fields side by side; one of each field's choices is 1, the others are 0."""

Context = Float32[np.ndarray, "rows contexts"]
"""What is known of the customer before the payment."""

Hidden = Float32[np.ndarray, "rows fields"]
"""1 where a field is hidden, 0 where it is shown."""

CATEGORICAL = {
    "category": transactions.CATEGORIES,
    "channel": transactions.CHANNELS,
    "weekday": transactions.WEEKDAYS,
}
"""Fields whose choices have names."""

EDGES = {
    "hour": np.arange(1.0, 24),
    "amount": np.linspace(-0.5, 6.5, 29),
    "km from home": np.linspace(0.15, 4.2, 15),
    "km since last": np.linspace(0.15, 4.2, 15),
    "gap": np.linspace(-3.5, 3.9, 20),
}
"""Where the choices of a number meet: hours, then logarithms of euros, of 1 + km, of hours."""

FIELDS = (
    "category",
    "channel",
    "hour",
    "weekday",
    "amount",
    "km from home",
    "km since last",
    "gap",
)
NUM_CONTEXTS = 35

STANDARD_EDGES = np.linspace(-5, 5, 15)
"""Where the choices of a number of the published set meet, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One training.

    Attributes:
        num_train: payments to learn from, all of them normal.
        num_development: payments, some of them fraud, that choose between settings.
        num_test: payments, some of them fraud, that are looked at once.
        fraud_share: how many of the development and test payments are fraud.
        num_hidden: width of the hidden layers.
        num_code: width of the code between encoder and decoder.
        num_epochs: passes over the training payments.
        batch_size: payments in one training step.
        learning_rate: of Adam at the first step; it falls to zero along half a cosine.
        context_dropout: how often a number of the context is taken away in training.
        num_orders: orders in which the fields of a payment are revealed when it is scored.
        model: `autoencoder`, or in JAX also `linear heads`, a rival.
        source: `offline` for the invented bank, `real` for the published card payments.

    Raises:
        ValueError: the source has another name.
    """

    num_train: int = 120_000
    num_development: int = 20_000
    num_test: int = 30_000
    fraud_share: float = 0.01
    num_hidden: int = 256
    num_code: int = 48
    num_epochs: int = 14
    batch_size: int = 256
    learning_rate: float = 2e-3
    context_dropout: float = 0.2
    num_orders: int = 3
    model: str = "autoencoder"
    source: str = "offline"

    def __post_init__(self) -> None:
        presets.check_source(self.source)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many choices each field has."""
        if self.source == "real":
            return (len(STANDARD_EDGES) + 1,) * len(creditcard.NUMBERS)
        return tuple(
            len(CATEGORICAL[field]) if field in CATEGORICAL else len(EDGES[field]) + 1
            for field in FIELDS
        )

    @property
    def num_contexts(self) -> int:
        """How many numbers are known of a customer; the published set knows no customers."""
        return 0 if self.source == "real" else NUM_CONTEXTS

    @property
    def steps_per_epoch(self) -> int:
        """Training steps in one pass; what does not fill a batch is left out of it."""
        return self.num_train // self.batch_size


TINY = Config(
    num_train=4_000,
    num_development=1_500,
    num_test=1_500,
    fraud_share=0.05,
    num_hidden=32,
    num_code=8,
    num_epochs=10,
    batch_size=100,
    learning_rate=1e-2,
    num_orders=2,
)
PAGE = Config()
FULL = Config(
    num_train=600_000,
    num_development=100_000,
    num_test=300_000,
    num_hidden=512,
    num_code=96,
    num_epochs=60,
    num_orders=8,
)
PRESETS = {"tiny": TINY, "page": PAGE, "full": FULL}


class Rows(NamedTuple):
    """Payments as the models see them.

    Attributes:
        answers: what the autoencoder predicts.
        context: what it is always told.
        features: standardized tables for the rivals, by name.
        kind: 0 for a normal payment, else the kind of fraud.
    """

    answers: Answers
    context: Context
    features: Tables
    kind: Int[np.ndarray, " rows"]

    @property
    def is_fraud(self) -> Bool[np.ndarray, " rows"]:
        """Which payments are fraud."""
        return self.kind > 0


class Data(NamedTuple):
    """Normal payments to learn from, and two sets with fraud among them."""

    train: Rows
    development: Rows
    test: Rows


class Drawn(NamedTuple):
    """A bank and its payments as they were made."""

    bank: Bank
    train: Payments
    development: Payments
    test: Payments


def load(config: Config, *, seed: int = 0) -> Data:
    """The payments of each set, drawn or divided with `seed`."""
    if config.source == "real":
        return _published(config, seed=seed)
    drawn = draw(config, seed=seed)
    history = drawn.bank.history
    splits = drawn.train, drawn.development, drawn.test
    tables = standardize([tables_of(payments, history) for payments in splits])
    context = context_of(history)
    return Data(
        *(
            Rows(encode(payments), context[payments.customer], table, payments.kind)
            for payments, table in zip(splits, tables, strict=True)
        )
    )


def draw(config: Config, *, seed: int = 0) -> Drawn:
    """The invented bank, and payments of its customers; those to learn from are all normal."""
    bank = transactions.bank(seed=seed)
    rng = np.random.default_rng((seed, 1))
    sizes = (config.num_train, config.num_development, config.num_test)
    shares = (0.0, config.fraud_share, config.fraud_share)
    return Drawn(
        bank,
        *(
            transactions.payments(bank, size, fraud_share=share, rng=rng)
            for size, share in zip(sizes, shares, strict=True)
        ),
    )


# --- Payments as answers ----------------------------------------------------------------------


def encode(payments: Payments) -> Answers:
    """The choice of each field as ones and zeros, in the order of `FIELDS`."""
    chosen = {name: np.digitize(column, EDGES[name]) for name, column in numbers(payments).items()}
    chosen |= {name: getattr(payments, name) for name in CATEGORICAL}
    return one_hot(np.stack([chosen[field] for field in FIELDS], axis=1), PAGE.sizes)


def one_hot(chosen: Int[np.ndarray, "rows fields"], sizes: tuple[int, ...]) -> Answers:
    """1 at the choice of each field, 0 elsewhere."""
    answers = np.zeros((len(chosen), sum(sizes)), np.float32)
    np.put_along_axis(answers, chosen + starts(sizes), 1.0, axis=1)
    return answers


def field_names(config: Config) -> tuple[str, ...]:
    """What the fields are called."""
    return creditcard.NUMBERS if config.source == "real" else FIELDS


def kind_names(config: Config) -> tuple[str, ...]:
    """What the numbers in `Rows.kind` stand for."""
    return ("normal", "fraud") if config.source == "real" else transactions.KINDS


def choice_names(config: Config) -> list[str]:
    """What each choice means, all fields side by side."""
    if config.source == "real":
        return [f"bin {i + 1} of {size}" for size in config.sizes for i in range(size)]
    names = []
    for field in FIELDS:
        names += CATEGORICAL.get(field) or _ranges(field)
    return names


def _ranges(field: str) -> list[str]:
    """What lies between the edges of a number, in its own unit."""
    if field == "hour":
        return [f"{hour:.0f} to {hour + 1:.0f} h" for hour in range(24)]
    to_unit = {"amount": np.exp, "gap": np.exp}.get(field, np.expm1)
    unit = {"amount": "euros", "gap": "h"}.get(field, "km")
    ends = [f"{value:.2g}" if value < 10 else f"{value:,.0f}" for value in to_unit(EDGES[field])]
    between = [f"{low} to {high} {unit}" for low, high in pairwise(ends)]
    return [f"below {ends[0]} {unit}", *between, f"above {ends[-1]} {unit}"]


def starts(sizes: tuple[int, ...]) -> Int[np.ndarray, " fields"]:
    """Where the choices of each field begin."""
    return np.cumsum((0, *sizes[:-1]))


def owners(sizes: tuple[int, ...]) -> Int[np.ndarray, " choices"]:
    """The field to which each choice belongs."""
    return np.repeat(np.arange(len(sizes)), sizes)


# --- The published set ------------------------------------------------------------------------


def _published(config: Config, *, seed: int) -> Data:
    """Half of the payments to learn from, without the frauds; a fifth and the rest to judge by.

    No set gets more than `config` states.
    """
    table = creditcard.load_creditcard()
    order = np.random.default_rng(seed).permutation(len(table.is_fraud))
    parts = np.split(order, [len(order) // 2, len(order) * 7 // 10])
    parts[0] = parts[0][~table.is_fraud[parts[0]]]
    sizes = config.num_train, config.num_development, config.num_test
    parts = [part[:size] for part, size in zip(parts, sizes, strict=True)]
    tables = standardize([{"numbers": table.numbers[part]} for part in parts])
    rows = []
    for part, features in zip(parts, tables, strict=True):
        chosen = np.digitize(features["numbers"], STANDARD_EDGES)
        empty = np.zeros((len(part), 0), np.float32)
        kind = table.is_fraud[part].astype(int)
        rows.append(Rows(one_hot(chosen, config.sizes), empty, features, kind))
    return Data(*rows)


# --- Draws and schedules that both backends share ---------------------------------------------


def draw_hidden(num_rows: int, config: Config, *, rng: np.random.Generator) -> Hidden:
    """Any number of the fields hidden, from one to all of them, each number equally likely."""
    num_fields = len(config.sizes)
    ranks = rng.random((num_rows, num_fields)).argsort(1).argsort(1)
    return (ranks < rng.integers(1, num_fields + 1, (num_rows, 1))).astype(np.float32)


def draw_orders(config: Config, *, seed: int = 0) -> Int[np.ndarray, "orders fields"]:
    """Orders in which the fields of a payment are revealed."""
    rng = np.random.default_rng((seed, 2))
    fields = np.tile(np.arange(len(config.sizes)), (config.num_orders, 1))
    return rng.permuted(fields, axis=1)


def learning_rates(config: Config) -> schedules.Schedule:
    """The learning rate of every step: down from the first to zero, along half a cosine."""
    return schedules.cosine(config.num_epochs * config.steps_per_epoch, config.learning_rate)
