"""Every row of the table of habits is run before it is shown."""

import dataclasses

import pytest

from tutorials_lib.jax_and_numpy.habits import fates
from tutorials_lib.jax_and_numpy.habits.rows import HABITS, Habit


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.in_numpy.splitlines()[0])
def test_the_line_of_jax_leads_to_what_the_line_of_numpy_does(habit: Habit) -> None:
    assert fates.fate(habit)
    assert habit.why.endswith(".")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x[1] = 7", "`TypeError`"),
        ("x.sort()", fates.OTHER),
        ("y = np.vectorize(f)(x)", fates.SAME),
        ("assert x.sum() > 9", "`TracerBoolConversionError`"),
        ("y = x[x > 0].sum()", "`NonConcreteBooleanIndexError`"),
        ("print(x.sum())", fates.OTHER),
        ("y = np.zeros(3)", fates.OTHER),
    ],
)
def test_what_becomes_of_a_line_that_is_taken_over(code: str, expected: str) -> None:
    (habit,) = (habit for habit in HABITS if habit.in_numpy == code)
    assert fates.fate(habit) == expected


@pytest.mark.parametrize(
    "wrong", ["x = x.at[1].set(8)", "x = x.at[1].set(7)\nprint(1)", "x = 1 / 0"]
)
def test_a_row_that_is_wrong_is_an_error(wrong: str) -> None:
    with pytest.raises(ArithmeticError, match="leads to"):
        fates.fate(dataclasses.replace(HABITS[0], in_jax=wrong))


def test_the_table_has_a_row_for_every_habit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fates, "fate", lambda habit: fates.OTHER)
    rows = fates.rows()
    assert len(rows) == len(HABITS) >= 20
    assert all(len(row) == 3 and fates.OTHER in row[2] for row in rows)
    assert "|" not in str(rows)
