"""An evidence pack: a run's folder, alone or as the payload of a BagIt bag, and the proof that nothing in it was changed.

Verifying needs neither the snapshot nor a network. Every file that a bag has beside its payload follows from the payload, so that
what was changed is named, and not what disagrees with it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence import NAME, SIGNATURE, digest, read_statement
from heytalk_audit.signing import BadSignature, Signer, verify

PAYLOAD = "data"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def payload(folder: Path) -> Path:
    """The run's own folder, of a run or a bag of one."""
    return folder / PAYLOAD if (folder / PAYLOAD).is_dir() else folder


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
    if not run.is_dir() or not (bag or (run / NAME).exists() or (run / "results.json").exists()):
        raise InputError(f"verify {folder.name}", "is no run's folder and no bag of one", "name the folder that run or pack wrote")
    files = dict(_files(folder))
    prefix = f"{PAYLOAD}/" if bag else ""
    said, signer, faults = _statement(run, prefix)
    if said is None:
        return Verified(tuple(faults), len(files), signer)
    wanted = {prefix + s["name"]: s["digest"]["sha256"] for s in said["subject"]}
    faults += _compare(files, wanted)
    expected = set(wanted) | {prefix + n for n in (NAME, SIGNATURE)}
    tags = bag_tags(said, _own(files), _sizes(files)) if bag else {}
    faults += _lost_signature(files)
    faults += [Fault(name, "is not part of the pack") for name in sorted(set(files) - expected - set(tags))]
    # what the tags of a bag say of a payload that was changed is no news
    faults += [] if faults else [f for name, content in tags.items() for f in _tag(files, name, content)]
    if not faults:
        faults += [Fault(prefix + f.file, f.what) for f in _ledgers(run)]
    return Verified(tuple(faults), len(files), signer)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix(), path


def _statement(run: Path, prefix: str) -> tuple[dict | None, Signer | None, list[Fault]]:
    """The statement, if it is to be trusted, and who signed it."""
    try:
        content = (run / NAME).read_bytes()
        said = read_statement(content)
    except FileNotFoundError:
        return None, None, [Fault(prefix + NAME, "is missing")]
    except (OSError, ValueError) as error:
        what = str(error) if type(error) is ValueError else "cannot be read as a statement"
        return None, None, [Fault(prefix + NAME, what)]
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
    said = json.loads((run / "results.json").read_bytes())
    withheld = said["audit"]["audience"] != "internal"
    for rule in said["rules"]:
        ledger, name = rule["ledger"], f"exceptions/{rule['id']}.parquet"
        outcomes = [o for o in ledger if o not in ("in_scope", "pass")]
        # a run for readers outside hides numbers, and withholds all rows
        if None not in ledger.values() and ledger["in_scope"] != ledger["pass"] + sum(ledger[o] for o in outcomes):
            yield Fault("results.json", f"the ledger of {rule['id']} does not add up")
        if not (run / name).exists():
            continue
        found = Counter(pq.read_table(run / name, columns=["outcome"])["outcome"].to_pylist())
        if any(found[o] != (0 if withheld else ledger[o]) for o in outcomes):
            yield Fault(name, "its rows are not those that results.json counts")


# bags ----------------------------------------------------------------------------------------------


def bag_tags(said: dict, own: dict[str, str], sizes: list[int]) -> dict[str, bytes]:
    """The files that a bag of this run has beside its payload. `own` are the digests of the statement and its signature."""
    payload = {s["name"]: s["digest"]["sha256"] for s in said["subject"]} | own
    parameters = said["predicate"]["buildDefinition"]["externalParameters"]
    info = f"Bag-Software-Agent: heytalk-audit\nExternal-Identifier: {printable(parameters['audit']['id'])}\n"
    info += f"Payload-Oxum: {sum(sizes)}.{len(sizes)}\n"
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": info.encode(),
        "manifest-sha256.txt": _manifest({f"{PAYLOAD}/{name}": sha256 for name, sha256 in payload.items()}),
    }
    return tags | {"tagmanifest-sha256.txt": _manifest({name: digest(content) for name, content in tags.items()})}


def _manifest(digests: dict[str, str]) -> bytes:
    escaped = {name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D"): sha256 for name, sha256 in digests.items()}
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(escaped.items())).encode()


def _own(files: dict[str, Path]) -> dict[str, str]:
    names = [name for name in (NAME, SIGNATURE) if f"{PAYLOAD}/{name}" in files]
    return {name: digest(files[f"{PAYLOAD}/{name}"].read_bytes()) for name in names}


def _lost_signature(files: dict[str, Path]) -> list[Fault]:
    """A bag that lists a signature has one."""
    name = f"{PAYLOAD}/{SIGNATURE}"
    listed = "manifest-sha256.txt" in files and f"  {name}\n".encode() in files["manifest-sha256.txt"].read_bytes()
    return [Fault(name, "is missing")] if listed and name not in files else []


def _sizes(files: dict[str, Path]) -> list[int]:
    return [path.stat().st_size for name, path in files.items() if name.startswith(f"{PAYLOAD}/")]


def _tag(files: dict[str, Path], name: str, content: bytes) -> Iterator[Fault]:
    if name not in files:
        yield Fault(name, "is missing")
    elif files[name].read_bytes() != content:
        yield Fault(name, "was changed")


def write_bag(run: Path, bag: Path) -> int:
    """Make a BagIt bag whose payload is a run's folder; returns how many files it holds. Whole, or not at all. Raises InputError."""
    if bag.exists():
        raise InputError(f"pack {bag.name}", "is there already", "name another folder")
    if (run / PAYLOAD).is_dir() or not (run / NAME).is_file():
        raise InputError(f"pack {run.name}", "is no run's folder", "name the folder that run wrote")
    faults = verify_pack(run).faults
    if faults:
        raise InputError(f"pack {run.name}", f"is not as it was written ({faults[0]})", "run the audit again")
    bag.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bag.parent, prefix=".pack-") as staged:
        made = Path(staged) / "bag"
        shutil.copytree(run, made / PAYLOAD)
        files = dict(_files(made))
        said = read_statement((run / NAME).read_bytes())
        tags = bag_tags(said, _own(files), _sizes(files))
        for name, content in tags.items():
            (made / name).write_bytes(content)
        os.chmod(made, 0o755)
        made.rename(bag)
    return len(files) + len(tags)
