"""The same five rules as rules of ours: python with_ours.py SNAPSHOT WORK, evaluated whole, exceptions files included."""

import datetime as dt
import json
import sys
import time
from pathlib import Path

import ibis.expr.types as ir

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ours

from heytalk_audit.audit.check import Check, Rule, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.policy.view import View
from heytalk_audit.vocabulary import Severity

begun = time.perf_counter()
snapshot, work = map(Path, sys.argv[1:])


def missing(consents: ir.Table) -> Check:
    """Every consent names its version."""
    c = consents.select("consent_id", "policy_version")
    return Check(c, [violation("missing", c.policy_version.isnull())])


def value(consents: ir.Table) -> Check:
    """Every consent was given by a known method."""
    c = consents.select("consent_id", "method")
    return Check(c, [violation("value", ~c.method.isin(["in_app", "web", "double_optin"]))])


def unique(consents: ir.Table) -> Check:
    """Every consent has a key of its own."""
    c = consents.select("consent_id")
    often = c.group_by("consent_id").agg(times=c.count()).filter(lambda t: t.times > 1)
    rows = c.left_join(often, "consent_id", rname="other_{name}")
    return Check(rows, [violation("unique", rows.times.notnull())], population=c)


def in_range(consents: ir.Table, policy: View) -> Check:
    """Every consent lies between 2019 and now."""
    c = consents.select("consent_id", "event_at")
    return Check(c, [violation("range", sure(c.event_at < dt.datetime(2019, 1, 1)) | policy.future(c.event_at))])


def deleted(users: ir.Table, policy: View) -> Check:
    """No address is kept of an account that was deleted over six months ago."""
    u = users.select(key_only=users.user_id, deleted_at=users.deleted_at, restored_at=users.restored_at, email=users.email)
    kept = policy.over(u.deleted_at, "account_window") & u.restored_at.isnull() & u.email.notnull()
    return Check(u, [violation("deleted", kept)], record="users:" + u.key_only)


rules = {"missing": missing, "value": value, "unique": unique, "range": in_range, "deleted": deleted}
audit = ours.opened(snapshot, work)
counts = {}
for name, build in rules.items():
    rule = Rule(f"PEER-{name}", Severity.LOW, (), "policy", build)
    counts[name] = ours.outcomes(ours.evaluate_and_write(rule, audit, work / f"{name}.parquet"))[1]["violation"]
seconds = time.perf_counter() - begun
ours.close(audit)
print("\n" + json.dumps({"counts": counts, "seconds": seconds}))
