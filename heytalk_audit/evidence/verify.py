"""An evidence pack: a run's folder, alone or as the payload of a BagIt bag, and the proof that nothing in it was changed.

Verifying needs neither the snapshot nor a network. Every file that a bag has beside its payload follows from the payload, so that
what was changed is named, and not what disagrees with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit.canonical import file_sha256
from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence.bag import MANIFEST, bag_tags, files_of
from heytalk_audit.evidence.folder import PAYLOAD, RESULTS, SIGNATURE, STATEMENT, exceptions_file, payload, results_of
from heytalk_audit.evidence.row_files import RowReader, counts_by_outcome, opened_reader
from heytalk_audit.evidence.signature import BadSignature, Signer, verify
from heytalk_audit.evidence.statement import read_statement
from heytalk_audit.vocabulary import Audience, Outcome


@dataclass(frozen=True)
class PackFault:
    """A file of a pack, and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return printable(f"{self.file}: {self.what}")


@dataclass(frozen=True)
class Verified:
    """The result of verifying a pack: its faults, how many files were compared, and who signed it (null: nobody)."""

    faults: tuple[PackFault, ...]
    files: int
    signer: Signer | None


def verify_pack(folder: Path) -> Verified:
    """Compare every file of a run's folder, or of a bag of one, with its statement. Raises InputError where there is no pack."""
    run = payload(folder)
    bag = run != folder
    if not run.is_dir() or not (bag or (run / STATEMENT).exists() or (run / RESULTS).exists()):
        raise InputError(f"verify {folder.name}", "is no run's folder and no bag of one", "name the folder that run or pack wrote")
    files = files_of(folder)
    prefix = f"{PAYLOAD}/" if bag else ""
    statement, signer, faults = _statement(run, prefix)
    if statement is None:
        return Verified(tuple(faults), len(files), signer)
    wanted = {prefix + s["name"]: s["digest"]["sha256"] for s in statement["subject"]}
    faults += _compare(files, wanted)
    expected = set(wanted) | {prefix + n for n in (STATEMENT, SIGNATURE)}
    tags = bag_tags(statement, files) if bag else {}
    faults += _lost_signature(files)
    faults += [PackFault(name, "is not part of the pack") for name in sorted(set(files) - expected - set(tags))]
    # a changed payload makes the tags of its bag wrong as well: only the first is worth telling
    faults += [] if faults else [f for name, content in tags.items() for f in _tag(files, name, content)]
    if not faults:
        with opened_reader(run) as reader:
            faults += [PackFault(prefix + f.file, f.what) for f in _ledgers(run, reader)]
    return Verified(tuple(faults), len(files), signer)


def _statement(run: Path, prefix: str) -> tuple[dict[str, Any] | None, Signer | None, list[PackFault]]:
    """The statement, if it is to be trusted, and who signed it."""
    try:
        content = (run / STATEMENT).read_bytes()
        statement = read_statement(content)
    except FileNotFoundError:
        return None, None, [PackFault(prefix + STATEMENT, "is missing")]
    except (OSError, ValueError) as error:
        what = str(error) if type(error) is ValueError else "cannot be read as a statement"
        return None, None, [PackFault(prefix + STATEMENT, what)]
    try:
        signature = (run / SIGNATURE).read_bytes()
    except FileNotFoundError:
        return statement, None, []
    try:
        return statement, verify(content, signature), []
    except BadSignature as error:
        return statement, None, [PackFault(prefix + SIGNATURE, str(error))]


def _compare(files: dict[str, Path], wanted: dict[str, str]) -> list[PackFault]:
    faults = []
    for name, sha256 in wanted.items():
        if name not in files:
            faults.append(PackFault(name, "is missing"))
        elif files[name].is_symlink():
            faults.append(PackFault(name, "is a link, not a file"))
        elif file_sha256(files[name]) != sha256:
            faults.append(PackFault(name, "was changed"))
    return faults


def _ledgers(run: Path, reader: RowReader) -> Iterator[PackFault]:
    """Faults where a ledger does not add up, or the rows of an exceptions file are not as many as its ledger counts."""
    results = results_of(run)
    withheld = results["audit"]["audience"] != Audience.INTERNAL
    for rule in results["rules"]:
        ledger, file = rule["ledger"], exceptions_file(run, rule["id"])
        outcomes = [o for o in ledger if o not in ("in_scope", Outcome.PASS)]
        # a run for readers outside hides numbers, and withholds all rows
        if None not in ledger.values() and ledger["in_scope"] != ledger[Outcome.PASS] + sum(ledger[o] for o in outcomes):
            yield PackFault(RESULTS, f"the ledger of {rule['id']} does not add up")
        if not file.exists():
            continue
        rows = counts_by_outcome(reader, file)
        if any(rows.get(o, 0) != (0 if withheld else ledger[o]) for o in outcomes):
            yield PackFault(file.relative_to(run).as_posix(), "its rows are not those that results.json counts")


def _lost_signature(files: dict[str, Path]) -> list[PackFault]:
    """A fault where the manifest of a bag lists a signature that is not there."""
    name = f"{PAYLOAD}/{SIGNATURE}"
    listed = MANIFEST in files and f"  {name}\n".encode() in files[MANIFEST].read_bytes()
    return [PackFault(name, "is missing")] if listed and name not in files else []


def _tag(files: dict[str, Path], name: str, content: bytes) -> Iterator[PackFault]:
    """A fault where a file beside the payload is not what the payload makes it."""
    if name not in files:
        yield PackFault(name, "is missing")
    elif files[name].read_bytes() != content:
        yield PackFault(name, "was changed")
