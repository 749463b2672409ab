"""The company: the same people in three quarters, stories that explain what fails, and audits that find these rows and no other."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from commands import heytalk_audit
from conftest import KEY

from heytalk_audit.demo import write_company
from heytalk_audit.demo.audit import differences
from heytalk_audit.demo.company.history import instants, quarter_name
from heytalk_audit.errors import InputError

QUARTERS = ("2024-Q3", "2024-Q4", "2025-Q1")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def users(snapshot: Path) -> dict[str, dict]:
    return {row["user_id"]: row for row in pq.read_table(snapshot / "users.parquet").to_pylist()}


@pytest.fixture(scope="session")
def company(shared) -> Path:
    """Three quarters of a company of 1,000 accounts."""
    return shared("company", lambda folder: write_company(folder, users=1000, quarters=3))


@pytest.fixture(scope="session")
def audits(shared, company) -> Path:
    """The runs of the company's quarters by its own parameters, each of which follows up the one before."""

    def make(folder):
        for before, name in zip((None, *QUARTERS), QUARTERS, strict=False):
            earlier = ["-p", f"previous={folder / before}"] if before else []
            done = heytalk_audit("run", company / "params" / f"{name}.yaml", *earlier, "--out", folder / name)
            assert done.returncode == 1, done.stderr

    return shared("company-audits", make)


def results(audits: Path, name: str) -> dict:
    return json.loads((audits / name / "results.json").read_text("utf-8"))


def states(audits: Path, name: str, rule: str) -> Counter:
    """How many rows of a rule stand how to the audit before."""
    counts: Counter = Counter()
    for change in results(audits, name)["follow_up"]["rules"][rule]["counts"]:
        counts[change["state"]] += change["rows"]
    return counts


# files -----------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path):
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        write_company(tmp_path / name, users=60, seed=seed, quarters=3)
    one, two, three = (files(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one.keys() == three.keys()
    assert {name for name in one if one[name] != three[name]} >= {f"{quarter}/users.parquet" for quarter in QUARTERS}


def test_one_quarter_is_the_last_of_three(tmp_path):
    write_company(tmp_path / "three", users=60, quarters=3)
    write_company(tmp_path / "two", users=60, quarters=2)
    write_company(tmp_path / "one", users=60)
    assert files(tmp_path / "one") == files(tmp_path / "three" / "2025-Q1") == files(tmp_path / "two" / "2025-Q1")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["2024-Q4", "2025-Q1", "SHA256SUMS", "params", "story.md"]


def test_a_company_is_replaced_unless_somebody_changed_it(tmp_path):
    write_company(tmp_path / "demo", users=60, quarters=2)
    write_company(tmp_path / "demo", users=60, quarters=3)
    (tmp_path / "demo" / "params" / "2025-Q1.yaml").write_text("audit: {id: mine}\n")
    before = files(tmp_path / "demo")
    with pytest.raises(InputError, match="no demo as it was written"):
        write_company(tmp_path / "demo", users=60, quarters=3)
    assert files(tmp_path / "demo") == before


@pytest.mark.parametrize(
    ("end", "names"),
    [
        ("2025-03-31T12:00:00Z", ["2024-Q3", "2024-Q4", "2025-Q1"]),
        ("2024-08-31T00:00:00Z", ["2024-Q1", "2024-Q2", "2024-Q3"]),
        ("2024-05-31T23:59:59Z", ["2023-Q4", "2024-Q1", "2024-Q2"]),
    ],
)
def test_quarters_are_named_by_their_instant(end, names):
    last = dt.datetime.fromisoformat(end)
    assert [quarter_name(at) for at in instants(last)] == names
    assert instants(last)[-1] == last and len({at.time() for at in instants(last)}) == 1


def test_every_reason_is_one_snapshot(tmp_path):
    done = heytalk_audit("demo", tmp_path / "demo", "--users", 300, "--quarters", 3)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "--story company" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_the_command_writes_the_quarters_and_the_story_names_two_people(tmp_path):
    done = heytalk_audit("demo", tmp_path / "demo", "--users", 300, "--story", "company", "--quarters", 3)
    assert done.returncode == 0, done.stderr
    last = users(tmp_path / "demo" / "2025-Q1")
    lines = (tmp_path / "demo" / "story.md").read_text("utf-8").splitlines()
    named = {role: user for role, user in (line.strip("| ").split(" | ") for line in lines if " | u-" in line)}
    assert (last[named["complainant"]]["status"], last[named["erased person"]]["status"]) == ("active", "purged")


# people ----------------------------------------------------------------------------------------------


def test_the_same_people_are_there_in_three_quarters_and_move_on(company):
    first, second, third = (users(company / name) for name in QUARTERS)
    assert first.keys() < second.keys() < third.keys()
    for before, after in ((first, second), (second, third)):
        for key, row in before.items():
            assert row["created_at"] == after[key]["created_at"] and row["law_region"] == after[key]["law_region"]
            assert row["purged_at"] in (None, after[key]["purged_at"]) and row["deleted_at"] in (None, after[key]["deleted_at"])
    moved = Counter((row["status"], third[key]["status"]) for key, row in first.items())
    assert min(moved["active", "deleted"], moved["deleted", "purged"], moved["deleted", "anonymised"]) > 0
    assert {before for before, after in moved if after == "active"} == {"active"}


@pytest.mark.parametrize("table", ["consents", "support_tickets", "rights_requests", "transactions", "staff_access_log"])
def test_records_stay_as_they_were(company, table):
    """Nothing is rewritten: a row of an earlier quarter has the same key and the same first instant later."""
    clock = {"consents": "event_at", "support_tickets": "opened_at", "rights_requests": "received_at"}
    clock |= {"transactions": "purchased_at", "staff_access_log": "accessed_at"}
    rows = []
    for name in QUARTERS:
        read = pq.read_table(company / name / f"{table}.parquet").to_pylist()
        rows.append({(*list(row.values())[:1], row[clock[table]]) for row in read})
    assert rows[0] < rows[1] < rows[2]


def test_no_time_lies_after_the_snapshot(company):
    for name in QUARTERS:
        document = json.loads((company / name / "datapackage.json").read_text("utf-8"))
        ahead = {"subscriptions", "vendors", "policy_versions"}
        latest = {entry["name"]: entry["max_ts"] for entry in document["resources"] if entry["name"] not in ahead}
        assert all(at is None or at <= document["as_of"] for at in latest.values())


def test_each_quarter_has_its_parameters_and_registers(company):
    for name in QUARTERS:
        document = yaml.safe_load((company / "params" / f"{name}.yaml").read_text("utf-8"))
        assert document["audit"]["id"] == name and (company / "params" / document["snapshot"]).resolve() == company / name
        named = {kind for kind in ("accepted", "attestations", "decisions", "findings") if kind in document}
        assert named == {"attestations", "decisions"} | ({"accepted", "findings"} if name != QUARTERS[0] else set())
        assert all((company / "params" / document[kind]).is_file() for kind in named)


# audits ----------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("company")
@pytest.mark.parametrize("name", QUARTERS)
def test_what_the_story_explains_is_found_and_nothing_else(audits, company, name):
    assert differences(audits / name, company / name, KEY.encode()) == []


@pytest.mark.xdist_group("company")
def test_most_rules_pass_and_a_dozen_fail(audits):
    """The registers move verdicts, never rows: without them what is accepted fails, and what was decided is open."""
    rules = results(audits, "2025-Q1")["rules"]
    verdicts = Counter(rule["verdict"] for rule in rules)
    without = [rule for rule in rules if rule["verdict"] == "PASS" and not rule["ledger"]["review"]]
    assert len(without) >= 60
    assert 5 <= verdicts["FAIL"] + verdicts["ACCEPTED"] <= 20
    assert verdicts["ERROR"] == 0 and verdicts["NO_POPULATION"] <= 3 and verdicts["NOT_EVALUATED"] == 1


@pytest.mark.xdist_group("company")
def test_a_finding_is_mended_one_comes_back_and_one_is_accepted(audits):
    assert states(audits, "2025-Q1", "SEC-05") == {"mended": 8}
    assert states(audits, "2025-Q1", "SEC-04") == {"mended": 1}
    assert states(audits, "2024-Q4", "SHA-09") == {"mended": 1}
    assert states(audits, "2025-Q1", "SHA-09") == {"reopened": 1}
    verdicts = {name: {rule["id"]: rule["verdict"] for rule in results(audits, name)["rules"]} for name in QUARTERS}
    assert [verdicts[name]["CON-04"] for name in QUARTERS] == ["FAIL", "ACCEPTED", "ACCEPTED"]
    assert [verdicts[name]["SHA-09"] for name in QUARTERS] == ["FAIL", "PASS", "FAIL"]
