"""What a fact shows outside: no small number, and none that follows from its neighbours or its total."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heytalk_audit.audit.fact_disclosure import hidden_places, of_fact
from heytalk_audit.audit.fact_result import FactPart, FactResult


def fact(rows, parts=None, excluded=0):
    parts = parts or (FactPart(name="", title="", by=("state", "age"), counts=("people",)),)
    columns = (*(["part"] if len(parts) > 1 else []), *dict.fromkeys(name for part in parts for name in part.columns))
    total = sum(row[-1] for row in rows if isinstance(row[-1], int))
    return FactResult(
        id="people", title="People", definition="All.", total=total, counts="people", excluded=excluded, columns=columns, rows=rows,
        parts=parts, limits=(), blocked_by=(),
    )  # fmt: skip


ROWS = (("gone", "a", 7), ("gone", "b", 3), ("live", "a", 90), ("live", "b", 40))


def test_inside_everything_is_shown():
    assert of_fact(fact(ROWS, excluded=2), "internal") == fact(ROWS, excluded=2)


@pytest.mark.parametrize("audience", ["regulator", "public"])
def test_a_small_number_is_hidden_and_one_beside_it_and_the_total_is_not(audience):
    visible = of_fact(fact(ROWS, excluded=2), audience)
    assert visible.total == 140 and visible.excluded is None
    assert visible.suppressed == (0, 1)
    assert visible.rows == (("gone", "a", None), ("gone", "b", None), ("live", "a", 90), ("live", "b", 40))


def test_five_is_not_small_and_nothing_is_hidden():
    rows = (("gone", "a", 5), ("live", "a", 90))
    assert of_fact(fact(rows, excluded=5), "public") == fact(rows, excluded=5)


def test_a_group_of_one_small_row_takes_another_group_with_it():
    visible = of_fact(fact((("gone", "a", 3), ("live", "a", 90), ("live", "b", 40))), "regulator")
    assert visible.suppressed == (0, 1)


def test_where_all_is_small_nothing_is_shown():
    assert of_fact(fact((("gone", "a", 3), ("live", "a", 2))), "regulator").suppressed == (0, 1)


def test_a_part_that_differs_from_the_whole_by_a_small_number_is_hidden():
    part = FactPart(name="", title="", by=("data",), counts=("rows", "due"), within={"due": "rows"})
    rows = (("consents", 100, 97), ("devices", 100, 50), ("users", 100, 0))
    visible = of_fact(fact(rows, (part,)), "regulator")
    assert 0 in visible.suppressed and 2 not in visible.suppressed


def test_only_the_part_with_a_small_number_loses_rows():
    parts = (FactPart(name="x", title="X", by=("a",), counts=("people",)), FactPart(name="y", title="Y", by=("b",), counts=("people",)))
    rows = (("x", "1", 50, None), ("x", "2", 60, None))
    columns = ("part", "a", "people", "b")
    whole = fact((), parts).model_copy(update={"columns": columns, "rows": (*rows, ("y", None, 3, "1"), ("y", None, 70, "2"))})
    visible = of_fact(whole, "regulator")
    assert visible.suppressed == (2, 3)
    assert visible.rows[2] == ("y", None, None, "1")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_every_choice_of_the_hidden_numbers_is_possible(cells):
    """Whoever knows the sum, and what is shown, cannot tell what a small number is: it may be any of 1 to 4. Where all is hidden, the total
    alone is known, which is never hidden."""
    numbers, groups = {i: n for i, (_, n) in enumerate(cells)}, {i: g for i, (g, _) in enumerate(cells)}
    hide = hidden_places(numbers, groups, sum_known=True)
    small = [i for i, n in numbers.items() if 0 < n < 5]
    assert set(small) <= hide
    if small and hide != set(numbers):
        hidden_sum = sum(numbers[i] for i in hide)
        assert all(hidden_sum - sum(choice) >= 5 for choice in product(range(1, 5), repeat=len(small)))
