"""Words that the report uses again and again: what verdicts and outcomes mean, and the sentences that state a result."""

from __future__ import annotations

from typing import Any

from heytalk_audit.audit.rating import RATINGS, rating, verdict_of
from heytalk_audit.report.html import percent

__all__ = ["LIMITS", "OUTCOMES", "RATINGS", "SUBTITLE", "VERDICTS", "condition", "people", "rating", "rows", "verdict_of"]

SUBTITLE = "Report of procedures performed (no assurance)"
VERDICTS = {
    "FAIL": "at least one violation that no accepted exception covers",
    "ERROR": "the rule crashed; the other rules were evaluated",
    "REVIEW": "no open violation, but something that a person must decide, too much that is unknown, or a delivery that cuts the look-back",
    "NOT_EVALUATED": "a table or column that the rule needs is absent, or failed a gate",
    "NO_POPULATION": "the tables are there, and nothing in them is in the rule's scope",
    "ACCEPTED": "violations, each covered by a registered and valid exception",
    "PASS": "no exceptions noted in the population tested",
}
CLAUSES = {
    "FAIL": "a rule that tests it fails",
    "ERROR": "a rule that tests it crashed",
    "REVIEW": "a rule that tests it left something for a person to decide",
    "NOT_EVALUATED": "a rule that tests it lacked data",
    "NO_POPULATION": "a rule that tests it found nothing in its scope",
    "PARTLY_TESTED": "the rules that ran pass or are accepted; others that should test it did not run",
    "NOT_TESTED": "no rule that should test it ran in this audit",
    "ACCEPTED": "violations, each covered by a registered and valid exception",
    "PASS": "every rule that should test it ran, and noted no exceptions",
    "ATTESTED": "a person states it, on named evidence, and the statement is current; it was not tested",
    "EXPIRED": "the last statement ran out before the audit's day",
    "OPEN": "nobody attests it",
    "NO_COMMITMENT": "it promises nothing that could be kept or broken",
}
OUTCOMES = {
    "pass": "the promise is kept",
    "violation": "broken under the reading most lenient to the company",
    "review": "broken under a stricter named reading only: a person decides",
    "unknown": "a value that the verdict needs is missing or contradicts another",
    "exempt": "would be a violation or review, but a valid hold in the data covers it",
    "excluded": "a test account: counted, and not tested",
}
LIMITS = (
    "The data was prepared by its exporter. This report cannot show what was left out; the evidence chapter says what was compared.",
    "It shows one point in time. What was broken and mended before is seen only where the data keeps its trace.",
    "Backups, copies at vendors, devices and what software kits send from them, and pictures of consent screens were not examined.",
    "Whether a source is what its column says it is was not tested.",
    "Detectors of personal data in text make errors of both kinds.",
    "References to law are data, to be confirmed by counsel. They never changed a verdict.",
)


def people(count: int) -> str:
    """A number of people as words."""
    return "1 person" if count == 1 else f"{count:,} people"


def rows(count: int) -> str:
    """A number of rows as words."""
    return "1 row" if count == 1 else f"{count:,} rows"


def condition(result: dict[str, Any], audit_tz: str | None = None) -> str:
    """What was found, in one or two sentences."""
    ledger, subjects = result["ledger"], result["subjects"]
    tested = tested_rows(ledger)
    if result["verdict"] in ("NOT_EVALUATED", "ERROR"):
        return f"This was not tested: {result['reason']}."
    if result["verdict"] == "NO_POPULATION":
        return f"Nothing was tested: {result['reason']}."
    text = f"We tested {_all(tested)} in scope. "
    if ledger["violation"] is None:
        text += "How many rows broke the promise, if any, is suppressed. "
    elif ledger["violation"]:
        share = f" ({percent(result['rate'])})" if result["rate"] is not None else ""
        text += f"{rows(ledger['violation'])}{share} broke the promise under the reading most favourable to the company"
        text += f", about {people(subjects['violation'])}. " if subjects["violation"] else ". "
    else:
        text += "No exceptions noted under the reading most favourable to the company. "
    if None in (ledger[o] for o in _REST):
        text += f"How many {', '.join(f'rows are {o}' for o in _REST if ledger[o] is None)} is suppressed. "
    if result["accepted"]:
        text += f"Of these, {rows(result['accepted'])} {'is' if result['accepted'] == 1 else 'are'} covered by accepted exceptions. "
    parts = [f"{rows(ledger[o])} {w}" for o, w in _REST.items() if ledger[o]]
    return text + (" and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) + ". " if parts else "")


_REST = {
    "review": "need a person's decision",
    "unknown": "could not be decided",
    "exempt": "are excused by a hold",
}


def tested_rows(ledger: dict[str, Any]) -> int | None:
    """Rows in scope but for test accounts; null where this report hides one of the two."""
    return None if None in (ledger["in_scope"], ledger["excluded"]) else ledger["in_scope"] - ledger["excluded"]


def _all(count: int | None) -> str:
    if count is None:
        return "every row"
    return "the one row" if count == 1 else f"all {count:,} rows"
