"""Each reason's code has a sentence; those that a person must decide have a next step."""

from __future__ import annotations

from pathlib import Path

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Excuse
from heytalk_audit.audit.evaluate import outline
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Outcome

#: Codes that no rule writes itself.
ALWAYS = {
    ("hold_open", "exempt"),
    ("hold_closing", "exempt"),
    ("test_account", "excluded"),
    ("undetermined", "unknown"),
    ("wrong_value", "unknown"),
}


@pytest.fixture(scope="module")
def codes(tmp_path_factory) -> set[tuple[str, str]]:
    """Every code of every rule, with its outcome."""
    folder: Path = worlds.deliver(tmp_path_factory.mktemp("empty"), {})
    policy = load_policy()
    audit = Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}), [])
    found = set(ALWAYS)
    for rule in RULES.values():
        check = outline(rule, audit)
        assert check is not None, rule.id
        found |= {(c.reason, str(c.outcome)) for c in check.conditions if c.reason}
        found |= {(check.exempt.reason, "exempt")} if isinstance(check.exempt, Excuse) else set()
    return found


def test_every_code_has_a_sentence(codes):
    reasons = load_policy().reasons
    assert sorted({code for code, _ in codes} - reasons.keys()) == []
    for code, reason in reasons.items():
        assert reason.says[0].isupper() and reason.says.endswith("."), code
        assert code not in reason.says or "_" not in code, code


def test_what_a_person_decides_has_a_next_step(codes):
    reasons = load_policy().reasons
    asked = {code for code, outcome in codes if outcome in (Outcome.REVIEW, Outcome.UNKNOWN)}
    assert sorted(code for code in asked if not reasons[code].next) == []
