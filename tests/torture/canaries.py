"""Canaries: values of people that stand nowhere else, put where nobody expects them. None gets out, or what has it is withheld.

Each try plants them into a small demo, audits it whole, and looks through
what was published by means of its own, which share nothing with the audit's.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from torture.tally import Tally

KEY = "a-key-for-tests-which-is-long-enough-for-anybody"
#: Words of no language, of which names are made.
SYLLABLES = ("zor", "quil", "bax", "wemp", "thul", "grix", "vasp", "nolk", "pruv", "yend")
KINDS = ("email", "phone", "ip", "ad_id", "device", "name")
#: Columns that no canary goes into, as the snapshot would be another one: keys, what rows hang together by, and what chooses a rule's rows.
LEFT = {"user_id", "status", "kind"}


def canary(kind: str, pick: random.Random) -> str:
    """A value of a kind that stands nowhere else."""
    word = "".join(pick.choice(SYLLABLES) for _ in range(4))
    other = "".join(pick.choice(SYLLABLES) for _ in range(3))
    match kind:
        case "email":
            return f"{word}.{other}{pick.randrange(1000)}@{other}.example"
        case "phone":
            return f"+49 151 {pick.randrange(10**8):08}"
        case "ip":
            return f"203.{pick.randrange(256)}.{pick.randrange(256)}.{pick.randrange(1, 255)}"
        case "ad_id":
            digits = f"{pick.getrandbits(128):032x}"
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        case "device":
            return f"{pick.getrandbits(64) | 0xA << 60:016x}"
    return f"{word.capitalize()} {other.capitalize()}"


def plant(demo: Path, folder: Path, pick: random.Random) -> dict[str, str]:
    """A copy of the demo with a canary in three rows of every column of text, in columns and files of no contract, and in their names."""
    folder.mkdir()
    document = json.loads((demo / "datapackage.json").read_text("utf-8"))
    (folder / "datapackage.json").write_text(json.dumps(document | {"resources": [], "producer": canary("name", pick)}), "utf-8")
    planted: dict[str, str] = {}
    for file in sorted(demo.glob("*.parquet")):
        table = pq.read_table(file)
        for number, column in enumerate(table.column_names):
            text = pa.types.is_string(table.schema.field(column).type)
            many = pa.types.is_list(table.schema.field(column).type)
            if table.num_rows and (text or many) and column not in LEFT and not (column.endswith("_id") and number == 0):
                value = planted[f"{file.stem}.{column}"] = canary(pick.choice(KINDS), pick)
                values = table.column(column).to_pylist()
                for row in pick.sample(range(len(values)), min(3, len(values))):
                    values[row] = value if text else [value]
                table = table.set_column(number, column, pa.array(values, table.schema.field(column).type))
        named = planted[f"a column's name of {file.stem}"] = canary(pick.choice(KINDS), pick)
        for name in ("app_version", named):
            value = planted[f"{file.stem}.{'app_version' if name != named else 'named so'}"] = canary(pick.choice(KINDS), pick)
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
        pq.write_table(table, folder / file.name)
    stranger = planted["a file's name"] = canary(pick.choice(("email", "name", "phone")), pick)
    inside = planted["a file of no contract"] = canary("email", pick)
    pq.write_table(pa.table({"remark": [inside] * 3}), folder / f"{stranger}.parquet")
    return planted


def forms_of(value: str) -> list[bytes]:
    """How a value may stand in bytes."""
    plain = {
        value,
        value.lower(),
        json.dumps(value)[1:-1],
        value.replace(" ", "%20"),
        value.replace("@", "%40"),
        value.replace("+", "&#43;"),
    }
    written = [text.encode() for text in plain] + [value.encode("utf-16-le")]
    for before in range(3):
        # the digits of base64 that do not depend on what stands around
        code = base64.b64encode(b"\0" * before + value.encode())
        written.append(code[(0, 2, 3)[before] : -4])
    return written


def contents(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file's content, and what is packed in it."""
    yield name, content
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from contents(f"{name}!{member}", archive.read(member))
    elif content[:2] == b"\x1f\x8b":
        yield from contents(f"{name}!", gzip.decompress(content))
    elif content[:4] == b"PAR1":
        yield name, repr(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
    elif content[:4] == b"%PDF":
        from pypdf import PdfReader

        yield name, "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).encode()
    for run in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", content) if not name.endswith(":") else ():
        try:
            yield f"{name}:", base64.b64decode(run)
        except ValueError:
            continue


def out(folder: Path, planted: dict[str, str]) -> list[str]:
    """Which canaries stand in a folder, each by where it was planted and the file that has it."""
    parts = [
        part
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for part in contents(file.relative_to(folder).as_posix(), file.read_bytes())
    ]
    names = "\n".join(name for name, _ in parts).encode()
    lines = []
    for place, value in planted.items():
        forms = forms_of(value)
        files = [name for name, content in [*parts, ("names", names)] if any(form in content for form in forms)]
        lines += [f"{place} ({value}) in {files[0]}"] if files else []
    return lines


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HEYTALK_AUDIT_KEY": KEY}
    words = [sys.executable, "-m", "heytalk_audit.cli", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=False)


def attempt(demo: Path, work: Path, pick: random.Random) -> tuple[int, list[str]]:
    """One try: how many canaries were planted, and those that got out."""
    planted = plant(demo, work / "snapshot", pick)
    (work / "p.yaml").write_text(yaml.safe_dump({"audit": {"id": "canaries"}, "snapshot": "snapshot"}), "utf-8")
    done = command("run", work / "p.yaml", "--out", work / "out")
    lines = [f"{place} in the console" for place, value in planted.items() if value in done.stdout + done.stderr]
    if done.returncode == 4 and "withheld" in done.stderr:
        return len(planted), lines + (["a withheld run was published"] if (work / "out").exists() else [])
    if done.returncode not in (1, 3):
        return len(planted), [*lines, f"status {done.returncode}: {done.stderr[-300:]}"]
    exported = command("export", work / "out", "--out", work / "exports", "--format", "csv,xlsx,junit,oscal,cyclonedx")
    lines += [] if exported.returncode in (0, 4) else [f"export: status {exported.returncode}: {exported.stderr[-300:]}"]
    return len(planted), lines + [line for name in ("out", "exports") if (work / name).exists() for line in out(work / name, planted)]


def run(seconds: float, seed: int) -> Tally:
    """Try for so long; at least once."""
    tally, pick = Tally(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="canaries-") as folder:
        demo = Path(folder) / "demo"
        assert command("demo", demo, "--users", 300, "--seed", seed).returncode == 0
        for _ in tally.rounds(seconds):
            with tempfile.TemporaryDirectory(dir=folder) as work:
                planted, failed = attempt(demo, Path(work), pick)
            tally.count(planted, failed)
    return tally
