"""What the notebooks call: open an audit from its parameters, evaluate a chapter, show a part of the report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from heytalk_audit.audit import clauses, disclosure, rating
from heytalk_audit.audit.audit import DETECTIONS
from heytalk_audit.audit.describe import delivered_tables
from heytalk_audit.audit.document import AreaRating, ClauseStanding
from heytalk_audit.audit.exceptions import EXCEPTIONS
from heytalk_audit.audit.fact_result import FactResult
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.catalogue import rules_of
from heytalk_audit.detect.in_snapshot import summary
from heytalk_audit.evidence.row_files import FirstRows, first_rows, in_file_order
from heytalk_audit.facts import FACTS
from heytalk_audit.follow_up.standings import unregistered
from heytalk_audit.investigation.desk import Case, widgets
from heytalk_audit.letters.letter import Letter
from heytalk_audit.policy.chapters import CHAPTERS, PAGE_OF
from heytalk_audit.report import decided, followed, framework_page, numbers_page, pages, policy_pages, registered
from heytalk_audit.report.html import Fragment, join
from heytalk_audit.rules import RULES
from heytalk_audit.running import follow_up
from heytalk_audit.running.session import SUMMARY_FILE, Session
from heytalk_audit.snapshot.gate import columns_of
from heytalk_audit.vocabulary import Audience, Outcome

__all__ = ["Case", "Chapter", "Letter", "Numbers", "Summary", "widgets"]


class Chapter:
    """One chapter of the report: its rules are evaluated when a part of it is first shown."""

    def __init__(self, name: str, params: str | Path, overrides: str | Sequence[str] = ()):
        self.name, self.session = name, Session(params, overrides)

    @cached_property
    def results(self) -> dict[str, RuleResult]:
        """The results of its rules by id, as this report's audience may see them."""
        return {result.id: self.session.shown(result) for result in self.session.results([self.name])}

    def cover(self) -> Fragment:
        """What was audited, when, against what."""
        return pages.cover(self.session.described)

    def matrix(self) -> Fragment:
        """Every rule of the chapter with its ledger and verdict."""
        return pages.results_matrix(list(self.results.values()))

    def sections(self, *rules: str) -> Fragment:
        """All that the report says of each of these rules (default: those of the chapter that no other call names), in order."""
        self._named.update(rules)
        return join(*(self.section(rule) for rule in rules or self._others()))

    def section(self, rule: str) -> Fragment:
        """All that the report says of one rule; nothing where the parameters leave it out."""
        if rule not in self.results:
            return pages.left_out(rule)
        inside = self.session.audience == Audience.INTERNAL
        rows = first_rows(self.session.reader, self.session.rows_of(rule), pages.MOST_ROWS) if inside else FirstRows()
        registered = [finding for finding in self.session.findings if finding.rule == rule] if inside else []
        return pages.rule_section(self.results[rule], rows, self.session.audience, registered)

    @cached_property
    def _named(self) -> set[str]:
        return set()

    def _others(self) -> list[str]:
        families = CHAPTERS[self.name].families
        rules = sorted(rules_of(self.name), key=lambda rule: families.index(RULES[rule].family))
        return [rule for rule in rules if rule not in self._named]

    def exceptions(self, rule: str, limit: int | None = 10_000) -> pd.DataFrame:
        """The exception rows of a rule: record, subject, outcome, reason, due_on, days_over.

        At most `limit` rows, the first by record: a rule may have millions, and a frame holds them all in memory. `limit=None` reads
        every row; `ledger()` has how many there are. There are none for readers outside, nor of a rule that the parameters leave out.
        """
        shown = rule in self.results and self.session.audience == Audience.INTERNAL
        rows = self.session.reader.rows(in_file_order(self.session.rows_of(rule), EXCEPTIONS.names, limit)) if shown else []
        return pd.DataFrame(rows, columns=list(EXCEPTIONS.names))

    def ledger(self) -> pd.DataFrame:
        """The chapter's rules with their verdicts and ledgers, one row each, by id."""
        names = ["in_scope", *Outcome]
        rows = {id: {"verdict": str(r.verdict)} | {n: r.ledger[n] for n in names} for id, r in self.results.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["verdict", *names])

    def reliability(self) -> Fragment:
        """What was delivered beside what was said of it, and how far it can be relied on."""
        tables = disclosure.of_tables(delivered_tables(self.session.audit), self.session.audience)
        return pages.evidence_reliability(tables, list(self.results.values()))

    def detections(self) -> Fragment:
        """What detectors read and found, place by place; nothing where no rule of this audit asked for it."""
        if not any(DETECTIONS in r.tables and r.verdict.is_tested for r in self.results.values()):
            return pages.left_out("Detectors")
        audit = self.session.audit
        places = summary(audit.detections, audit.snapshot.tables, audit.snapshot.engine)
        return pages.detections(disclosure.of_places(places, self.session.audience), audit.examined, self.session.audience)

    def columns(self) -> Fragment:
        """Columns that came and went since the previous audit."""
        audit = self.session.audit
        return pages.column_changes(columns_of(audit.snapshot.profile, audit.snapshot.unknown), audit.previous)

    def register(self) -> Fragment:
        """The register of accepted exceptions: how each entry stands, and what it covers."""
        return registered.register_page(self.session.register, self.session.audience)


class Numbers:
    """The page of facts: what is, in numbers. Each is evaluated when its section is first shown."""

    def __init__(self, params: str | Path, overrides: str | Sequence[str] = ()):
        self.session = Session(params, overrides)

    def cover(self) -> Fragment:
        """What was counted, when, of which snapshot, and how to read it."""
        return numbers_page.cover_of_numbers(self.session.described)

    def sections(self, *facts: str) -> Fragment:
        """All that the report says of each of these facts (default: all), in order; nothing of those that the parameters leave out."""
        chosen = self.session.params.facts
        return join(*(numbers_page.fact_section(self.fact(id)) for id in facts or FACTS if id in chosen))

    def fact(self, id: str) -> FactResult:
        """A fact, as this report's audience may see it."""
        return self.session.shown_fact(self.session.fact(id))

    def table(self, id: str) -> pd.DataFrame:
        """The table of a fact, as this report's audience may see it; a hidden number is null."""
        result = self.fact(id)
        return pd.DataFrame(list(result.rows), columns=list(result.columns))


class Summary:
    """Page 1 and what closes the report: reads results, and evaluates nothing that a chapter has."""

    def __init__(self, params: str | Path, overrides: str | Sequence[str] = ()):
        self.session = Session(params, overrides)

    @cached_property
    def _internal(self) -> list[RuleResult]:
        return self.session.results()

    @cached_property
    def areas(self) -> list[AreaRating]:
        """The rating of each area: that of the internal report, by the numbers as they are."""
        return rating.areas(self._internal, RULES)

    @cached_property
    def results(self) -> list[RuleResult]:
        """The results of the audit, as this report's audience may see them."""
        return [self.session.shown(result) for result in self._internal]

    @cached_property
    def clauses(self) -> list[ClauseStanding]:
        """Every clause of the policy, and how it stands."""
        standings = clauses.results(self.session.audit, self.results, RULES, self.session.attestations)
        return disclosure.of_clauses(standings, self.session.audience)

    @cached_property
    def followed(self) -> follow_up.FollowUp:
        """The audit beside the previous one. It speaks of single rows and small numbers: outside it is empty."""
        inside = self.session.audience == Audience.INTERNAL
        return follow_up.follow_up(self.session, self._internal) if inside else follow_up.FollowUp()

    def write(self) -> None:
        """Leave in the run's working folder what `results.json` and the next audit take from the summary."""
        follow_up = self.followed.document
        summary = {
            "audit": self.session.described.plain(),
            "areas": [area.plain() for area in self.areas],
            "clauses": [clause.plain() for clause in self.clauses],
            "register": [entry.plain() for entry in self.session.register],
            "decisions": [entry.plain() for entry in self.session.decided],
            "findings": [finding.plain() for finding in self.followed.findings],
            "follow_up": follow_up.plain() if follow_up else None,
        }
        self.session.write(SUMMARY_FILE, summary)

    def first_page(self) -> Fragment:
        """Page 1: what was audited, how each area stands, what changed, the findings, what was not tested."""
        followed, described = self.followed, self.session.described
        return pages.first_page(self.results, self.areas, described, followed.document, followed.findings)

    def verdicts(self) -> Fragment:
        """Below page 1: how the policy stands, what was not evaluated, what a person must decide, how areas are rated."""
        return pages.verdict_summary(self.results, self.clauses, self.session.audit.policy.findings)

    def register(self) -> Fragment:
        """How many accepted exceptions there are, and how many entries of their register are themselves findings."""
        return pages.on_screen(registered.register_counts(self.session.register, "evidence" in self.session.params.chapters))

    def decisions(self) -> Fragment:
        """The rows that a person has to decide, and how the decisions made so far stand."""
        return pages.on_screen(decided.decisions_page(self.results, self.session.decided))

    def matrix(self) -> Fragment:
        """Every rule of the audit with its ledger and verdict."""
        return pages.on_screen(pages.results_by_rule(self.results, PAGE_OF))

    def clause_coverage(self) -> Fragment:
        """A page of its own: every clause, and how it stands."""
        return policy_pages.clause_coverage(self.clauses, self.results, self.session.described)

    def document_findings(self) -> Fragment:
        """A page of its own: findings on the policy document, and the rules that touch the same clauses."""
        return policy_pages.document_findings(self.session.audit.policy.findings, self.clauses, self.session.described)

    def frameworks(self) -> Fragment:
        """A page of its own: the rules sorted by frameworks that compliance officers use."""
        return framework_page.frameworks_page(self.session.audit.policy.frameworks, self.results, self.session.described)

    def reasons(self) -> Fragment:
        """A page of its own: what the code of each reason says."""
        return policy_pages.reasons_page(self.session.audit.policy.reasons, self.session.described)

    def follow_up(self) -> Fragment:
        """A page of its own: what became of the previous audit's findings, and who answers for those of this one."""
        registered_inside = self.session.params.findings and self.session.audience == Audience.INTERNAL
        if self.followed.document is None and not registered_inside:
            return followed.nothing()
        missing = unregistered(self.session.findings, self.results)
        return followed.page(self.followed.document, self.followed.findings, missing, self.results, self.session.described)

    def limits(self) -> Fragment:
        """What the audit does not show, and the words it uses."""
        return pages.on_screen(pages.limits(self.session.described))
