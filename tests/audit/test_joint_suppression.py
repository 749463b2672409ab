"""Joint suppression: nothing that is shown of a whole and its scopes gives a small number away."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given

from heytalk_audit.audit.joint_suppression import gives_away, joint
from heytalk_audit.audit.suppression import is_small

NUMBERS = st.integers(0, 40)


@pytest.mark.parametrize(
    ("total", "parts", "away"),
    [
        *((100, [50], False), (100, [96], True), (100, [95], False), (100, [4], True), (100, [0], False), (100, [100], False)),
        *((100, [60, 38], True), (100, [60, 35], False), (100, [40, 43], True), (100, [40, 45], False)),
    ],
)
def test_a_rest_or_a_difference_that_is_small_gives_it_away(total, parts, away):
    assert gives_away(total, parts) is away


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_no_small_number_follows_from_what_is_shown_of_disjoint_scopes(cells):
    """By rows: each shown row's scopes, and what any choice of them leaves of the whole, are not small."""
    whole = {(str(place),): [sum(row)] for place, row in enumerate(cells)}
    hidden = frozenset(key for key, (n,) in whole.items() if is_small(n))
    scopes = [{(str(place),): [row[column]] for place, row in enumerate(cells)} for column in (0, 1)]
    hide = joint(whole, hidden, scopes)
    assert hidden <= hide.rows
    for key in whole.keys() - hide.rows:
        (total,), parts = whole[key], [scope[key][0] for scope in scopes]
        for size in (1, 2):
            assert not any(is_small(total - sum(choice)) for choice in itertools.combinations(parts, size))
        assert not any(map(is_small, parts))
    # with several scopes a total is shown only where no row is hidden
    assert hide.totals == bool(hide.rows)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_a_shown_total_leaves_every_small_number_open(cells):
    """Of one scope: another table with the same shown numbers has each small hidden number otherwise."""
    whole = {(str(place),): [sum(row)] for place, row in enumerate(cells)}
    hidden = frozenset(key for key, (n,) in whole.items() if is_small(n)) or frozenset()
    hidden |= frozenset(sorted(whole, key=lambda key: -whole[key][0])[:1]) if hidden else frozenset()
    scope = {(str(place),): [row[0]] for place, row in enumerate(cells)}
    hide = joint(whole, hidden, [scope])
    if hide.totals or not hide.rows:
        return
    for column in (0, 1):
        numbers = {key: cells[int(key[0])][column] for key in hide.rows}
        small = [key for key, n in numbers.items() if is_small(n)]
        if small:
            assert sum(n for key, n in numbers.items() if key in hidden) >= 4 * len(small) + 5
