"""Hostile packs: `run(seconds, seed)` breaks a signed run in every way it knows, and calls the commands that read packs, in this process.

An input is held where each command ends in time, with a status of its table, and with one line where it refuses; where nothing was written
outside of what it may write; and where no change of a file that the pack covers passes for unchanged. By hand:
`PYTHONPATH=.:tests python tests/torture/packs.py SECONDS SEED [BASE]`, and `... packs.py flips NUMBER BASE` for changed bytes alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
import typer.core
import yaml

from heytalk_audit import cli
from heytalk_audit.canonical import canonical, file_sha256
from heytalk_audit.console import err
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import chain, statement
from heytalk_audit.evidence.folder import payload
from heytalk_audit.evidence.opened import opened_pack
from heytalk_audit.evidence.sign_off import NAMESPACE, beside
from heytalk_audit.evidence.signature import load_key, new_key, public_of, sign
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
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        -(2**70),
        10**400,
        1.5,
        1e308,
        "",
        "x",
        "../../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "\ud800",
    ),
    *("x" * 200_000, "\u202e\x1b[2J\r\n", "<script>x</script>", "=1+1", "NaN", [], {}, [None], [[]], {"a": {}}, ["x"] * 1000, {"": ""}),
    *(
        "2025-01-01",
        "0001-01-01T00:00:00+00:00",
        "9999-12-31",
        "spark://evil:7077",
        "given",
        "RET-99",
        "duckdb",
        "PASS",
        "FAIL",
        "internal",
    ),
]
#: Texts that stand for a value, and that no value is written as.
RAW = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-0",
    "9" * 5_000,
    "[" * 100_000,
    '{"a":' * 3_000,
    "1.0e",
    '"\\ud800"',
    '"\\u0000"',
    "\x00",
    '"',
]


@dataclasses.dataclass
class Report:
    """How many inputs were tried, how many held, and those that did not, by name; `statuses` by command, for who wants to see them."""

    tried: int = 0
    held: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    statuses: Counter[str] = dataclasses.field(default_factory=Counter)


# the pack that is broken ------------------------------------------------------------------------------


def base_pack(folder: Path) -> Path:
    """A signed run of a few rules with its sign-offs, a custody log, and keys, in a folder that is not there yet."""
    from commands import run as audit

    from heytalk_audit.demo import write_demo

    folder.mkdir(parents=True)
    write_demo(folder / "demo", users=300)
    for name in ("key", "key2"):
        new_key(folder / name)
    some = {"chapters": ["evidence", "retention"], "rules": ["DQ-03", "RET-01", "RET-07"], "settings": {"audit_tz": "UTC"}}
    done = audit(folder / "demo", folder / "run", **some, signing={"key": str(folder / "key")})
    assert done.returncode in (0, 1, 3), done.stderr
    slim(folder)
    return folder


def slim(base: Path) -> None:
    """Take from the run what only makes it larger: pages, notebooks, clauses, materials. What is left is signed, and well formed."""
    run = base / "run"
    for file in [*run.glob("*.html"), *run.glob("notebooks/*")]:
        if file.name not in ("index.html", "00-evidence.ipynb"):
            file.unlink()
    results = json.loads((run / "results.json").read_bytes())
    results |= {name: results[name][:3] for name in ("clauses", "areas")}
    results["audit"]["columns"] = dict(list(results["audit"]["columns"].items())[:2])
    results["audit"]["policy"]["periods"] = dict(list(results["audit"]["policy"]["periods"].items())[:2])
    results["rules"] = [rule | {"sql": rule["sql"][:200], "source": rule["source"][:200]} for rule in results["rules"]]
    put(run / "results.json", canonical(results))

    def fewer(document: dict[str, Any]) -> None:
        build = document["predicate"]["buildDefinition"]
        build["resolvedDependencies"] = [m for m in build["resolvedDependencies"] if m["name"].startswith(("snapshot/", "rule/", "commit"))]
        build["internalParameters"] = {statement.SIGNING_KEY: public_of(load_key(base / "key")).fingerprint}

    resealed(run, fewer)
    put(run / "evidence.sig", sign((run / "evidence.json").read_bytes(), load_key(base / "key")))


def linked(source: Path, target: Path) -> None:
    """A copy of a folder whose files are other names of the same: a change must put another file in the place."""
    shutil.copytree(source, target, copy_function=os.link)


def put(file: Path, content: bytes) -> None:
    """Another file in the place of one, of which there may be other names."""
    if file.is_symlink() or file.exists():
        file.unlink()
    file.write_bytes(content)


def resealed(run: Path, change: Callable[[dict[str, Any]], None] = lambda document: None) -> None:
    """Write a run's statement anew over what lies there, without a signature, as a forger does."""
    document = json.loads((run / "evidence.json").read_bytes())
    document["subject"] = statement.subjects(run)
    document["predicate"]["buildDefinition"]["internalParameters"] = {}
    change(document)
    with contextlib.suppress(Exception):
        document["predicate"]["runDetails"]["metadata"]["invocationId"] = statement.own_digest(document)
    (run / "evidence.sig").unlink(missing_ok=True)
    put(run / "evidence.json", text_of(document))


def text_of(document: Any) -> bytes:
    """Canonical JSON, or as near to it as a document is that has none."""
    try:
        return canonical(document)
    except (ValueError, TypeError):
        return (json.dumps(document, sort_keys=True, ensure_ascii=True, indent=1) + "\n").encode("utf-8", "surrogatepass")


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document."""
    if path:
        yield path
    if isinstance(document, dict | list):
        for step, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(value, (*path, step))


def broken_at(document: Any, path: tuple[Any, ...], pick: random.Random) -> bytes:
    """A document with one value changed: its type, its size, its name; or with a text in its place that no JSON is."""
    *outer, last = path
    inside = document
    for step in outer:
        inside = inside[step]
    how = pick.randrange(6)
    if how == 0 and isinstance(inside, dict):
        inside[pick.choice(["", "x", "../x", "\ud800", f"{last} "])] = inside.pop(last)
    elif how == 1:
        del inside[last]
    elif how == 2:
        inside[last] = "\ue000raw\ue000"
        return text_of(document).replace('"\ue000raw\ue000"'.encode(), pick.choice(RAW).encode("utf-8", "surrogatepass"), 1)
    elif how == 3 and isinstance(inside, dict):
        text = text_of(inside[last]).decode("utf-8", "surrogatepass").strip()
        inside[last] = "\ue000raw\ue000"
        twice = f"{text}, {json.dumps(last)}: {text}"
        return text_of(document).replace('"\ue000raw\ue000"'.encode(), twice.encode("utf-8", "surrogatepass"), 1)
    else:
        inside[last] = pick.choice(VALUES)
    return text_of(document)


# ways to break it -------------------------------------------------------------------------------------


class Input:
    """One hostile input: a copy of the base in a folder of its own, what was done to it, and what must not pass for unchanged."""

    def __init__(self, base: Path, folder: Path, pick: random.Random):
        self.folder, self.pick, self.base = folder, pick, base
        folder.mkdir()
        self.run = folder / "run"
        linked(base / "run", self.run)
        for name in ("key", "key2", "signers", "custody.jsonl", "custody.jsonl.head"):
            shutil.copy(base / name, folder / name)
        if pick.random() < 0.5:
            shutil.copytree(base / "run.sign-off", beside(self.run))
        self.pack, self.name, self.covered = self.run, "", False

    def any_file(self, pattern: str = "*") -> Path:
        """A plain file of the run."""
        return self.pick.choice(sorted(p for p in self.run.rglob(pattern) if p.is_file() and not p.is_symlink()))

    def document(self, file: Path) -> tuple[Any, tuple[Any, ...]]:
        """A JSON document and a place in it; places near the top are as likely as all others."""
        content = json.loads(file.read_bytes())
        every = list(places(content))
        near = [path for path in every if len(path) <= 4]
        return content, self.pick.choice(self.pick.choice([every, near]))


def flip(i: Input) -> str:
    """A bit of a file, of those that the statement or its signature covers."""
    file = i.any_file()
    content = bytearray(file.read_bytes())
    place = i.pick.randrange(len(content))
    content[place] ^= 1 << i.pick.randrange(8)
    put(file, bytes(content))
    i.covered = True
    return f"flip {file.relative_to(i.run)} byte {place}"


def cut(i: Input) -> str:
    """A file cut short, or grown."""
    file = i.any_file()
    content = file.read_bytes()
    put(file, i.pick.choice([b"", content[: i.pick.randrange(len(content))], content + b"\n", content * 2]))
    i.covered = True
    return f"cut {file.relative_to(i.run)}"


def results(i: Input) -> str:
    """A value of the results, under a statement that fits."""
    document, path = i.document(i.run / "results.json")
    put(i.run / "results.json", broken_at(document, path, i.pick))
    resealed(i.run)
    return f"results at {path}"


def evidence(i: Input) -> str:
    """A value of the statement, with a digest that fits."""
    _, path = i.document(i.run / "evidence.json")

    def change(document: dict[str, Any]) -> None:
        with contextlib.suppress(LookupError, TypeError, ValueError, RecursionError):
            changed = json.loads(broken_at(json.loads(json.dumps(document)), path, i.pick))
            document.clear()
            document.update(changed)

    if i.pick.random() < 0.3:
        document, path = i.document(i.run / "evidence.json")
        put(i.run / "evidence.json", broken_at(document, path, i.pick))
        i.covered = (i.run / "evidence.json").read_bytes() != (i.base / "run" / "evidence.json").read_bytes()
    else:
        resealed(i.run, change)
    return f"evidence at {path}"


def parameters(i: Input) -> str:
    """The kept parameters, which name engines, paths and keys, under a statement that fits."""
    file = i.run / "inputs" / "parameters.yaml"
    document = yaml.safe_load(file.read_text("utf-8"))
    hostile = {
        "engine": [
            "spark://evil:7077",
            {"url": "sc://evil", "options": {"temp_directory": "/"}},
            {"options": {"memory_limit": "1KB"}},
            [],
            "local",
        ],
        "snapshot": ["/etc", "../../..", None, 3],
        "policy": [{"name": "/etc/passwd"}, {"name": "../policy.yaml"}, {"name": "policy"}, {"name": "heytalk", "text": "/dev/zero"}],
        "accepted": ["/etc/passwd", "../x.yaml", "given", "accepted.yaml", ["a"]],
        "decisions": ["/dev/stdin", "decisions.yaml", "decisions.yaml/../../x"],
        "previous": ["/", "given", "../.."],
        "previous_snapshot": ["/", "given"],
        "labels": [["/etc/passwd"], ["given"], "x", [1]],
        "signing": [{"key": "/root/.ssh/id_ed25519"}, {"passphrase_env": "HOME"}],
        "report": [{"key_env": "HOME"}, {"key_env": "PATH", "audience": "public"}, {"audience": "x"}],
        "delivery": [{"purge_key_env": "HOME"}, {"purge_key_env": "given"}],
        "settings": [{"audit_tz": "../../etc/localtime"}, {"x": 1}, {"unknown_limit": 1e400}, []],
        "rules": [["RET-99"], ["RET-01"] * 5_000, "RET-01"],
        "resolution": [{"keys": ["x"]}, {"keys": ["ssh-ed25519 AAAA"]}],
    }
    for name in i.pick.sample(sorted(hostile), k=i.pick.choice([1, 1, 2, 4])):
        document[name] = i.pick.choice(hostile[name])
    content = yaml.safe_dump(document).encode()
    broken = [b"", b"[" * 10_000, b"a: &a [*a]", b"!!python/object:os.system x", b"\xff\xfe", content + b"snapshot: x\n", b"{a: 1", b"x"]
    put(file, i.pick.choice([content] * 9 + [i.pick.choice(broken)]))
    if i.pick.random() < 0.3:
        put(i.run / "inputs" / "decisions.yaml", b"decisions:\n- {id: a, rule: RET-01, reason: x, evidence: ../../../../etc/passwd}\n")
    if i.pick.random() < 0.2:
        (i.run / "inputs" / "policy").mkdir()
        put(
            i.run / "inputs" / "policy" / "policy.yaml",
            i.pick.choice([b"findings: /etc/passwd\n", b"rules: ../../x\n", b"[]", b"name: x\n"]),
        )
    resealed(i.run)
    return f"parameters {document if len(str(document)) < 300 else str(document)[:300]}"


def rows(i: Input) -> str:
    """A file of rows with other columns, other rows, or none that can be read, under a statement that fits."""
    file = i.pick.choice([*sorted(i.run.glob("exceptions/*.parquet")), i.run / "follow-up.parquet"])
    table = pq.read_table(i.pick.choice(sorted((i.base / "run").glob("exceptions/*.parquet"))))
    how = i.pick.randrange(9)
    if how == 0:
        table = table.drop_columns([i.pick.choice(table.column_names)])
    elif how == 1:
        table = table.append_column("accepted", pa.array(["x"] * table.num_rows))
    elif how == 2:
        name = i.pick.choice(table.column_names)
        wrong = i.pick.choice([pa.array(range(table.num_rows)), pa.array([["x"]] * table.num_rows), pa.nulls(table.num_rows)])
        table = table.set_column(table.column_names.index(name), name, wrong)
    elif how == 3:
        texts = [i.pick.choice(["x", "", "../x", "=1+1", "\x1b[2J", "y" * 50_000, None]) for _ in range(table.num_rows)]
        column = i.pick.choice(["record", "subject", "outcome", "reason"])
        table = table.set_column(table.column_names.index(column), column, pa.array(texts, pa.string()))
    elif how == 4:
        table = pa.concat_tables([table, table])
    elif how == 5:
        table = pa.table({name: pa.array(["violation"] * 3_000_000, pa.string()).dictionary_encode() for name in table.column_names})
    sink = io.BytesIO()
    pq.write_table(table, sink, store_schema=how == 6)
    content = bytearray(sink.getvalue())
    if how == 7:
        for _ in range(i.pick.randrange(1, 20)):
            content[i.pick.randrange(len(content))] = i.pick.randrange(256)
    put(
        file,
        i.pick.choice([b"", b"PAR1", b"PAR1PAR1", bytes(content[:40]), b"PAR1" + b"\xff" * 40 + b"PAR1"]) if how == 8 else bytes(content),
    )
    resealed(i.run)
    return f"rows {file.name} way {how}"


def special(i: Input) -> str:
    """Something that is no plain file, or lies or is called as no file of a run does."""
    file, how = i.any_file(), i.pick.randrange(9)
    if how in (0, 1, 2):
        file.unlink()
    if how == 0:
        file.symlink_to(i.pick.choice(["/etc/passwd", "/dev/zero", str(i.base / "run" / "results.json"), file.name, "/"]))
    elif how == 1:
        os.mkfifo(file)
    elif how == 2:
        file.mkdir()
    elif how == 3:
        (i.run / "data").symlink_to(i.base / "run")
    elif how == 4:
        deep = i.run
        for _ in range(i.pick.choice([5, 20, 60])):
            deep = deep / "d"
        deep.mkdir(parents=True)
        (deep / "x").write_bytes(b"x")
    elif how == 5:
        Path(
            os.fsdecode(os.fsencode(i.run) + i.pick.choice([b"/\xff\xfe", b"/a\nb", b"/\x1b[2J", b"/=1+1", b"/" + b"n" * 250]))
        ).write_bytes(b"x")
    elif how == 6:
        with (i.run / "large").open("wb") as handle:
            handle.truncate(i.pick.choice([10**8, 17 * 10**9, 10**12]))
    elif how == 7:
        for folder in ("exceptions", "inputs", "notebooks"):
            shutil.rmtree(i.run / folder)
            (i.run / folder).symlink_to(i.base / "run" / folder)
    else:
        (i.run / "evidence.json").unlink()
        os.mkfifo(i.run / i.pick.choice(["evidence.json", "x"]))
    i.covered = True
    return f"special way {how} at {file.name}"


def signed_off(i: Input) -> str:
    """A sign-off with a value changed, signed again or not, or exchanged for something else."""
    folder = beside(i.run)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(i.base / "run.sign-off", folder)
    role, how = i.pick.choice(["preparer", "reviewer"]), i.pick.randrange(6)
    file = folder / f"{role}.json"
    if how <= 2:
        document, path = i.document(file)
        content = broken_at(document, path, i.pick)
        put(file, content)
        if how:
            put(folder / f"{role}.json.sig", sign(content, load_key(i.folder / i.pick.choice(["key", "key2"])), NAMESPACE))
    elif how == 3:
        other = folder / i.pick.choice(["preparer.json", "reviewer.json", "preparer.json.sig", "reviewer.json.sig"])
        other.unlink()
        made: list[Callable[[], object]] = [
            lambda: os.mkfifo(other),
            other.mkdir,
            lambda: other.symlink_to("/dev/zero"),
            lambda: other.write_bytes(b"\xff" * 99),
        ]
        i.pick.choice(made)()
    elif how == 4:
        for name in ("cover.html", f"{role}.json", f"{role}.json.sig"):
            put(folder / name, b"")
            (folder / name).unlink()
            (folder / name).symlink_to(i.base / "outside")
        (folder / f"{role}.json").unlink()
    else:
        shutil.rmtree(folder)
        made = [lambda: folder.write_bytes(b""), lambda: folder.symlink_to(i.base), lambda: os.mkfifo(folder)]
        i.pick.choice(made)()
    return f"sign-off {role} way {how}"


def custody_log(i: Input) -> str:
    """A custody log or its head, changed."""
    file = i.folder / i.pick.choice(["custody.jsonl", "custody.jsonl.head"])
    content = file.read_bytes()
    how = i.pick.randrange(5)
    if how == 0:
        lines = content.splitlines(keepends=True)
        i.pick.shuffle(lines)
        put(file, b"".join(lines[: i.pick.randrange(len(lines) + 1)]))
    elif how == 1:
        changed = bytearray(content)
        changed[i.pick.randrange(len(changed))] ^= 1 << i.pick.randrange(8)
        put(file, bytes(changed))
    elif how == 2:
        put(
            file,
            i.pick.choice([b"", b"[" * 100_000, b"\xff", b"{}", b"[]\n", b"null\n", b'{"event": "resolved"}\n', content * 2, content[:-1]]),
        )
    elif how == 3:
        document = json.loads(content.splitlines()[0]) if file.name.endswith("jsonl") else json.loads(content)
        text = broken_at(document, i.pick.choice(list(places(document))), i.pick)
        put(file, text if file.name.endswith("head") else text.replace(b"\n", b"") + b"\n")
    else:
        file.unlink()
        made: list[Callable[[], object]] = [lambda: os.mkfifo(file), file.mkdir, lambda: file.symlink_to("/dev/zero"), lambda: None]
        i.pick.choice(made)()
    return f"custody {file.name} way {how}"


def zipped(i: Input) -> str:
    """A zip of the run with something in it that no zip of a run has."""
    i.pack = i.folder / "run.zip"
    how = i.pick.randrange(12)
    with zipfile.ZipFile(i.pack, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(i.run.rglob("*")):
            if path.is_file():
                archive.write(path, f"run/{path.relative_to(i.run)}")
        if how == 0:
            archive.writestr(
                i.pick.choice(["../out", "/tmp/out", "run/../../out", "run\\..\\out", "C:/out", "run//x", "run/\x1b", "run/./x"]), b"x"
            )
        elif how == 1:
            archive.writestr("run/bomb", b"\0" * 400_000_000)
        elif how == 2:
            entry = zipfile.ZipInfo("run/link")
            entry.create_system, entry.external_attr = 3, i.pick.choice([0o120777, 0o010644, 0o020644]) << 16
            archive.writestr(entry, "/etc/passwd")
        elif how == 3:
            with warnings.catch_warnings(action="ignore"):
                archive.writestr("run/results.json", b"twice")
        elif how == 4:
            for number in range(20_001):
                archive.writestr(f"run/{number}", b"")
        elif how == 5:
            archive.writestr("run/results.json/x", b"x")
        elif how == 6:
            archive.writestr("run/x", b"x" * 1000, i.pick.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
        elif how == 7:
            archive.writestr("other", b"x")
        elif how == 8:
            archive.writestr("run/" + "d/" * i.pick.choice([20, 500]) + "x", b"x")
    content = bytearray(i.pack.read_bytes())
    if how == 9:
        content = content[: i.pick.randrange(len(content))]
    elif how == 10:
        for _ in range(i.pick.randrange(1, 9)):
            content[i.pick.randrange(len(content))] = i.pick.randrange(256)
    elif how == 11:
        # the directory says that a file is smaller than it is, or encrypted
        at = content.rindex(b"PK\x01\x02")
        content[at + i.pick.choice([8, 10, 20, 24, 38])] ^= i.pick.choice([1, 8, 0xFF])
    i.pack.write_bytes(bytes(content))
    # what was put in must be refused; a byte between the files, as a date, is not the run's
    i.covered = how in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    return f"zip way {how}"


def bagged(i: Input) -> str:
    """A bag with a byte changed somewhere."""
    i.pack = i.folder / "bag"
    linked(i.base / "bag", i.pack)
    file = i.pick.choice(sorted(p for p in i.pack.rglob("*") if p.is_file()))
    content = bytearray(file.read_bytes())
    content[i.pick.randrange(len(content))] ^= 1 << i.pick.randrange(8)
    put(file, bytes(content))
    i.covered = True
    return f"bag {file.relative_to(i.pack)}"


def trusted(i: Input) -> str:
    """Another file of signers: no line of it may end in more than a note."""
    content = bytearray((i.folder / "signers").read_bytes() * 3)
    for _ in range(i.pick.randrange(1, 30)):
        content[i.pick.randrange(len(content))] = i.pick.randrange(256)
    put(i.folder / "signers", i.pick.choice([bytes(content), b"\xff" * 999, b'"' * 9_999, b"a " * 99_999, b"", b"\0"]))
    return "signers"


WAYS = [
    flip,
    cut,
    results,
    results,
    results,
    evidence,
    evidence,
    parameters,
    parameters,
    rows,
    rows,
    special,
    signed_off,
    custody_log,
    zipped,
    bagged,
    trusted,
]


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
            named = [document[name] for name in ("accepted", "decisions", "attestations", "findings", "previous", "previous_snapshot")]
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
    yield (
        "verify",
        called(
            "verify",
            pack,
            "--signers",
            f / "signers",
            "--revoked",
            f / i.pick.choice(["signers", "key.pub"]) if i.pick.random() < 0.1 else f / "none",
        )
        if i.pick.random() < 0.05
        else called("verify", pack, *(["--signers", f / "signers"] if i.pick.random() < 0.6 else [])),
    )
    others: dict[str, Callable[[], tuple[int, str, str]]] = {
        "replay": lambda: replayed(i),
        "diff": lambda: called(
            "diff", *i.pick.choice([(pack, i.base / "run"), (i.base / "run", pack), (pack, pack)]), "--json", out.with_suffix(".json")
        ),
        "export": lambda: called(
            "export",
            pack,
            "--out",
            out,
            "--format",
            i.pick.choice(["csv", "xlsx", "junit", "oscal", "cyclonedx", "dsse"]),
            "--key",
            f / "key",
        ),
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
        if status not in STATUSES[name]:
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


def completed(base: Path) -> None:
    """What a base needs beside a signed run: sign-offs, a bag, a custody log with a look-up's kind of line, a file of signers."""
    from heytalk_audit.evidence import custody
    from heytalk_audit.evidence.pack import write_bag
    from heytalk_audit.handover import sign_off

    now = custody.dt.datetime(2025, 4, 2, tzinfo=custody.dt.UTC)
    if not beside(base / "run").exists():
        sign_off.sign_off(base / "run", "preparer", "Ann", load_key(base / "key"), now, [], "")
        sign_off.sign_off(base / "run", "reviewer", "Bo", load_key(base / "key2"), now, [], "")
    if not (base / "bag").exists():
        write_bag(base / "run", base / "bag")
    if not (base / "custody.jsonl").exists():
        custody.receive(base / "demo", "Heytalk", "Ann", "SFTP", base / "custody.jsonl", now)
        custody.access(base / "demo", "Bo", "reading", base / "custody.jsonl", now)
        chain.sign_head(base / "custody.jsonl", load_key(base / "key"))
    (base / "signers").write_text(f'ann namespaces="heytalk-audit*" {public_of(load_key(base / "key")).public}\n')


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


def flips(number: int, seed: int, base: Path) -> Report:
    """So many changed bytes of a signed run: verify must give 1 or 2 for each, and says which file was changed."""
    report, pick = Report(), random.Random(seed)
    with surroundings() as top:
        linked(base / "run", top / "run")
        files = sorted(p for p in (top / "run").rglob("*") if p.is_file())
        for _ in range(number):
            file = pick.choice(files)
            content = file.read_bytes()
            changed = bytearray(content)
            changed[place := pick.randrange(len(content))] ^= pick.randrange(1, 256)
            put(file, bytes(changed))
            status, out, errors = called("verify", top / "run")
            name = file.relative_to(top / "run").as_posix()
            held = status in (1, 2) and f"changed: {name}:" in out
            report.tried += 1
            report.held += held
            report.failed += [] if held else [f"{name} byte {place}: {status} {errors[-300:]}"]
            put(file, content)
        assert file_sha256(top / "run" / "evidence.json") == file_sha256(base / "run" / "evidence.json")
    return report


if __name__ == "__main__":
    what, number, place = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None
    result = flips(number, 1, place) if what == "flips" and place else run(float(what), number, place)
    print(f"{result.tried} tried, {result.held} held, {len(result.failed)} complaints", dict(sorted(result.statuses.items())))
    print("\n".join(result.failed[:60]))
