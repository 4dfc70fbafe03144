"""Card payments of one invented bank: customers with habits, and three kinds of fraud."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

CATEGORIES = (
    "groceries",
    "restaurant",
    "fuel",
    "transit",
    "fashion",
    "electronics",
    "digital",
    "leisure",
)
CHANNELS = ("chip", "contactless", "web", "standing order")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PROFILES = ("office", "night shifts", "student", "at home")
KINDS = ("normal", "card testing", "cloned card", "takeover")
"""What the numbers in `Payments.kind` stand for; all but the first are fraud."""

NUM_CUSTOMERS = 300
HISTORY_LENGTH = 60
"""Earlier payments of each customer, from which the bank knows the habits."""

CONTACTLESS_LIMIT = 50.0
"""In euros; above it, a card has to be put into the terminal."""

_CHIP, _CONTACTLESS, _WEB, _STANDING_ORDER = range(len(CHANNELS))
_TESTING, _CLONED, _TAKEOVER = range(1, len(KINDS))
_SHARE_TRIPS, _SHARE_LARGE = 0.02, 0.02


class _Occasion(NamedTuple):
    """Why somebody pays: how often, when, where, how much.

    `weekday` and `weekend` are weights, `spread` is a standard deviation in hours, `per_km` is
    what a longer way adds to the logarithm of the amount, `in_person` a probability, and in
    `bursts` several payments follow each other within minutes.
    """

    weekday: float
    weekend: float
    hour: float
    spread: float
    place: str
    log_amount: float
    per_km: float
    in_person: float
    bursts: bool = False


_OCCASIONS = {
    "commute": _Occasion(1.0, 0.05, 7.8, 0.6, "work", 0.9, 0, 0.95),
    "lunch": _Occasion(1.0, 0.05, 12.4, 0.5, "work", 2.3, 0, 0.95),
    "fuel": _Occasion(0.5, 0.3, 17.5, 1.0, "on the way", 3.0, 0.4, 1),
    "top-up": _Occasion(0.8, 0.2, 18.6, 0.9, "near", 2.4, 0, 1),
    "weekly shop": _Occasion(0.1, 1.5, 11.0, 1.4, "town", 3.6, 0.35, 1),
    "dinner out": _Occasion(0.25, 1.2, 20.0, 0.9, "town", 2.9, 0.4, 0.95),
    "bar": _Occasion(0.1, 1.0, 23.5, 1.3, "town", 2.2, 0, 1, bursts=True),
    "web shopping": _Occasion(0.6, 0.6, 21.0, 1.3, "web", 3.6, 0, 0),
    "apps": _Occasion(0.6, 0.8, 22.0, 1.5, "web", 1.0, 0, 0, bursts=True),
    "subscription": _Occasion(0.3, 0.3, 3.0, 0.8, "web", 2.4, 0, 0),
    "day in town": _Occasion(0.1, 1.0, 14.5, 1.6, "town", 3.3, 0.3, 1),
    "errand": _Occasion(0.8, 0.3, 10.5, 1.5, "near", 2.9, 0, 1),
}

_SHOPS = {  # where each occasion spends, in shares
    "commute": {"transit": 0.7, "restaurant": 0.3},
    "lunch": {"restaurant": 0.9, "groceries": 0.1},
    "fuel": {"fuel": 1.0},
    "top-up": {"groceries": 1.0},
    "weekly shop": {"groceries": 0.9, "fashion": 0.1},
    "dinner out": {"restaurant": 0.8, "leisure": 0.2},
    "bar": {"leisure": 0.8, "restaurant": 0.2},
    "web shopping": {"fashion": 0.5, "electronics": 0.3, "groceries": 0.2},
    "apps": {"digital": 1.0},
    "subscription": {"digital": 0.7, "leisure": 0.2, "transit": 0.1},
    "day in town": {"fashion": 0.6, "electronics": 0.2, "leisure": 0.2},
    "errand": {"groceries": 0.4, "fashion": 0.2, "restaurant": 0.2, "fuel": 0.2},
}

_FREQUENCIES = np.array(  # a row for each profile, a column for each occasion
    [
        [3.0, 3.0, 2.0, 2, 2.0, 2.0, 0.7, 1.5, 0.3, 0.8, 1.0, 0.1],
        [2.5, 2.5, 2.0, 2, 1.0, 0.5, 0.4, 1.5, 0.8, 0.8, 0.5, 0.3],
        [2.0, 1.5, 0.1, 2, 0.3, 0.8, 2.5, 1.5, 3.0, 1.0, 1.0, 0.2],
        [0.1, 0.1, 1.0, 2, 2.5, 1.0, 0.1, 1.0, 0.2, 0.6, 1.0, 4.0],
    ]
)
_WORKING_OCCASIONS = ("commute", "lunch", "fuel", "top-up")  # those that a night shift moves

_NAMES = tuple(_OCCASIONS)
_TABLE = tuple(_OCCASIONS.values())
_OF_CATEGORY = np.array([[_SHOPS[o].get(name, 0.0) for name in CATEGORIES] for o in _NAMES])
_PLACE = np.array([occasion.place for occasion in _TABLE])
_MOVED_AT_NIGHT = np.isin(_NAMES, _WORKING_OCCASIONS)


def _of_occasions(name: str) -> Float[np.ndarray, " occasions"]:
    return np.array([getattr(occasion, name) for occasion in _TABLE], float)


class Customers(NamedTuple):
    """One row for each customer: how often each occasion comes up, and what is usual.

    Attributes:
        profile: index into `PROFILES`.
        frequency: weight of each occasion.
        works_at_night: whether working days are turned by twelve hours.
        level: what is added to the logarithm of every amount.
        km_to_work: from home.
        shift: hours by which all of a day is late.
        taps: how often a small payment in person is contactless.
    """

    profile: Int[np.ndarray, " customers"]
    frequency: Float[np.ndarray, "customers occasions"]
    works_at_night: Bool[np.ndarray, " customers"]
    level: Float[np.ndarray, " customers"]
    km_to_work: Float[np.ndarray, " customers"]
    shift: Float[np.ndarray, " customers"]
    taps: Float[np.ndarray, " customers"]


class Payments(NamedTuple):
    """One row for each payment.

    Attributes:
        customer: index of the customer whose card is charged.
        category: index into `CATEGORIES`.
        channel: index into `CHANNELS`.
        hour: of the day, from 0 to below 24.
        weekday: index into `WEEKDAYS`.
        log_amount: logarithm of the euros.
        km_home: distance of the place from the customer's home, in km.
        km_last: distance from the place of the card's last payment, in km.
        gap: hours since that payment.
        kind: index into `KINDS`.
    """

    customer: Int[np.ndarray, " payments"]
    category: Int[np.ndarray, " payments"]
    channel: Int[np.ndarray, " payments"]
    hour: Float[np.ndarray, " payments"]
    weekday: Int[np.ndarray, " payments"]
    log_amount: Float[np.ndarray, " payments"]
    km_home: Float[np.ndarray, " payments"]
    km_last: Float[np.ndarray, " payments"]
    gap: Float[np.ndarray, " payments"]
    kind: Int[np.ndarray, " payments"]


class History(NamedTuple):
    """What the bank knows of each customer: shares and means over `HISTORY_LENGTH` payments.

    Attributes:
        categories: share of each category.
        hours: share of each hour of the day.
        channels: share of each channel.
        log_amount: mean logarithm of the amount ...
        spread: ... its standard deviation ...
        of_category: ... and its mean in each category, drawn to `log_amount` where there are few.
        log_km: mean of log(1 + km from home).
    """

    categories: Float[np.ndarray, "customers 8"]
    hours: Float[np.ndarray, "customers 24"]
    channels: Float[np.ndarray, "customers 4"]
    log_amount: Float[np.ndarray, " customers"]
    spread: Float[np.ndarray, " customers"]
    of_category: Float[np.ndarray, "customers 8"]
    log_km: Float[np.ndarray, " customers"]


class Bank(NamedTuple):
    """The customers, and what the bank knows of them."""

    customers: Customers
    history: History


def bank(*, seed: int) -> Bank:
    """A bank with `NUM_CUSTOMERS` customers, whose earlier payments were all their own."""
    rng = np.random.default_rng((seed, 0))
    profile = rng.choice(len(PROFILES), NUM_CUSTOMERS, p=[0.4, 0.12, 0.23, 0.25])
    second = rng.integers(0, len(PROFILES), NUM_CUSTOMERS)
    frequency = 0.8 * _FREQUENCIES[profile] + 0.2 * _FREQUENCIES[second]
    customers = Customers(
        profile=profile,
        frequency=frequency * rng.gamma(2.0, 0.5, frequency.shape),
        works_at_night=profile == PROFILES.index("night shifts"),
        level=rng.normal(0, 0.7, NUM_CUSTOMERS),
        km_to_work=np.exp(rng.normal(2.0, 0.6, NUM_CUSTOMERS)),
        shift=rng.normal(0, 0.7, NUM_CUSTOMERS),
        taps=np.where(rng.random(NUM_CUSTOMERS) < 0.2, 0.03, rng.uniform(0.6, 0.97, NUM_CUSTOMERS)),
    )
    everybody = np.repeat(np.arange(NUM_CUSTOMERS), HISTORY_LENGTH)
    return Bank(customers, _remember(_own_payments(customers, everybody, rng)))


def payments(
    of: Bank, num_payments: int, *, fraud_share: float, rng: np.random.Generator
) -> Payments:
    """Payments of customers drawn at random; each is a fraud with probability `fraud_share`.

    Two in a hundred of the customers' own payments are made on a trip, and two are unusually
    large: neither is fraud.

    Raises:
        ValueError: the number of payments is negative, or the share is not from 0 to 1.
    """
    if num_payments < 0:
        raise ValueError(f"num_payments is {num_payments}; it must be zero or more")
    if not 0 <= fraud_share <= 1:
        raise ValueError(f"fraud_share is {fraud_share}; it must be from 0 to 1")
    customer = rng.integers(0, NUM_CUSTOMERS, num_payments)
    own = _own_payments(of.customers, customer, rng)
    is_fraud = rng.random(num_payments) < fraud_share
    kind = np.where(is_fraud, rng.integers(1, len(KINDS), num_payments), 0)
    return _commit_fraud(own._replace(kind=kind), of.history, rng)


def _own_payments(
    customers: Customers, customer: Int[np.ndarray, " payments"], rng: np.random.Generator
) -> Payments:
    """Payments that the customers make themselves: an occasion each, and all else follows."""
    size = len(customer)
    weekday = rng.integers(0, 7, size)
    weekend = weekday > 4
    weights = np.where(weekend[:, None], _of_occasions("weekend"), _of_occasions("weekday"))
    occasion = _draw(customers.frequency[customer] * weights, rng)
    category = _draw(_OF_CATEGORY[occasion], rng)
    hour = rng.normal(_of_occasions("hour")[occasion], _of_occasions("spread")[occasion])
    at_night = customers.works_at_night[customer] & _MOVED_AT_NIGHT[occasion] & ~weekend
    hour += customers.shift[customer] + 12 * at_night
    work = customers.km_to_work[customer]
    km_home = _distances(_PLACE[occasion], work, rng)
    last = np.where(rng.random(size) < 0.5, work, km_home)
    last = np.where(rng.random(size) < 0.5, 0.0, last)  # the place before: home, work, or here
    log_amount = (
        _of_occasions("log_amount")[occasion]
        + customers.level[customer]
        + _of_occasions("per_km")[occasion] * np.log1p(km_home)
        + 0.35 * rng.normal(size=size)
        + 0.3 * (category == CATEGORIES.index("electronics"))
        + 0.25 * (weekend & (occasion == _NAMES.index("dinner out")))
    )
    columns = {
        "category": category,
        "hour": hour,
        "log_amount": log_amount,
        "km_home": km_home,
        "km_last": np.abs(km_home - last) + rng.exponential(0.3, size),
        "gap": np.exp(rng.normal(1.4, 1.0, size)),
    }
    _burst(columns, occasion, rng)
    in_person = rng.random(size) < _of_occasions("in_person")[occasion]
    in_person |= _look_alikes(columns, customers.level[customer], rng)
    columns["gap"] = np.maximum(columns["gap"], columns["km_last"] / 60 * rng.uniform(1, 3, size))
    columns["hour"] %= 24
    small = columns["log_amount"] < np.log(CONTACTLESS_LIMIT)
    tapped = rng.random(size) < np.where(small, customers.taps[customer], 0.01)
    from_afar = np.where(occasion == _NAMES.index("subscription"), _STANDING_ORDER, _WEB)
    return Payments(
        customer=customer,
        channel=np.where(in_person, np.where(tapped, _CONTACTLESS, _CHIP), from_afar),
        weekday=weekday,
        kind=np.zeros(size, int),
        **columns,
    )


def _burst(
    columns: dict[str, np.ndarray],
    occasion: Int[np.ndarray, " payments"],
    rng: np.random.Generator,
) -> None:
    """Let payments of some occasions, in place, follow the last one within minutes."""
    burst = (_of_occasions("bursts")[occasion] == 1) & (rng.random(len(occasion)) < 0.6)
    columns["km_last"][burst] = rng.exponential(0.15, burst.sum())
    columns["gap"][burst] = np.exp(rng.normal(-2.2, 0.7, burst.sum()))


def _distances(
    place: np.ndarray, work: Float[np.ndarray, " payments"], rng: np.random.Generator
) -> Float[np.ndarray, " payments"]:
    """Km from home to where an occasion takes place."""
    size = len(place)
    choices = {
        "work": work * np.exp(rng.normal(0, 0.12, size)),
        "on the way": work * rng.random(size),
        "near": rng.exponential(0.8, size),
        "town": rng.gamma(2.5, 2.5, size),
        "web": rng.exponential(0.4, size),
    }
    return np.select([place == name for name in choices], list(choices.values()))


def _look_alikes(
    columns: dict[str, np.ndarray], level: np.ndarray, rng: np.random.Generator
) -> Bool[np.ndarray, " payments"]:
    """Change some payments, in place, into trips and large purchases; says which are trips."""
    size = len(level)
    trip = rng.random(size) < _SHARE_TRIPS
    count = int(trip.sum())
    columns["km_home"][trip] = 20 + rng.exponential(40, count)
    columns["category"][trip] = rng.choice([1, 2, 3, 7], count)
    columns["hour"][trip] = rng.normal(15, 4, count)
    columns["log_amount"][trip] = 3.2 + level[trip] + 0.3 * rng.normal(size=count)
    columns["km_last"][trip] = rng.exponential(2.0, count)
    columns["gap"][trip] = np.exp(rng.normal(1.0, 0.8, count))
    arrival = trip & (rng.random(size) < 0.4)
    columns["km_last"][arrival] = columns["km_home"][arrival]
    large = (rng.random(size) < _SHARE_LARGE) & ~trip
    count = int(large.sum())
    columns["category"][large] = rng.choice([4, 5], count)
    columns["hour"][large] = rng.normal(15.5, 2.5, count)
    columns["log_amount"][large] += rng.normal(1.3, 0.3, count)
    return trip


def _commit_fraud(own: Payments, history: History, rng: np.random.Generator) -> Payments:
    """Let strangers make the payments whose `kind` says so.

    *Card testing* tries stolen numbers on the web: tiny sums, minutes apart. A *cloned card* is
    put into terminals far from home, soon after its owner's last payment. A *takeover* of the
    account buys dearly, at night, in one of the three categories that the customer uses least.
    """
    columns = {name: column.copy() for name, column in own._asdict().items()}

    def put(kind: int, **values: np.ndarray | int) -> None:
        for name, value in values.items():
            columns[name][own.kind == kind] = value

    n = int((own.kind == _TESTING).sum())
    put(
        _TESTING,
        log_amount=rng.normal(0.6, 0.5, n),
        gap=np.exp(rng.normal(-2.2, 0.7, n)),
        channel=_WEB,
        km_home=rng.exponential(0.4, n),
        km_last=rng.exponential(0.4, n),
        category=rng.choice([4, 5, 6], n),
    )
    cloned = own.kind == _CLONED
    n = int(cloned.sum())
    km = 8 + rng.exponential(25, n)
    put(
        _CLONED,
        km_home=km,
        km_last=np.abs(km - rng.exponential(2.0, n)),
        gap=np.exp(rng.normal(-0.5, 0.8, n)),
        channel=_CHIP,
        log_amount=own.log_amount[cloned] + rng.normal(0.5, 0.3, n),
    )
    taken = own.kind == _TAKEOVER
    n = int(taken.sum())
    rarest = history.categories[own.customer[taken]].argsort(1)[:, :3]
    put(
        _TAKEOVER,
        category=rarest[np.arange(n), rng.integers(0, 3, n)],
        log_amount=own.log_amount[taken] + rng.normal(1.3, 0.3, n),
        hour=rng.normal(3, 1.5, n) % 24,
        channel=_WEB,
        km_home=rng.exponential(0.4, n),
    )
    return Payments(**columns)


def _remember(past: Payments) -> History:
    """Shares and means over each customer's payments, which lie side by side."""

    def mean(values: np.ndarray) -> np.ndarray:
        return values.reshape(NUM_CUSTOMERS, HISTORY_LENGTH, *values.shape[1:]).mean(1)

    of_category = np.eye(len(CATEGORIES))[past.category]
    categories, log_amount = mean(of_category), mean(past.log_amount)
    spent = mean(of_category * past.log_amount[:, None])
    amounts = past.log_amount.reshape(NUM_CUSTOMERS, HISTORY_LENGTH)
    return History(
        categories=categories,
        hours=mean(np.eye(24)[past.hour.astype(int)]),
        channels=mean(np.eye(len(CHANNELS))[past.channel]),
        log_amount=log_amount,
        spread=amounts.std(1),
        of_category=(spent + 0.05 * log_amount[:, None]) / (categories + 0.05),
        log_km=mean(np.log1p(past.km_home)),
    )


def _draw(
    weights: Float[np.ndarray, "payments choices"], rng: np.random.Generator
) -> Int[np.ndarray, " payments"]:
    """A choice for each row, as likely as its weight there."""
    limits = weights.cumsum(1)
    return (rng.random((len(weights), 1)) * limits[:, -1:] >= limits[:, :-1]).sum(1)
