"""The policy as a rule sees it: its numbers applied to instants. Each number that a rule reads is recorded.

From the record come the numbers that the report shows of a rule, whether a violation rests on an assumption, and how far back the
snapshot must reach.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit.expressions import calendar
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.expressions.computed_from import ComputedFrom, Rows
from heytalk_audit.policy import Number, Policy
from heytalk_audit.policy.declared import Declared

#: What makes a table of a named expression.
Keep = Callable[[str, ir.Table], ir.Table]
Leaf = TypeVar("Leaf", bound=ir.Scalar)


class View:
    """A policy bound to an audit's clock and settings. Each evaluation of a rule has its own.

    `read` is what the rule has read; `shared` are the names of what it needs that several rules need. `keep` makes a table of such an
    expression, computed once; without it, the expression stays what it is.
    """

    def __init__(self, policy: Policy, clock: Clock, settings: dict[str, Any], keep: Keep | None = None):
        self._policy, self.clock, self._settings, self._keep = policy, clock, settings, keep
        self.read: dict[str, Number] = {}
        self.shared: list[str] = []
        self._kept: dict[ops.Node, ops.Node] = {}
        self._used: dict[ops.Node, Number] = {}
        self._steps: dict[ops.Node, list[ops.Node]] = {}

    # what several rules need ------------------------------------------------------------------

    def named(self, name: str, table: ir.Table) -> ir.Table:
        """The table, as one that several rules need: an audit computes it once, and keeps it under that name.

        It must be the same for every rule of an audit: what it depends on are the snapshot, the policy and the settings.
        """
        if name not in self.shared:
            self.shared.append(name)
        if self._keep is None:
            return table
        kept = self._keep(name, table)
        self._kept[kept.op()] = table.op()
        return kept

    @property
    def kept(self) -> Mapping[ops.Node, ops.Node]:
        """What the tables of named expressions were made of."""
        return self._kept

    def tables_within(self, table: ir.Table) -> set[ops.Node]:
        """The tables of the engine that a table is made of, also those within what is computed once."""
        within: set[ops.Node] = set()
        waiting: list[ops.Node] = [table.op()]
        while waiting:
            for held in waiting.pop().find(ops.DatabaseTable):
                if held not in within:
                    within.add(held)
                    waiting += [self._kept[held]] if held in self._kept else []
        return within

    # numbers -----------------------------------------------------------------------------------

    def number(self, name: str) -> Any:
        """The bare value of a period, or of a setting that is a length of time, in its unit."""
        return self._take(name).value

    def _take(self, name: str) -> Number:
        if name in self._policy.periods:
            self.read[name] = self._policy.periods[name]
        else:
            self.setting(name)
        return self.read[name]

    def years(self, period: str) -> ir.IntegerScalar:
        """A period in years, as a number to compare ages with."""
        return self._marked(ibis.literal(self.number(period), type="int32"), period)

    def setting(self, name: str) -> Any:
        """A setting's value in this audit."""
        default = self._policy.settings[name]
        value = self._settings.get(name, default.value)
        self.read[name] = replace(default, value=value)
        return value

    def value(self, name: str) -> ir.Scalar:
        """A number, or a setting that is a yes or no, as a literal: what is computed from it rests on it."""
        return self._marked(ibis.literal(self.number(name)), name)

    def among(self, value: ir.StringValue, name: str, written: Callable[[str], str] = str) -> ir.BooleanValue:
        """Whether a value is one of a setting's words, each `written` so; where there are none, it is not."""
        words = [written(word) for word in self.setting(name)]
        # an engine has no column of the values that are in an empty list
        return self.depending(value.isin(words) if words else value.isnull() & value.notnull(), name)

    def depending(self, when: ir.BooleanValue, *names: str) -> ir.BooleanValue:
        """A condition that was made of these settings otherwise, of a list of words for example: what is computed from it rests on them."""
        for name in names:
            when = when & self._marked(ibis.literal(True), name)
        return when

    @property
    def declared(self) -> Declared:
        """What the policy declares by name."""
        return self._policy.declared

    @property
    def calling_codes(self) -> dict[str, tuple[str, str]]:
        """What telephone numbers of each country begin with abroad, and at home."""
        return self._policy.calling_codes

    def _marked(self, leaf: Leaf, name: str) -> Leaf:
        """A literal that says by its name which number it comes from: two numbers may come to the same cutoff.

        It is looked for later: unlike the expression that it goes into, it is not changed when Ibis rewrites expressions.
        """
        named: Leaf = leaf.name(name)
        self._used[named.op()] = self._take(name)
        return named

    def _span(self, name: str) -> ir.IntervalScalar:
        number = self._take(name)
        return self._marked(calendar.span(number.value, number.unit), name)

    # instants and days -------------------------------------------------------------------------

    @property
    def as_of(self) -> ir.TimestampScalar:
        """The audit's instant."""
        return ibis.literal(self.clock.as_of, type="timestamp(6)")

    @property
    def today(self) -> ir.DateScalar:
        """The audit's local date."""
        return ibis.literal(self.clock.today)

    def date(self, instant: ir.TimestampValue) -> ir.DateValue:
        """The local date of an instant."""
        return self.clock.date(instant)

    def due(self, instant: ir.TimestampValue, period: str) -> ir.DateValue:
        """The last day of a period in months that begins with the instant's local date."""
        return self.due_date(self.date(instant), period)

    def due_date(self, day: ir.DateValue, period: str) -> ir.DateValue:
        """As `due`, for a local date."""
        months = self._marked(ibis.literal(self.number(period), type="int16"), period)
        return calendar.plus_months(day, months)

    def over(self, instant: ir.TimestampValue, period: str) -> ir.BooleanValue:
        """Whether the last day of a period in months that begins with the instant's local date lies before today; false where null."""
        return self.over_date(self.date(instant), period)

    def over_date(self, day: ir.DateValue, period: str) -> ir.BooleanValue:
        """As `over`, for a local date."""
        cutoff = self._marked(ibis.literal(calendar.last_start_overdue(self.clock.today, self.number(period))), period)
        return calendar.sure(day <= cutoff)

    def passed(self, instant: ir.TimestampValue, period: str) -> ir.BooleanValue:
        """Whether `as_of` is later than the instant by more than an allowance in hours (not by just that); false where null."""
        limit = self._marked(ibis.literal(self.clock.as_of - dt.timedelta(hours=self.number(period)), type="timestamp(6)"), period)
        return calendar.sure(instant < limit)

    def plus_days(self, day: ir.DateValue, period: str) -> ir.DateValue:
        """A local date, later by a period in days."""
        return calendar.plus_span(day, self._span(period))

    def as_of_plus(self, period: str) -> ir.TimestampScalar:
        """The audit's instant, later by a period in days, hours or seconds."""
        number = self._take(period)
        return self._marked(ibis.literal(self.clock.as_of + dt.timedelta(**{number.unit: number.value}), type="timestamp(6)"), period)

    def after(self, instant: ir.TimestampValue, period: str) -> ir.TimestampValue:
        """An instant, later by an allowance in hours or seconds."""
        return instant + self._span(period)

    def before(self, instant: ir.TimestampValue, period: str) -> ir.TimestampValue:
        """An instant, earlier by an allowance in hours or seconds."""
        return instant - self._span(period)

    def roll(self, day: ir.DateValue, region: ir.StringValue) -> ir.DateValue:
        """The day itself, or the next that is no Saturday, Sunday or holiday of the region."""
        return self._skipping_days_off(calendar.plus_days(day, -1), 1, region)

    def working_day(self, day: ir.DateValue, period: str, region: ir.StringValue | None = None) -> ir.DateValue:
        """The last of so many days after a local date that are no Saturday, Sunday or holiday of the region; without one, any weekday
        counts."""
        days = self._marked(ibis.literal(self.number(period), type="int64"), period)
        return calendar.working_day(day, days) if region is None else self._skipping_days_off(day, days, region)

    def _skipping_days_off(self, day: ir.DateValue, count: int | ir.IntegerValue, region: ir.StringValue) -> ir.DateValue:
        listed = self.setting("holidays")
        if not isinstance(listed, dict):
            return calendar.working_day(day, count, listed)
        without = calendar.working_day(day, count)
        with_days = [(region == name, calendar.working_day(day, count, days)) for name, days in listed.items() if days]
        return ibis.cases(*with_days, else_=without) if with_days else without

    def lists_holidays(self, region: ir.StringValue) -> ir.BooleanValue:
        """Whether the settings have a list of holidays for a region; an empty list is one, and a plain list is that of every region."""
        listed = self.setting("holidays")
        if not isinstance(listed, dict):
            return ibis.literal(True)
        return calendar.sure(region.isin(list(listed))) if listed else ibis.literal(False)

    def future(self, *instants: ir.TimestampValue) -> ir.BooleanValue:
        """Whether one of the instants lies after the audit's; a null does not."""
        return self.clock.future(*instants)

    def by_now(self, instant: ir.TimestampValue) -> ir.BooleanValue:
        """Whether the instant lies at or before the audit's; false where null."""
        return self.clock.by_now(instant)

    @property
    def period(self) -> tuple[ir.DateScalar, ir.DateScalar]:
        """First day of the audit's period, and the day after its last."""
        start, end = audit_period(self.clock, self.setting("period_from"), self.setting("period_to"))
        return ibis.literal(start), ibis.literal(end)

    @property
    def months(self) -> list[tuple[str, dt.date]]:
        """The local months that the period touches, the last 24 of them: each as 2025-01, and the day after it or after the period."""
        start, end = audit_period(self.clock, self.setting("period_from"), self.setting("period_to"))
        end = min(end, self.clock.today + dt.timedelta(days=1))
        first, months = start.replace(day=1), []
        while first < end:
            following = calendar.add_months(first, 1)
            months.append((f"{first:%Y-%m}", min(following, end)))
            first = following
        return months[-24:]

    def in_period(self, instant: ir.TimestampValue) -> ir.BooleanValue:
        """Whether the instant's local date lies in the audit's period, and the instant not after the audit's."""
        start, end = self.period
        day = self.date(instant)
        return calendar.sure((day >= start) & (day < end)) & self.by_now(instant)

    def in_period_or_undated(self, instant: ir.TimestampValue) -> ir.BooleanValue:
        """The same; an instant that is not said counts as well, so that its row is seen to lack it."""
        return self.in_period(instant) | instant.isnull()

    # the numbers that a condition depends on ---------------------------------------------------

    def rests_on(self, expr: ir.Value) -> list[Number]:
        """The numbers within an expression, each once, in the order in which the rule read them."""
        inside = ComputedFrom(self._kept, Rows.JOINED, steps=self._steps).of([expr.op()])
        return list({n.name: n for node, n in self._used.items() if node in inside}.values())


def audit_period(clock: Clock, start: dt.date | None, end: dt.date | None) -> tuple[dt.date, dt.date]:
    """First day of the audit's period and the day after its last. Unless set, it is the last three months, today included."""
    return (start or calendar.add_months(clock.today, -3), end or clock.today + dt.timedelta(days=1))
