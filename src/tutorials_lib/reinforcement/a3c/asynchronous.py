"""A3C by threads that share parameters, with a lock that its paper leaves away (any library)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.reinforcement.a3c.problem import Draws

Params = Any


class Library(NamedTuple):
    """What a worker needs of a library; each function returns when its result is there.

    Attributes:
        work: parameters, carts and chance to carts, a gradient and what was seen.
        apply: parameters, optimizer state, gradient and learning rate to the next of the former.
    """

    work: Callable[[Params, Any, Draws], tuple[Any, Params, Any]]
    apply: Callable[[Params, Any, Params, Any], tuple[Params, Any]]


class Entry(NamedTuple):
    """One update of the shared parameters.

    Attributes:
        job: whose chance it used; jobs are numbered as they are taken.
        worker: who did it.
        staleness: updates by others between reading the parameters and this one.
        seen: what the worker saw.
    """

    job: int
    worker: int
    staleness: int
    seen: Any


class Job(NamedTuple):
    """What a worker is to do next: the number, and the parameters with their version."""

    number: int
    params: Params
    version: int


class Store:
    """Parameters that many workers read, and change one at a time.

    The lock covers the update, and the reading of parameters together with their version; it
    does not cover the work between them, during which others may update. That is what makes
    gradients stale.
    """

    def __init__(
        self,
        library: Library,
        params: Params,
        opt_state: Any,
        rates: Float[np.ndarray, " updates"],
    ) -> None:
        """Nothing is done yet; there will be as many updates as there are `rates`."""
        self.params, self.opt_state = params, opt_state
        self.log: list[Entry] = []
        self._library, self._rates, self._num_taken = library, rates, 0
        self._lock = threading.Lock()

    def take(self) -> Job | None:
        """The next job with the newest parameters; None when all are taken."""
        with self._lock:
            if self._num_taken == len(self._rates):
                return None
            self._num_taken += 1
            return Job(self._num_taken - 1, self.params, len(self.log))

    def update(self, job: Job, worker: int, grads: Params, seen: Any) -> None:
        """Move the newest parameters by a gradient, however old those are that it was found at."""
        with self._lock:
            version = len(self.log)
            state = self.params, self.opt_state
            self.params, self.opt_state = self._library.apply(*state, grads, self._rates[version])
            self.log.append(Entry(job.number, worker, version - job.version, seen))


def train(
    library: Library,
    params: Params,
    opt_state: Any,
    carts: list[Any],
    draws: Draws,
    rates: Float[np.ndarray, " updates"],
) -> Store:
    """Train by one thread for each of the `carts`, until every rate has been used; see `Store`.

    With one worker this is the synchronous training, update for update. With more, the order in
    which they come depends on the machine, and no two runs are alike.
    """
    store = Store(library, params, opt_state, rates)

    def run(worker: int) -> None:
        own = carts[worker]
        while (job := store.take()) is not None:
            now = Draws(*(array[job.number] for array in draws))
            own, grads, seen = library.work(job.params, own, now)
            store.update(job, worker, grads, seen)

    with ThreadPoolExecutor(len(carts)) as pool:
        for done in [pool.submit(run, worker) for worker in range(len(carts))]:
            done.result()  # raises what the worker raised
    return store


def staleness(store: Store) -> Int[np.ndarray, " updates"]:
    """By how many updates each gradient came too late."""
    return np.array([entry.staleness for entry in store.log])
