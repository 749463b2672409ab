"""A person as lines of text: what a terminal shows of one. Nothing is cut at any width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heytalk_audit.errors import printable
from heytalk_audit.investigation.events import instant_text
from heytalk_audit.investigation.person import Person
from heytalk_audit.policy import Policy


def lines_of_person(person: Person, policy: Policy) -> Iterator[str]:
    """The person's timeline, the rules' outcomes, the tables that hold rows, and what is missing."""
    yield f"Person {person.subject}, as of {instant_text(person.at)}"
    yield ""
    yield "Timeline"
    for event in person.timeline:
        yield f"  {instant_text(event.at)}  {event.event}  ({event.table} {event.record})"
    for outcome in sorted(person.open_outcomes, key=lambda o: (o.due_on or "", o.id)):
        if outcome.due_on:
            yield f"  {outcome.due_on}  Due by the policy: {outcome.id}  ({outcome.table} {outcome.record})"
    for gap in person.gaps:
        yield f"  {gap}"
    yield ""
    yield "Rules"
    for outcome in person.open_outcomes:
        due = f", due on {outcome.due_on}" if outcome.due_on else ""
        yield f"  {outcome.id}  {outcome.outcome}  {outcome.table} {outcome.record}{due}: {outcome.reads(policy)}"
    passed = [outcome for outcome in person.rules if outcome.outcome == "pass"]
    yield f"  {len(passed):,} rows pass{_by_rule(passed)}."
    unnamed = [outcome.id for outcome in person.rules if outcome.outcome is None]
    if unnamed:
        yield f"  Rules about no single person: {', '.join(unnamed)}."
    for rule, why in person.not_judged.items():
        yield f"  {rule}  no outcome: {printable(why)}"
    yield ""
    yield "Tables that hold rows of the person"
    for name, rows in person.rows.items():
        if rows:
            yield f"  {name}: {rows:,}"
    yield from _values(person)


def _by_rule(outcomes: list[Any]) -> str:
    names = list(dict.fromkeys(outcome.id for outcome in outcomes))
    return f", of {', '.join(names)}" if names else ""


def _values(person: Person) -> Iterator[str]:
    """Clear values, where two people opened them."""
    for name, rows in person.values.items():
        for number, row in enumerate(rows.to_dict("records"), 1):
            if number == 1:
                yield ""
                yield f"Values of {name}"
            yield "  " + "; ".join(f"{column} {printable(value)}" for column, value in row.items() if value is not None)
