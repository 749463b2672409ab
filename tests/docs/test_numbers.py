"""The page on how the numbers are made: its eight accounts, sealed and audited, have the outcomes and the numbers that it states."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import heytalk_audit
from tutorial import DOCS, files_of, lines_of

from heytalk_audit.audit.disclosure import of_rule
from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import file_sha256
from heytalk_audit.params import DEMO_KEY
from heytalk_audit.vocabulary import Outcome

pytestmark = pytest.mark.xdist_group("tutorials")
PAGE = (DOCS / "numbers.md").read_text("utf-8")


def rows_of(head: str) -> list[dict[str, str]]:
    """The rows of the table whose first column has this head."""
    table = re.search(rf"^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.M)
    heads = [cell.strip() for cell in table[0].splitlines()[0].strip("|").split("|")]
    return [dict(zip(heads, (cell.strip() for cell in line.strip("|").split("|")), strict=True)) for line in table[1].splitlines()]


@pytest.fixture(scope="module")
def counted(tmp_path_factory) -> Path:
    """The page's files, and the run of its commands."""
    folder = tmp_path_factory.mktemp("numbers")
    for name, content in files_of("numbers.md").items():
        place = folder / "small" / name if name.endswith(".csv") else folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(content, "utf-8")
    for command in (command for command in lines_of("numbers.md") if command.is_own):
        done = heytalk_audit(*command.words[1:], cwd=folder, env={"HEYTALK_AUDIT_KEY": DEMO_KEY})
        assert done.returncode == command.status, done.stderr
    return folder


@pytest.fixture(scope="module")
def result(counted) -> RuleResult:
    return RuleResult.model_validate(json.loads((counted / "eight" / "results.json").read_text("utf-8"))["rules"][0])


def test_each_account_has_the_outcome_that_the_page_states(counted):
    stated = rows_of("account")
    stands = {row["record"]: row for row in pq.read_table(counted / "eight" / "exceptions" / "RET-01.parquet").to_pylist()}
    for row in stated:
        seen = stands.pop(pseudonym(DEMO_KEY.encode(), f"users:{row['account']}"), {"outcome": "pass"})
        days = {name: str(seen.get(key) or "") for name, key in (("reason", "reason"), ("due on", "due_on"), ("days over", "days_over"))}
        assert (seen["outcome"], days) == (row["outcome"], {name: row[name] for name in days}), row["account"]
    assert stands == {} and {row["outcome"] for row in stated} == set(Outcome)


def test_the_ledger_the_rate_and_the_limits_are_those_of_the_run(result):
    scope, parts = re.search(r"In scope (\d+) = (.+?)\. This sum", PAGE).groups()
    counts = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", parts)}
    assert counts == {str(outcome): result.ledger[outcome] for outcome in Outcome}
    assert int(scope) == result.ledger.in_scope == sum(counts.values())
    assert f"{result.ledger.violation} of {result.ledger.tested} ({result.rate:.1%}".replace("%", " %)") in PAGE
    assert "here " + ", ".join(f"`{limit}`" for limit in result.limited_by) in PAGE


def test_the_rating_is_that_of_the_run(counted):
    (area,) = json.loads((counted / "eight" / "results.json").read_text("utf-8"))["areas"]
    assert f"*{area['rating']}*" in PAGE and f"*{area['at_best']}*" in PAGE


@pytest.mark.parametrize("number", [0, 1])
def test_each_audience_sees_what_the_page_shows(result, number):
    row = rows_of("audience")[number]
    seen = of_rule(result, row["audience"])
    shown = {"in scope": seen.ledger.in_scope} | {str(outcome): seen.ledger[outcome] for outcome in Outcome}
    assert {name: "hidden" if count is None else str(count) for name, count in shown.items()} == {name: row[name] for name in shown}
    assert seen.verdict == row["verdict"]


def test_digest_and_pseudonym_are_those_that_anybody_computes(counted):
    assert file_sha256(counted / "small" / "users.csv") in PAGE
    assert f"`u-3` is `{pseudonym(DEMO_KEY.encode(), 'users:u-3')}`" in PAGE
    assert f"-hmac {DEMO_KEY}\n" in PAGE
