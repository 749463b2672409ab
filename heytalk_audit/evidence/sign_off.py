"""A recorded sign-off: who prepared a run, who reviewed it, each signed with a key of their own over the digest of the run's evidence.

Sign-offs lie beside the run, never in it: the run's bytes depend on its inputs alone. Whoever reads one has it checked here: that it is as
its signer signed it, in the role that its file says, and that preparer and reviewer are two people with two keys.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from heytalk_audit.canonical import bytes_bounded, file_sha256
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import STATEMENT, payload
from heytalk_audit.evidence.inventory import PackFault
from heytalk_audit.evidence.opened import is_zip
from heytalk_audit.evidence.signature import BadSignature, verify
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.registers.persons import same_person
from heytalk_audit.vocabulary import Rating

ROLES = PREPARER, REVIEWER = ("preparer", "reviewer")
NAMESPACE = "heytalk-audit-sign-off"
#: Neither file of a sign-off is larger, in bytes.
_MOST = 1_000_000
#: What is set aside is named by so many digits of the evidence that it is on.
_DIGITS = 12


def _instant(text: str) -> str:
    if dt.datetime.fromisoformat(text).utcoffset() is None:
        raise ValueError("is no instant in a zone")
    return text


def _area(name: str) -> str:
    if name not in CHAPTERS:
        raise ValueError("is no area")
    return name


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Override(_Written):
    """Another rating of an area than the computed one, and why. It holds once both signers state the same."""

    area: Annotated[str, AfterValidator(_area)]
    rating: Rating
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class SignOff(_Written):
    """What one signer states: in which role, by which name, when, over which evidence, with which key."""

    role: Literal["preparer", "reviewer"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    date: Annotated[str, AfterValidator(_instant)]
    evidence_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    public_key: str
    replayed: bool
    overrides: tuple[Override, ...]
    note: Annotated[str, StringConstraints(max_length=20_000)]


@dataclass(frozen=True)
class SignOffs:
    """The sign-offs beside a run, by role, and what is wrong with them. Those of another run's evidence (`other`) are not this run's."""

    signed: dict[str, SignOff] = field(default_factory=dict)
    faults: tuple[PackFault, ...] = ()
    other: str | None = None


def beside(run: Path) -> Path:
    """The folder of a run's sign-offs; a zip's lie where those of the folder would."""
    named = run if run.name not in ("", "..") else run.resolve()
    return named.with_name((named.stem if is_zip(named) else named.name) + ".sign-off")


def aside(run: Path, evidence: str) -> Path:
    """Where the sign-offs of other evidence than a run's are set aside."""
    return beside(run).with_name(f"{beside(run).name}.{evidence[:_DIGITS]}")


def sign_offs_of(run: Path, statement: Path) -> SignOffs:
    """The sign-offs beside a run whose evidence is in the file `statement`, checked. Raises nothing that comes of what lies there."""
    folder = beside(run)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return SignOffs(faults=(PackFault(folder.name, "is no folder of sign-offs"),))
    signed: dict[str, SignOff] = {}
    faults = []
    for role in ROLES:
        file = folder / f"{role}.json"
        if file.is_symlink() or file.exists():
            try:
                signed[role] = _read(file, role)
            except ValueError as error:
                faults.append(PackFault(f"{folder.name}/{file.name}", str(error)))
    evidence = file_sha256(statement)
    if not faults and signed and all(sign_off.evidence_sha256 != evidence for sign_off in signed.values()):
        return SignOffs(other=next(iter(signed.values())).evidence_sha256)
    faults += [PackFault(f"{folder.name}/{role}.json", what) for role, what in _disagreements(signed, evidence)] if not faults else []
    return SignOffs({} if faults else signed, tuple(faults))


def checked_sign_offs(run: Path) -> SignOffs:
    """The sign-offs beside a run's folder, or a bag of one. Raises InputError where one is not what it must be."""
    sign_offs = sign_offs_of(run, payload(run) / STATEMENT)
    for fault in sign_offs.faults:
        raise InputError(f"sign-off {fault.file}", fault.what, "move the sign-off away, and have the run signed again")
    return sign_offs


def _read(file: Path, role: str) -> SignOff:
    """A sign-off as its signer signed it, in the role that its file is named after. Raises ValueError, in one line."""
    try:
        content, signature = (_bytes(path) for path in (file, file.with_name(f"{file.name}.sig")))
        signer = verify(content, signature, NAMESPACE)
        sign_off = SignOff.model_validate(json.loads(content))
    except BadSignature as error:
        raise ValueError(f"its signature {error}") from error
    except ValidationError as error:
        raise ValueError(f"is no sign-off ({'.'.join(map(str, error.errors()[0]['loc']))[:80]})") from error
    except (InputError, ValueError, RecursionError) as error:
        raise ValueError("it or its signature cannot be read") from error
    if signer.public != sign_off.public_key:
        raise ValueError("was signed with another key than it names")
    if sign_off.role != role:
        raise ValueError(f"was signed as {sign_off.role}")
    if role == REVIEWER and not sign_off.replayed:
        raise ValueError("was signed by a reviewer who has not recomputed the run")
    return sign_off


def _bytes(path: Path) -> bytes:
    if path.is_symlink():
        raise ValueError("is a link")
    return bytes_bounded(path, path.name, "have it signed again", _MOST)


def _disagreements(signed: dict[str, SignOff], evidence: str) -> list[tuple[str, str]]:
    """What is wrong with sign-offs beside each other: the role, and what."""
    preparer, reviewer = signed.get(PREPARER), signed.get(REVIEWER)
    wrong = [(role, "is on other evidence than this run's") for role, s in signed.items() if s.evidence_sha256 != evidence]
    if reviewer is not None and preparer is None:
        wrong.append((PREPARER, "is missing, and the reviewer has signed"))
    if preparer is not None and reviewer is not None:
        if preparer.public_key == reviewer.public_key:
            wrong.append((REVIEWER, "was signed with the preparer's key"))
        if same_person(preparer.name, reviewer.name):
            wrong.append((REVIEWER, "was signed by the preparer: nobody reviews their own work"))
    return wrong
