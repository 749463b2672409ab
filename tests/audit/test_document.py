"""`results.json` and its published schema."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from heytalk_audit.audit.document import FORMAT, Results, json_schema, read_results
from heytalk_audit.canonical import canonical
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.vocabulary import Outcome

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "results.schema.json"
pytestmark = pytest.mark.xdist_group("run")


@pytest.fixture(scope="module")
def results(audited) -> dict:
    return results_of(audited)


def test_the_published_schema_is_fresh():
    assert PUBLISHED.read_bytes() == json_schema(), "make schema"


def test_a_run_keeps_the_published_schema(results):
    assert results["format"] == FORMAT
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_bytes())).validate(results)


def test_what_is_read_is_what_was_written(results):
    typed = read_results(results)
    assert canonical(typed.plain()) == canonical(results)
    rule = next(r for r in typed.rules if r.ledger[Outcome.VIOLATION])
    assert rule.ledger.in_scope == sum(rule.ledger[outcome] for outcome in Outcome)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["rules"][0].update(verdict="FINE"),
        lambda d: d["rules"][0]["ledger"].pop("pass"),
        lambda d: d["rules"][0].update(surprise=1),
        lambda d: d.update(format=99),
        lambda d: d["areas"][0].update(rating="Excellent"),
    ],
)
def test_what_is_none_is_refused(change, results):
    document = copy.deepcopy(results)
    change(document)
    with pytest.raises(ValidationError):
        read_results(document)


def test_results_do_not_change(results):
    with pytest.raises(ValidationError):
        Results.model_validate(results).rules[0].verdict = "PASS"
