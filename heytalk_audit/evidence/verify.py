"""An evidence pack: a run's folder, alone or as the payload of a BagIt bag, and the proof that nothing in it was changed.

Verifying needs neither the snapshot nor a network. Every file that a bag has beside its payload follows from the payload, so that
what was changed is named, and not what disagrees with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from heytalk_audit.canonical import digest
from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence.bag import MANIFEST, bag_tags, files_of
from heytalk_audit.evidence.folder import EXCEPTIONS, PAYLOAD, RESULTS, SIGNATURE, STATEMENT, payload, results_of
from heytalk_audit.evidence.signature import BadSignature, Signer, verify
from heytalk_audit.evidence.statement import read_statement


@dataclass(frozen=True)
class Fault:
    """A file of a pack, and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return printable(f"{self.file}: {self.what}")


@dataclass(frozen=True)
class Verified:
    """What came of verifying a pack: its faults, how many files were compared, and who signed it (null: nobody)."""

    faults: tuple[Fault, ...]
    files: int
    signer: Signer | None


def verify_pack(folder: Path) -> Verified:
    """Compare every file of a run's folder, or of a bag of one, with what was signed. Raises InputError where there is no pack."""
    run = payload(folder)
    bag = run != folder
    if not run.is_dir() or not (bag or (run / STATEMENT).exists() or (run / RESULTS).exists()):
        raise InputError(f"verify {folder.name}", "is no run's folder and no bag of one", "name the folder that run or pack wrote")
    files = files_of(folder)
    prefix = f"{PAYLOAD}/" if bag else ""
    said, signer, faults = _statement(run, prefix)
    if said is None:
        return Verified(tuple(faults), len(files), signer)
    wanted = {prefix + s["name"]: s["digest"]["sha256"] for s in said["subject"]}
    faults += _compare(files, wanted)
    expected = set(wanted) | {prefix + n for n in (STATEMENT, SIGNATURE)}
    tags = bag_tags(said, files) if bag else {}
    faults += _lost_signature(files)
    faults += [Fault(name, "is not part of the pack") for name in sorted(set(files) - expected - set(tags))]
    # what the tags of a bag say of a payload that was changed is no news
    faults += [] if faults else [f for name, content in tags.items() for f in _tag(files, name, content)]
    if not faults:
        faults += [Fault(prefix + f.file, f.what) for f in _ledgers(run)]
    return Verified(tuple(faults), len(files), signer)


def _statement(run: Path, prefix: str) -> tuple[dict | None, Signer | None, list[Fault]]:
    """The statement, if it is to be trusted, and who signed it."""
    try:
        content = (run / STATEMENT).read_bytes()
        said = read_statement(content)
    except FileNotFoundError:
        return None, None, [Fault(prefix + STATEMENT, "is missing")]
    except (OSError, ValueError) as error:
        what = str(error) if type(error) is ValueError else "cannot be read as a statement"
        return None, None, [Fault(prefix + STATEMENT, what)]
    try:
        signature = (run / SIGNATURE).read_bytes()
    except FileNotFoundError:
        return said, None, []
    try:
        return said, verify(content, signature), []
    except BadSignature as error:
        return said, None, [Fault(prefix + SIGNATURE, str(error))]


def _compare(files: dict[str, Path], wanted: dict[str, str]) -> list[Fault]:
    faults = []
    for name, sha256 in wanted.items():
        if name not in files:
            faults.append(Fault(name, "is missing"))
        elif files[name].is_symlink():
            faults.append(Fault(name, "is a link, not a file"))
        elif digest(files[name].read_bytes()) != sha256:
            faults.append(Fault(name, "was changed"))
    return faults


def _ledgers(run: Path) -> Iterator[Fault]:
    """Whether what the results count is what the exceptions hold."""
    said = results_of(run)
    withheld = said["audit"]["audience"] != "internal"
    for rule in said["rules"]:
        ledger, name = rule["ledger"], f"{EXCEPTIONS}/{rule['id']}.parquet"
        outcomes = [o for o in ledger if o not in ("in_scope", "pass")]
        # a run for readers outside hides numbers, and withholds all rows
        if None not in ledger.values() and ledger["in_scope"] != ledger["pass"] + sum(ledger[o] for o in outcomes):
            yield Fault(RESULTS, f"the ledger of {rule['id']} does not add up")
        if not (run / name).exists():
            continue
        found = Counter(pq.read_table(run / name, columns=["outcome"])["outcome"].to_pylist())
        if any(found[o] != (0 if withheld else ledger[o]) for o in outcomes):
            yield Fault(name, "its rows are not those that results.json counts")


def _lost_signature(files: dict[str, Path]) -> list[Fault]:
    """A bag that lists a signature has one."""
    name = f"{PAYLOAD}/{SIGNATURE}"
    listed = MANIFEST in files and f"  {name}\n".encode() in files[MANIFEST].read_bytes()
    return [Fault(name, "is missing")] if listed and name not in files else []


def _tag(files: dict[str, Path], name: str, content: bytes) -> Iterator[Fault]:
    if name not in files:
        yield Fault(name, "is missing")
    elif files[name].read_bytes() != content:
        yield Fault(name, "was changed")
