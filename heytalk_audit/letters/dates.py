"""The calendar of a letter: when it came, by when it is answered, and how many working days of its region lie between."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from heytalk_audit.letters.parameters import LetterStated
from heytalk_audit.policy import holidays

_DAY = dt.timedelta(days=1)


def calendar_of(letter: LetterStated) -> Iterator[str]:
    """The lines of the calendar: days in their order, each with the working days since the letter came, the day of receipt not counted.

    Without a region only Saturdays and Sundays are no working days. Raises InputError for a region that is no country.
    """
    off = _holidays(letter)
    days = {"received": letter.received_on} | dict(letter.milestones)
    days |= {"answer by": letter.answer_by} if letter.answer_by else {}
    for name, day in sorted(days.items(), key=lambda item: (item[1], item[0] != "received")):
        yield f"{day.isoformat()}  {day:%a}  working day {_working_days(letter.received_on, day, off):>3}  {name}{_note(day, off)}"
    if letter.answer_by:
        number = (letter.answer_by - letter.received_on).days
        yield f"{number} days to answer, of these {_working_days(letter.received_on, letter.answer_by, off)} working days{_where(letter)}"


def _where(letter: LetterStated) -> str:
    return f" in {letter.region}" if letter.region else " (no region is named: public holidays are not left out)"


def _holidays(letter: LetterStated) -> dict[dt.date, str]:
    """The public holidays of the letter's region in the years that its calendar touches, with their names."""
    if not letter.region:
        return {}
    days = [letter.received_on, *letter.milestones.values(), *([letter.answer_by] if letter.answer_by else [])]
    lines = holidays.lines(letter.region, range(min(days).year, max(days).year + 1))
    parts = (line.removeprefix("- ").split("  # ", 1) for line in lines)
    return {dt.date.fromisoformat(day): name for day, name in parts}


def _is_working(day: dt.date, off: dict[dt.date, str]) -> bool:
    return day.weekday() < 5 and day not in off


def _working_days(first: dt.date, last: dt.date, off: dict[dt.date, str]) -> int:
    """How many working days lie after the first and up to the last."""
    return sum(_is_working(first + _DAY * number, off) for number in range(1, (last - first).days + 1))


def _note(day: dt.date, off: dict[dt.date, str]) -> str:
    if day in off:
        return f" (public holiday: {off[day]})"
    return "" if _is_working(day, off) else " (weekend)"
