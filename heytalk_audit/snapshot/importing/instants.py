"""Dates and instants: an instant needs a zone, in the data or in the mapping, and a date alone is one only where the mapping says so."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.snapshot.importing.misfits import Wanted

#: The first and the last instant that a snapshot holds, the years 1 to 9999 UTC, in microseconds; and days.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_CLOCK = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_ZONED, _NAIVE, _DAY = _CLOCK + r"(Z|[+-]\d{2}(:?\d{2})?)$", _CLOCK + "$", r"^\d{4}-\d{2}-\d{2}$"
_UTC = pa.timestamp("us", tz="UTC")


def to_dates(c: Wanted, array: pa.Array) -> pa.Array:
    """Dates of dates, of text as 2025-03-31, and of instants that are a day's first; null where one does not fit, which is counted."""
    t = pa.types
    if t.is_string(array.type):
        texts = c.keep(array, pc.match_substring_regex(array, _DAY), "text that is no date", "give dates as 2025-03-31 in the SELECT")
        array = _parsed(c, texts, pa.date32())
    elif t.is_timestamp(array.type) and array.type.tz is None:
        days = array.cast(pa.date32(), safe=False)
        todo = "say which day it is in the SELECT, as CAST(... AS DATE)"
        array = c.keep(days, pc.equal(days.cast(array.type), array), "instants where a date alone is wanted", todo)
    elif not t.is_date(array.type):
        return c.refuse(array)
    days = array.cast(pa.date32())
    numbers = days.cast(pa.int32())
    good = pc.and_(pc.greater_equal(numbers, _FIRST_DAY), pc.less_equal(numbers, _LAST_DAY))
    return c.keep(days, good, "dates outside the years 1 to 9999", "give null for them in the SELECT")


def to_instants(c: Wanted, array: pa.Array) -> pa.Array:
    """Instants, UTC in microseconds, of timestamps, of ISO 8601 text, and of dates; null where one does not fit, which is counted."""
    t = pa.types
    if t.is_string(array.type):
        return _instants_of_text(c, array)
    if t.is_date(array.type):
        return _start_of_day(c, to_dates(c, array))
    if not t.is_timestamp(array.type):
        return c.refuse(array)
    if array.type.unit == "ns":
        whole = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False)
        exact = pc.equal(whole.cast(array.type, safe=False), array)
        array = c.keep(whole, exact, "instants finer than a microsecond", "cut them in the SELECT, as date_trunc('microseconds', ...)")
    elif array.type.unit != "us":
        array = array.cast(pa.timestamp("us", tz=array.type.tz))
    array = _within(c, array)
    return _localized(c, array) if array.type.tz is None else array.cast(_UTC)


def _within(c: Wanted, array: pa.Array) -> pa.Array:
    """Instants in microseconds, without those that a snapshot can't hold."""
    numbers = array.cast(pa.int64())
    good = pc.and_(pc.greater_equal(numbers, _FIRST), pc.less_equal(numbers, _LAST))
    return c.keep(array, good, "instants outside the years 1 to 9999", "give null for them in the SELECT")


def _instants_of_text(c: Wanted, array: pa.Array) -> pa.Array:
    texts = pc.replace_substring_regex(array, r"(\.\d{6})0+", r"\1")
    zoned, naive, day = (pc.match_substring_regex(texts, form) for form in (_ZONED, _NAIVE, _DAY))
    todo = "give ISO 8601 in the SELECT, as 2025-03-31T12:00:00Z, or name it under nulls"
    texts = c.keep(texts, pc.or_(pc.or_(zoned, naive), day), "text that is no instant", todo)
    instants = _within(c, _parsed(c, pc.if_else(zoned, texts, None), _UTC))
    local = _localized(c, _within(c, _parsed(c, pc.if_else(naive, texts, None), pa.timestamp("us"))))
    days = _start_of_day(c, _parsed(c, pc.if_else(day, texts, None), pa.date32()))
    return pc.coalesce(instants, local, days)


def _parsed(c: Wanted, texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts of a form that the type has; those that name no such day or hour do not fit."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        good = pa.array([v is None or _can_be_cast(v, kind) for v in texts.to_pylist()])
        return c.keep(texts, good, "text of a day or an hour that there is not", "mend the source, or give null in the SELECT").cast(kind)


def _can_be_cast(text: str, kind: pa.DataType) -> bool:
    try:
        pa.array([text]).cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _localized(c: Wanted, array: pa.Array) -> pa.Array:
    """Instants without a zone, in that of the mapping."""
    if c.zone is None:
        todo = "add zone: to the mapping, or give the zone in the SELECT"
        return c.keep(array, pa.array(np.zeros(len(array), bool)), "instants without a zone", todo).cast(_UTC)
    earliest, latest = (pc.assume_timezone(array, c.zone, ambiguous=a, nonexistent=a) for a in ("earliest", "latest"))
    todo = "give their zone in the SELECT, as an offset"
    earliest = c.keep(earliest, pc.equal(earliest, latest), f"hours that {c.zone} has twice or not at all", todo)
    # the last hours of the year 9999 lie in the next one, where a zone is west of Greenwich
    return _within(c, earliest.cast(_UTC))


def _start_of_day(c: Wanted, days: pa.Array) -> pa.Array:
    if c.dates is None:
        todo = "add dates: start of day to the mapping, or give the hour in the SELECT"
        days = c.keep(days, pa.array(np.zeros(len(days), bool)), "dates without an hour", todo)
    return _localized(c, _within(c, days.cast(pa.timestamp("us"))))
