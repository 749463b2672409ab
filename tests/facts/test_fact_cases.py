"""Every case of `cases/facts/`: small tables in, the total and rows of a fact out. A case is a world of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import worlds
import yaml

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.fact_evaluate import evaluate_fact
from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.facts import FACTS
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.registers.incidents import IncidentsFile, incidents_table
from heytalk_audit.registers.processing import ProcessingFile, processing_table
from heytalk_audit.snapshot.engines import Engine, connect
from heytalk_audit.snapshot.open import open_snapshot

#: What every entry of a register states beside what a case says.
STATED = {"who": "A", "role": "counsel", "date": "2025-02-01", "evidence": {"name": "a.pdf", "sha256": "a" * 64}}


@dataclass(frozen=True)
class FactCase:
    """One case of one fact: `rows` are those that its table must have, by the columns that they name;
    `without` are columns, as `table.column`, that are not delivered."""

    fact: str
    name: str
    given: dict[str, list[dict[str, Any]]]
    then: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    registers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@cache
def cases() -> tuple[FactCase, ...]:
    """Every case of every file."""
    blocks = [block for path in sorted(worlds.CASES.glob("facts/*.yaml")) for block in yaml.safe_load(path.read_text("utf-8"))]
    return tuple(FactCase(**{"fact": block["fact"], "given": {}} | case) for block in blocks for case in block["cases"])


def registers_of(case: FactCase) -> dict[str, Any]:
    """The registers of a case as small tables."""
    tables = {}
    for name, rows in case.registers.items():
        document = {name: [STATED | row for row in rows]}
        if name == "processing":
            tables[name] = processing_table(ProcessingFile.model_validate(document).processing)
        else:
            tables[name] = incidents_table(IncidentsFile.model_validate(document).incidents)
    return tables


def result_of(case: FactCase, engine: Engine, folder: Path) -> FactResult:
    """What the fact makes of the case's tables."""
    rows = worlds.tables_of([worlds.Case(case.fact, case.name, case.given, None, 0, alone=True)])
    engine.allow(folder)
    policy = load_policy()
    worlds.deliver(folder, rows, absent=case.absent)
    for table, _, column in (name.partition(".") for name in case.without):
        file = folder / f"{table}.parquet"
        pq.write_table(pq.read_table(file).drop_columns([column]), file)
    snapshot = open_snapshot(folder, engine)
    audit = Audit(snapshot, policy, settings_of(policy, case.settings), registers=registers_of(case))
    return evaluate_fact(FACTS[case.fact], audit, raises=True).result


def lines_of(result: FactResult) -> list[dict[str, Any]]:
    """The rows of a fact's table, each without what is null in it."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def complaints(case: FactCase, result: FactResult) -> list[str]:
    """What is wrong with a case's result. Rows are looked for by the cells that it names; their part has no others."""
    then, lines = case.then, lines_of(result)
    wrong = [f"{name} {getattr(result, name)}" for name in ("total", "excluded") if name in then and getattr(result, name) != then[name]]
    if "blocked_by" in then and list(result.blocked_by) != then["blocked_by"]:
        wrong.append(f"blocked by {result.blocked_by}")
    if "limit" in then and not any(then["limit"] in sentence for sentence in result.limits):
        wrong.append(f"limits {result.limits}")
    if "rows" in then:
        wanted = [{name: str(v) if name in DAYS else v for name, v in row.items()} for row in then["rows"]]
        there = [{name: line.get(name) for name in {n for row in wanted for n in row}} for line in lines]
        wrong += [f"no row {row} in {lines}" for row in wanted if not any(row.items() <= line.items() for line in there)]
        parts = {row.get("part") for row in wanted}
        of_parts = [line for line in lines if line.get("part") in parts]
        wrong += [] if len(of_parts) == len(wanted) or not wanted else [f"{len(of_parts)} rows, not {len(wanted)}: {of_parts}"]
        wrong += [f"rows {lines}"] if not wanted and lines else []
    return wrong


#: Columns that hold days.
DAYS = ("oldest", "newest", "first", "last")
IDS = [f"{case.fact}: {case.name}" for case in cases()]


@pytest.mark.xdist_group("facts")
@pytest.mark.parametrize("case", cases(), ids=IDS)
def test_duckdb(case, tmp_path):
    assert complaints(case, result_of(case, connect(folders=[tmp_path]), tmp_path)) == []


@pytest.mark.spark
@pytest.mark.thorough
@pytest.mark.xdist_group("spark-1")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("case", cases(), ids=IDS)
def test_spark(case, spark, tmp_path):
    assert complaints(case, result_of(case, spark, tmp_path)) == []


@pytest.mark.parametrize("fact", sorted(FACTS))
def test_every_fact_has_cases_of_test_accounts_and_of_what_is_absent(fact):
    own = [case for case in cases() if case.fact == fact]
    assert any(case.then.get("excluded") for case in own)
    assert any(case.then.get("blocked_by") for case in own)
    assert any(case.then.get("rows") for case in own)
