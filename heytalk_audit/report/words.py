"""Words that the report uses again and again: what verdicts and outcomes mean, and the sentences that state a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heytalk_audit.audit.clauses import BROKEN, KEPT, NO_COMMITMENT, NOT_TESTED, PARTLY, UNDECIDED
from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.rule_result import Ledger, RuleResult
from heytalk_audit.registers.attestations import ATTESTED, EXPIRED, OPEN
from heytalk_audit.report.html import Fragment, join, percent
from heytalk_audit.vocabulary import Audience, Outcome, Verdict

SUBTITLE = "Report of procedures performed (no assurance)"
VERDICTS = {
    Verdict.FAIL: "at least one violation that no accepted exception covers",
    Verdict.ERROR: "the rule crashed; the other rules were evaluated",
    Verdict.REVIEW: "no open violation, but rows that the reviewer must decide, too many unknown rows, or a delivery that cuts the "
    "look-back",
    Verdict.NOT_EVALUATED: "a table or column that the rule needs was not delivered, or failed a gate",
    Verdict.NO_POPULATION: "the tables were delivered, and no row in them is in the rule's scope",
    Verdict.ACCEPTED: "violations, each covered by a registered and valid exception",
    Verdict.PASS: "no exceptions noted in the population tested",
}
#: Verdicts as charts draw them together.
VERDICT_GROUPS = {
    "fail": (Verdict.FAIL, Verdict.ERROR),
    "open": (Verdict.REVIEW, Verdict.ACCEPTED),
    "pass": (Verdict.PASS,),
    "not tested": (Verdict.NOT_EVALUATED, Verdict.NO_POPULATION),
}
#: What the states of a clause mean: those of clauses that data can test, that people attest, and that promise nothing.
CLAUSES: dict[str, str] = {
    BROKEN: "a rule that tests this very sentence fails, or its violations are accepted",
    PARTLY: "a rule that touches it fails, or its violations are accepted",
    UNDECIDED: "a rule left rows for the reviewer to decide",
    NOT_TESTED: "a rule that tests or touches it lacked data, found nothing in its scope, crashed, or was not chosen",
    KEPT: "every rule that tests or touches it ran, and noted no exceptions",
    ATTESTED: "a person states it, on named evidence, and the statement is current; it was not tested",
    EXPIRED: "the last statement ran out before the audit's day",
    OPEN: "nobody has attested it",
    NO_COMMITMENT: "it promises nothing that could be kept or broken",
}
OUTCOMES = {
    Outcome.PASS: "the promise is kept",
    Outcome.VIOLATION: "the promise is broken, even under the reading most favourable to the company",
    Outcome.REVIEW: "the promise is broken only under a stricter reading, or not certainly: the reviewer decides",
    Outcome.UNKNOWN: "a value that the result depends on is missing or contradicts another",
    Outcome.EXEMPT: "it would be a violation or for review, but a valid hold in the data covers it",
    Outcome.EXCLUDED: "the row belongs to a test account: it is counted, and not tested",
}
LIMITS = (
    "This report gives no assurance on systems, backups, copies at vendors and times that the snapshot does not cover, and is no "
    "certificate "
    "of conformity with any law.",
    "The data was prepared by its exporter. This report cannot show what was left out; the evidence chapter says what was compared.",
    "It shows one point in time. What was broken and corrected earlier is seen only where the data still shows it.",
    "Backups, copies at vendors, devices and what SDKs send from them, and pictures of consent screens were not examined.",
    "Where the data names its own source, the source was taken as given.",
    "Detectors of personal data in texts miss some and report some wrongly; their error rates are in the evidence chapter.",
    "References to law are to be confirmed by counsel. They changed no verdict.",
)
#: The outcomes beside violations of which a result's sentences speak.
_REST = {
    Outcome.REVIEW: "await the reviewer's decision",
    Outcome.UNKNOWN: "could not be decided for lack of data",
    Outcome.EXEMPT: "are excused by a hold",
}


def people(count: int) -> str:
    """A number of people as words."""
    return "1 person" if count == 1 else f"{count:,} people"


def rows(count: int) -> str:
    """A number of rows as words."""
    return "1 row" if count == 1 else f"{count:,} rows"


def count_in_words(count: int | None) -> str:
    """A number with its thousands apart, or the word for a hidden one."""
    return shown(count) if count is None else f"{count:,}"


def with_commas(parts: Sequence[Fragment]) -> Fragment:
    """Parts with commas between them."""
    return join(*[part for one in parts for part in (", ", one)][1:])


def producer(audit: AuditDescription) -> str:
    """Who delivered the snapshot, as this report's audience may read it."""
    return "a producer not named here" if audit.audience == Audience.PUBLIC else audit.snapshot.producer or "a producer that is not stated"


def share_broken(result: RuleResult) -> str:
    """How many of the records tested broke the promise, as numbers alone."""
    share = f" ({percent(result.rate)})" if result.rate is not None else ""
    return f"{count_in_words(result.ledger.violation)} of {count_in_words(result.ledger.tested)}{share}"


def broken(result: RuleResult) -> str:
    """The same in words, with the people concerned."""
    about = f", concerning {people(result.subjects.violation)}" if result.subjects.violation else ""
    share = f" ({percent(result.rate)})" if result.rate is not None else ""
    return f"{count_in_words(result.ledger.violation)} of {count_in_words(result.ledger.tested)} records tested{share}{about}."


def counts(by_name: Mapping[str, int]) -> str:
    """Several numbers, each with what it counts, as words."""
    return ", ".join(f"{n} {name}" for name, n in by_name.items() if n) or "none"


def condition(result: RuleResult) -> str:
    """What came of a rule's population, in a few sentences."""
    if not result.verdict.is_tested:
        return f"This was not tested: {result.reason}."
    if result.verdict == Verdict.NO_POPULATION:
        return f"Nothing was tested: {result.reason}."
    ledger = result.ledger
    return f"We tested {_all(ledger.tested)} in scope. " + _violations(result) + _hidden(ledger) + _accepted(result) + _rest(ledger)


def _all(count: int | None) -> str:
    if count is None:
        return "every row"
    return "the one row" if count == 1 else f"all {count:,} rows"


def _violations(result: RuleResult) -> str:
    violations, concerned = result.ledger.violation, result.subjects.violation
    if violations is None:
        return "How many rows broke the promise, if any, is suppressed. "
    if violations == 0:
        return "No exceptions noted under the reading most favourable to the company. "
    share = f" ({percent(result.rate)})" if result.rate is not None else ""
    about = f", about {people(concerned)}" if concerned else ""
    return f"{rows(violations)}{share} broke the promise under the reading most favourable to the company{about}. "


def _hidden(ledger: Ledger) -> str:
    outcomes = [outcome for outcome in _REST if ledger[outcome] is None]
    return f"How many {', '.join(f'rows are {outcome}' for outcome in outcomes)} is suppressed. " if outcomes else ""


def _accepted(result: RuleResult) -> str:
    if not result.accepted:
        return ""
    return f"Of these, {rows(result.accepted)} {'is' if result.accepted == 1 else 'are'} covered by accepted exceptions. "


def _rest(ledger: Ledger) -> str:
    parts = [f"{rows(n)} {what}" for outcome, what in _REST.items() if (n := ledger[outcome])]
    if len(parts) > 1:
        parts = [" and ".join([", ".join(parts[:-1]), parts[-1]])]
    return f"{parts[0]}. " if parts else ""
