"""A person at an earlier instant: events and intervals up to it, and the rules over the snapshot as it was then, as far as that is known.

A snapshot holds what happened, with its instants, and what was so when it was taken. The first is cut at the instant; of the second nobody
knows what it was before. So a rule whose verdict needs such a column gives no outcome, and says which column that is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit import contract
from heytalk_audit.audit.evaluate import columns_of_verdict
from heytalk_audit.audit.faults import NotEvaluated
from heytalk_audit.canonical import canonical, read_json
from heytalk_audit.disk.placing import keep_private, move_new, staging
from heytalk_audit.errors import InputError
from heytalk_audit.investigation.case_file import CaseFolder
from heytalk_audit.investigation.events import TABLES, instant_text
from heytalk_audit.investigation.judgement import Judgement, judge_all, read_judgement
from heytalk_audit.investigation.subject import Subject
from heytalk_audit.rules import RULES
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot.delivery import DESCRIPTOR
from heytalk_audit.snapshot.seal import seal_folder

_NEEDS = "needs.json"
#: So many rows are written at a time.
_BATCH = 250_000
#: Who is a test account is no matter of time: it decides who is left out.
_TIMELESS = ("users.is_test",)


@dataclass(frozen=True)
class Known:
    """What is known at an instant: the outcomes of then, and per rule the columns it needs that are known at the snapshot's own only."""

    session: Session
    judgement: Judgement
    at: dt.datetime | None = None
    needs: Mapping[str, list[str]] = field(default_factory=dict)

    def rows(self, subject: Subject) -> dict[str, ir.Table]:
        """The person's rows that were there at the instant, as expressions."""
        if self.at is None:
            return dict(subject.tables)
        return {name: up_to(name, rows, self.at) for name, rows in subject.tables.items()}

    def hidden(self, subject: Subject) -> dict[str, str]:
        """The rules that give no outcome for the person at the instant, and why."""
        if self.at is None:
            return {}
        later = self._overwritten(subject)
        states = {f"{name}.{column}" for name, about in TABLES.items() for column in about.states}
        unknown = {rule: [c for c in columns if c in states or c in later] for rule, columns in self.needs.items()}
        return {rule: f"{', '.join(columns)}: known only at the snapshot's instant" for rule, columns in unknown.items() if columns}

    def _overwritten(self, subject: Subject) -> set[str]:
        """Columns that keep the last of several instants, and in which the person has one after the instant looked at."""
        assert self.at is not None
        columns = set()
        for name, rows in subject.tables.items():
            last = [column for column in TABLES[name].last if column in rows.columns]
            if last:
                latest = self.session.audit.snapshot.engine.rows(rows.agg(**{c: (rows[c] > ibis.literal(self.at)).any() for c in last}))
                columns |= {f"{name}.{column}" for column in last if bool(latest[column][0])}
        return columns


def known_at(case: CaseFolder, at: dt.datetime, progress: Callable[[str], None] | None = None) -> Known:
    """What is known at an instant (naive UTC). The rules are evaluated for it once. Raises InputError for one after the snapshot's."""
    session = case.session
    if at > session.audit.snapshot.as_of:
        todo = f"name an instant up to {instant_text(session.audit.snapshot.as_of)}"
        raise InputError(f"--at {instant_text(at)}", "lies after the snapshot's own instant", todo)
    folder = case.folder / f"outcomes-at-{at:%Y%m%dT%H%M%S.%fZ}"
    if not folder.exists():
        with staging(folder, f"case {case.folder.name}") as staged:
            _judge_cut(session, case, at, staged, progress)
            keep_private(staged / "outcomes")
            move_new(staged / "outcomes", folder, f"case {case.folder.name}")
    needs = read_json(folder / _NEEDS, f"case {case.folder.name}: {folder.name}/{_NEEDS}")
    return Known(session, read_judgement(folder), at, needs)


def _judge_cut(session: Session, case: CaseFolder, at: dt.datetime, staged: Path, progress: Callable[[str], None] | None) -> None:
    snapshot = staged / session.audit.snapshot.delivery.folder.name
    snapshot.mkdir(mode=0o700)
    for name, rows in session.audit.snapshot.tables.items():
        _write(up_to(name, rows, at), name, snapshot / f"{name}.parquet", session)
    (snapshot / DESCRIPTOR).write_text(json.dumps(_descriptor(session, at)), "utf-8")
    seal_folder(snapshot, instant_text(at))
    earlier = Session(Path(case.record.parameters), [*case.record.overrides, f"snapshot={json.dumps(str(snapshot))}"])
    judge_all(earlier, staged / "outcomes", progress)
    needs = {rule: sorted(columns) for rule, columns in _needed(session)}
    (staged / "outcomes" / _NEEDS).write_bytes(canonical(needs))


def _needed(session: Session) -> Iterable[tuple[str, set[str]]]:
    """Per rule the columns that its outcomes need."""
    for rule in session.rules:
        try:
            yield rule, columns_of_verdict(RULES[rule], session.audit) - {*_TIMELESS}
        except NotEvaluated:
            continue


def up_to(name: str, rows: ir.Table, at: dt.datetime) -> ir.Table:
    """The rows of a table that were there at an instant, and of theirs the instants up to it: what came later had not happened."""
    table, begins = contract.load()[name], TABLES[name].begins
    instant, day = ibis.literal(at), ibis.literal(at.date())
    kinds = {column: day if table[column].kind == "date" else instant for column in rows.columns if column in table}
    dated = [c for c in kinds if table[c].kind in ("timestamp", "date") and not table[c].may_lie_ahead and c != begins]
    kept = rows.filter(rows[begins].isnull() | (rows[begins] <= kinds[begins])) if begins in rows.columns else rows
    return kept.mutate(**{c: (kept[c] > kinds[c]).ifelse(ibis.null(kept[c].type()), kept[c]) for c in dated})


def _write(rows: ir.Table, name: str, file: Path, session: Session) -> None:
    """Write the rows of a table as a snapshot has them."""
    kinds = {column.name: contract.ARROW[column.kind] for column in contract.load()[name].columns}
    schema = pa.schema([(column, kinds[column]) for column in rows.columns if column in kinds])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in session.audit.snapshot.engine.batches(rows.select(*schema.names), _BATCH):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def _descriptor(session: Session, at: dt.datetime) -> dict[str, Any]:
    """The snapshot's descriptor for what is left of it: its totals are those of the whole, and its ids are compared by now."""
    whole = session.audit.snapshot.delivery.descriptor
    resources = [{k: v for k, v in entry.items() if k != "user_id_form"} for entry in whole.get("resources", [])]
    resources = [entry | {"path": f"{entry['name']}.parquet", "format": "parquet"} for entry in resources]
    return {k: v for k, v in whole.items() if k != "source_totals"} | {"as_of": instant_text(at), "resources": resources}
