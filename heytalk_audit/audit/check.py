"""The one idea: a rule is a population and a few predicates, and a row's outcome is a total function of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal, Protocol

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.holds import Hold
from heytalk_audit.vocabulary import Outcome, Severity

#: Arguments of a rule that are not tables of the snapshot.
SPECIAL = ("policy", "present")


@dataclass(frozen=True)
class Condition:
    """If `when` holds, and none before it, the row's outcome is this, for this reason.

    `due` is the day it fell due; `held` whether a hold may excuse it; `closing_at` the day that must not lie after an ended
    hold's last (default: today).
    """

    outcome: Outcome
    reason: str | None
    when: ir.BooleanValue
    due: ir.DateValue | None = None
    held: bool = True
    closing_at: ir.DateValue | None = None


def passes(when: ir.BooleanValue) -> Condition:
    """Rows that keep the promise whatever comes after."""
    return Condition(Outcome.PASS, None, when)


def unknown(reason: str, when: ir.BooleanValue) -> Condition:
    """Rows in which a value that the verdict needs is missing or contradicts another."""
    return Condition(Outcome.UNKNOWN, reason, when)


def violation(reason: str, when: ir.BooleanValue, due: ir.DateValue | None = None, **how: Any) -> Condition:
    """Rows that break the promise under the reading most lenient to the company."""
    return Condition(Outcome.VIOLATION, reason, when, due, **how)


def review(reason: str, when: ir.BooleanValue, due: ir.DateValue | None = None, **how: Any) -> Condition:
    """Rows that break it under a stricter reading only: a person decides."""
    return Condition(Outcome.REVIEW, reason, when, due, **how)


@cache
def _column_names() -> set[str]:
    return {column.name for table in contract.load().values() for column in table.columns}


@dataclass(frozen=True)
class Excuse:
    """What excuses a violation or review, other than a hold: a reason and a predicate."""

    reason: str
    when: ir.BooleanValue


@dataclass(frozen=True)
class OverTime:
    """What the report draws month by month: the population of a check, and people beside it.

    Both are small tables of counts, test accounts left out: `panel`, `month`, `n`. What does not pass is counted from the check's own
    rows, by the columns `panel` and `month` of its `by`, so that the drawing adds up to the ledger. `words` are for what is
    counted: `rows`, those that `pass` and that are a `violation`, `people` in short and `who` they are.
    """

    population: ir.Table
    beside: ir.Table
    panel: str
    month: str
    words: dict[str, str]


@dataclass(frozen=True)
class Check:
    """The population `rows`, and the ordered conditions on it; a row that meets none passes.

    `rows` has one row per row of the population. Its person stands in `user_id` where there is such a column. `record` names the
    row (default: the audited table and its primary key). `by` names columns that findings are broken down by; `figures` are
    scalars that the report shows beside the ledger; `over_time` is what it draws month by month. `population` has as many rows as
    `rows`, where these are dear to count: before its joins, so that a join that repeats rows is noticed. `until` is the day on which a
    row was set right: days past its due day are counted up to it, and to the audit's day where it is null. Where rows are groups,
    `stands_for` names the table of which each stands for one row, and the column of `rows` that has its key. `finds_missing` are columns
    in which the rule itself looks for what is missing: a null there is no wrong value to it.
    """

    rows: ir.Table
    conditions: Sequence[Condition]
    exempt: Hold | Excuse | None = None
    record: ir.StringValue | None = None
    by: Sequence[str] = ()
    figures: Mapping[str, ir.Scalar] = field(default_factory=dict)
    over_time: OverTime | None = None
    population: ir.Table | None = None
    until: ir.DateValue | None = None
    stands_for: Mapping[str, str] = field(default_factory=dict)
    finds_missing: Sequence[str] = ()

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The columns of `by` without those of the contract that were not delivered: no verdict rests on a breakdown."""
        return tuple(name for name in self.by if name in self.rows.columns or name not in _column_names())

    @property
    def has_people(self) -> bool:
        """Whether its rows name the person whom each is about: then test accounts are left out of the population."""
        return "user_id" in self.rows.columns


@dataclass(frozen=True)
class Rule:
    """A rule as written: `build` makes its check from the tables that its arguments name, the audited one first.

    `judged` says that people read a random sample of its rows for review, and of all rows. `optional` are tables that it reads as empty
    where they were not delivered: then it does not pass. `looks_in` are columns, as `table.column`: where none of them holds a value in any
    row of its table, the rule is not evaluated.
    """

    id: str
    severity: Severity
    clauses: tuple[str, ...]
    basis: Literal["policy", "law"]
    build: Callable[..., Check]
    judged: bool = False
    optional: tuple[str, ...] = ()
    looks_in: tuple[str, ...] = ()

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return tuple(inspect.signature(self.build).parameters)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables it reads, the audited one first."""
        return tuple(a for a in self.arguments if a not in SPECIAL)

    @property
    def tables_with_people(self) -> tuple[str, ...]:
        """The tables it reads, the audited one first; where this is about people, their test accounts are read among the users."""
        people = ("users",) if self.is_about_people and "users" not in self.tables else ()
        return (*self.tables[:1], *people, *self.tables[1:])

    @property
    def is_about_people(self) -> bool:
        """Whether its audited table names a person in each row, by the contract."""
        table = contract.load().get(self.tables[0])
        return table is not None and "user_id" in table

    @property
    def leaves_out_tests(self) -> bool:
        """Whether its method says that rows of test accounts are left out: the rules on the evidence leave out none."""
        return self.is_about_people and self.family not in ("DQ",)

    @property
    def family(self) -> str:
        """The first part of its id, as RET."""
        return self.id.split("-")[0]

    @cached_property
    def promise(self) -> str:
        """What it tests, in one sentence: the first line of the docstring. How it tests stands in the policy's data."""
        return inspect.cleandoc(self.build.__doc__ or "").partition("\n")[0].strip()

    @cached_property
    def source(self) -> str:
        """Its source, as the report shows it."""
        return inspect.getsource(self.build)


class OverTables(Protocol):
    """What is computed from tables of a snapshot: a rule, or a fact. `Rule` and `fact.Fact` say what each of these is."""

    @property
    def build(self) -> Callable[..., Any]: ...

    @property
    def arguments(self) -> tuple[str, ...]: ...

    @property
    def tables(self) -> tuple[str, ...]: ...

    @property
    def optional(self) -> tuple[str, ...]: ...

    @property
    def looks_in(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...


RULES: dict[str, Rule] = {}


Build = Callable[..., Check]


def rule(
    id: str,
    *,
    severity: str,
    clauses: Sequence[str],
    basis: Literal["policy", "law"] = "policy",
    judged: bool = False,
    optional: Sequence[str] = (),
    looks_in: Sequence[str] = (),
) -> Callable[[Build], Build]:
    """Register a function as a rule: its arguments are the tables it needs, its docstring the report's text."""

    def register(build: Build) -> Build:
        if id in RULES and RULES[id].build.__qualname__ != build.__qualname__:
            raise ValueError(f"{id} is defined twice")
        RULES[id] = Rule(id, Severity(severity), tuple(clauses), basis, build, judged, tuple(optional), tuple(looks_in))
        return build

    return register
