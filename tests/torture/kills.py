"""Kill an audit at random moments: its report is there as before or as after, whole, and nothing else is left of it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml
from torture.tally import Tally

#: What prctl is asked for: that orphans become children of this process, so that none is lost from sight.
_SUBREAPER = 36
KEY = "a-key-for-tests-which-is-long-enough-for-anybody"
#: Who is killed, and how.
WAYS = {
    "the command": ("command", signal.SIGKILL),
    "all of it": ("all", signal.SIGKILL),
    "its kernels' server": ("server", signal.SIGKILL),
    "a kernel": ("kernel", signal.SIGKILL),
    "ended": ("command", signal.SIGTERM),
    "interrupted": ("command", signal.SIGINT),
}
#: Exit statuses of a command that was not killed itself: the audit's own, those of signals, and that of a failure.
STATUSES = {-9, 1, 4, 130, 143}


@dataclass(frozen=True)
class Place:
    """Where the audits run: their parameters, the target, and the folder for temporary files."""

    root: Path

    @property
    def target(self) -> Path:
        return self.root / "reports" / "out"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    def parameters(self, number: int) -> Path:
        """Parameters that give another run for every number."""
        document = {"audit": {"id": "kills", "title": f"Audit {number}"}, "snapshot": "demo"}
        document |= {"chapters": ["retention"], "rules": ["RET-07"]}
        file = self.root / "params.yaml"
        file.write_text(yaml.safe_dump(document), "utf-8")
        return file

    def title(self) -> str | None:
        """The title of the run that is there; null where there is none."""
        with contextlib.suppress(FileNotFoundError):
            return str(json.loads((self.target / "results.json").read_text("utf-8"))["audit"]["title"])
        return None


def run(seconds: float, seed: int) -> Tally:
    """Kill audits for so long, at moments and in ways that the seed decides."""
    import warm

    warm.imported()
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    chance, tally = random.Random(seed), Tally()
    # a temporary folder of the usual kind would go with the first fork that ends
    place = Place(Path(tempfile.mkdtemp(prefix="kills-")))
    try:
        lasts = _prepared(place)
        for _ in tally.rounds(seconds):
            fault = _one(place, tally.tried + 1, chance, lasts)
            tally.count(1, [fault] if fault else [])
            if fault:
                shutil.rmtree(place.target, ignore_errors=True)
    finally:
        shutil.rmtree(place.root, ignore_errors=True)
    return tally


def _prepared(place: Place) -> float:
    """Make a snapshot and a first report; returns how many seconds that one took."""
    for part in (place.temporary, place.target.parent):
        part.mkdir()
    _command(place, "demo", place.root / "demo", "--users", "300")
    begun = time.monotonic()
    status = _command(place, "run", place.parameters(0), "--out", place.target)
    if status != 1:
        raise RuntimeError(f"the first audit ends with {status}: {(place.root / 'err').read_text('utf-8')}")
    return time.monotonic() - begun


def _one(place: Place, number: int, chance: random.Random, lasts: float) -> str | None:
    """One audit that is killed; what is wrong after that, or null."""
    if chance.random() < 0.3:
        shutil.rmtree(place.target, ignore_errors=True)
    before, way = place.title(), chance.choice(list(WAYS))
    # the last moments, in which the report is put in its place, are the most delicate
    moment = lasts * (chance.uniform(0, 1.05) if chance.random() < 0.5 else chance.uniform(0.8, 1.05))
    pid = _begin(place, ["run", str(place.parameters(number)), "--out", str(place.target), "--replace"])
    time.sleep(moment)
    _kill(pid, *WAYS[way])
    status = _status(pid)
    named = f"kill {number}: {way} after {moment:.2f} s of {lasts:.2f} (status {status})"
    fault = _fault(place, before, f"Audit {number}", status)
    return fault and f"{named}: {fault}"


def _fault(place: Place, before: str | None, title: str, status: int) -> str | None:
    if not _all_gone():
        return f"processes are left: {sorted(_descendants(os.getpid()))}"
    there = place.title()
    if there not in (before, title):
        return f"the report is {there}, and was {before}"
    if status not in STATUSES:
        return "no such status"
    if status == 1 and there != title:
        return "status 1 without a report"
    if there is not None and (verified := _command(place, "verify", place.target)) not in (0, 3):
        return f"the report does not verify ({verified})"
    _command(place, "rules", "RET-07")
    left = [*place.temporary.iterdir(), *(p for p in place.target.parent.iterdir() if p != place.target)]
    left += [p for p in Path("/tmp").glob(".heytalk-audit-*") if p.stat().st_uid == os.getuid() and _is_of(p, place)]
    return f"left: {sorted(p.name for p in left)}" if left else None


def _is_of(folder: Path, place: Place) -> bool:
    """Whether a folder for sockets belongs to an audit of this place: the folder that names it lies there."""
    return (place.temporary / folder.name.removeprefix(".")).exists()


def _begin(place: Place, words: list[str]) -> int:
    """The process of a command: a fork of this one, which has imported the project."""
    pid = os.fork()
    if pid == 0:
        _become(place, words)
    return pid


def _become(place: Place, words: list[str]) -> NoReturn:
    import warm

    tempfile.tempdir = None
    ctypes.CDLL(None).prctl(_SUBREAPER, 0, 0, 0, 0)
    os.setsid()
    variables = dict(os.environ) | {"TMPDIR": str(place.temporary), "HEYTALK_AUDIT_KEY": KEY}
    warm._become_command({"argv": words, "env": variables, "cwd": str(place.root), "streams": [os.devnull, str(place.root / "err")]})


def _command(place: Place, *words: object) -> int:
    """The exit status of a command that nobody kills."""
    return _status(_begin(place, [str(word) for word in words]))


def _status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _descendants(pid: int) -> dict[int, int]:
    """Every living process that comes of one, with its parent."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(folder.name)] = int(parent)
    found: dict[int, int] = {}
    while more := {child: parent for child, parent in parents.items() if child not in found and (parent == pid or parent in found)}:
        found |= more
    return found


def _kill(pid: int, who: str, signum: int) -> None:
    """Kill the command, its kernels' server, one of its kernels, or all of it."""
    for one in _those(pid, who):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signum)


def _those(pid: int, who: str) -> Iterator[int]:
    descendants = _descendants(pid)
    children = [child for child, parent in descendants.items() if parent == pid]
    servers = [child for child in children if b"guardian" not in Path(f"/proc/{child}/cmdline").read_bytes()]
    kernels = [child for child, parent in descendants.items() if parent in servers]
    match who:
        case "all":
            yield from (pid, *descendants)
        case "server" if servers:
            yield servers[0]
        case "kernel" if kernels:
            yield kernels[0]
        case _:
            yield pid


def _all_gone() -> bool:
    """Whether every process of the command ends within seconds; the dead are buried on the way."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not _descendants(os.getpid()):
            return True
        time.sleep(0.02)
    return False
