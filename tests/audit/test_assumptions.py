"""Violations that rest on a number of this audit, not of the policy: which, and how many."""

from __future__ import annotations

import ibis.expr.types as ir
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Check, Rule, violation
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.results import summarise
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.view import View
from heytalk_audit.report.outcomes import all_assumed
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Severity


def two_numbers(traffic_events: ir.Table, policy: View) -> Check:
    """Two periods of twelve months, of which only the policy's is its own."""
    t = traffic_events
    calls = violation("of_the_policy", (t.event_type == "call") & policy.over(t.event_at, "traffic"))
    return Check(t, [calls, violation("of_ours", policy.over(t.event_at, "unstated"))])


def summary(folder, *types: str):
    rows = {"users": [{"user_id": "u"}], "traffic_events": [{"event_at": "2023-01-01T00:00:00Z", "event_type": t} for t in types]}
    worlds.deliver(folder, worlds.tables_of([worlds.Case("", "", rows, None, 0, alone=True)]))
    policy = load_policy()
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}))
    found = evaluate(Rule("RET-07", Severity.HIGH, (), "policy", two_numbers), audit, raises=True)
    return summarise(found, audit, key_pads(b"a key that is long enough to be one", audit.snapshot.engine))


def test_numbers_of_the_same_cutoff_are_told_apart(tmp_path):
    found = summary(tmp_path / "both", "call", "open", "open")
    assert (found.ledger.violation, found.assumed, found.assumptions) == (3, 2, ("unstated",)) and not all_assumed(found)
    found = summary(tmp_path / "ours", "open")
    assert (found.ledger.violation, found.assumed) == (1, 1) and all_assumed(found)
    found = summary(tmp_path / "policy", "call")
    assert (found.ledger.violation, found.assumed, found.assumptions) == (1, 0, ()) and not all_assumed(found)
