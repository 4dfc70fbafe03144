"""Every way to update changes the same numbers, and donation reuses memory."""

import jax.numpy as jnp
import pytest

from tutorials_lib.jax_and_numpy import updates


def test_every_way_to_update_is_timed_at_every_size() -> None:
    seconds = updates.seconds_per_update((60, 70), num_updates=3, repeats=2)
    assert tuple(seconds) == updates.WAYS
    assert all(len(each) == 2 and min(each) > 0 for each in seconds.values())


def test_a_way_that_changes_other_numbers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "add_one", lambda x, place: x.at[place + 1].add(1))
    with pytest.raises(ArithmeticError, match="op by op"):
        updates.seconds_per_update((60,), num_updates=3, repeats=2)


def test_a_donated_array_is_gone_and_its_memory_holds_the_result() -> None:
    x = jnp.zeros(100)
    address = x.unsafe_buffer_pointer()
    y = updates.add_one_in_place(x, 3)
    assert y.unsafe_buffer_pointer() == address
    assert x.is_deleted()
