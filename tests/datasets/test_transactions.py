"""The invented bank: habits, look-alikes and three kinds of fraud, as documented."""

import numpy as np
import pytest

from tutorials_lib.datasets import transactions
from tutorials_lib.datasets.transactions import CATEGORIES, CHANNELS, KINDS, Payments


@pytest.fixture(scope="module")
def bank() -> transactions.Bank:
    return transactions.bank(seed=0)


@pytest.fixture(scope="module")
def payments(bank) -> Payments:
    return transactions.payments(bank, 20_000, fraud_share=0.1, rng=np.random.default_rng(0))


def of_kind(payments: Payments, name: str) -> Payments:
    rows = payments.kind == KINDS.index(name)
    return Payments(*(column[rows] for column in payments))


def test_one_seed_repeats_and_two_differ(bank):
    again, other = transactions.bank(seed=0), transactions.bank(seed=1)
    np.testing.assert_array_equal(bank.customers.level, again.customers.level)
    assert not np.array_equal(bank.customers.level, other.customers.level)


def test_frauds_are_as_common_as_asked_and_their_kinds_equally(payments):
    shares = np.bincount(payments.kind, minlength=len(KINDS)) / len(payments.kind)
    np.testing.assert_allclose(shares, [0.9, 0.1 / 3, 0.1 / 3, 0.1 / 3], atol=0.007)


def test_no_payment_is_impossible(payments):
    assert ((payments.hour >= 0) & (payments.hour < 24)).all()
    assert min(payments.km_home.min(), payments.km_last.min(), payments.gap.min()) >= 0
    own = of_kind(payments, "normal")
    assert (own.km_last / own.gap).max() <= 60 * (1 + 1e-9)  # nobody is faster than a car


def test_a_contactless_payment_above_the_limit_is_rare(payments):
    own = of_kind(payments, "normal")
    tapped = own.channel == CHANNELS.index("contactless")
    above = own.log_amount > np.log(transactions.CONTACTLESS_LIMIT)
    assert tapped[above].mean() < 0.02 < 0.3 < tapped[~above].mean()


def test_each_kind_of_fraud_has_its_mark(payments, bank):
    own, testing = of_kind(payments, "normal"), of_kind(payments, "card testing")
    cloned, taken = of_kind(payments, "cloned card"), of_kind(payments, "takeover")
    assert np.median(testing.log_amount) < 1 < np.median(own.log_amount)
    assert np.median(testing.gap) < 0.2 < np.median(own.gap)
    assert cloned.km_home.min() > 8 > np.median(own.km_home)
    assert (cloned.channel == CHANNELS.index("chip")).all()
    share = bank.history.categories[taken.customer, taken.category]
    assert np.median(share) < 0.05
    assert np.median(np.abs(taken.hour - 3)) < 2


def test_night_shifts_move_working_days_and_leave_sundays(bank, payments):
    own = of_kind(payments, "normal")
    at_night = bank.customers.works_at_night[own.customer]
    transit = own.category == CATEGORIES.index("transit")
    weekdays = at_night & transit & (own.weekday < 5)
    assert (own.hour[weekdays] > 15).mean() > 0.7
    assert (own.hour[~at_night & transit & (own.weekday < 5)] > 15).mean() < 0.3


def test_history_consists_of_shares(bank):
    for shares in (bank.history.categories, bank.history.hours, bank.history.channels):
        np.testing.assert_allclose(shares.sum(1), 1)


@pytest.mark.parametrize(
    ("size", "share", "message"),
    [(-1, 0.1, "num_payments is -1"), (5, 1.5, "fraud_share is 1.5"), (5, -0.1, "from 0 to 1")],
)
def test_what_cannot_be_drawn_is_refused(bank, size: int, share: float, message: str):
    with pytest.raises(ValueError, match=message):
        transactions.payments(bank, size, fraud_share=share, rng=np.random.default_rng(0))


def test_no_payments_are_a_table_without_rows(bank):
    none = transactions.payments(bank, 0, fraud_share=0.5, rng=np.random.default_rng(0))
    assert {len(column) for column in none} == {0}
