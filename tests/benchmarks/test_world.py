"""The benchmarks' world: the same bytes for the same arguments, a sound delivery, and rules that find what SQL by hand finds."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def harness():
    """The harness's modules, which are no package."""
    sys.path.insert(0, str(BENCHMARKS))
    import generate
    import hand
    import ours

    yield generate, hand, ours
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def world(harness, tmp_path_factory):
    """A snapshot of 200 people."""
    return generated(harness, tmp_path_factory.mktemp("world") / "a", 200)


def generated(harness, folder, users, **options):
    from rich.console import Console

    generate, _, _ = harness
    generate.write_world(folder, generate.Size(users, **options), Console(quiet=True))
    return folder


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.parquet")}


def test_the_same_arguments_give_the_same_bytes(harness, world, tmp_path):
    assert digests(generated(harness, tmp_path / "again", 200)) == digests(world)
    other = digests(generated(harness, tmp_path / "other", 200, seed=8))
    assert {name for name, digest in digests(world).items() if other[name] == digest} == {"policy_versions.parquet", "vendors.parquet"}


def test_slices_make_folders_and_the_same_rows_per_person(harness, tmp_path, monkeypatch):
    import duckdb

    generate, _, _ = harness
    monkeypatch.setattr(generate, "SLICE", 70)
    folder = generated(harness, tmp_path / "sliced", 200)
    assert [path.name for path in sorted((folder / "traffic_events").iterdir())] == [
        "part-0000.parquet",
        "part-0001.parquet",
        "part-0002.parquet",
    ]
    counts = duckdb.sql(f"SELECT DISTINCT count(*) FROM '{folder}/traffic_events/*.parquet' GROUP BY user_id").fetchall()
    assert counts == [(50,)]


def test_more_of_the_log_is_kept_for_too_long_when_asked_for(harness, tmp_path):
    import duckdb

    folder = generated(harness, tmp_path / "violating", 400, violating=0.3)
    old = duckdb.sql(f"SELECT avg((event_at < TIMESTAMPTZ '2024-03-31 00:00+00')::INT) FROM '{folder}/traffic_events.parquet'").fetchall()[
        0
    ][0]
    assert 0.25 < old < 0.35


def test_the_delivery_is_sound(world):
    environment = os.environ | {"HEYTALK_AUDIT_KEY": "k" * 40}
    command = [sys.executable, "-m", "heytalk_audit.cli", "check", str(world)]
    checked = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_sql_by_hand_finds_what_rules_find(harness, world, tmp_path):
    from heytalk_audit.rules import RULES

    _, hand, ours = harness
    audit = ours.opened(world, tmp_path)
    hand.prepare(audit)
    con, differing, found = hand.connection(audit), {}, Counter()
    assert len(hand.RULES) >= 12
    for rule in hand.RULES:
        evaluation = ours.evaluate_and_write(RULES[rule], audit, tmp_path / "exceptions.parquet")
        written = hand.by_hand(rule, audit)
        con.execute(f"CREATE OR REPLACE TABLE by_hand AS {written.rows}")
        rows = con.execute("SELECT outcome, reason, count(*) FROM by_hand GROUP BY ALL").fetchall()
        by_hand = {(outcome, reason): n for outcome, reason, n in rows}, con.execute(written.population).fetchall()[0][0]
        by_rule = ours.reasons(evaluation), ours.outcomes(evaluation)[0]
        found += Counter(outcome for outcome, _ in by_rule[0])
        if by_hand != by_rule:
            differing[rule] = by_hand, by_rule
    assert not differing
    assert found["violation"] > 3
