"""Another version of the policy changes verdicts, and no code."""

from __future__ import annotations

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.canonical import yaml_text
from heytalk_audit.errors import InputError
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

OLD_EVENT = {"traffic_events": [{"user_id": "u1", "event_at": "2024-01-15T00:00:00Z"}]}


def version(folder, **periods):
    document = {"name": "heytalk", "title": "Heytalk privacy policy", "version": "2", "text_sha256": "0" * 64}
    traffic = {"value": 12, "unit": "months", "clause": "CL-187", "origin": "policy", "means": "traffic data is kept"}
    document["periods"] = {name: traffic | {"value": value} for name, value in periods.items()}
    (folder / "policy.yaml").write_text(yaml_text(document), "utf-8")
    return load_policy("policy.yaml", folder)


@pytest.mark.parametrize(("months", "verdict"), [(12, "FAIL"), (13, "FAIL"), (14, "PASS")])
def test_a_longer_period_changes_the_verdict(tmp_path, months, verdict):
    rows = worlds.tables_of([worlds.Case("", "", OLD_EVENT, None, 0, alone=True)])
    folder = worlds.deliver(tmp_path / "snapshot", rows)
    policy = version(tmp_path, traffic=months)
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}))
    evaluation = evaluate(RULES["RET-07"], audit)
    assert evaluation.verdict == verdict
    assert evaluation.view.read["traffic"].value == months


def test_versions_have_their_own_digest(tmp_path):
    assert version(tmp_path, traffic=12).sha256 != load_policy().sha256


@pytest.mark.parametrize("value", ["twelve", -1, 1.5, True])
def test_a_period_that_is_no_number_is_refused(tmp_path, value):
    with pytest.raises(InputError, match=r"policy\.yaml: lacks or misstates"):
        version(tmp_path, traffic=value)
