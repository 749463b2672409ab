"""The folder of a case: who looks into what, for which purpose and with whose approval, and the chained log of every look-up.

`case.json` names the parameters by their path and the engagement key by the variable that holds it, never the key. The log lies beside
it; a line is in it before the look-up that it names is answered.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from heytalk_audit.audit.pseudonym import key_check
from heytalk_audit.canonical import Strict, canonical, digest, read_json, refusal, write_whole
from heytalk_audit.disk.placing import keep_private, move_new, refuse_present, staging
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.chain import append, chain_of, entries
from heytalk_audit.evidence.materials import NOTEBOOKS
from heytalk_audit.investigation.judgement import judge_all
from heytalk_audit.investigation.kept_profile import keep_profile, use_profile
from heytalk_audit.registers.persons import same_person
from heytalk_audit.running.session import Session
from heytalk_audit.snapshot.delivery import DESCRIPTOR

#: Names in a case's folder.
CASE_FILE, LOG, OUTCOMES, PROFILE, INVESTIGATION = "case.json", "log.jsonl", "outcomes", "profile", "investigation.ipynb"


class CaseRecord(Strict):
    """What `case.json` says. Paths are absolute; `key_check` tells whether a later command has the same engagement key."""

    format: int = 1
    case: str
    by: str
    approved_by: str
    purpose: str
    scope: str
    opened_at: str
    parameters: str
    overrides: list[str]
    key_env: str
    key_check: str
    snapshot: str
    descriptor_sha256: str
    keep_until: str | None = None


@dataclass(frozen=True)
class Statement:
    """What a person states to open a case."""

    case: str
    by: str
    approved_by: str
    purpose: str
    scope: str = ""

    def checked(self) -> Statement:
        """The same, each on one line. Raises InputError where one is empty, or the two people are one."""
        lines = {name: custody.stated_text("--" + name.replace("_", "-"), getattr(self, name)) for name in _STATED}
        if same_person(lines["by"], lines["approved_by"]):
            raise InputError("--approved-by", "is the person who investigates", "name another person, who approves the case")
        return Statement(**lines, scope=custody.stated_text("--scope", self.scope) if self.scope.strip() else "")


_STATED = ("case", "by", "approved_by", "purpose")


@dataclass(frozen=True)
class CaseFolder:
    """An open case: its folder, what it states, and the key that signs the head of its log, where there is one."""

    folder: Path
    record: CaseRecord
    signs_with: Ed25519PrivateKey | None = None

    @property
    def log(self) -> Path:
        """The log of look-ups."""
        return self.folder / LOG

    @cached_property
    def session(self) -> Session:
        """The audit that the case looks into. Raises InputError where the snapshot or the key is another than when the case was opened."""
        session = Session(Path(self.record.parameters), self.record.overrides)
        if key_check(session.key) != self.record.key_check:
            raise InputError(f"report.key_env {self.record.key_env}", "holds another key than the case's", "export that engagement key")
        if _descriptor_of(session) != self.record.descriptor_sha256:
            todo = "restore the snapshot that the case was opened on, or open a new case"
            raise InputError(f"case {self.record.case}", "its snapshot is not the one that it was opened on", todo)
        use_profile(self.folder / PROFILE, session)
        return session

    def note(self, event: str, at: dt.datetime, **more: Any) -> str:
        """Add a line to the log; returns its digest. Raises InputError where the chain does not hold."""
        entry = {"at": custody.stamp(at), "event": event, "by": self.record.by, "case": self.record.case}
        return append(self.log, entry | more, self.signs_with)

    def recorded(self, **changes: Any) -> CaseFolder:
        """The case with other contents of `case.json`, which is written."""
        record = self.record.model_copy(update=changes)
        write_whole(canonical(record.model_dump()), self.folder / CASE_FILE)
        return replace(self, record=record)


def new_case(
    folder: Path,
    params: Path,
    overrides: Sequence[str],
    statement: Statement,
    at: dt.datetime,
    progress: Callable[[str], None] | None = None,
) -> CaseFolder:
    """Open a case in a new folder: the audit's rules are evaluated for everybody, so that a person's outcomes are those of the population.

    Raises InputError; then nothing is written, and nothing was read of the snapshot where a statement was missing.
    """
    stated = statement.checked()
    where = f"case {folder.name}"
    refuse_present(folder, where)
    session = Session(params, overrides)
    record = CaseRecord(
        **vars(stated),
        opened_at=custody.stamp(at),
        parameters=str(params.resolve()),
        overrides=list(overrides),
        key_env=session.params.report.key_env,
        key_check=key_check(session.key),
        snapshot=session.audit.snapshot.id,
        descriptor_sha256=_descriptor_of(session),
    )
    with staging(folder, where) as staged:
        new = staged / "case"
        new.mkdir(mode=0o700)
        (new / CASE_FILE).write_bytes(canonical(record.model_dump()))
        case = CaseFolder(new, record)
        shutil.copyfile(NOTEBOOKS / INVESTIGATION, new / INVESTIGATION)
        case.note("opened", at, **vars(stated), snapshot=record.snapshot, descriptor_sha256=record.descriptor_sha256)
        keep_profile(session, new / PROFILE)
        judge_all(session, new / OUTCOMES, progress)
        keep_private(new)
        move_new(new, folder, where)
    return CaseFolder(folder, record)


def open_case(folder: Path, signs_with: Ed25519PrivateKey | None = None) -> CaseFolder:
    """The case in a folder, open or closed. Raises InputError."""
    where = f"case {folder.name}"
    file = folder / CASE_FILE
    if folder.is_symlink() or not file.is_file():
        raise InputError(where, "is no case's folder", "open one: heytalk-audit case new")
    try:
        record = CaseRecord.model_validate(read_json(file, f"{where}: {CASE_FILE}"))
    except ValidationError as error:
        raise refusal(error, CaseRecord, f"{where}: {CASE_FILE}", "one that case new wrote") from error
    return CaseFolder(folder.absolute(), record, signs_with)


def refuse_closed(case: CaseFolder) -> None:
    """Raises InputError for a case that is closed: nothing is looked up in it any more."""
    if case.record.keep_until is not None:
        raise InputError(f"case {case.folder.name}", "is closed", "open a new case")


def head_of(case: CaseFolder) -> str:
    """The digest of the log's last line."""
    return chain_of(case.log).head


def logged_entries(case: CaseFolder) -> list[dict[str, Any]]:
    """The lines of the log, whose chain holds. Raises InputError."""
    return entries(case.log)


def _descriptor_of(session: Session) -> str:
    return digest((session.base / session.params.snapshot / DESCRIPTOR).read_bytes())
