"""An evidence pack: a run's folder, alone or as the payload of a BagIt bag, and the proof that nothing in it was changed.

Verifying needs neither the snapshot nor a network, and takes from the pack nothing but data. Every file that a bag has beside its payload
follows from the payload, so that what was changed is named, and not what disagrees with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from heytalk_audit.canonical import file_sha256
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.bag import MANIFEST, bag_tags
from heytalk_audit.evidence.folder import CARRIED, PAYLOAD, RESULTS, SIGNATURE, STATEMENT, exceptions_file, payload
from heytalk_audit.evidence.inventory import Inventory, PackFault, inventory
from heytalk_audit.evidence.opened import opened_pack
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.row_files import RowReader, check_carried, check_exceptions, opened_reader
from heytalk_audit.evidence.sign_off import SignOffs, sign_offs_of
from heytalk_audit.evidence.signature import NAMESPACE, BadSignature, Signer, verify
from heytalk_audit.evidence.signers import Trust
from heytalk_audit.evidence.statement import read_statement, signing_key_of
from heytalk_audit.vocabulary import Audience, Outcome


@dataclass(frozen=True)
class Verified:
    """The result of verifying a pack: its faults, how many files were compared, who signed it (null: nobody), the sign-offs beside it."""

    faults: tuple[PackFault, ...]
    files: int
    signer: Signer | None
    sign_offs: SignOffs = field(default_factory=SignOffs)


class PackState(StrEnum):
    """What can be said of a pack."""

    CHANGED = "changed"
    UNSIGNED = "unsigned"
    SIGNER_UNKNOWN = "signer unknown"
    SIGNED = "signed"
    UNREADABLE = "unreadable"

    @property
    def status(self) -> int:
        """The exit status of `verify`."""
        return {PackState.SIGNED: 0, PackState.CHANGED: 1, PackState.UNREADABLE: 2}.get(self, 3)


@dataclass(frozen=True)
class Standing:
    """How a pack stands: its state; of a signed one the signer's name and key; what was verified; why it can't be read."""

    state: PackState
    name: str | None = None
    fingerprint: str | None = None
    verified: Verified | None = None
    reason: str | None = None


def pack_standing(path: Path, trust: Trust | None = None) -> Standing:
    """How a run's folder, a bag or a zip of one stands. Without `trust` no signer is known. Raises nothing that comes of the pack."""
    try:
        with opened_pack(path) as folder:
            verified = verify_pack(folder, beside_of=path)
    except InputError as error:
        return Standing(PackState.UNREADABLE, reason=str(error))
    except OSError as error:
        return Standing(PackState.UNREADABLE, reason=f"verify {path.name}: {(error.strerror or 'cannot be read').lower()}")
    if verified.faults:
        return Standing(PackState.CHANGED, verified=verified)
    if verified.signer is None:
        return Standing(PackState.UNSIGNED, verified=verified)
    name = trust.name_of(verified.signer, NAMESPACE) if trust else None
    state = PackState.SIGNER_UNKNOWN if name is None else PackState.SIGNED
    return Standing(state, name, verified.signer.fingerprint, verified)


def verify_pack(folder: Path, beside_of: Path | None = None) -> Verified:
    """Compare every file of a run's folder, or of a bag of one, with its statement. Raises InputError where there is no pack.

    Sign-offs lie beside the folder, or beside `beside_of`, from which it was unpacked: one that was forged is a fault too.
    """
    run = payload(folder)
    bag = run != folder
    if not run.is_dir() or not (bag or (run / STATEMENT).exists() or (run / RESULTS).exists()):
        raise InputError(f"verify {folder.name}", "is no run's folder and no bag of one", "name the folder that run or pack wrote")
    there = inventory(folder)
    prefix = f"{PAYLOAD}/" if bag else ""
    statement, signer, faults = _statement(there, prefix)
    if statement is None:
        return Verified((*there.faults, *faults), len(there.files), signer)
    faults += [*there.faults, *_compare(there, statement, prefix, bag)]
    # a changed payload makes the tags of its bag wrong as well: only the first is worth telling
    faults += _tags(there, statement) if bag and not faults else []
    if not faults:
        with opened_reader(run) as reader:
            faults += [PackFault(prefix + f.file, f.what) for f in _contents(run, reader)]
    signed = sign_offs_of(beside_of or folder, run / STATEMENT) if not faults else SignOffs()
    return Verified((*faults, *signed.faults), len(there.files), signer, signed)


def _statement(there: Inventory, prefix: str) -> tuple[dict[str, Any] | None, Signer | None, list[PackFault]]:
    """The statement, if it is to be trusted, who signed it, and what is wrong with either."""
    file, signature = there.files.get(prefix + STATEMENT), there.files.get(prefix + SIGNATURE)
    named = {fault.file for fault in there.faults}
    if file is None:
        return None, None, [] if prefix + STATEMENT in named else [PackFault(prefix + STATEMENT, "is missing")]
    content = file.read_bytes()
    try:
        statement = read_statement(content)
    except ValueError as error:
        return None, None, [PackFault(prefix + STATEMENT, str(error))]
    wanted = signing_key_of(statement)
    if signature is None:
        lost = wanted is not None and prefix + SIGNATURE not in named
        return statement, None, [PackFault(prefix + SIGNATURE, f"is missing: {STATEMENT} was signed with {wanted}")] if lost else []
    try:
        signer = verify(content, signature.read_bytes())
    except BadSignature as error:
        return statement, None, [PackFault(prefix + SIGNATURE, str(error))]
    if wanted not in (None, signer.fingerprint):
        return statement, signer, [PackFault(prefix + SIGNATURE, f"was made with {signer.fingerprint}, and not with {wanted}")]
    return statement, signer, []


def _compare(there: Inventory, statement: dict[str, Any], prefix: str, bag: bool) -> list[PackFault]:
    """Files that are not as the statement has them, that it does not have, or that a bag would have otherwise."""
    wanted = {prefix + s["name"]: s["digest"]["sha256"] for s in statement["subject"]}
    named = {fault.file for fault in there.faults}
    faults = []
    for name, sha256 in wanted.items():
        if name not in there.files:
            faults += [] if name in named else [PackFault(name, "is missing")]
        elif file_sha256(there.files[name]) != sha256:
            faults.append(PackFault(name, "was changed"))
    expected = set(wanted) | {prefix + n for n in (STATEMENT, SIGNATURE)}
    expected |= set(bag_tags(statement, there.files)) if bag else set()
    # a statement of format 1 does not say that it is signed; the manifest of its bag does
    faults += _lost_signature(there.files) if bag and signing_key_of(statement) is None else []
    return faults + [PackFault(name, "is not part of the pack") for name in sorted(set(there.files) - expected)]


def _contents(run: Path, reader: RowReader) -> Iterator[PackFault]:
    """Faults where a ledger does not add up, or the rows of an exceptions file are not those that its ledger counts."""
    results = results_in(run, f"verify {run.name}")
    withheld = results.audit.audience != Audience.INTERNAL
    outcomes = [outcome for outcome in Outcome if outcome != Outcome.PASS]
    for rule in results.rules:
        ledger, file = rule.ledger, exceptions_file(run, rule.id)
        counts = {outcome: ledger[outcome] for outcome in outcomes}
        numbers = [n for n in (ledger.passed, *counts.values()) if n is not None]
        # a run for readers outside hides numbers, and withholds all rows
        if len(numbers) > len(counts) and ledger.in_scope is not None and ledger.in_scope != sum(numbers):
            yield PackFault(RESULTS, f"the ledger of {rule.id} does not add up")
        if not file.exists():
            continue
        fault = check_exceptions(reader, file, {o: 0 if withheld else n or 0 for o, n in counts.items()})
        if fault:
            yield PackFault(file.relative_to(run).as_posix(), fault)
    fault = check_carried(reader, run / CARRIED) if (run / CARRIED).exists() else None
    if fault:
        yield PackFault(CARRIED, fault)


def _lost_signature(files: dict[str, Path]) -> list[PackFault]:
    """A fault where the manifest of a bag lists a signature that is not there."""
    name = f"{PAYLOAD}/{SIGNATURE}"
    listed = MANIFEST in files and f"  {name}\n".encode() in files[MANIFEST].read_bytes()
    return [PackFault(name, "is missing")] if listed and name not in files else []


def _tags(there: Inventory, statement: dict[str, Any]) -> Iterator[PackFault]:
    """A fault for each file beside a bag's payload that is not what the payload makes it."""
    for name, content in bag_tags(statement, there.files).items():
        if name not in there.files:
            yield PackFault(name, "is missing")
        elif there.sizes[name] != len(content) or there.files[name].read_bytes() != content:
            yield PackFault(name, "was changed")
