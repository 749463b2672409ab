"""What a fact shows to readers outside: no number from 1 to 4, and none that follows from its neighbours or from a total.

The total of a fact is never hidden. Each thing that a part counts falls into one row of it, so the sum of its first count may be known.
Where a row has a small number, or one that differs by a small number from what it is a part of, all numbers of the row are hidden, and
those of another row beside it: within the rows that have the same first dimension, as the sum of these may be the total of another fact.
Sums of other counts are stated nowhere: of these another row is hidden where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from heytalk_audit.audit.fact_result import Cell, FactPart, FactResult
from heytalk_audit.audit.suppression import SMALL, hidden, is_small
from heytalk_audit.vocabulary import Audience

#: The numbers of the rows of a part by place, and by place the first dimension.
Numbers = Mapping[int, int]


def of_fact(result: FactResult, audience: str) -> FactResult:
    """A fact's result as an audience may see it: hidden numbers are null, and `suppressed` has their rows. For internal use: as it is."""
    if audience == Audience.INTERNAL:
        return result
    hide = sorted({place for part in result.parts for place in _hidden_rows(result, part)})
    rows = tuple(_without_numbers(result, row) if place in hide else row for place, row in enumerate(result.rows))
    excluded = None if is_small(result.excluded) else result.excluded
    return result.model_copy(update={"rows": rows, "suppressed": tuple(hide), "excluded": excluded})


def with_hidden(result: FactResult, places: Iterable[int]) -> FactResult:
    """A fact's result with the numbers of further rows, by their places, hidden."""
    hide = {*result.suppressed, *places}
    rows = tuple(_without_numbers(result, row) if place in hide else row for place, row in enumerate(result.rows))
    return result.model_copy(update={"rows": rows, "suppressed": tuple(sorted(hide))})


def _hidden_rows(result: FactResult, part: FactPart) -> set[int]:
    """The places of the rows of a part whose numbers are hidden, by any of its counts."""
    rows = result.rows_of(part)
    groups = {place: str(cells[part.by[0]]) if part.by else "" for place, cells in rows}
    first, *others = [{place: _number(cells[name]) for place, cells in rows} for name in part.counts]
    beyond = [{place: _number(cells[whole]) - _number(cells[name]) for place, cells in rows} for name, whole in part.within.items()]
    hide = hidden_places(first, groups, sum_known=True)
    return hide | {place for numbers in (*others, *beyond) for place in hidden_places(numbers, groups, sum_known=False)}


def hidden_places(numbers: Numbers, groups: Mapping[int, str], sum_known: bool) -> set[int]:
    """Which of some numbers are hidden: the small ones, and others beside them, by group and in all; of numbers whose sum is known all are,
    where no others are enough."""
    hide: set[int] = set()
    for group in dict.fromkeys(groups.values()):
        own = {place: n for place, n in numbers.items() if groups[place] == group}
        by_name = hidden({_name(place): n for place, n in own.items()})
        hide |= {place for place, n in own.items() if n} if by_name is None else {int(name) for name in by_name}
    return hide | _beside(numbers, hide, sum_known)


def _beside(numbers: Numbers, hide: Iterable[int], sum_known: bool) -> set[int]:
    """What is hidden beside, so that the sum of all that is hidden gives no small number away: the first that are not small, or all."""
    added = set(hide)
    small = [place for place in added if is_small(numbers[place])]
    others = sorted(place for place, n in numbers.items() if place not in added and n >= SMALL)
    while small and not _is_enough(numbers, added, len(small)):
        if not others:
            return set(numbers) if sum_known else added
        added.add(others.pop(0))
    return added


def _is_enough(numbers: Numbers, hide: Iterable[int], small: int) -> bool:
    return sum(numbers[place] for place in hide) >= (SMALL - 1) * small + SMALL


def _name(place: int) -> str:
    """A place as a name that sorts as it does: rows stand in the order of their dimensions, not of their numbers."""
    return f"{place:09}"


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def _without_numbers(result: FactResult, row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """A row with its dimensions alone."""
    kept = {"part", *(name for part in result.parts for name in part.by)}
    return tuple(cell if name in kept else None for name, cell in zip(result.columns, row, strict=True))
