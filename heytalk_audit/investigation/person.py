"""One person: what happened and when, every rule's outcome for the person's rows, and which tables hold anything of the person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from heytalk_audit import contract
from heytalk_audit.canonical import canonical
from heytalk_audit.errors import printable
from heytalk_audit.evidence.row_files import opened_reader
from heytalk_audit.investigation.case_file import OUTCOMES, CaseFolder, refuse_closed
from heytalk_audit.investigation.events import Event, events_of, instant_text
from heytalk_audit.investigation.find import keyed
from heytalk_audit.investigation.instant import Known, known_at
from heytalk_audit.investigation.judgement import RowOutcome, read_judgement
from heytalk_audit.investigation.opening import CLOSED, Opening
from heytalk_audit.investigation.subject import is_pseudonym, subject_of
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot.delivery import DESCRIPTOR, instant


@dataclass(frozen=True)
class Person:
    """What a case sees of one person at an instant.

    `rules` has one entry per row of the person in a rule's population, and one for each rule whose rows are about no person, without an
    outcome. `not_judged` says why other rules have no entry. `rows` counts the person's rows by table, `gaps` name what was not delivered.
    `values` are clear values by table, where two people opened them.
    """

    subject: str
    at: dt.datetime
    rules: Sequence[RowOutcome]
    timeline: Sequence[Event]
    rows: Mapping[str, int]
    gaps: Sequence[str]
    not_judged: Mapping[str, str]
    values: Mapping[str, pd.DataFrame]

    def document(self) -> bytes:
        """The person as canonical JSON."""
        rules = [vars(outcome) for outcome in self.rules]
        return canonical(
            {"subject": self.subject, "at": instant_text(self.at), "rules": rules, "timeline": [event.plain() for event in self.timeline]}
        )

    @property
    def open_outcomes(self) -> list[RowOutcome]:
        """The outcomes that are no pass, those of rules without a person left out."""
        return [outcome for outcome in self.rules if outcome.outcome not in (None, "pass")]


def look_at(
    case: CaseFolder,
    pseudonym: str,
    now: dt.datetime,
    at: dt.datetime | None = None,
    opening: Opening = CLOSED,
    progress: Callable[[str], None] | None = None,
) -> Person:
    """A person as the snapshot shows them, at its own instant or an earlier one. The look-up is in the case's log first.

    Raises InputError.
    """
    refuse_closed(case)
    session = case.session
    seen_at = session.audit.snapshot.as_of if at is None else at
    when = {} if at is None else {"looked_at": instant_text(at)}
    case.note("person", now, subject=_logged(session.key, pseudonym), **when, **opening.logged())
    subject, judgement = subject_of(session, pseudonym), read_judgement(case.folder / OUTCOMES)
    sight = Known(session, judgement) if at is None else known_at(case, at, progress)
    seen = sight.rows(subject)
    engine = session.audit.snapshot.engine
    with opened_reader(sight.judgement.folder) as reader:
        outcomes = sight.judgement.of_person(reader, pseudonym)
    hidden = sight.hidden(subject)
    kept = [outcome for outcome in outcomes if outcome.id not in hidden]
    events = [event for event in events_of(seen, session.key, engine) if event.at <= seen_at or at is None]
    return Person(
        pseudonym,
        seen_at,
        [*kept, *sight.judgement.without_people()],
        events,
        {name: int(engine.rows(rows.agg(n=rows.count())).n[0]) for name, rows in seen.items()},
        gaps(session, events[0].at if events else None),
        sight.judgement.not_evaluated() | hidden,
        {name: engine.rows(rows.limit(_MOST_ROWS)) for name, rows in seen.items()} if opening.is_open else {},
    )


def _logged(key: bytes, pseudonym: str) -> str:
    """What the log has for whom was looked at: a pseudonym as it is, and anything else, as an id typed in its place, as a keyed digest."""
    return pseudonym if is_pseudonym(pseudonym) else keyed(key, "person", pseudonym)


#: So many rows of each table are shown in clear.
_MOST_ROWS = 200


def gaps(session: Session, first: dt.datetime | None) -> list[str]:
    """What was not delivered, in sentences, of the time since a person's first event: where nothing is shown of it, that says nothing."""
    snapshot = session.audit.snapshot
    sentences = [f"No data was delivered of {name}." for name in contract.load() if name not in snapshot.tables]
    for name in snapshot.tables:
        start = snapshot.delivery.resource(name).get("window_start")
        if start and first and instant(start, f"{DESCRIPTOR} {name}.window_start") > first:
            sentences.append(f"No data was delivered of {name} before {printable(start)[:30]}.")
    return sentences
