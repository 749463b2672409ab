"""The memo of a case: question, what was looked at, facts, rules, what is not known, next steps, digest. Two pages, as HTML and DOCX.

Everything in it but the questions and conclusions of people comes from the case's log and from the snapshot, read again; the reading is in
the log. A memo for the person holds that person's own data alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from heytalk_audit.canonical import write_whole
from heytalk_audit.errors import InputError, printable
from heytalk_audit.exports.word import Imprint, document
from heytalk_audit.investigation.case_file import CaseFolder, head_of, logged_entries
from heytalk_audit.investigation.events import instant_text
from heytalk_audit.investigation.judgement import RowOutcome
from heytalk_audit.investigation.opening import CLOSED, Opening, clear_cells
from heytalk_audit.investigation.person import Person, look_at
from heytalk_audit.investigation.picture import timeline_picture
from heytalk_audit.investigation.subject import KEPT_LIMIT, NobodyThere
from heytalk_audit.policy import Policy
from heytalk_audit.report import page
from heytalk_audit.report.html import Fragment, bullets, definitions, join, paragraph, table, tag

FOOT = "Memo of an investigation (no legal advice). "
FOOT_FOR_PERSON = "For the person concerned. "
#: So many people, outcomes, look-ups and events stand in a memo; the others are counted.
_PEOPLE, _OUTCOMES, _LOOK_UPS, _EVENTS = 3, 10, 8, 200
#: Columns that a person does not receive: what staff wrote down for themselves, and what leads to other people.
_OTHERS = (
    "staff_id",
    "purpose_ref",
    "approved_by",
    "owner",
    "reference",
    "reason_code",
    "payload_sample",
    "parent_id",
    "text",
    "content_ids",
)


def write_memo(case: CaseFolder, now: dt.datetime, for_person: str = "", opening: Opening = CLOSED) -> list[Path]:
    """Write the memo into the case's folder, in the place of an earlier one; returns the files. Raises InputError."""
    if opening.is_open and not for_person:
        raise InputError("--clear", "shows nothing in a memo about a case", "name the person whom it is given to with --for-person")
    head, before = head_of(case), logged_entries(case)
    subjects = [for_person] if for_person else _subjects(case)
    if not subjects:
        raise InputError(f"memo {case.folder.name}", "nobody was looked at yet", "look at a person first: heytalk-audit person")
    case.note("memo", now, subjects=subjects, for_person=bool(for_person), **opening.logged())
    people = [person for subject in subjects[-_PEOPLE:] if (person := _seen(case, subject, now, opening, bool(for_person))) is not None]
    name = f"memo-for-{for_person}" if for_person else "memo"
    title = f"Memo for a person, case {case.record.case}" if for_person else f"Memo, case {case.record.case}"
    body = _to_person(case, people[0], title) if for_person else _of_case(case, people, title, before, len(subjects))
    digest = paragraph(f"SHA-256 of the last line of the case's log when this memo was written: {head}.")
    foot = FOOT_FOR_PERSON if for_person else FOOT
    return _written(case, name, title, foot, join(body, tag("h2", "Digest", id="digest"), digest), head)


def _written(case: CaseFolder, name: str, title: str, foot: str, body: Fragment, head: str) -> list[Path]:
    clean = page.sanitised(body.html)
    imprint = Imprint(title, f"{foot.strip()}\tLog {head[:16]}", f"Log SHA-256 {head}", case.session.audit.snapshot.as_of)
    contents = {
        f"{name}.html": page.wrap(clean, title, [], f"SHA-256 of the log's last line: {head}", foot).encode(),
        f"{name}.docx": document(clean, imprint, title, None),
    }
    for file, content in contents.items():
        write_whole(content, case.folder / file)
    return [case.folder / file for file in contents]


def _seen(case: CaseFolder, subject: str, now: dt.datetime, opening: Opening, must_be_there: bool) -> Person | None:
    """A person as the memo shows them; null for one who was looked for and is in no table, unless the memo is for that person."""
    try:
        return look_at(case, subject, now, None, opening)
    except NobodyThere:
        if must_be_there:
            raise
        return None


def _subjects(case: CaseFolder) -> list[str]:
    """The people whom the log says were looked at, in that order."""
    return list(dict.fromkeys(str(entry["subject"]) for entry in logged_entries(case) if entry["event"] == "person"))


def _of_case(case: CaseFolder, people: Sequence[Person], title: str, entries: Sequence[dict[str, Any]], looked_at: int) -> Fragment:
    record, policy = case.record, case.session.audit.policy
    stated = {
        "Case": record.case,
        "Investigated by": record.by,
        "Approved by": record.approved_by,
        "Opened": record.opened_at,
        "Snapshot": f"{record.snapshot}, as of {instant_text(case.session.audit.snapshot.as_of)}",
    }
    return join(
        tag("h1", title),
        definitions(stated.items()),
        tag("h2", "Question", id="question"),
        paragraph(record.purpose),
        paragraph(f"Scope: {record.scope}") if record.scope else "",
        tag("h2", "What was looked at", id="looked-at"),
        *_look_ups(entries),
        *(_facts(person, policy) for person in people),
        paragraph(f"{looked_at - len(people):,} more people were looked at.") if looked_at > len(people) else "",
        tag("h2", "What is not known", id="not-known"),
        bullets(_unknowns(people)),
        tag("h2", "Next steps", id="next-steps"),
        bullets(_next_steps(people, policy)),
        paragraph("Conclusion: ", tag("span", "", cls="line")),
    )


def _look_ups(logged: Sequence[dict[str, Any]]) -> Iterator[Fragment]:
    entries = [entry for entry in logged if entry["event"] in ("find", "person", "cohort")]
    rows = [[entry["at"], entry["event"], entry.get("kind") or entry.get("subject") or entry.get("by_values", "")] for entry in entries]
    yield paragraph(f"{len(entries):,} look-ups are in the case's log, each with its time. The last {min(len(rows), _LOOK_UPS)}:")
    yield table(["At", "Look-up", "Of"], [[printable(cell) for cell in row] for row in rows[-_LOOK_UPS:]], "Look-ups")


def _facts(person: Person, policy: Policy) -> Fragment:
    """A person's facts and rules."""
    events = person.timeline
    outcomes = person.open_outcomes
    holds = ", ".join(f"{name} {rows:,}" for name, rows in person.rows.items() if rows)
    return join(
        tag("h2", f"Person {person.subject}", id=f"person-{person.subject}"),
        paragraph(f"{len(events):,} events, from {events[0].at.date()} to {events[-1].at.date()}.") if events else "",
        paragraph(f"Rows by table: {holds or 'none'}."),
        timeline_picture(events, outcomes),
        table(["Rule", "Outcome", "Table", "Due on", "Reason"], _rows(outcomes[:_OUTCOMES], policy), "Rules: outcomes that are no pass"),
        paragraph(_counted(person)),
    )


def _rows(outcomes: Iterable[RowOutcome], policy: Policy) -> list[list[str | None]]:
    return [[o.id, o.outcome, o.table, o.due_on, o.reads(policy)] for o in outcomes]


def _counted(person: Person) -> str:
    passed = sum(outcome.outcome == "pass" for outcome in person.rules)
    more = len(person.open_outcomes) - _OUTCOMES
    return (f"{more:,} more outcomes are no pass. " if more > 0 else "") + f"{passed:,} rows pass."


def _unknowns(people: Sequence[Person]) -> list[str]:
    reasons = [gap for person in people for gap in person.gaps]
    reasons += [f"{rule}: {why}." for person in people for rule, why in person.not_judged.items()]
    return [KEPT_LIMIT, *dict.fromkeys(printable(reason) for reason in reasons)]


def _next_steps(people: Sequence[Person], policy: Policy) -> list[str]:
    """What the policy's texts say a person does next, of each reason that stands open."""
    reasons = [policy.reasons.get(o.reason or "") for person in people for o in person.open_outcomes]
    steps = list(dict.fromkeys(reason.next for reason in reasons if reason and reason.next))
    return steps[:6] or ["No rule's outcome asks for a decision."]


def _to_person(case: CaseFolder, person: Person, title: str) -> Fragment:
    """What may be given to the person: their own events and rows; other people's data, staff and internal references are left out."""
    own = [event for event in person.timeline if event.table != "staff_access_log"]
    shown = own[-_EVENTS:]
    return join(
        tag("h1", title),
        paragraph(f"State of the data: {instant_text(case.session.audit.snapshot.as_of)}. Data of other people is left out."),
        paragraph(f"{KEPT_LIMIT} This page is no full answer to a request for access: it names no purposes, recipients and periods."),
        tag("h2", "What is stored", id="stored"),
        table(
            ["Table", "Rows"], [[name, rows] for name, rows in person.rows.items() if rows and name != "staff_access_log"], "Rows by table"
        ),
        *_values(person),
        tag("h2", "What happened", id="events"),
        timeline_picture(own, ()),
        table(["At", "Event"], [[instant_text(event.at), event.event] for event in shown], "Events"),
        paragraph(f"{len(own) - len(shown):,} earlier events are not listed.") if len(own) > len(shown) else "",
    )


def _values(person: Person) -> Iterator[Fragment]:
    for name, rows in person.values.items():
        columns = [column for column in rows.columns if column not in _OTHERS]
        if len(rows) and name != "staff_access_log":
            yield table([column.replace("_", " ") for column in columns], clear_cells(rows[columns]), name)
