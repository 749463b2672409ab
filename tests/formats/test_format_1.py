"""A run of format 1, as the last version before format 2 wrote it of the demo: it is still verified, read, and set beside one of today.

What the rules say has changed since, and the demo with it: the two runs' rows, verdicts and ratings are not the same, and are not compared.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from commands import heytalk_audit

from heytalk_audit.audit.document import FORMAT, read_results
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.evidence.verify import verify_pack

pytestmark = pytest.mark.xdist_group("format-1")


@pytest.fixture(scope="session")
def format_1(shared) -> Path:
    """The kept run's folder."""

    def unpack(folder: Path) -> None:
        with tarfile.open(Path(__file__).with_name("format-1.tar.xz")) as archive:
            archive.extractall(folder, filter="data")

    return shared("format-1", unpack) / "format-1"


def test_it_is_verified_and_read(format_1):
    assert verify_pack(format_1).faults == ()
    assert "format" not in results_of(format_1)
    results = read_results(results_of(format_1))
    assert results.format == FORMAT and len(results.rules) == 103
    # what it did not say is empty
    assert {(rule.decided, rule.decisions, rule.assumed, rule.blocked_by) for rule in results.rules} == {(None, (), None, ())}
    assert {area.at_best for area in results.areas} == {None} and results.decisions == ()
    assert {r.primary for clause in results.clauses for r in clause.rules} == {False}


def test_its_numbers_are_as_it_wrote_them(format_1):
    written = {rule["id"]: rule for rule in results_of(format_1)["rules"]}
    for rule in read_results(results_of(format_1)).rules:
        assert rule.ledger.plain() == written[rule.id]["ledger"] and rule.verdict == written[rule.id]["verdict"], rule.id


def test_it_is_set_beside_a_run_of_today(audited, format_1, tmp_path):
    assert "format" in results_of(audited)
    compared = heytalk_audit("diff", format_1, audited, "--json", tmp_path / "diff.json")
    assert compared.returncode in (0, 1), compared.stderr
    document = json.loads((tmp_path / "diff.json").read_text("utf-8"))
    before = {rule["id"]: rule["verdict"]["before"] for rule in document["rules"]}
    assert {id: verdict for id, verdict in before.items() if verdict} == {r["id"]: r["verdict"] for r in results_of(format_1)["rules"]}
