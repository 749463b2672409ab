"""Look for a person by what a complaint or an incident names: an e-mail, a telephone, a device, an id or a name.

Matches are named by how they came about. Several people stay several: nothing here decides that two rows are one person. Values are
masked unless two people opened them. What was looked for stands in the case's log as a keyed digest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.errors import InputError, printable
from heytalk_audit.expressions.digests import ALGORITHMS, DOTS_IGNORED
from heytalk_audit.expressions.strings import lowered, trim
from heytalk_audit.investigation.case_file import CaseFolder, refuse_closed
from heytalk_audit.investigation.opening import CLOSED, Opening, masked

#: So many matches are listed at most: who finds more must look for something narrower.
MOST = 100


@dataclass(frozen=True)
class Match:
    """A person that a value leads to: where it stands, how it matches, the value (masked or clear), and what tells people apart."""

    pseudonym: str
    how: str
    column: str
    value: str
    region: str
    status: str


@dataclass(frozen=True)
class Kind:
    """What may be looked for: the columns that hold it, how values are compared, and as which forms it may have been hashed."""

    columns: tuple[str, ...]
    normal: Callable[[ir.StringValue], ir.StringValue]
    hashed: Callable[[str], Iterable[str]] = lambda value: ()
    ends_alike: bool = False


def _folded(value: ir.StringValue) -> ir.StringValue:
    return lowered(trim(value).re_replace(r"\s+", " "))


def _mailbox(value: ir.StringValue) -> ir.StringValue:
    """An address in small letters, without what follows a plus, and without dots where its provider ignores them."""
    plain = lowered(trim(value)).re_replace(r"[+][^@]*@", "@")
    domain = plain.re_extract(r"@[^@]*\z", 0)
    return ibis.cases(
        (domain.isin([f"@{provider}" for provider in DOTS_IGNORED]), plain.re_replace(r"@[^@]*\z", "").replace(".", "") + domain),
        else_=plain,
    )


def _significant(value: ir.StringValue) -> ir.StringValue:
    """The digits of a telephone without the zeros that they begin with."""
    return value.re_replace("[^0-9]+", "").re_replace("^0+", "")


def _written_mailbox(value: str) -> list[str]:
    return [value, value.strip(), value.strip().lower()]


def _written_phone(value: str) -> list[str]:
    digits = re.sub("[^0-9]", "", value)
    return [value, value.strip(), digits, digits.lstrip("0"), "+" + digits.lstrip("0")]


KINDS = {
    "email": Kind(("users.email",), _mailbox, _written_mailbox),
    "phone": Kind(("users.phone",), _significant, _written_phone, ends_alike=True),
    "device": Kind(("devices.device_id", "devices.ad_id", "traffic_events.device_id", "content_items.device_id"), _folded),
    "user-id": Kind(("users.user_id", "purge_log.user_id", "consents.user_id", "disclosures.user_id", "rights_requests.user_id"), trim),
    "name": Kind(("users.display_name",), _folded),
}
#: Fewer digits than these are no telephone that could be told from another by how it ends.
_LEAST_DIGITS = 8


def find(case: CaseFolder, kind: str, value: str, at: dt.datetime, opening: Opening = CLOSED) -> list[Match]:
    """The people whom a value leads to, by pseudonym. The look-up is in the case's log first. Raises InputError."""
    refuse_closed(case)
    value = value.strip("\r\n")
    if not value.strip():
        raise InputError(f"find --{kind}", "is empty", "write the value to standard input: printf '%s' VALUE | heytalk-audit find ...")
    session = case.session
    case.note("find", at, kind=kind, sought=keyed(session.key, kind, value), **opening.logged())
    engine = session.audit.snapshot.engine
    # in a table of one row, so that the value stands in no SQL text
    one = engine.put("value_sought", pa.table({"sought": pa.array([value], pa.string())} | digests_of_forms(KINDS[kind].hashed(value))))
    matches: dict[tuple[str, str], Match] = {}
    for column in KINDS[kind].columns:
        for match in _matches(case, KINDS[kind], kind, column, one, opening):
            matches.setdefault((match.pseudonym, match.column), match)
    return sorted(matches.values(), key=lambda m: (m.pseudonym, m.column))


def keyed(key: bytes, kind: str, value: str) -> str:
    """What the log has for a value that was looked for: nobody who lacks the engagement key can guess at it."""
    return hmac.digest(key, f"look-up:{kind}:{value}".encode("utf-8", "surrogatepass"), "sha256").hex()


def digests_of_forms(forms: Iterable[str]) -> dict[str, pa.Array]:
    """Per algorithm the digests of these forms, in a column of one row."""
    written = [form.encode("utf-8", "surrogatepass") for form in dict.fromkeys(forms) if form]
    return {
        name: pa.array([[hashlib.new(name, form).hexdigest() for form in written]], pa.list_(pa.string())) for name in ALGORITHMS if written
    }


def _matches(case: CaseFolder, kind: Kind, name: str, column: str, one: ir.Table, opening: Opening) -> Iterator[Match]:
    """The rows of one column that match, each with its person."""
    session, (table, field) = case.session, column.split(".")
    tables = session.audit.snapshot.tables
    rows = tables.get(table)
    if rows is None or not {field, "user_id"} <= {*rows.columns}:
        return
    candidates = rows.select(user_id=rows.user_id, value=rows[field]).filter(lambda t: t.value.notnull() & t.user_id.notnull()).distinct()
    beside = candidates.cross_join(one)
    how = ibis.cases(*ways_of(kind, beside), else_=ibis.null("string"))
    found_rows = beside.select("user_id", "value", how=how)
    found_rows = _with_person(found_rows.filter(found_rows.how.notnull()), tables.get("users"))
    engine = session.audit.snapshot.engine
    for row in engine.rows(found_rows.order_by("user_id", "value").limit(MOST + 1)).to_dict("records"):
        shown = printable(row["value"]) if opening.is_open else masked(name, str(row["value"]))
        who = str(pseudonym(session.key, f"users:{row['user_id']}"))
        yield Match(who, row["how"], column, shown, row["region"] or "not known", row["status"] or "not known")


def ways_of(kind: Kind, beside: ir.Table) -> Iterator[tuple[ir.BooleanValue, str]]:
    """How a value may match what is looked for, the surest way first."""
    value, sought = beside.value, beside.sought
    yield value == sought, "exact"
    mine, theirs = kind.normal(value), kind.normal(sought)
    yield (mine == theirs) & (theirs != ""), "normalised"
    if kind.ends_alike:
        long = (mine.length() >= _LEAST_DIGITS) & (theirs.length() >= _LEAST_DIGITS)
        yield long & (mine.endswith(theirs) | theirs.endswith(mine)), "normalised, but for the country's code"
    for algorithm in (name for name in ALGORITHMS if name in beside.columns):
        yield beside[algorithm].contains(value.lower()), f"its {algorithm.upper()} digest"


def _with_person(rows: ir.Table, users: ir.Table | None) -> ir.Table:
    """Rows with the person's region and status; null where users has no such row."""
    if users is None or not {"user_id", "law_region", "status"} <= {*users.columns}:
        return rows.mutate(region=ibis.null("string"), status=ibis.null("string"))
    people = users.group_by(person=users.user_id).agg(region=users.law_region.min(), status=users.status.min())
    joined = rows.left_join(people, rows.user_id == people.person)
    return joined.select("user_id", "value", "how", "region", "status")
