"""What detectors find in a snapshot: no text and no value of it goes on; two people judge a sample, and the report says how they did."""

from __future__ import annotations

import csv
import json
import re
import stat

import pytest
import worlds
from commands import heytalk_audit, params, run

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import lacking
from heytalk_audit.canonical import canonical
from heytalk_audit.detect import scan, special_categories
from heytalk_audit.detect.in_snapshot import SCHEMA, findings
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.running.review_queue import readable_cell
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

ROWS = {
    "content_items": [
        {"content_id": "c1", "user_id": "u1", "text": "I am a lesbian. Lesbians dance, and my card is 4111 1111 1111 1111."},
        {"content_id": "c2", "user_id": "u1", "text": "Nothing to see here."},
        {"content_id": "c3", "user_id": "u1"},
    ],
    "traffic_events": [{"event_id": "e1", "user_id": "u1", "url": "https://h.example/?q=I%20am%20a%20lesbian&mail=ada%40mail.example"}],
}


def delivered(folder):
    rows = {name: [worlds._fill(worlds.contract.load()[name], row, 1, "") for row in partial] for name, partial in ROWS.items()}
    return open_snapshot(worlds.deliver(folder, rows), connect())


def found(snapshot):
    """The findings of a snapshot, in order."""
    policy = load_policy()
    audit = Audit(snapshot, policy, settings_of(policy, {}))
    table = snapshot.engine.query(snapshot.engine.sql(audit.detections))
    assert table.column_names == SCHEMA.names
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_findings_name_rows_and_kinds_and_hold_no_text(tmp_path):
    assert [finding for finding in found(delivered(tmp_path / "s")) if finding[-1] != "low"] == [
        ("content_items.text", "content_items:c1", "category", "orientation", "self", "high"),
        ("content_items.text", "content_items:c1", "value", "card", None, "high"),
        ("traffic_events.url", "traffic_events:e1", "category", "orientation", "self", "high"),
        ("traffic_events.url", "traffic_events:e1", "value", "email", None, "high"),
    ]


def test_a_plan_reads_no_text(tmp_path, monkeypatch):
    def read(*_):
        raise AssertionError("a text was read")

    monkeypatch.setattr("heytalk_audit.detect.in_snapshot.findings", read)
    policy = load_policy()
    audit = Audit(delivered(tmp_path / "s"), policy, settings_of(policy, {}))
    assert [lacking(RULES[id], audit) for id in ("SEN-04", "SEN-07")] == ["", ""]
    with pytest.raises(AssertionError, match="a text was read"):
        found(audit.snapshot)


def test_the_same_findings_from_batches_of_any_size(tmp_path, monkeypatch):
    sizes = []

    def counted(name, batch):
        sizes.append(batch.num_rows)
        return findings(name, batch)

    monkeypatch.setattr("heytalk_audit.detect.in_snapshot.findings", counted)
    whole = found(delivered(tmp_path / "s"))
    assert max(sizes) > 1
    sizes.clear()
    monkeypatch.setattr("heytalk_audit.snapshot.duck.BATCH", 1)
    assert found(delivered(tmp_path / "t")) == whole
    assert set(sizes) == {1}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        (" @SUM(A1)", "' @SUM(A1)"),
        ("+90 212", "'+90 212"),
        ('plain, "quoted"\nlines', 'plain, "quoted"\nlines'),
        ("\x1b[31mred\u202e", "\ufffd[31mred\ufffd"),
    ],
)
def test_a_text_in_a_cell_obeys_nobody(text, cell):
    assert readable_cell(text) == cell


def test_two_people_judge_a_sample_and_the_report_says_how(demo, tmp_path):
    settings = {"sample_size": 40}
    parameters = params(tmp_path, demo, chapters=["sensitive-data"], rules=["SEN-04"], settings=settings)
    done = heytalk_audit("queue", parameters, tmp_path / "queue.csv")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "queue.csv").stat().st_mode) == 0o600
    with (tmp_path / "queue.csv").open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert 60 < len(lines) <= 80 and all(re.fullmatch("[0-9a-f]{16}", line["record"]) for line in lines)
    again = heytalk_audit("queue", parameters, tmp_path / "queue.csv")
    assert again.returncode == 2 and "is there already" in again.stderr
    lost = heytalk_audit("queue", parameters, tmp_path / "nowhere" / "queue.csv")
    assert lost.returncode == 2 and "its folder is not there" in lost.stderr and len(lost.stderr.splitlines()) == 1

    for who in ("ann", "bob"):
        with (tmp_path / f"{who}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, lines[0].keys())
            writer.writeheader()
            for number, line in enumerate(lines):
                label = "unsure" if who == "bob" and number == 0 else "yes" if "candidates" in line["sample"] else "no"
                writer.writerow(line | {"reviewer": who, "label": label})
    labels = [str(tmp_path / "ann.csv"), str(tmp_path / "bob.csv")]
    only_sen_04 = {"chapters": ["sensitive-data"], "rules": ["SEN-04"], "settings": settings}
    assert run(demo, tmp_path / "out", labels=labels, **only_sen_04).returncode == 3
    result = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))["rules"][0]
    candidates, every = result["samples"]
    assert candidates["review"]["yes"] + candidates["review"]["undecided"] == len(candidates["records"]) == candidates["frame_size"]
    assert candidates["review"]["stated"].startswith("at least 9")
    assert every["frame_size"] == result["ledger"]["in_scope"] - result["ledger"]["excluded"]
    assert every["review"]["low"] <= every["review"]["yes"] / 40 <= every["review"]["high"]
    assert candidates["review"]["stated"] in (tmp_path / "out" / "sensitive-data.html").read_text("utf-8")
    materials = json.loads((tmp_path / "out" / "evidence.json").read_text("utf-8"))["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert {"labels/1", "labels/2"} <= {m["name"] for m in materials}

    other = run(demo, tmp_path / "other", labels=labels, **only_sen_04 | {"settings": {"sample_size": 40, "sample_seed": 2}})
    assert other.returncode == 2 and "were not drawn" in other.stderr
    assert not (tmp_path / "other").exists()


def test_no_value_that_a_detector_knows_is_in_the_results(audited, demo):
    """The audit's own output, read by the detectors that it tests with: digests and links apart, it holds nothing."""
    results = json.loads((audited / "results.json").read_text("utf-8"))
    for rule in results["rules"]:
        for own_words in ("source", "sql", "method", "promise", "limits", "effect", "recommendation", "title", "clauses", "law"):
            rule.pop(own_words)
        for reason in rule["reasons"]:
            reason.pop("says"), reason.pop("next")
    findings = scan(canonical(results["rules"]).decode("utf-8").splitlines())
    assert set(findings.kind) <= {"digest"}
    assert special_categories([json.dumps(r["reasons"]) for r in results["rules"]]).empty
