"""Lead a pseudonym back to a row and a person: for the data protection officer alone, and never unlogged.

Three things are needed: the engagement key, the snapshot, and a private key whose public half the run's own parameters name
(`resolution.keys`). The officer signs each look-up; the signed line is in the custody log before the answer is given. Whoever has the
engagement key and the snapshot could compute pseudonyms without this command, so keep the two apart.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heytalk_audit import contract
from heytalk_audit.audit.document import Results
from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.canonical import canonical, digest, read_yaml
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.chain import append
from heytalk_audit.evidence.folder import PARAMETERS, STATEMENT, exceptions_file, payload
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.row_files import file_list, opened_reader, values_among
from heytalk_audit.evidence.signature import BadSignature, Signer, public_of, sign, verify
from heytalk_audit.evidence.statement import materials_of, read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.params import KEY_ENV, check, engagement_key
from heytalk_audit.snapshot import delivery
from heytalk_audit.snapshot.csv_tables import opened
from heytalk_audit.snapshot.folders import folded
from heytalk_audit.vocabulary import Audience

#: A signature made for this does not pass as one over evidence, nor the other way round.
NAMESPACE = "heytalk-audit-resolution"
EVENT = "resolved"
MOST = 100


@dataclass(frozen=True)
class LookUp:
    """Who asks, in which case, what for, the key that proves it, and the environment variable that holds the engagement key."""

    by: str
    case: str
    purpose: str
    key: Ed25519PrivateKey
    key_env: str = KEY_ENV


@dataclass(frozen=True)
class Answer:
    """What a pseudonym stands for: a table and its primary key, and the person where the row has one. Never another column."""

    pseudonym: str
    table: str | None = None
    key: str | None = None
    user_id: str | None = None

    def __str__(self) -> str:
        if self.table is None:
            return f"{self.pseudonym}: not in this snapshot"
        person = f"  user {self.user_id}" if self.user_id is not None and self.table != "users" else ""
        return printable(f"{self.pseudonym}: {self.table} {self.key}{person}")


def resolve(
    run: Path, pseudonyms: Iterable[str], snapshot: Path, look_up: LookUp, log: Path | None, now: Callable[[], dt.datetime]
) -> Iterator[Answer]:
    """The answers, one by one, each once its line is in the log. Raises InputError."""
    pseudonyms = list(dict.fromkeys(pseudonyms))
    stated = {name: custody.stated_text(f"--{name}", getattr(look_up, name)) for name in ("by", "case", "purpose")}
    held = custody.open_held(snapshot)
    evidence, results, key = _refuse(run, held, look_up)
    tables = _where(payload(run), results, pseudonyms)
    file = custody.log_of(snapshot, log)
    answers = _search(delivery.read_delivery(snapshot), held, key, tables)
    for one in pseudonyms:
        answer = answers.get(one, Answer(one))
        entry = custody.entry_of(held, EVENT, stated["by"], now(), case=stated["case"], purpose=stated["purpose"])
        entry |= {"evidence_sha256": evidence, "pseudonym": one, "found": answer.table is not None}
        entry |= {"public_key": public_of(look_up.key).public}
        append(file, entry | {"signature": sign(canonical(entry), look_up.key, NAMESPACE).decode()}, look_up.key)
        yield answer


def signer_of(entry: dict[str, Any]) -> Signer | None:
    """Who signed a line of the log; null where it is not signed by the key that it names."""
    signed = {name: value for name, value in entry.items() if name not in ("signature", "previous", "line")}
    try:
        signer = verify(canonical(signed), str(entry["signature"]).encode(), NAMESPACE)
    except (BadSignature, KeyError, ValueError):
        return None
    return signer if signer.public == entry["public_key"] else None


def _refuse(run: Path, held: custody.HeldSnapshot, look_up: LookUp) -> tuple[str, Results, bytes]:
    """The digest of the run's evidence, its results and the engagement key, if all belong together and the officer may ask."""
    where, folder = f"resolve {run.name}", payload(run)
    faults = verify_pack(run).faults
    if faults:
        raise InputError(where, f"is not as it was written ({faults[0]})", "name a run that was not changed")
    content = (folder / STATEMENT).read_bytes()
    results = results_in(folder, where)
    if results.audit.audience != Audience.INTERNAL:
        raise InputError(where, "withholds its rows", "name the run for internal use")
    _refuse_stranger(where, _officers(folder, where), look_up)
    variable = look_up.key_env
    key = engagement_key(variable)
    if not results.audit.is_made_with(key):
        raise InputError(f"report.key_env {variable}", "holds another key than the run's", "export the engagement key of that run")
    if materials_of(read_statement(content)).get(f"snapshot/{delivery.DESCRIPTOR}") != held.sha256:
        raise InputError(f"--snapshot {held.folder.name}", "is not the one that the run was made from", "name that one")
    return digest(content), results, key


def _officers(folder: Path, where: str) -> list[str]:
    """The keys of those who may resolve, as the run's own parameters have them."""
    try:
        document = read_yaml(folder / PARAMETERS, where)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(where, f"has no {PARAMETERS} that can be read", "name a run that this version wrote") from error
    if not isinstance(document, dict):
        raise InputError(where, f"its {PARAMETERS} is no mapping", "name a run that this version wrote")
    return check(document, PARAMETERS).resolution.keys


def _refuse_stranger(where: str, officers: list[str], look_up: LookUp) -> None:
    if not officers:
        raise InputError(where, "names nobody who may resolve", "run the audit with resolution.keys in its parameters")
    if public_of(look_up.key).public not in officers:
        raise InputError("--key", "is not one that the run's resolution.keys name", "the data protection officer alone resolves")


def _where(folder: Path, results: Results, pseudonyms: list[str]) -> dict[str, set[str]]:
    """Per pseudonym the tables that its rules read. One that the run does not have is refused: nothing is fished for."""
    if len(pseudonyms) > MOST:
        raise InputError("resolve", f"asks for more than {MOST} at once", "ask for those that the case needs")
    for one in pseudonyms:
        if not re.fullmatch(r"[0-9a-f]{16}", one):
            raise InputError(f"resolve {printable(one)[:40]}", "is no pseudonym", "write its 16 hex digits")
    tables: dict[str, set[str]] = {one: set() for one in pseudonyms}
    with opened_reader(folder) as reader:
        for rule in results.rules:
            drawn = {record for sample in rule.samples for record in sample.records}
            file = exceptions_file(folder, rule.id)
            for one in values_among(reader, file, "subject", pseudonyms):
                tables[one].add("users")
            for one in values_among(reader, file, "record", pseudonyms) | (drawn & set(pseudonyms)):
                tables[one] |= {"users", *contract.load()}
    missing = [one for one in pseudonyms if not tables[one]]
    if missing:
        raise InputError(f"resolve {missing[0]}", "is in no exceptions file of this run", "ask for one that is")
    return tables


def _search(delivered: delivery.Delivery, held: custody.HeldSnapshot, key: bytes, tables: dict[str, set[str]]) -> dict[str, Answer]:
    """Recompute pseudonyms, persons first, then table by table, until each has its answer. Raises InputError where a table was changed."""
    left, answers, declared = set(tables), dict[str, Answer](), held.declared()
    for table, part, column, person in _keys(delivered):
        open_ = {one for one in left if table in tables[one]}
        if not open_:
            continue
        if custody.hash_of(part.path) != declared.get(part.table.name):
            raise InputError(f"--snapshot {held.folder.name}", f"{part.table.name} is not as its descriptor says", "name the one delivered")
        for value, who in _values(part, column, person):
            one = str(pseudonym(key, f"{table}:{value}"))
            if one in open_:
                answers[one] = Answer(one, table, value, who)
                open_.discard(one)
                if not open_:
                    break
        left -= set(answers)
    return answers


def _keys(delivered: delivery.Delivery) -> Iterator[tuple[str, delivery.DeliveredPart, str, str]]:
    """What pseudonyms are made of: the table named, the part read, the column of the key, and that of the person.

    A person may be named by any table, also where users has no such row any more.
    """
    parts = list(delivered.parts.values())
    parts.sort(key=lambda part: part.table.name != "users")
    for part in parts:
        if "user_id" in part.table:
            yield "users", part, "user_id", "user_id"
    for part in parts:
        person = "user_id" if "user_id" in part.table else ""
        if part.table.name != "users":
            yield part.table.name, part, part.table.key, person
            if person:  # some rules speak of a person's rows in a table, all at once
                yield part.table.name, part, "user_id", "user_id"


def _values(part: delivery.DeliveredPart, column: str, person: str) -> Iterator[tuple[str, str | None]]:
    """Every value of a key, once, with the person beside it; nothing where the column was not delivered."""
    with working_folder() as work, opened_reader(part.path.parent, work) as reader:
        if part.format == "csv":
            with opened(part, part.path.parent, work) as form:
                source = form.source
        else:
            source = f"read_parquet({file_list(part.files)}, union_by_name = true, hive_partitioning = false)"
        there = [folded(column) for column in reader.columns(f"SELECT * FROM {source}")]
        if column not in there:
            return
        who = f'CAST("{person}" AS VARCHAR)' if person in there else "CAST(NULL AS VARCHAR)"
        rows = f'SELECT DISTINCT CAST("{column}" AS VARCHAR) AS value, {who} AS person FROM {source} WHERE "{column}" IS NOT NULL'
        for batch in reader.batches(rows):
            yield from zip(*(values.to_pylist() for values in batch.columns), strict=True)
