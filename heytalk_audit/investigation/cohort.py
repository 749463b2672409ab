"""Many people at once: everybody whom a device, a vendor or a campaign leads to, counted once each, and how the rules stand for them.

Nobody is named: counts by region and age, special categories, the first and the last event, and per rule how many of them are not in order
beside how many in the whole population. So it shows whether something is true of these people alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.row_files import opened_reader, rows_in
from heytalk_audit.investigation.case_file import OUTCOMES, CaseFolder, refuse_closed
from heytalk_audit.investigation.events import instant_text
from heytalk_audit.investigation.find import keyed
from heytalk_audit.investigation.judgement import read_judgement
from heytalk_audit.report.html import Fragment, definitions
from heytalk_audit.rules.terms import is_special
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot.quoting import literal

#: Per way to a cohort: the table, the column that is compared, and the column whose instant lies between two.
WAYS = {
    "device": ("devices", "device_id", "first_seen_at"),
    "vendor": ("disclosures", "vendor_id", "sent_at"),
    "campaign": ("outbound_messages", "campaign_id", "sent_at"),
}
_BATCH = 20_000
Between = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class Cohort:
    """People counted once: `people` and `rows` in all, `groups` by region and age, `special` those with a special category in their
    profiles, when it first and last happened, and `look_alikes`: per rule, outcome and reason the rows and people within and in all."""

    people: int
    rows: int
    first: dt.datetime | None
    last: dt.datetime | None
    special: int | None
    groups: pd.DataFrame
    look_alikes: pd.DataFrame

    def summary(self) -> Fragment:
        """The numbers of the whole, as terms and what they are."""
        days = [instant_text(instant) if instant else None for instant in (self.first, self.last)]
        terms = {"People": self.people, "Rows": self.rows, "First": days[0], "Last": days[1]}
        return definitions((terms | {"With a special category in the profile": self.special}).items())


def cohort(
    case: CaseFolder, now: dt.datetime, ways: Mapping[str, str], between: Between | None = None, rules: Sequence[str] = ()
) -> Cohort:
    """The people whom all of these ways lead to. The look-up is in the case's log first, what was looked for as a keyed digest.

    Raises InputError.
    """
    refuse_closed(case)
    session = case.session
    chosen = {way: value for way, value in ways.items() if value}
    if not chosen:
        raise InputError("cohort", "has no device, vendor or campaign", "name one of them")
    period = {"between": [instant_text(instant) for instant in between]} if between else {}
    case.note("cohort", now, by_values=", ".join(chosen), sought={w: keyed(session.key, w, v) for w, v in chosen.items()}, **period)
    events = [_events(session, way, value, between) for way, value in chosen.items()]
    members = events[0].select("user_id").distinct()
    for other in events[1:]:
        members = members.semi_join(other, "user_id")
    events = [each.semi_join(members, "user_id") for each in events]
    return _counted(case, members, events, rules)


def _events(session: Session, way: str, value: str, between: Between | None) -> ir.Table:
    """The rows that a way leads to: user_id and when."""
    name, column, instant = WAYS[way]
    rows = session.audit.snapshot.tables.get(name)
    missing = rows is None or not {column, "user_id", instant} <= {*rows.columns}
    if rows is None or missing:
        raise InputError(f"cohort {way}", f"{name} was not delivered with {column}, user_id and {instant}", "look for another way")
    sought = session.audit.snapshot.engine.put(f"{way}_sought", pa.table({"sought": pa.array([value], pa.string())}))
    rows = rows.semi_join(sought, rows[column] == sought.sought)
    rows = rows.select(user_id=rows.user_id, at=rows[instant]).filter(lambda t: t.user_id.notnull())
    if between is None:
        return rows
    return rows.filter((rows.at >= ibis.literal(between[0])) & (rows.at < ibis.literal(between[1])))


def _counted(case: CaseFolder, members: ir.Table, events: Sequence[ir.Table], rules: Sequence[str]) -> Cohort:
    session = case.session
    audit, engine = session.audit, session.audit.snapshot.engine
    total = engine.rows(ibis.union(*events).agg(n=lambda t: t.count(), first=lambda t: t.at.min(), last=lambda t: t.at.max()))
    view = audit.view(audit.shared.table)
    people = audit.people(view)
    audit.shared.compute(view.shared)
    joined = members.left_join(people, members.user_id == people.user_id)
    unknown = {"region": joined.region.fill_null("not known"), "age": joined.age.fill_null("not known")}
    by = joined.mutate(**unknown).group_by("region", "age").agg(people=lambda t: t.count()).order_by("region", "age")
    groups = engine.rows(by)
    return Cohort(
        int(groups.people.sum()) if len(groups) else 0,
        int(total.n[0]),
        _instant(total["first"][0]),
        _instant(total["last"][0]),
        _with_special_category(session, members),
        groups,
        _look_alikes(case, members, rules),
    )


def _instant(value: object) -> dt.datetime | None:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else None


def _with_special_category(session: Session, members: ir.Table) -> int | None:
    """How many of them have a special category in their profile; null where profiles were not delivered."""
    attributes = session.audit.snapshot.tables.get("profile_attributes")
    if attributes is None or not {"user_id", "name", "category"} <= {*attributes.columns}:
        return None
    special = attributes.filter(is_special(attributes, session.audit.view()))
    return int(session.audit.snapshot.engine.rows(members.semi_join(special, "user_id").agg(n=lambda t: t.count())).n[0])


def _look_alikes(case: CaseFolder, members: ir.Table, rules: Sequence[str]) -> pd.DataFrame:
    """Per rule, outcome and reason: rows and people of the cohort that are not in order, and of everybody."""
    session, judgement = case.session, read_judgement(case.folder / OUTCOMES)
    wanted = [rule for rule, about in judgement.rules.items() if about["has_people"] and (not rules or rule in rules)]
    ids = members.select(member="users:" + members.user_id)
    named = with_pseudonyms(ids.select(record=ids.member), session.key_pads)
    batches = session.audit.snapshot.engine.batches(named, _BATCH)
    columns = ["rule", "outcome", "reason", "rows", "people", "rows_of_all", "people_of_all"]
    with opened_reader(judgement.folder) as reader:
        empty = pa.table({"record": pa.array([], pa.string())})
        reader.put("members", iter([empty, *(pa.Table.from_batches([batch]).cast(empty.schema) for batch in batches)]))
        # one by one: a query over all of them at once needs the memory of each at once
        rows = [row for rule in wanted for row in reader.rows(_counts(rule, rows_in(judgement.file(rule))))]
    return pd.DataFrame(rows, columns=columns)


def _counts(rule: str, rows: str) -> str:
    within = "FILTER (subject IN (SELECT record FROM members))"
    own = f"count(*) {within} AS rows, count(DISTINCT subject) {within} AS people"
    open_rows = f"FROM {rows} WHERE outcome NOT IN ('pass', 'excluded') GROUP BY outcome, reason"
    counts = f"SELECT {literal(rule)} AS rule, outcome, reason, {own}, count(*) AS rows_of_all, count(DISTINCT subject) AS people_of_all"
    return f"SELECT * FROM ({counts} {open_rows}) WHERE rows > 0 ORDER BY outcome, reason"
