"""A fact within a scope: the same fact, of the rows of one region, vendor or period. What is in no scope is the complement."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, replace
from typing import Any

import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.fact import Fact, Tally
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.letters.catalogue import Card
from heytalk_audit.letters.parameters import QuestionScope
from heytalk_audit.policy.view import View

#: The columns in which rows name who received data.
_RECIPIENT = "recipient"


@dataclass(frozen=True)
class OutOfScope(Exception):
    """A fact that cannot be limited as a question asks: `why` is a phrase."""

    why: str


def within(fact: Fact, scope: QuestionScope, card: Card, audit: Audit) -> Fact:
    """The fact of the rows within a scope alone. Its evaluation raises OutOfScope where its rows do not have what the scope names."""

    @functools.wraps(fact.build)
    def build(**tables: Any) -> Tally:
        tally, view = fact.build(**tables), tables["policy"]
        limit = functools.partial(_limited, scope=scope, card=card, audit=audit, view=view)
        return replace(tally, of=limit(tally.of), parts=[replace(part, rows=limit(part.rows)) for part in tally.parts])

    return replace(fact, build=build)


def refuse_scope(scope: QuestionScope, card: Card) -> None:
    """Raise OutOfScope for what can be told before a fact is evaluated."""
    if scope.person is not None:
        raise OutOfScope("a fact counts people, and cannot be limited to one of them")
    refuse_region(scope)
    if scope.since is not None and not card.period:
        raise OutOfScope(f"{card.title.lower()} is a state at the snapshot's instant, and has no period")


def refuse_region(scope: QuestionScope) -> None:
    """Raise OutOfScope for a region that the contract does not have."""
    regions = [str(value) for value in contract.load()["users"]["law_region"].values]
    if scope.region is not None and scope.region not in regions:
        raise OutOfScope(f"the data names no region {scope.region}; it names {', '.join(regions)}")


def _limited(rows: ir.Table, scope: QuestionScope, card: Card, audit: Audit, view: View) -> ir.Table:
    if scope.region is not None:
        people = audit.people(view)
        inside = people.filter(people.region == scope.region)
        rows = rows.semi_join(inside, _column(rows, "user_id", "people", card) == inside.user_id)
    if scope.vendor is not None:
        rows = rows.filter(sure(_column(rows, _RECIPIENT, "recipients", card) == scope.vendor))
    if scope.since is not None and scope.to is not None:
        rows = rows.filter(lies_between(view.date(_column(rows, card.period, "times", card)), scope.since, scope.to))
    return rows


def _column(rows: ir.Table, name: str, what: str, card: Card) -> ir.Column:
    if name not in rows.columns:
        raise OutOfScope(f"some rows of {card.title.lower()} name no {what}")
    return rows[name]


def lies_between(day: ir.DateValue, first: dt.date, after: dt.date) -> ir.BooleanValue:
    """Whether a day lies in a period, given by its first day and the day after its last; no where the day is null."""
    return sure((day >= first) & (day < after))
