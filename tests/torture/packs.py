"""Hostile packs: `run(seconds, seed)` breaks a signed run in every way it knows, and calls the commands that read packs, in this process.

An input is held where each command ends in time, with a status of its table, and with one line where it refuses; where nothing was written
outside of what it may write; and where no change of a file that the pack covers passes for unchanged. By hand: `make torture`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import typer
import typer.core
import yaml
from torture.pack_ways import WAYS, Input, base_pack, completed, linked, put
from torture.tally import Tally

from heytalk_audit import cli
from heytalk_audit.canonical import file_sha256
from heytalk_audit.console import err
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import payload
from heytalk_audit.evidence.opened import opened_pack
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.running.replay import prepared

KEY = "a-key-for-tests-which-is-long-enough-for-anybody"
#: No command may take longer, in seconds, on a machine that has other things to do.
TIMEOUT = 300
#: The statuses of each command's table.
STATUSES = {
    "verify": {0, 1, 2, 3},
    "replay": {0, 1, 2},
    "diff": {0, 1, 2},
    "export": {0, 2},
    "sign": {0, 2},
    "decide": {0, 2},
    "findings": {0, 2},
    "custody": {0, 1, 2},
    "queue": {0, 2},
    "pack": {0, 2},
}
#: Those that publish nothing, with status 4, where a copy holds what may be of a person and stands in no file of the run.
WITHHOLD = ("export", "pack")


@dataclasses.dataclass
class Report(Tally):
    """A tally, and the `statuses` by command, for who wants to see them."""

    statuses: Counter[str] = dataclasses.field(default_factory=Counter)


# calling the commands ---------------------------------------------------------------------------------


class TookTooLong(BaseException):
    """A command that did not end in time."""


def called(*arguments: object) -> tuple[int, str, str]:
    """The status of a command in this process, and what it printed; a traceback where it had one."""
    out, errors = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["heytalk-audit", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            cli.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except TookTooLong:
        status, _ = -1, errors.write("took too long")
    except BaseException:
        status, _ = -2, errors.write(traceback.format_exc())
    finally:
        sys.argv = before
    return status, out.getvalue(), errors.getvalue()


def replayed(i: Input) -> tuple[int, str, str]:
    """The front part of a replay: all that happens before the audit runs again. What it would run must be the person's own."""
    work = i.folder / "work"
    work.mkdir()
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), opened_pack(i.pack) as folder:
            if verify_pack(folder, beside_of=i.pack).faults:
                return 1, "", ""
            file = prepared(payload(folder), work, {"snapshot": i.base / "demo"}, [], err)
            document = yaml.safe_load(file.read_text("utf-8"))
            assert not {"engine", "signing"} & document.keys() and "key_env" not in document["report"], "obeyed"
            named = [
                document[name]
                for name in (
                    "accepted",
                    "decisions",
                    "attestations",
                    "processing",
                    "incidents",
                    "findings",
                    "previous",
                    "previous_snapshot",
                )
            ]
            named += [document["policy"]["text"], *document["labels"], document["policy"]["name"]]
            assert all(n in (None, "heytalk") or Path(n).is_relative_to(work.resolve()) for n in named), "obeyed"
            assert document["snapshot"] == str((i.base / "demo").resolve())
        return 0, "", errors.getvalue()
    except InputError as error:
        return 2, "", f"error: {error}\n"
    except TookTooLong:
        return -1, "", "took too long"
    except BaseException:
        return -2, "", traceback.format_exc()


def commands(i: Input) -> Iterator[tuple[str, tuple[int, str, str]]]:
    """The commands that this input is for, each with what came of it: verify always, of the others some."""
    f, pack, out = i.folder, i.pack, i.folder / "out"
    revoked = ["--revoked", f / i.pick.choice(["signers", "key.pub", "custody.jsonl", "none"])] if i.pick.random() < 0.1 else []
    trust = ["--signers", f / "signers", *revoked] if revoked or i.pick.random() < 0.6 else []
    yield "verify", called("verify", pack, *trust)
    pairs = i.pick.choice([(pack, i.base / "run"), (i.base / "run", pack), (pack, pack)])
    kind = i.pick.choice(["csv", "xlsx", "junit", "oscal", "cyclonedx", "dsse"])
    others: dict[str, Callable[[], tuple[int, str, str]]] = {
        "replay": lambda: replayed(i),
        "diff": lambda: called("diff", *pairs, "--json", out.with_suffix(".json")),
        "export": lambda: called("export", pack, "--out", out, "--format", kind, "--key", f / "key"),
        "sign": lambda: called("sign", pack, "--role", "preparer", "--name", "Cy", "--key", f / "key2"),
        "decide": lambda: called("decide", pack, "--out", out.with_suffix(".yaml")),
        "findings": lambda: called("findings", pack, "--out", out.with_suffix(".findings.yaml")),
        "custody": lambda: called("custody", "verify", f / "custody.jsonl"),
        "queue": lambda: called("queue", i.run / "inputs" / "parameters.yaml", out.with_suffix(".csv")),
        "pack": lambda: called("pack", pack, f / "new-bag"),
    }
    wanted = {
        "sign-off": ["sign", "export"],
        "custody": ["custody"],
        "parameters": ["replay", "queue"],
        "results": ["diff", "export", "decide", "replay"],
    }
    first = [*wanted.get(i.name.split()[0], []), *i.pick.sample(sorted(others), k=2)][: i.pick.choice([2, 3])]
    for name in dict.fromkeys(first):
        yield name, others[name]()


def complaints(i: Input) -> Iterator[str]:
    """What is wrong with how the commands took an input."""
    for name, (status, out, errors) in commands(i):
        yield f"status {name} {status}"
        withheld = status == 4 and name in WITHHOLD and "personal data would get out" in errors
        if status not in STATUSES[name] and not withheld:
            last = errors.strip().splitlines()[-1:] if status >= -1 else [errors[-1500:]]
            yield f"{name} ended with {status}: {last}"
        elif status == 2:
            lines = [line for line in errors.splitlines() if line.strip() and not line.startswith(("note: ", "warning: "))]
            if len(lines) != 1 or not lines[0].startswith("error: ") or not all(c.isprintable() for c in lines[0]):
                yield f"{name} refused in {len(lines)} lines: {lines[:3]}"
        if i.covered and name == "verify" and status not in (1, 2):
            yield f"{name} took it for unchanged: {status}"
        if any(not c.isprintable() and c != "\n" for c in out):
            yield f"{name} printed what steers a terminal"


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies in a folder: every file with its size and time."""
    return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in sorted(folder.rglob("*"))}


@contextlib.contextmanager
def surroundings() -> Iterator[Path]:
    """A folder for everything, also for temporary files; the key in the environment; and an alarm."""

    def ring(signum: int, frame: object) -> None:
        raise TookTooLong

    kept = {name: os.environ.get(name) for name in ("TMPDIR", "HEYTALK_AUDIT_KEY")}
    # built once: what a command does is the same, and half of the time is saved
    application, cli.app = cli.app, cli.app if isinstance(cli.app, typer.core.TyperGroup) else typer.main.get_command(cli.app)
    alarm, term = signal.signal(signal.SIGALRM, ring), signal.getsignal(signal.SIGTERM)
    with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as top:
        (Path(top) / "tmp").mkdir()
        os.environ |= {"TMPDIR": f"{top}/tmp", "HEYTALK_AUDIT_KEY": KEY}
        tempfile.tempdir = None
        try:
            yield Path(top)
        finally:
            cli.app = application
            signal.signal(signal.SIGALRM, alarm)
            signal.signal(signal.SIGTERM, term)
            for name, value in kept.items():
                os.environ.pop(name, None)
                os.environ |= {name: value} if value is not None else {}
            tempfile.tempdir = None


def run(seconds: float, seed: int, base: Path | None = None, ways: list[Callable[[Input], str]] = WAYS, most: int = 10**9) -> Report:
    """Hostile inputs for so many seconds, or `most` of them, from this seed on; a `base` of `base_pack` may be there already."""
    report, pick = Report(), random.Random(seed)
    with surroundings() as top:
        base = base or base_pack(top / "base")
        completed(base)
        outside, files, end = tree(base), tree(top / "tmp"), time.monotonic() + seconds
        while time.monotonic() < end and report.tried < most:
            seed_of_input = pick.randrange(2**32)
            folder = top / f"input-{report.tried}"
            i = Input(base, folder, random.Random(seed_of_input))
            signal.alarm(TIMEOUT)
            try:
                i.name = ways[report.tried % len(ways)](i)
                lines = list(complaints(i))
            finally:
                signal.alarm(0)
            report.statuses.update(line.removeprefix("status ") for line in lines if line.startswith("status "))
            wrong = [line for line in lines if not line.startswith("status ")]
            if tree(top / "tmp") != files or [p.name for p in top.iterdir() if p.name not in ("tmp", "base", folder.name)]:
                wrong.append("something was left behind")
                shutil.rmtree(top / "tmp")
                (top / "tmp").mkdir()
            report.tried += 1
            report.held += not wrong
            report.failed += [f"{i.name[:200]} (seed {seed_of_input}): {line}" for line in wrong]
            shutil.rmtree(folder, ignore_errors=True)
        if tree(base) != outside:
            report.failed.append("something was written outside")
    return report


def flips(seconds: float, seed: int, base: Path | None = None, most: int = 10**9) -> Tally:
    """Changed bytes of a signed run, for so many seconds or `most` of them: verify must give 1 or 2 for each, and says which file was
    changed."""
    report, pick = Tally(), random.Random(seed)
    with surroundings() as top:
        base = base or base_pack(top / "base")
        linked(base / "run", top / "run")
        end = time.monotonic() + seconds
        files = sorted(p for p in (top / "run").rglob("*") if p.is_file())
        while time.monotonic() < end and report.tried < most:
            file = pick.choice(files)
            content = file.read_bytes()
            changed = bytearray(content)
            changed[place := pick.randrange(len(content))] ^= pick.randrange(1, 256)
            put(file, bytes(changed))
            status, out, errors = called("verify", top / "run")
            name = file.relative_to(top / "run").as_posix()
            held = status in (1, 2) and f"changed: {name}:" in out
            report.count(1, [] if held else [f"{name} byte {place}: {status} {errors[-300:]}"])
            put(file, content)
        assert file_sha256(top / "run" / "evidence.json") == file_sha256(base / "run" / "evidence.json")
    return report
