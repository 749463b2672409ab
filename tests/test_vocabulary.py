"""The words of an audit: their order, and what follows from each."""

from __future__ import annotations

import json

import pytest

from heytalk_audit.vocabulary import KINDS, OPEN_OUTCOMES, Audience, Outcome, Rating, Severity, Verdict


def test_a_word_is_its_text_wherever_it_goes():
    assert json.dumps({"verdict": Verdict.FAIL, Outcome.PASS: 1}) == '{"verdict": "FAIL", "pass": 1}'
    assert f"{Rating.VERY_LIMITED}" == "Very limited" and Audience("public") is Audience.PUBLIC


def test_order_is_the_order_of_definition():
    assert [v.rank for v in Verdict] == list(range(7))
    assert Verdict.first_of(["PASS", "ACCEPTED", "REVIEW"]) is Verdict.REVIEW
    assert Verdict.first_of([]) is None
    assert list(Severity) == ["critical", "high", "medium", "low"]


@pytest.mark.parametrize(
    ("verdict", "is_open", "is_tested"),
    [
        (Verdict.FAIL, False, True),
        (Verdict.ERROR, True, False),
        (Verdict.REVIEW, True, True),
        (Verdict.NOT_EVALUATED, True, False),
        (Verdict.NO_POPULATION, True, True),
        (Verdict.ACCEPTED, False, True),
        (Verdict.PASS, False, True),
    ],
)
def test_what_a_verdict_means(verdict, is_open, is_tested):
    assert (verdict.is_open, verdict.is_tested) == (is_open, is_tested)


def test_open_outcomes():
    assert OPEN_OUTCOMES == ("violation", "review", "unknown", "exempt")


def test_a_severity_moves_within_its_scale():
    assert Severity.HIGH.moved(-1) is Severity.CRITICAL and Severity.CRITICAL.moved(-1) is Severity.CRITICAL
    assert Severity.MEDIUM.moved(1) is Severity.LOW and Severity.LOW.moved(1) is Severity.LOW
    assert [s for s in Severity if s.is_weighty] == ["critical", "high"]


def test_every_kind_is_named_once():
    assert len(set(KINDS)) == len(KINDS) == 18
