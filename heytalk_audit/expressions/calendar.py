"""Calendar arithmetic as Ibis expressions: local dates, due days, hours.

Months are added by integers, never by an engine's interval: engines differ at month ends, and one of them merges two intervals
of different units into one. A period is tested by a cutoff found with the forward rule. Times are naive UTC.
"""

from __future__ import annotations

import bisect
import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir

from heytalk_audit.errors import nearest

_INSTANT = dtypes.Timestamp(scale=6)
_ZONED = dtypes.Timestamp(timezone="UTC", scale=6)


@ibis.udf.scalar.builtin(name="timezone")
def _at_utc(zone: str, instant: _INSTANT) -> _ZONED: ...


@ibis.udf.scalar.builtin(name="timezone")
def _at_zone(zone: str, instant: _ZONED) -> _INSTANT: ...


@ibis.udf.scalar.builtin(name="from_utc_timestamp")
def _from_utc(instant: _INSTANT, zone: str) -> _INSTANT: ...


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day number `months` later, clamped to the last day of that month."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_start_overdue(today: dt.date, months: int) -> dt.date:
    """The latest start day whose due day lies before `today`: over(x) is exactly L(x) <= this day."""
    day = add_months(today, -months) + dt.timedelta(days=3)
    while add_months(day, months) >= today:
        day -= dt.timedelta(days=1)
    return day


def sure(predicate: ir.BooleanValue) -> ir.BooleanValue:
    """The predicate, false where the data does not say."""
    return predicate.fill_null(False)


def plus_months(day: ir.DateValue, months: int | ir.IntegerScalar) -> ir.DateValue:
    """`add_months` for a column of dates."""
    index = day.year().cast("int64") * 12 + day.month().cast("int64") - 1 + months
    year, month = index // 12, index % 12 + 1
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    last = ibis.cases((month.isin([4, 6, 9, 11]), 30), (month != 2, 31), (leap, 29), else_=28)
    number = ibis.least(day.day().cast("int64"), last.cast("int64"))
    return ibis.date(year.cast("int32"), month.cast("int32"), number.cast("int32"))


def plus_days(day: ir.DateValue, days: int) -> ir.DateValue:
    """A column of dates, that many days later."""
    return (day + ibis.interval(days=days)).cast("date")


def plus_days_of(day: ir.DateValue, days: ir.IntegerValue) -> ir.DateValue:
    """A column of dates, each later by as many days as a column of numbers says."""
    return _date(_epoch_day(day) + days)


def days_between(day: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """How many days one date lies after another."""
    return _epoch_day(later) - _epoch_day(day)


def working_day(start: ir.DateValue, count: int | ir.IntegerValue, holidays: Iterable[dt.date] = ()) -> ir.DateValue:
    """The `count`-th day after `start` that is no Saturday, Sunday or holiday.

    Days from Monday to Friday are numbered; the n-th that is no holiday has the number n plus how many holidays come before it, and
    that many is known for each n in advance.
    """
    off = sorted({_weekday_number(day) for day in holidays if day.weekday() < 5})
    epoch = _epoch_day(start) + 3  # counted from Monday, 29 December 1969
    number = epoch // 7 * 5 + ibis.least(epoch % 7 + 1, ibis.literal(5, type="int64"))
    wanted = number - _how_many(off, number) + count
    number = wanted + _how_many([n - i for i, n in enumerate(off)], wanted) - 1
    return _date(number // 5 * 7 + number % 5 - 3)


def _how_many(steps: list[int], value: ir.IntegerValue) -> ir.IntegerValue:
    """How many of these sorted steps are at or below a value: looked up, so that the value is written once, however many steps."""
    if not steps:
        return ibis.literal(0, type="int64")
    counts = [bisect.bisect_right(steps, n) for n in range(steps[0] - 1, steps[-1] + 1)]
    place = ibis.greatest(ibis.least(value - (steps[0] - 1), ibis.literal(len(counts) - 1, type="int64")), ibis.literal(0, type="int64"))
    return ibis.array([ibis.literal(n, type="int64") for n in counts])[place.cast("int32")]


def _weekday_number(day: dt.date) -> int:
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


def _fold(values: tuple, pick) -> ir.Value:
    result, *rest = values
    for value in rest:
        result = ibis.coalesce(pick(result, value), result, value)
    return result


@dataclass(frozen=True)
class Clock:
    """The one instant and zone of an audit, and what follows from them.

    `as_of` is naive UTC; `zone` an IANA name; `dialect` says how the engine at hand spells a zone's conversion.
    """

    as_of: dt.datetime
    zone: str = "UTC"
    dialect: str = "duckdb"

    @cached_property
    def today(self) -> dt.date:
        """The audit's local date."""
        return self.as_of.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.zone)).date()

    def date(self, instant: ir.TimestampValue) -> ir.DateValue:
        """L(x): the local date of an instant."""
        if self.zone == "UTC":
            return instant.cast("date")
        if self.dialect == "pyspark":
            return _from_utc(instant, self.zone).cast("date")
        return _at_zone(self.zone, _at_utc("UTC", instant)).cast("date")

    def future(self, *instants: ir.TimestampValue) -> ir.BooleanValue:
        """Whether any of the instants lies after as_of; nulls do not."""
        now = ibis.literal(self.as_of, type=_INSTANT)
        result = sure(instants[0] > now)
        for instant in instants[1:]:
            result = result | sure(instant > now)
        return result

    def by_now(self, instant: ir.TimestampValue) -> ir.BooleanValue:
        """instant <= as_of; false where null."""
        return sure(instant <= ibis.literal(self.as_of, type=_INSTANT))


def known_zone(name: Any) -> Any:
    """The name of a zone; an unknown one is refused with the nearest known."""
    known = available_timezones()
    if not isinstance(name, str) or name not in known:
        hint = nearest(str(name)[:60], known)
        todo = hint if hint.startswith("did you mean") else "write an IANA name, as Europe/Madrid"
        raise ValueError(f"unknown zone {str(name)[:60]!r}; {todo}")
    ZoneInfo(name)
    return name
