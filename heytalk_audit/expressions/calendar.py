"""Calendar arithmetic as Ibis expressions: local dates, due days, hours.

Months are added by integers, never by an engine's interval: engines differ at month ends. All other intervals are in seconds: an
engine merges two intervals of different units into one. Whether a period is over is tested by a cutoff, computed once with
`add_months`. Times are naive UTC.
"""

from __future__ import annotations

import bisect
import calendar
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir

from heytalk_audit.errors import nearest
from heytalk_audit.expressions import engine_function

_INSTANT = dtypes.Timestamp(scale=6)
_ZONED = dtypes.Timestamp(timezone="UTC", scale=6)


@engine_function(name="timezone", signature=((str, _INSTANT), _ZONED))
def _at_utc(zone: Any, instant: Any) -> Any: ...


@engine_function(name="timezone", signature=((str, _ZONED), _INSTANT))
def _at_zone(zone: Any, instant: Any) -> Any: ...


@engine_function(name="from_utc_timestamp", signature=((_INSTANT, str), _INSTANT))
def _from_utc(instant: Any, zone: Any) -> Any: ...


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day number `months` later, clamped to the last day of that month."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_start_overdue(today: dt.date, months: int) -> dt.date:
    """The latest start day of a period in months whose last day lies before `today`: later starts are not over yet, earlier ones are."""
    day = add_months(today, -months) + dt.timedelta(days=3)
    while add_months(day, months) >= today:
        day -= dt.timedelta(days=1)
    return day


def sure(predicate: ir.BooleanValue) -> ir.BooleanValue:
    """The predicate, false where it is null."""
    return predicate.fill_null(False)


def plus_months(day: ir.DateValue, months: int | ir.IntegerScalar) -> ir.DateValue:
    """`add_months` for a column of dates."""
    index = day.year().cast("int64") * 12 + day.month().cast("int64") - 1 + months
    year, month = index // 12, index % 12 + 1
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    last = ibis.cases((month.isin([4, 6, 9, 11]), 30), (month != 2, 31), (leap, 29), else_=28)
    number = ibis.least(day.day().cast("int64"), last.cast("int64"))
    return ibis.date(year.cast("int32"), month.cast("int32"), number.cast("int32"))


#: How many seconds the units of lengths of time have. All spans are in seconds: an engine may merge two intervals of different units.
SECONDS = {"days": 86_400, "hours": 3_600, "seconds": 1}


def span(number: int, unit: str) -> ir.IntervalScalar:
    """A length of time in days, hours or seconds."""
    return ibis.interval(seconds=number * SECONDS[unit])


def plus_span(day: ir.DateValue, length: ir.IntervalScalar) -> ir.DateValue:
    """A column of dates, later by a length of whole days."""
    return (day.cast(_INSTANT) + length).cast("date")


def plus_days(day: ir.DateValue, days: int) -> ir.DateValue:
    """A column of dates, that many days later."""
    return plus_span(day, span(days, "days"))


def plus_days_of(day: ir.DateValue, days: ir.IntegerValue) -> ir.DateValue:
    """A column of dates, each later by as many days as a column of numbers says."""
    return _date(_epoch_day(day) + days)


def days_between(day: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """How many days one date lies after another."""
    return _epoch_day(later) - _epoch_day(day)


def full_years(birth: ir.DateValue, day: ir.DateValue) -> ir.IntegerValue:
    """Age on a day; a 29 February birthday counts from 1 March in years without one."""
    before = (day.month() < birth.month()) | ((day.month() == birth.month()) & (day.day() < birth.day()))
    return day.year() - birth.year() - before.cast("int32")


def working_day(start: ir.DateValue, count: int | ir.IntegerValue, holidays: Iterable[dt.date] = ()) -> ir.DateValue:
    """The `count`-th day after `start` that is no Saturday, Sunday or holiday.

    Days from Monday to Friday are numbered. The n-th that is no holiday has the number n plus the count of holidays before it, and
    that count is looked up for each n.
    """
    off = sorted({_weekday_number(day) for day in holidays if day.weekday() < 5})
    epoch = _epoch_day(start) + 3  # counted from Monday, 29 December 1969
    number = epoch // 7 * 5 + ibis.least(epoch % 7 + 1, ibis.literal(5, type="int64"))
    wanted = number - _how_many(off, number) + count
    number = wanted + _how_many([n - i for i, n in enumerate(off)], wanted) - 1
    return _date(number // 5 * 7 + number % 5 - 3)


def _how_many(steps: list[int], value: ir.IntegerValue) -> ir.IntegerValue:
    """How many of the sorted steps are at or below a value. Looked up in an array, so that the SQL does not grow with each step."""
    if not steps:
        return ibis.literal(0, type="int64")
    counts = [bisect.bisect_right(steps, n) for n in range(steps[0] - 1, steps[-1] + 1)]
    place = ibis.greatest(ibis.least(value - (steps[0] - 1), ibis.literal(len(counts) - 1, type="int64")), ibis.literal(0, type="int64"))
    return ibis.array([ibis.literal(n, type="int64") for n in counts])[place.cast("int32")]


def _weekday_number(day: dt.date) -> int:
    """The number of a day from Monday to Friday, counted without weekends."""
    weeks, weekday = divmod((day - dt.date(1969, 12, 29)).days, 7)
    return weeks * 5 + weekday + 1


def _date(epoch_day: ir.IntegerValue) -> ir.DateValue:
    return (epoch_day * 86_400).as_timestamp("s").cast("date")


def _epoch_day(day: ir.DateValue) -> ir.IntegerValue:
    return (day.cast(_INSTANT).epoch_seconds() // 86_400).cast("int64")


def latest(*values: ir.Value) -> ir.Value:
    """The greatest of those that are not null."""
    return _fold(values, lambda a, b: ibis.ifelse(b > a, b, a))


def earliest(*values: ir.Value) -> ir.Value:
    """The least of those that are not null."""
    return _fold(values, lambda a, b: ibis.ifelse(b < a, b, a))


def _fold(values: tuple[ir.Value, ...], pick: Callable[[ir.Value, ir.Value], ir.Value]) -> ir.Value:
    result, *rest = values
    for value in rest:
        result = ibis.coalesce(pick(result, value), result, value)
    return result


@dataclass(frozen=True)
class Clock:
    """The one instant and zone of an audit, and what follows from them.

    `as_of` is naive UTC, `zone` an IANA name; `dialect` is the engine's, as each converts zones with functions of its own.
    """

    as_of: dt.datetime
    zone: str = "UTC"
    dialect: str = "duckdb"

    @cached_property
    def today(self) -> dt.date:
        """The audit's local date."""
        return self.as_of.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.zone)).date()

    def date(self, instant: ir.TimestampValue) -> ir.DateValue:
        """The local date of an instant."""
        if self.zone == "UTC":
            return instant.cast("date")
        if self.dialect == "pyspark":
            return _from_utc(instant, self.zone).cast("date")
        return _at_zone(self.zone, _at_utc("UTC", instant)).cast("date")

    def future(self, *instants: ir.TimestampValue) -> ir.BooleanValue:
        """Whether any of the instants lies after `as_of`; a null does not."""
        now = ibis.literal(self.as_of, type=_INSTANT)
        result = sure(instants[0] > now)
        for instant in instants[1:]:
            result = result | sure(instant > now)
        return result

    def by_now(self, instant: ir.TimestampValue) -> ir.BooleanValue:
        """Whether an instant lies at or before `as_of`; false where null."""
        return sure(instant <= ibis.literal(self.as_of, type=_INSTANT))


def known_zone(name: Any) -> Any:
    """The name of a zone, for models of parameters. Raises ValueError for an unknown one, and names the one nearest to it."""
    zones = available_timezones()
    if not isinstance(name, str) or name not in zones:
        hint = nearest(str(name)[:60], zones)
        todo = hint if hint.startswith("did you mean") else "write an IANA name, as Europe/Madrid"
        raise ValueError(f"unknown zone {str(name)[:60]!r}; {todo}")
    ZoneInfo(name)
    return name
