"""One person on the engine: the id behind a pseudonym, and the person's rows of each table. The id stands in no SQL text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import pyarrow as pa

from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.errors import InputError, printable
from heytalk_audit.investigation.events import TABLES
from heytalk_audit.running.session import Session

#: What is said wherever a person's rows are shown.
KEPT_LIMIT = "The snapshot shows what was stored when it was taken. What was deleted before then does not show."
_PSEUDONYM = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Subject:
    """A person: the pseudonym, and the person's rows of each delivered table that names people, as expressions."""

    pseudonym: str
    tables: Mapping[str, ir.Table]


class NobodyThere(InputError):
    """A person who is in no table of the snapshot."""


def is_pseudonym(text: str) -> bool:
    """Whether a text is a pseudonym: 16 hexadecimal digits."""
    return bool(_PSEUDONYM.fullmatch(text))


def subject_of(session: Session, pseudonym: str) -> Subject:
    """The person behind a pseudonym. Raises NobodyThere where no table of the snapshot names such a person."""
    if not is_pseudonym(pseudonym):
        raise NobodyThere(f"person {printable(pseudonym)[:40]}", "is no pseudonym", "write its 16 hex digits, as find prints them")
    engine = session.audit.snapshot.engine
    for ids in _ids(session):
        named = with_pseudonyms(ids.distinct().mutate(record="users:" + ids.user_id), session.key_pads)
        rows = engine.rows(named.filter(named.record == pseudonym).select("user_id").limit(1))
        if len(rows):
            one = engine.put("person_looked_at", pa.table({"person_id": pa.array([rows.user_id[0]], pa.string())}))
            return Subject(pseudonym, dict(_rows_of(session, one)))
    raise NobodyThere(f"person {pseudonym}", "is in no table of this snapshot", "look for the person with find")


def _ids(session: Session) -> Iterator[ir.Table]:
    """The ids of people: of users first, as most have a row there."""
    tables = session.audit.snapshot.tables
    for name in sorted(TABLES, key=lambda name: name != "users"):
        if name in tables and "user_id" in tables[name].columns:
            ids = tables[name].select("user_id")
            yield ids.filter(ids.user_id.notnull())


def _rows_of(session: Session, one: ir.Table) -> Iterator[tuple[str, ir.Table]]:
    tables = session.audit.snapshot.tables
    for name, about in TABLES.items():
        table = tables.get(name)
        if table is None:
            continue
        if "user_id" in table.columns:
            yield name, table.semi_join(one, table.user_id == one.person_id)
        elif about.through in tables and {"device_id", "user_id"} <= {*tables[about.through].columns} and "device_id" in table.columns:
            devices = tables[about.through]
            own = devices.semi_join(one, devices.user_id == one.person_id)
            yield name, table.semi_join(own, table.device_id == own.device_id)
