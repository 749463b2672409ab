"""Rows of one rule in two runs: how each stands to the earlier one, and why.

An entry of the register of accepted exceptions changes no outcome: where only what it covers has changed, that is the cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from heytalk_audit.audit.document import ChangeCount, RuleFollowUp
from heytalk_audit.audit.rule_result import Ledger
from heytalk_audit.follow_up.causes import EXCEPTIONS, TESTED, candidates
from heytalk_audit.follow_up.counterfactual import Lab, Step, cause_of, waterfall
from heytalk_audit.follow_up.earlier import Row, Run
from heytalk_audit.vocabulary import Outcome, Verdict

#: How a row stands to the earlier run.
STATES = {
    "new": "open now, and never before",
    "reopened": "open now, and open in an earlier audit, and resolved in between",
    "persisting": "open then and now, with the same outcome",
    "changed": "open then and now, with another outcome",
    "resolved": "open then, and not now",
    "no longer tested": "open then; its rule was not evaluated now",
    "newly tested": "open now; its rule was not evaluated then",
}
#: What a violation that an entry of the register covers is called.
ACCEPTED = "accepted"


@dataclass(frozen=True)
class RowChange:
    """A row, how it stands, what it was and is (an outcome, or accepted; null where it is not open), and why."""

    row: Row
    state: str
    before: str | None
    now: str | None
    cause: str | None


@dataclass(frozen=True)
class Compared:
    """A rule in two runs: its verdicts then and now, what may have changed it, and its rows; no rows where two keys were used."""

    rule: str
    verdicts: tuple[Verdict | None, Verdict | None]
    candidates: tuple[str, ...]
    rows: tuple[RowChange, ...] = field(repr=False, default=())

    @property
    def counts(self) -> tuple[ChangeCount, ...]:
        """How many rows are alike in all but their record."""
        alike = Counter((c.state, c.cause, c.before, c.now) for c in self.rows)
        counts = [ChangeCount(state=state, cause=cause, before=before, now=now, rows=n) for (state, cause, before, now), n in alike.items()]
        order = list(STATES)
        return tuple(sorted(counts, key=lambda c: (order.index(c.state), str(c.cause), str(c.before), str(c.now))))

    @property
    def document(self) -> RuleFollowUp:
        """The rule as results.json has it."""
        before, now = self.verdicts
        return RuleFollowUp(before=before, now=now, candidates=self.candidates, counts=self.counts)


@dataclass(frozen=True)
class OpenRowsOfTwoRuns:
    """The open rows of one rule in two runs, what their registers cover, and the rows that were resolved before the earlier one.

    `before` and `now` map a row to its outcome; null where that run did not test the rule.
    """

    before: dict[Row, str] | None
    now: dict[Row, str] | None
    accepted_before: dict[Row, str] = field(default_factory=dict)
    accepted_now: dict[Row, str] = field(default_factory=dict)
    resolved_earlier: frozenset[Row] = frozenset()


def changes_of(sides: OpenRowsOfTwoRuns, steps: list[Step]) -> Iterator[RowChange]:
    """Every row that was open in one of the two runs; `steps` is the waterfall between them."""
    before, now = sides.before or {}, sides.now or {}
    for row in sorted(before.keys() | now.keys()):
        was, stands = _status(row, before, sides.accepted_before), _status(row, now, sides.accepted_now)
        if sides.now is None:
            yield RowChange(row, "no longer tested", was, None, TESTED)
        elif row in sides.resolved_earlier and row not in before:
            yield RowChange(row, "reopened", None, stands, cause_of(steps, row) if sides.before is not None else TESTED)
        elif sides.before is None:
            yield RowChange(row, "newly tested", None, stands, TESTED)
        elif was == stands:
            yield RowChange(row, "persisting", was, stands, None)
        else:
            state = "new" if was is None else "resolved" if stands is None else "changed"
            same = before.get(row) == now.get(row)
            yield RowChange(row, state, was, stands, EXCEPTIONS if same else cause_of(steps, row))


def _status(row: Row, rows: dict[Row, str], covered: dict[Row, str]) -> str | None:
    return ACCEPTED if rows.get(row) == Outcome.VIOLATION and row in covered else rows.get(row)


def compare_rule(rule: str, old: Run, new: Run, sides: OpenRowsOfTwoRuns, lab: Lab | None) -> Compared:
    """One rule in two runs of the same key; without a lab no step between them is evaluated."""
    why: tuple[str, ...] = ()
    steps: list[Step] = []
    if sides.before is not None and sides.now is not None:
        why = candidates(rule, old, new)
        if sides.before != sides.now:
            steps = waterfall(rule, why, sides.before, sides.now, lab)
    return Compared(rule, verdicts_of(rule, old, new), why, tuple(changes_of(sides, steps)))


def compare_verdicts(rule: str, old: Run, new: Run) -> Compared:
    """One rule in two runs whose rows cannot be told apart: their verdicts alone."""
    return Compared(rule, verdicts_of(rule, old, new), ())


def verdicts_of(rule: str, old: Run, new: Run) -> tuple[Verdict | None, Verdict | None]:
    """A rule's verdicts then and now; null where a run left it out."""
    return old.verdict(rule), new.verdict(rule)


def sides_of(rule: str, old: Run, new: Run) -> OpenRowsOfTwoRuns:
    """What two recorded runs say of a rule's rows."""
    return OpenRowsOfTwoRuns(
        old.open_rows(rule) if old.tests(rule) else None,
        new.open_rows(rule) if new.tests(rule) else None,
        old.accepted(rule),
        new.accepted(rule),
        resolved_earlier(old, rule),
    )


def resolved_earlier(old: Run, rule: str) -> frozenset[Row]:
    """Rows that were open before the earlier run and were resolved by it, or before it."""
    return frozenset(carried.row for carried in old.carried.get(rule, []) if carried.resolved)


def same_key(old: Run, new: Run) -> bool:
    """Whether two runs call the same row by the same pseudonym."""
    return old.audit.key_fingerprint == new.audit.key_fingerprint


def ledger_of(run: Run, rule: str) -> Ledger | None:
    """What a run counted; null where it did not test the rule."""
    return run.rules[rule].ledger if run.tests(rule) else None
