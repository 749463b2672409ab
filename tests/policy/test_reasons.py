"""Each reason's code has a sentence, and each rule's method says its whole test: every condition in its order, and every number it reads.

What a rule tests is taken from the rule itself, built on empty tables; a condition or a number that its words leave out is a failure.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Check, Excuse
from heytalk_audit.audit.evaluate import outline
from heytalk_audit.policy import Number, load_policy
from heytalk_audit.policy.method import method_of, names_in, number_in_words
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.view import View
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
#: Conditions that a rule has under other settings only.
BY_SETTING = {"RET-03": [("violation", f"excess_{name}") for name in ("sensitive", "media", "ad_id", "profile", "posts")]}
VIEWS: list[View] = []


class Watched(Audit):
    """An audit that keeps the views that it makes, and so the numbers that each rule read."""

    def view(self, keep=None):
        VIEWS.append(super().view(keep))
        return VIEWS[-1]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, tuple[Check, set[str]]]:
    """Every rule's check of empty tables, and the names of the numbers that it read."""
    folder: Path = worlds.deliver(tmp_path_factory.mktemp("empty"), {})
    policy = load_policy()
    audit = Watched(open_snapshot(folder, connect()), policy, settings_of(policy, {}), [])
    checks = {}
    for rule in RULES.values():
        check = outline(rule, audit)
        assert check is not None, rule.id
        checks[rule.id] = (check, set(VIEWS[-1].read))
    return checks


@pytest.fixture(scope="module")
def codes(built) -> set[tuple[str, str]]:
    """Every code of every rule, with its outcome."""
    found = set(ALWAYS)
    for check, _ in built.values():
        found |= {(c.reason, str(c.outcome)) for c in check.conditions if c.reason}
        found |= {(check.exempt.reason, "exempt")} if isinstance(check.exempt, Excuse) else set()
    return found


def test_every_code_has_a_sentence(codes):
    reasons = load_policy().reasons
    assert sorted({code for code, _ in codes} - reasons.keys()) == []
    for code, reason in reasons.items():
        assert reason.says[0].isupper() and reason.says.endswith("."), code
        assert code not in reason.says or "_" not in code, code


def test_what_is_left_open_has_a_next_step(codes):
    reasons = load_policy().reasons
    asked = {code for code, outcome in codes if outcome in (Outcome.REVIEW, Outcome.UNKNOWN)}
    assert sorted(code for code in asked if not reasons[code].next) == []
    assert all(reason.next is None or reason.next.endswith(".") for reason in reasons.values())


@pytest.mark.parametrize("id", sorted(RULES))
def test_a_method_has_every_condition_in_its_order(id, built):
    check, _ = built[id]
    steps = [(step.outcome, step.reason) for step in method_of(id, load_policy()).steps]
    other = BY_SETTING.get(id, [])
    assert [step for step in steps if step not in other] == [(str(c.outcome), c.reason) for c in check.conditions]


@pytest.mark.parametrize("id", sorted(RULES))
def test_a_method_names_every_number_that_the_rule_reads_and_no_other(id, built):
    named, (_, read) = names_in(id, load_policy()), built[id]
    assert named == read - {"period_from", "period_to"}
    assert ("{period}" in str(load_policy().rules[id])) == ("period_from" in read)


@pytest.mark.parametrize("id", sorted(RULES))
def test_a_method_says_what_excuses_a_row_and_whom_it_leaves_out(id, built):
    (check, _), method, words = built[id], method_of(id, load_policy()), load_policy().rules[id]
    assert (check.exempt is None) == (method.exempt is None)
    assert ("exempt" in words) == isinstance(check.exempt, Excuse)
    assert "{" not in str(method)
    assert all(text[0].isupper() and text.endswith((".", ".)")) for text in (method.tested, *(s.when for s in method.steps)))


def test_a_method_has_the_numbers_of_the_audit():
    policy = load_policy()
    assert "more than 24 hours" in method_of("RET-02", policy).when("violation", "profile_public").lower()
    assert "more than 36 hours" in method_of("RET-02", policy, {"hide_hours": 36}).when("violation", "profile_public").lower()
    assert "more than 12 months" in method_of("RET-07", policy).when("violation", "over_one_year")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1, "months", "1 month"),
        (12, "months", "12 months"),
        (60, "months", "5 years"),
        (18, "months", "18 months"),
        (300, "seconds", "5 minutes"),
        (90, "seconds", "90 seconds"),
        (0, "days", "0 days"),
        (0.01, "", "1 %"),
        (0.1, "of the daily mean", "10 % of the daily mean"),
        (20, "", "20"),
        (None, "", "not set"),
        (False, "", "no"),
        ([], "", "none"),
        (["a", "b"], "", "a, b"),
        (list("abcdefghijk"), "", "the list n"),
        ({"EEA": 16, "UK": 13}, "", "EEA 16, UK 13"),
        ({"EEA": ["2025-01-01"]}, "", "the list n"),
    ],
)
def test_numbers_as_sentences_say_them(value, unit, words):
    assert number_in_words(Number("n", value, unit, None, "assumption")) == words


@pytest.mark.parametrize("id", sorted(RULES))
def test_a_method_says_that_test_accounts_are_left_out_where_they_are(id, built):
    check, _ = built[id]
    said_so = RULES[id].leaves_out_tests or "test accounts" in method_of(id, load_policy()).tested
    assert said_so or not check.has_people or RULES[id].family == "DQ", id
