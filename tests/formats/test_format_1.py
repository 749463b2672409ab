"""A run of format 1, as the last version before format 2 wrote it of the same demo: today's findings are the same, and it is still read."""

from __future__ import annotations

import html
import json
import re
import tarfile
from pathlib import Path

import pytest
from commands import heytalk_audit

from heytalk_audit.audit.document import FORMAT, read_results
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.evidence.verify import verify_pack

pytestmark = pytest.mark.xdist_group("run")

#: What format 2 says otherwise: new parts, and parts that only describe the version.
NEW = {"blocked_by", "limited_by", "fault", "suppressed"}
DESCRIBES_THE_VERSION = {"source", "sql", "tables", "over_time", "samples", "assumption"}
CHAPTERS = ("evidence", "retention", "consent", "sensitive-data", "collection", "sharing", "rights", "permissions", "security")


@pytest.fixture(scope="session")
def format_1(shared) -> Path:
    """The kept run's folder."""

    def unpack(folder: Path) -> None:
        with tarfile.open(Path(__file__).with_name("format-1.tar.xz")) as archive:
            archive.extractall(folder, filter="data")

    return shared("format-1", unpack) / "format-1"


def rules(folder: Path) -> dict[str, dict]:
    return {rule["id"]: rule for rule in results_of(folder)["rules"]}


def test_the_exceptions_are_the_same_byte_for_byte(audited, format_1):
    old, new = ({f.name: f.read_bytes() for f in (run / "exceptions").iterdir()} for run in (format_1, audited))
    assert len(old) == 103 and old == new


def test_every_rule_says_the_same(audited, format_1):
    old, new = rules(format_1), rules(audited)
    assert list(old) == list(new)
    for id, before in old.items():
        kept = before.keys() - DESCRIBES_THE_VERSION
        assert {name: before[name] for name in kept} == {name: new[id][name] for name in kept}, id
        # four rules named the users and did not read them
        assert set(before["tables"]) - set(new[id]["tables"]) <= {"users"} and set(new[id]["tables"]) <= set(before["tables"]), id
        assert before["tables"][0] == new[id]["tables"][0], id
        assert [s["records"] for s in before["samples"]] == [s["records"] for s in new[id]["samples"]], id
        assert new[id].keys() - before.keys() == NEW, id


def test_the_rest_of_the_results_is_the_same(audited, format_1):
    old, new = results_of(format_1), results_of(audited)
    assert "format" not in old and new["format"] == FORMAT
    for name in ("areas", "findings", "follow_up", "register"):
        assert old[name] == new[name], name
    assert [{"attestation": None} | clause for clause in old["clauses"]] == new["clauses"]
    assert old["audit"].keys() | {"suppression"} == new["audit"].keys()
    assert {k: v for k, v in old["audit"].items() if k != "tool"} == {k: new["audit"][k] for k in old["audit"] if k != "tool"}


def cells(page: str) -> list[str]:
    """What the tables of a page say, cell by cell, without the statements of SQL and digests."""
    text = [html.unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page, re.DOTALL)]
    return [re.sub(r"\b[0-9a-f]{64}\b", "digest", cell) for cell in text]


@pytest.mark.parametrize("name", ["index", "clauses", "document", *CHAPTERS])
def test_the_tables_of_every_page_say_the_same(name, audited, format_1):
    old, new = (cells((run / f"{name}.html").read_text("utf-8")) for run in (format_1, audited))
    assert old and old == new


def test_it_is_still_verified_read_and_compared(audited, format_1, tmp_path):
    assert verify_pack(format_1).faults == ()
    assert read_results(results_of(format_1)).format == FORMAT
    compared = heytalk_audit("diff", format_1, audited, "--json", tmp_path / "diff.json")
    assert compared.returncode in (0, 1), compared.stderr
    document = json.loads((tmp_path / "diff.json").read_text("utf-8"))
    assert {line["state"] for rule in document["rules"] for line in rule["counts"]} <= {"persisting"}
