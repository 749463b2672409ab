"""Columns: declared or not, delivered to the previous audit or not, and what they hold."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds
from commands import run

from heytalk_audit.audit.audit import Audit
from heytalk_audit.canonical import canonical
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.report.pages import column_changes
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.gate import columns_of
from heytalk_audit.snapshot.open import open_snapshot

DEVICES = 12
EXTRA = {
    "wifi_mac": ["kept", *[None] * (DEVICES - 1)],
    "wifi_ssid": [None, ""] * (DEVICES // 2),
    "blob": [f"00:1B:44:11:3A:{n}" for n in range(10, 10 + DEVICES)],
    "note": ["fine", "so so", None] * 4,
    "machine": list(range(DEVICES)),
    "pan": ["4111 1111 1111 1111", "5500 0055 5555 5559", None] * 4,
}


def audited(folder, previous=None, csv=False) -> Audit:
    """An audit of some devices with columns that no contract knows."""
    table = worlds.contract.load()["devices"]
    worlds.deliver(folder, {"devices": [worlds._fill(table, {}, n, "") for n in range(DEVICES)]})
    path = folder / "devices.parquet"
    table = pq.read_table(path)
    for name, values in EXTRA.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, path)
    if csv:
        lines = [",".join(table.column_names)]
        for row in table.select(table.column_names).to_pylist():
            cells = {"user_id": "u", "platform": "android", "first_seen_at": "2020-01-01T00:00:00Z"} | {
                k: row[k] for k in ("device_id", *EXTRA)
            }
            lines.append(",".join(str(cells.get(name) or "") for name in table.column_names))
        path.unlink()
        (folder / "devices.csv").write_text("\n".join(lines) + "\n", "utf-8")
    policy = load_policy()
    return Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}), previous=previous)


def outcomes(rule: str, audit: Audit) -> dict[str, tuple[str, str]]:
    """Outcome and reason of each column that does not pass."""
    evaluation = worlds.evaluated(rule, audit)
    assert evaluation.verdict in ("FAIL", "REVIEW"), evaluation.reason
    return {r.record.removeprefix("column_inventory:devices."): (r.outcome, r.reason) for r in evaluation.rows.itertuples()}


@pytest.mark.parametrize("csv", [False, True])
def test_columns_that_nobody_declared(tmp_path, csv):
    audit = audited(tmp_path / "s", csv=csv)
    assert outcomes("COL-01", audit) == {
        "wifi_mac": ("violation", "undeclared_column"),
        "blob": ("violation", "undeclared_column"),
        "note": ("review", "unmapped_column"),
        "machine": ("review", "unmapped_column"),
        "pan": ("violation", "undeclared_column"),
    }
    assert outcomes("COL-02", audit) == {"blob": ("violation", "value_in_column")}
    assert outcomes("COL-07", audit) == {"pan": ("violation", "card_in_column")}


def test_what_is_new_since_the_previous_audit(tmp_path):
    before = columns_of(audited(tmp_path / "a").snapshot.profile, {})
    before["devices"].remove("note")
    before["devices"].append("model")
    audit = audited(tmp_path / "b", before)
    reasons = outcomes("COL-01", audit)
    assert reasons["note"] == ("review", "new_unmapped_column")
    assert reasons["machine"] == ("review", "unmapped_column")
    shown = str(column_changes(columns_of(audit.snapshot.profile, {}), before))
    assert "devices.note" in shown and "devices.model" in shown and "devices.machine" not in shown
    assert "No previous audit" in str(column_changes(before, None))
    assert "The same columns" in str(column_changes(before, before))


def test_a_previous_run_is_named_by_its_folder(demo, audited, tmp_path):
    only_col_01 = {"chapters": ["collection"], "rules": ["COL-01"]}
    done = run(demo, tmp_path / "out", previous=str(audited), **only_col_01)
    assert done.returncode == 1, done.stderr
    assert "The same columns" in (tmp_path / "out" / "collection.html").read_text("utf-8")
    statement = (tmp_path / "out" / "evidence.json").read_text("utf-8")
    assert "previous/results.json" in statement and str(tmp_path) not in statement and str(audited) not in statement
    for text, why in (
        ("{", "cannot be read"),
        ("[]", "is not as this version reads it"),
        (canonical({}).decode(), "is not as this version reads it"),
        (canonical({"audit": {"columns": {"users": [1]}}}).decode(), "is not as this version reads it"),
    ):
        (tmp_path / "old").mkdir(exist_ok=True)
        (tmp_path / "old" / "results.json").write_text(text, "utf-8")
        refused = run(demo, tmp_path / "never", previous=str(tmp_path / "old"), **only_col_01)
        assert refused.returncode == 2 and why in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "never").exists()
