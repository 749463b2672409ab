"""Odd values in deliveries: each is a value, a wrong value, or refused in one line. No rule crashes, no ledger loses a row, no message
quotes one.

Each try writes some tables of a small demo anew as CSV, with odd values in some cells, seals them, and evaluates some rules that read them.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
import tempfile
import traceback
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from commands import heytalk_audit
from torture.tally import Tally

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.seal import seal_folder
from heytalk_audit.vocabulary import Outcome, Verdict

#: Values that readers stumble over: numbers that are none, ends of the calendar, broken lists, marks of terminals, pages, sheets and SQL.
NUMBERS = ("", " ", "0", "-0", "1.0", "1e400", "-1e400", "NaN", "Infinity", "-infinity", "9" * 40, "0x1F", "1_000", "１２３", "١٢٣")
INSTANTS = (
    *("0000-00-00", "0001-01-01T00:00:00Z", "2024-02-30", "2025-03-29", "9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z"),
    *("-4713-11-24T00:00:00Z", "2025-03-29T24:00:00Z", "2025-03-29T10:00:00+99:99", "2025-03-29T10:00:60Z", "infinity", "epoch"),
)
WORDS = ("null", "NULL", "None", "\\N", "[", "[null]", "[redacted]", "{'a': 1}", '{"a": [', "[" * 500, '["\\ud800"]', "true", "T", "yes")
MARKS = (
    *("\x00", "a\x00b", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u202egnp.exe", "\ufeffname", "\u2028line", "👩\u200d👩\u200d👧"),
    *("=HYPERLINK(1)", "+1", "@SUM(1)", "-2+3", "<script>alert(1)</script>", "&lt;b&gt;", "[red]x[/red]", "{{ 7*7 }}", "${HOME}", "%s%n"),
    *("'; DROP TABLE users; --", '"', "''", "\\", "../../etc/passwd", "file:///etc/passwd", "a\r\nb", "a\nb", "\t", ",", ";", "|"),
    "a" * 70_000,
)
#: The same as bytes, and some that are no text.
BYTES = (
    *(value.encode("utf-8") for value in (*NUMBERS, *INSTANTS, *WORDS, *MARKS)),
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
)
#: Rules that are evaluated in one try, and cells in each table.
RULES_AT_ONCE, CELLS = 5, 4
#: What is shorter may stand in any message.
QUOTABLE = 12


def cell(value: Any) -> bytes:
    """A value as a cell of CSV: nothing where it is null."""
    if value is None:
        return b""
    if isinstance(value, dt.datetime):
        value = value.replace(tzinfo=None).isoformat() + "Z"
    text = json.dumps(value) if isinstance(value, list | bool) else str(value)
    return quoted(text.encode("utf-8"))


def quoted(content: bytes) -> bytes:
    """Bytes as a quoted cell."""
    return b'"' + content.replace(b'"', b'""') + b'"'


def written_anew(folder: Path, table: str, pick: random.Random) -> list[bytes]:
    """A table as CSV, with odd values in some cells: these."""
    held = pq.read_table(folder / f"{table}.parquet")
    rows, planted = [[cell(row[name]) for name in held.column_names] for row in held.to_pylist()], []
    for _ in range(pick.randint(1, CELLS) if rows else 0):
        planted.append(pick.choice(BYTES))
        pick.choice(rows)[pick.randrange(held.num_columns)] = quoted(planted[-1])
    head = b",".join(quoted(name.encode("utf-8")) for name in held.column_names)
    (folder / f"{table}.csv").write_bytes(b"\n".join([head, *(b",".join(row) for row in rows)]) + b"\n")
    (folder / f"{table}.parquet").unlink()
    return planted


def faults(folder: Path, tables: list[str], planted: list[bytes], pick: random.Random) -> list[str]:
    """What does not hold of a folder with odd values."""
    try:
        seal_folder(folder)
        engine = connect()
        policy = load_policy()
        audit = Audit(open_snapshot(folder, engine), policy, settings_of(policy, {}))
    except InputError as refused:
        lines = [str(one) for one in (refused, *refused.beside)]
        return [f"quoted in: {line[:80]}" for line in lines if any(quotes(line, value) for value in planted)]
    try:
        reading = sorted(id for id, rule in RULES.items() if set(rule.tables) & set(tables))
        return [fault for id in pick.sample(reading, min(RULES_AT_ONCE, len(reading))) for fault in faults_of_rule(id, audit, planted)]
    finally:
        assert isinstance(engine, Duck)
        engine.close()


def faults_of_rule(id: str, audit: Audit, planted: list[bytes]) -> list[str]:
    """What does not hold of a rule's evaluation."""
    one = evaluate(RULES[id], audit)
    if one.verdict == Verdict.ERROR:
        return [f"{id}: {one.reason}"]
    said = " ".join([one.reason or "", *one.gaps, *one.notes])
    seen = {
        "does not add up": one.ledger["in_scope"] != sum(one.ledger[outcome] for outcome in Outcome),
        "quotes a value": any(quotes(said, value) for value in planted),
    }
    return [f"{id}: {what}" for what, is_so in seen.items() if is_so]


def quotes(line: str, value: bytes) -> bool:
    """Whether a line has a value that is long enough to be told from its own words."""
    text = value.decode("utf-8", "replace").strip()
    return len(text) >= QUOTABLE and text[:QUOTABLE] in line


def run(seconds: float, seed: int) -> Tally:
    """Try for so long; at least once."""
    tally, pick = Tally(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="values-") as root:
        demo = Path(root) / "demo"
        assert heytalk_audit("demo", demo, "--users", 300, "--seed", seed).returncode == 0
        named = sorted(file.stem for file in demo.glob("*.parquet"))
        for _ in tally.rounds(seconds):
            folder = Path(root) / "s"
            shutil.copytree(demo, folder)
            tables = pick.sample(named, pick.randint(1, 3))
            planted = [value for table in tables for value in written_anew(folder, table, pick)]
            try:
                failed = faults(folder, tables, planted, pick)
            except Exception:
                failed = [traceback.format_exc(limit=-2)]
            tally.count(max(len(planted), 1), [f"{', '.join(tables)}, {planted!r:.200}: {fault}" for fault in failed])
            shutil.rmtree(folder)
    return tally
