"""A check of a delivery: everything at once, in the order of what it unlocks, and the letter that asks for it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
import worlds
from rich.console import Console
from typer.testing import CliRunner

from heytalk_audit import contract
from heytalk_audit.audit.unlocks import Unlock, unlocks
from heytalk_audit.cli import app
from heytalk_audit.errors import InputError
from heytalk_audit.handover.request import refuse_target, request_letter
from heytalk_audit.rules import RULES
from heytalk_audit.running.check import check_delivery, defect_in_words, show_check, stranger_in_words
from heytalk_audit.snapshot.defects import DefectKind
from heytalk_audit.snapshot.seal import seal_folder

AS_OF = "2025-03-01T12:00:00Z"


def sound(folder: Path, absent: tuple[str, ...] = ()) -> Path:
    rows = {"users": [{"user_id": "u1", "display_name": "A"}], "traffic_events": [{"user_id": "u1", "ip": "192.0.2.1"}]}
    worlds.deliver(folder, worlds.tables_of([worlds.Case("", "", rows, None, 0, alone=True)]), absent=absent)
    seal_folder(folder)
    return folder


def shown(checked) -> str:
    text = io.StringIO()
    show_check(checked, Console(file=text, width=132, highlight=False))
    return text.getvalue()


def test_a_sound_delivery_keeps_the_contract(tmp_path):
    folder = sound(tmp_path / "s")
    checked = check_delivery(folder)
    assert checked.keeps and not checked.unlocks and checked.run == len(RULES) - len(checked.blocked) > 100
    assert checked.blocked["DQ-07"] == "not delivered: the published policy text (policy.text)"
    text = shown(checked)
    assert re.search(r"^users +parquet +1 +not stated +yes", text, re.M) and "\ns keeps the contract; " in text
    # a total that differs: what was stated is not what is there
    document = json.loads((folder / "datapackage.json").read_text("utf-8"))
    next(r for r in document["resources"] if r["name"] == "traffic_events")["rows"] = 7
    document["resources"][0]["window_start"] = "[/red]"
    (folder / "datapackage.json").write_text(json.dumps(document))
    checked = check_delivery(folder)
    assert not checked.keeps and checked.failed == {"traffic_events": "DQ-01 rows differs"}
    assert "traffic_events failed a gate" in checked.blocked["RET-07"] and "RET-01" not in checked.blocked
    assert "COUNT(*)" in request_letter(checked, "mysql") and " [/red].. " in shown(checked)


def broken(folder: Path) -> Path:
    """A folder, not sealed, with every kind of defect."""
    folder.mkdir()
    head = "user_id,status,created_at,is_test,email,deleted_at,purged_at,restored_at,birth_date"
    rows = [
        "u1,active,2024-01-02T00:00:00Z,false,Zoë@example.org,2024-05-06 07:08:09,,,1990-01-01",
        "u2,gone,2024-01-02T00:00:00Z,,NULL,2024-05-06 07:08,,,01.02.1990",
        "u3,gone,2024-01-02T00:00:00Z,true,,2024-11-16 17:08:09,,,1990-01-01",
    ]
    (folder / "users.csv").write_text("\n".join([head, *rows, ""]), "utf-8")
    devices = {"device_id": ["d1"], "user_id": ["u1"], "platform": ["ios"], "first_seen_at": [20250101], "shipping_addr": ["x"]}
    pq.write_table(pa.table(devices), folder / "devices.parquet")
    (folder / "vendor.csv").write_text("a\n1\n")
    (folder / "[red]|<b>\x1b[31m.csv").write_text("a\n1\n")
    return folder


def test_everything_is_said_at_once(tmp_path):
    folder = broken(tmp_path / "s")
    checked = check_delivery(folder)
    defects = {(d.name, d.kind): d for d in checked.defects}
    assert {name for name, kind in defects if kind == DefectKind.MISSING} >= {"consents", "subscriptions", "retention_exceptions"}
    assert {(name, kind, defects[name, kind].rows, defects[name, kind].shape) for name, kind in defects if "." in name} == {
        ("users.status", "enum", 2, "aaaa"),
        ("users.is_test", "null", 1, None),
        ("users.email", "null_word", 1, None),
        ("users.deleted_at", "type", 3, "9999-99-99 99:99:99"),
        ("users.birth_date", "type", 1, "99.99.9999"),
        ("devices.first_seen_at", "type", 1, "99999999"),
    }
    assert {s.name: s.perhaps for s in checked.strangers}["vendor.csv"] == "vendors"
    assert "devices.shipping_addr" in {s.name for s in checked.strangers}
    assert not checked.keeps and not checked.is_sealed
    # what stops most rules comes first
    columns = [d.name for d in checked.defects if d.column]
    assert columns.index("users.is_test") < columns.index("users.status") < columns.index("devices.first_seen_at")
    text = shown(checked)
    assert "users.deleted_at: expected an instant with its zone" in text and ", 3 rows, as 9999-99-99 99:99:99" in text
    assert "vendor.csv: not in the contract; did you mean vendors?" in text and "\x1b" not in text and "[red]" in text
    assert re.search(r"^  deliver [a-z_ ]+ and \d+ rules run: ", text, re.M) and "mend users.deleted_at" in text
    assert "heytalk-audit seal s --as-of INSTANT" in text
    rules = [rule for unlock in checked.unlocks for rule in unlock.rules]
    assert len(rules) == len(set(rules)) and checked.run + len(rules) == len(RULES)
    for value in ("Zoë", "u2", "gone", "20250101", "2024-05-06"):
        assert value not in text and value not in request_letter(checked, "postgres")


@pytest.mark.parametrize("dialect", ["postgres", "bigquery"])
def test_the_letter_says_exactly_that_each_with_its_sql(dialect, tmp_path):
    checked = check_delivery(broken(tmp_path / "s"))
    letter = request_letter(checked, dialect)
    sentences = [*map(defect_in_words, checked.defects), *checked.unlocked, *(gap.sentence for gap in checked.gaps)]
    sentences += [stranger_in_words(stranger) for stranger in checked.strangers if "red" not in stranger.name]
    assert [sentence for sentence in sentences if sentence not in letter.replace("\\", "")] == []
    assert (
        letter.count("\n\n```sql")
        == letter.count("\n```\n")
        == len(checked.defects) + len(checked.unlocks) + 1 - letter.count("stands above")
    )
    blocks = re.findall(r"```sql\n(.*?)\n```", letter, re.S)
    statements = [statement for block in blocks for statement in sqlglot.parse(block, dialect=dialect)]
    selected = {table.name for statement in statements for table in statement.find_all(sqlglot.exp.Table)}
    assert selected == set(contract.load())
    assert any("CASE" in block and "'anonymised'" in block for block in blocks) and any("IS NULL" in block for block in blocks)
    assert "<b>" not in letter and "\x1b" not in letter and "[red]" not in letter


def test_exit_statuses_and_the_letters_file(tmp_path):
    folder, letter = broken(tmp_path / "s"), tmp_path / "letter.md"
    done = CliRunner().invoke(app, ["check", str(folder), "--request", str(letter), "--dialect", "duckdb"])
    assert done.exit_code == 3 and "letter.md: what to ask for" in done.output
    assert letter.read_text("utf-8") == request_letter(check_delivery(folder), "duckdb")
    with pytest.raises(InputError, match="is there already"):
        refuse_target(letter)
    with pytest.raises(InputError, match="make the folder"):
        refuse_target(tmp_path / "none" / "letter.md")
    (folder / "datapackage.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        check_delivery(folder)
    (folder / "datapackage.json").unlink()
    (folder / "devices.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"devices\.parquet: cannot be read"):
        check_delivery(folder)
    assert CliRunner().invoke(app, ["check", str(sound(tmp_path / "sound"))]).exit_code == 0


def test_what_lets_most_rules_run_comes_first():
    lacks = {"A": ("x",), "B": ("x", "y"), "C": ("z",), "D": ("z",), "E": ("x", "z"), "F": (), "G": ("y", "x", "w")}
    assert unlocks(lacks) == [
        Unlock(("z",), ("C", "D")),
        Unlock(("x",), ("A", "E")),
        Unlock(("y",), ("B",)),
        Unlock(("w",), ("G",)),
    ]
    assert unlocks({}) == []


def test_all_that_cannot_be_read_is_named_in_one_go(tmp_path):
    """Tables whose form is wrong and tables whose content is: a line each, and nobody has to come back for the next."""
    folder = sound(tmp_path / "s")
    (folder / "devices.parquet").write_bytes(b"no Parquet")
    for table, content in {"users": "user_id;country\n1;2;3\n", "consents": '"user_id","purpose\n'}.items():
        (folder / f"{table}.parquet").unlink()
        (folder / f"{table}.csv").write_text(content)
    with pytest.raises(InputError) as raised:
        check_delivery(folder)
    lines = [str(error) for error in (raised.value, *raised.value.beside)]
    assert sorted(re.match(r"snapshot s/(\w+)", line)[1] for line in lines) == ["consents", "devices", "users"]
    ended = subprocess.run([sys.executable, "-m", "heytalk_audit.cli", "check", str(folder)], capture_output=True, text=True)
    assert ended.returncode == 2 and [line.removeprefix("error: ") for line in ended.stderr.splitlines()] == lines
    with pytest.raises(InputError, match="devices"):
        seal_folder(folder)
