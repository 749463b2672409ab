"""The answers about one person: consents by purpose in the order of time, and what became of a request for deletion.

A person is named by a pseudonym. Only pseudonyms, codes and instants leave the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from heytalk_audit import contract
from heytalk_audit.audit.fact_result import Cell
from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.disk.working import working_folder
from heytalk_audit.evidence.row_files import opened_reader
from heytalk_audit.investigation.events import Event, events_of, instant_text, shown_word
from heytalk_audit.investigation.judgement import RowOutcome, judge_all
from heytalk_audit.investigation.subject import KEPT_LIMIT, NobodyThere, Subject, subject_of
from heytalk_audit.letters import cards
from heytalk_audit.letters.answer import CardAnswer, what_lacks
from heytalk_audit.letters.catalogue import CONSENT
from heytalk_audit.letters.parameters import Question
from heytalk_audit.running.session import Session

#: The rules whose outcomes stand beside each answer, and the tables that it cannot do without.
RULES_OF_CONSENT = ("CON-01", "CON-02", "CON-03", "CON-04", "CON-05", "CON-06", "CON-07", "CON-10", "SHA-05")
RULES_OF_DELETION = ("RGT-01", "RET-01", "RET-02", "RET-03", "RET-04", "RET-15", "RET-18", "SHA-10")
_OF_CONSENT = ("purpose", "at", "action", "method", "policy_version", "record")
_OF_DELETION = ("what", "at", "table", "rows", "record")
#: The tables whose events tell of a deletion.
_STEPS = ("users", "purge_log", "rights_requests")
_DEFINITION = (
    "All rows of the delivered tables are searched for the person behind the pseudonym. Rules are evaluated over the whole "
    "population, and the outcomes of this person's rows are shown."
)


def answer_about(question: Question, session: Session) -> CardAnswer:
    """The answer to a question about one person. It says what is missing where the snapshot does not name the person."""
    person = str(question.scope.person)
    tables = session.audit.snapshot.tables
    if question.card == CONSENT and "consents" not in tables:
        return cards.open_card(question, what_lacks("the table consents, which was not delivered", "the data engineer"))
    try:
        subject = subject_of(session, person)
    except NobodyThere:
        missing = f"the person {person}, whom no table of the snapshot names; another identifier of the person is needed"
        return cards.open_card(question, what_lacks(missing, "whoever asked"))
    return _consent(question, session, subject) if question.card == CONSENT else _deletion(question, session, subject)


def outcomes_of(session: Session, person: str, rules: Sequence[str]) -> tuple[list[RowOutcome], dict[str, str]]:
    """The outcomes of a person's rows by these rules, and why others of them were not evaluated."""
    chosen = [rule for rule in rules if rule in session.rules]
    with working_folder(session.work) as folder:
        judgement = judge_all(session, folder / "judged", only=chosen)
        with opened_reader(judgement.folder) as reader:
            return judgement.of_person(reader, person), judgement.not_evaluated()


def _consent(question: Question, session: Session, subject: Subject) -> CardAnswer:
    rows = sorted(_consents(session, subject), key=lambda row: (row[0], row[1], row[5]))
    outcomes, missing = outcomes_of(session, subject.pseudonym, RULES_OF_CONSENT)
    purposes = sorted({row[0] for row in rows})
    about = f"{len(rows)} events of consent are on record for the person, for {len(purposes)} purposes"
    latest = [row for row in sorted(rows, key=lambda row: row[1])[-1:]]
    last = [f"The last is of {latest[0][1]}: {latest[0][2]}, for {latest[0][0]}."] if latest else []
    text = " ".join([f"{about}{': ' if purposes else ''}{', '.join(purposes[:5])}.", *last, _outcomes_in_words(outcomes)])
    return CardAnswer(**_beside(question, outcomes, missing), answer=text, columns=_OF_CONSENT, rows=tuple(rows), definition=_DEFINITION)


def _consents(session: Session, subject: Subject) -> list[tuple[str, ...]]:
    table, rows = contract.load()["consents"], subject.tables["consents"]
    names = [name for name in ("consent_id", "purpose", "event_at", "action", "method", "policy_version") if name in rows.columns]
    frame = session.audit.snapshot.engine.rows(rows.select(*names))
    return [_consent_row(session, table, row) for row in frame.to_dict("records")]


def _consent_row(session: Session, table: contract.Table, row: Any) -> tuple[str, ...]:
    at = "no time" if pd.isna(row.get("event_at")) else instant_text(row["event_at"].to_pydatetime())
    words = [shown_word(table[name], row.get(name)) for name in ("purpose", "action", "method", "policy_version")]
    return words[0], at, *words[1:], str(pseudonym(session.key, f"consents:{row['consent_id']}"))


def _deletion(question: Question, session: Session, subject: Subject) -> CardAnswer:
    engine = session.audit.snapshot.engine
    seen = {name: rows for name, rows in subject.tables.items() if name in _STEPS}
    events = [event for event in events_of(seen, session.key, engine) if _tells_of_deletion(event)]
    remains = {name: int(engine.rows(rows.agg(n=rows.count())).n[0]) for name, rows in subject.tables.items() if name != "purge_log"}
    remains = {name: rows for name, rows in sorted(remains.items()) if rows}
    outcomes, missing = outcomes_of(session, subject.pseudonym, RULES_OF_DELETION)
    table: list[tuple[Cell, ...]] = [(event.event, instant_text(event.at), event.table, None, event.record) for event in events]
    table += [("Rows that remain.", None, name, rows, None) for name, rows in remains.items()]
    limits = [] if "purge_log" in subject.tables else ["The purge log does not name people here, or was not delivered."]
    text = " ".join([_steps_in_words(events), _remains_in_words(remains), _outcomes_in_words(outcomes)])
    beside = _beside(question, outcomes, missing, limits)
    return CardAnswer(**beside, answer=text, columns=_OF_DELETION, rows=tuple(table), definition=_DEFINITION)


def _tells_of_deletion(event: Event) -> bool:
    return event.table != "users" or any(word in event.event for word in ("deleted", "restored", "purged"))


def _steps_in_words(events: Sequence[Event]) -> str:
    if not events:
        return "No request for deletion, deletion or purge of the person is on record."
    return f"{len(events)} steps of a deletion are on record, from {events[0].at.date()} to {events[-1].at.date()}."


def _remains_in_words(remains: dict[str, int]) -> str:
    if not remains:
        return "No row of the person remains in the delivered tables."
    return f"{sum(remains.values())} rows of the person remain, in {len(remains)} tables."


def _outcomes_in_words(outcomes: Sequence[RowOutcome]) -> str:
    not_passed = [outcome for outcome in outcomes if outcome.outcome != "pass"]
    named = ", ".join(dict.fromkeys(f"{outcome.id} {outcome.outcome}" for outcome in not_passed[:6]))
    return f"{len(outcomes)} outcomes of rules are about the person; {len(not_passed)} are no pass{f' ({named})' if named else ''}."


def _beside(question: Question, outcomes: Sequence[RowOutcome], missing: dict[str, str], limits: Sequence[str] = ()) -> dict[str, Any]:
    """What an answer about a person has beside its table: the rules with the person's outcomes as its verdicts."""
    by_rule: dict[str, set[str]] = {}
    for outcome in outcomes:
        by_rule.setdefault(outcome.id, set()).add(f"{outcome.outcome}{f' ({outcome.reason})' if outcome.reason else ''}")
    verdicts = {rule: ", ".join(sorted(words)) for rule, words in sorted(by_rule.items())}
    unjudged = [f"{rule} was not evaluated: {why}." for rule, why in sorted(missing.items())]
    return cards.base_of(question) | {"rules": tuple(verdicts), "verdicts": verdicts, "limits": (KEPT_LIMIT, *limits, *unjudged)}
