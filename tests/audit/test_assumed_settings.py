"""Every row knows the assumed settings that its outcome rests on: a setting is changed, and what changes by it must have named it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.present import Present
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

POLICY = load_policy()
#: What an audit is of, and what its verdicts allow: they say which rows are tested, and what the rows together come to.
FRAME = {
    *("audit_tz", "period_from", "period_to", "sample_size", "sample_seed", "unknown_limit", "exempt_limit"),
    *("accepted_months", "accepted_share", "decision_months", "decision_share", "decision_rows"),
}
ASSUMED = [name for name, number in POLICY.settings.items() if number.origin == "assumption" and name not in FRAME]
#: Settings that say which rows a rule tests, and nothing of what comes of them.
WHICH_ROWS = {("RET-15", "residue_tables")}
#: Another value of settings whose other value is not told by the kind of their own.
OTHERS = {
    "window_allow_list": ["media", "profile"],
    "acceptance_tracking_start": dt.date(2024, 6, 1),
    "policy_min_age": 40,
    "role_tables": {"agent": ["devices"]},
    "gateway_hosts": ["cdn.example.com", "media.example.com", "cdn.example"],
    "ad_id_declared_for": ["facebook", "google"],
    "scope_wide_tables": 1,
    "test_share": 0.0,
}


def other(name):
    """Another value of a setting: no words at all, the opposite, or a number far off."""
    value = POLICY.settings[name].value
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, list | dict):
        return type(value)()
    return 0.9 if isinstance(value, float) else value * 40 + 1 if value < 20 else 1


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    """An audit of the world of most cases."""
    most = Counter(case.world for case in worlds.cases()).most_common(1)[0][0]
    shared = [case for case in worlds.cases() if case.world == most]
    rows = worlds.with_bystanders(worlds.tables_of(shared), {case.rule for case in shared})
    folder = worlds.deliver(tmp_path_factory.mktemp("world") / "snapshot", rows)
    return Audit(open_snapshot(folder, connect()), POLICY, settings_of(POLICY, {}))


@pytest.fixture(scope="module")
def views(audit):
    """What each rule has read once it is built."""
    views = {}
    for rule in RULES.values():
        views[rule.id] = view = audit.view()
        special = {"policy": view, "present": Present(audit.snapshot.tables)}
        tables = {name: audit.table(name, dry=True) for name in rule.arguments if name not in special}
        if None not in tables.values():
            rule.build(**{name: (special | tables)[name] for name in rule.arguments})
    return views


def test_what_a_rule_makes_of_an_assumed_setting_says_so(views):
    read = {(rule, name) for rule, view in views.items() for name in view.read if name in ASSUMED}
    marked = {(rule, number.name) for rule, view in views.items() for number in view._used.values()}
    assert len(read) > 100 and read - marked == WHICH_ROWS


def rows_of(rule, audit, changed=None):
    """A rule's rows by record, each with its outcome, its reason and what it rests on."""
    settings = settings_of(POLICY, changed or {})
    found = worlds.evaluated(rule, replace(audit, settings=settings), keep_pass=True, raises=True)
    return {r.record: (r.outcome, r.reason, found.assumptions.get(r.reason, ())) for r in found.rows.itertuples()}


#: By assumed setting a rule whose rows change with it in that world; the thorough test asks all rules.
SHOWN = {
    "acceptance_tracking_start": "CON-03",
    "ad_default_documented": "RGT-07",
    "ad_id_declared_for": "SHA-03",
    "ambiguous_fields": "SEN-05",
    "birth_repeat": "MIN-02",
    "bulk_users": "CON-04",
    "clock_skew": "CON-04",
    "gateway_hosts": "SEC-06",
    "hold_days": "RET-12",
    "opt_in_columns": "SEC-08",
    "picker_is_consent": "CON-05",
    "placeholders": "RET-13",
    "policy_min_age": "MIN-01",
    "reference_tables": "SEC-03",
    "residue_tables": "RET-14",
    "role_tables": "SEC-03",
    "scope_wide_tables": "RET-12",
    "window_allow_list": "RET-03",
}


def unnamed(rule, name, audit):
    """Whether rows change with a setting, and the records of those that do and don't rest on it, by what decides them before or after."""
    before, after = rows_of(rule, audit), rows_of(rule, audit, {name: other(name)})
    changed = [record for record in before.keys() & after.keys() if before[record][:2] != after[record][:2]]
    return bool(changed), [record for record in changed if name not in (*before[record][2], *after[record][2])]


@pytest.mark.parametrize("name", SHOWN)
def test_a_row_that_changes_with_a_setting_rests_on_it(name, audit):
    assert unnamed(SHOWN[name], name, audit) == (True, [])


@pytest.mark.thorough
@pytest.mark.parametrize("rule", RULES)
def test_every_row_that_changes_with_a_setting_rests_on_it(rule, audit, views):
    assert {name: unnamed(rule, name, audit)[1] for name in views[rule].read if name in ASSUMED} == {}
