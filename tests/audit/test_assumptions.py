"""Violations that rest on a number of this audit, not of the policy: which, and how many."""

from __future__ import annotations

import ibis.expr.types as ir
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Check, Rule, passes, review, violation
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


def allowed(traffic_events: ir.Table, policy: View) -> Check:
    """What our number lets pass, between a violation and a question before it and a violation after it."""
    t = traffic_events
    old = policy.over(t.event_at, "traffic")
    return Check(
        t,
        [
            violation("before", (t.event_type == "call") & old),
            review("question", (t.event_type == "open") & policy.over(t.event_at, "support_untouched")),
            passes(~policy.over(t.event_at, "unstated")),
            violation("after", old),
        ],
    )


def audit_of(folder, rows, **settings) -> Audit:
    worlds.deliver(folder, worlds.tables_of([worlds.Case("", "", rows, None, 0, alone=True)]))
    policy = load_policy()
    return Audit(open_snapshot(folder, connect()), policy, settings_of(policy, settings))


def summary(folder, *types: str, build=two_numbers):
    rows = {"users": [{"user_id": "u"}], "traffic_events": [{"event_at": "2023-01-01T00:00:00Z", "event_type": t} for t in types]}
    audit = audit_of(folder, rows)
    found = evaluate(Rule("RET-07", Severity.HIGH, (), "policy", build), audit, raises=True)
    return summarise(found, audit, key_pads(b"a key that is long enough to be one", audit.snapshot.engine))


def test_numbers_of_the_same_cutoff_are_told_apart(tmp_path):
    found = summary(tmp_path / "both", "call", "open", "open")
    assert (found.ledger.violation, found.assumed, found.assumptions) == (3, 2, ("unstated",)) and not all_assumed(found)
    found = summary(tmp_path / "ours", "open")
    assert (found.ledger.violation, found.assumed) == (1, 1) and all_assumed(found)
    found = summary(tmp_path / "policy", "call")
    assert (found.ledger.violation, found.assumed, found.assumptions) == (1, 0, ()) and not all_assumed(found)


def test_what_a_number_did_not_let_pass_rests_on_it(tmp_path):
    found = summary(tmp_path / "both", "call", "page", build=allowed)
    assert (found.ledger.violation, found.assumed, found.assumptions) == (2, 1, ("unstated",))


def test_an_age_that_the_audit_was_given_is_an_assumption(tmp_path):
    minor = {"users": [{"user_id": "u", "birth_date": "2005-01-01"}]}
    found = worlds.evaluated("MIN-01", audit_of(tmp_path / "world", minor, policy_min_age=18))
    assert (found.verdict, found.assumptions) == ("FAIL", {"below_policy_age": ("policy_min_age",)})
