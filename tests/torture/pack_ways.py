"""Ways to break a pack: what a fuzzer of packs (`packs`) does to a signed run, a bag or a zip of it, its sign-offs and a custody log."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import random
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from heytalk_audit.canonical import canonical
from heytalk_audit.evidence import chain, custody, statement
from heytalk_audit.evidence.pack import write_bag
from heytalk_audit.evidence.sign_off import NAMESPACE, beside
from heytalk_audit.evidence.signature import load_key, new_key, public_of, sign
from heytalk_audit.handover import sign_off

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


def completed(base: Path) -> None:
    """What a base needs beside a signed run: sign-offs, a bag, a custody log with a look-up's kind of line, a file of signers."""
    now = dt.datetime(2025, 4, 2, tzinfo=dt.UTC)
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
