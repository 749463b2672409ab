"""Suppression over several tables of one fact: the whole one, which a quarterly report shows, and those of scopes of it.

A number of the whole less those of scopes is a number of the rest. So a row is hidden in all scopes where it, the rest, or what is left of
the whole by any choice of scopes, or the difference of two of them, is small. What the whole table hides is hidden in the scopes as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heytalk_audit.audit.suppression import SMALL, is_small

#: The numbers of a row, one per count of its table.
Numbers = Sequence[int]
#: With more scopes of one fact than this, no choice of them is looked at: every row that is not nought in one scope is hidden.
_MOST_SCOPES = 8


@dataclass(frozen=True)
class Joint:
    """What is hidden in every scope of a fact: the rows, by their dimensions, and whether the scopes' totals are."""

    rows: frozenset[tuple[str, ...]]
    totals: bool


def joint(
    whole: Mapping[tuple[str, ...], Numbers],
    hidden: frozenset[tuple[str, ...]],
    scopes: Sequence[Mapping[tuple[str, ...], Numbers]],
    own: frozenset[tuple[str, ...]] = frozenset(),
) -> Joint:
    """What must be hidden of these scopes. `whole` are the numbers as they are, of which the rows in `hidden` are suppressed already; the
    scopes suppress those in `own` by themselves.

    The totals of scopes are hidden where any row is, unless the hidden rows leave room enough.
    """
    rows = set(own) | {key for key in hidden if key in whole}
    rows |= {key for key, numbers in whole.items() if _gives_away(numbers, [_of(scope, key, numbers) for scope in scopes])}
    rows |= {key for scope in scopes for key in scope if key not in whole}
    return Joint(frozenset(rows), bool(rows) and not _is_slack(whole, hidden, rows, scopes))


def gives_away(total: int, parts: Sequence[int]) -> bool:
    """Whether a total and numbers of scopes of it, shown together, give a small number away."""
    if len(parts) > _MOST_SCOPES:
        return any(parts)
    chosen = (choice for size in range(1, len(parts) + 1) for choice in itertools.combinations(parts, size))
    rests = (total - sum(choice) for choice in chosen)
    differences = (abs(one - other) for one, other in itertools.combinations(parts, 2))
    return any(map(is_small, itertools.chain(parts, rests, differences)))


def _gives_away(numbers: Numbers, parts: Sequence[Numbers]) -> bool:
    return any(gives_away(number, [part[place] for part in parts]) for place, number in enumerate(numbers))


def _of(scope: Mapping[tuple[str, ...], Numbers], key: tuple[str, ...], like: Numbers) -> Numbers:
    return scope.get(key, [0] * len(like))


def _is_slack(
    whole: Mapping[tuple[str, ...], Numbers],
    hidden: frozenset[tuple[str, ...]],
    rows: set[tuple[str, ...]],
    scopes: Sequence[Mapping[tuple[str, ...], Numbers]],
) -> bool:
    """Whether the hidden rows of each scope, and of the rest, sum to so much that each small number among them may be any of 1 to 4.

    Only rows that the whole table hides can make up for others: of the rest, a scope and its rest are bound by a number that is shown.
    One scope alone is looked at: several may overlap.
    """
    if len(scopes) != 1 or any(len(numbers) != 1 for numbers in whole.values()):
        return False
    own = {key: _of(scopes[0], key, whole.get(key, [0]))[0] for key in rows}
    rest = {key: whole.get(key, [0])[0] - number for key, number in own.items()}
    return all(_is_enough(column, hidden) for column in (own, rest))


def _is_enough(column: Mapping[tuple[str, ...], int], hidden: frozenset[tuple[str, ...]]) -> bool:
    small = sum(map(is_small, column.values()))
    loose = sum(number for key, number in column.items() if key in hidden)
    return not any(column.values()) or loose >= (SMALL - 1) * small + SMALL
