"""Rules within a scope: the rows of a rule's population that are of one region, period, vendor or person, counted by outcome.

The outcomes are those of the whole audit. What a scope may not show beside the whole and the other scopes is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import AllRows, all_rows
from heytalk_audit.audit.joint_suppression import gives_away, joint
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.audit.rule_result import Ledger
from heytalk_audit.audit.suppression import of_ledger
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.facts.recipients import on_record
from heytalk_audit.investigation.events import TABLES
from heytalk_audit.letters import cards
from heytalk_audit.letters.answer import CardAnswer, what_lacks
from heytalk_audit.letters.catalogue import RULES_CARD
from heytalk_audit.letters.parameters import LetterParams, Question, QuestionScope
from heytalk_audit.letters.scoped import OutOfScope, lies_between, refuse_region
from heytalk_audit.letters.source import AnswerSource
from heytalk_audit.rules import RULES
from heytalk_audit.rules.terms import join
from heytalk_audit.running.session import Session
from heytalk_audit.vocabulary import Audience, Outcome


class ScopedRules:
    """The questions of one letter about rules within a scope, over an open audit. `earlier` are answers that rest on the same snapshot."""

    def __init__(self, session: Session, letter: LetterParams, earlier: Sequence[CardAnswer]):
        self._session, self._letter = session, letter
        self._earlier = [answer for answer in earlier if answer.card == RULES_CARD and answer.scope]

    def answer(self, question: Question, source: AnswerSource) -> CardAnswer:
        """The answer to a question about rules within a scope; it says so where the rules cannot be limited like that."""
        results = cards.rule_results(question.rules, source)
        ledgers = self._ledgers[question.no]
        missing = [ledger.why for ledger in ledgers.values() if isinstance(ledger, OutOfScope)]
        if missing or len(results) < len(question.rules):
            # whatever keeps the rules from an answer as a whole is said first
            whole = cards.rules_card(question, source)
            return whole if whole.not_answered else cards.open_card(question, what_lacks("; ".join(missing), "the auditor"))
        shown = {id: self._shown(id, ledger, question) for id, ledger in ledgers.items() if isinstance(ledger, Ledger)}
        return cards.rules_within(question, results, shown)

    @cached_property
    def _ledgers(self) -> dict[int, dict[str, Ledger | OutOfScope]]:
        """The rows within the scope of each question, by rule, as they are for internal use."""
        questions = [question for question in self._letter.questions if question.card == RULES_CARD and question.scope.plain()]
        ledgers: dict[int, dict[str, Ledger | OutOfScope]] = {question.no: {} for question in questions}
        for id in dict.fromkeys(id for question in questions for id in question.rules):
            # once for all scopes: the rows stay on the engine until the next rule is evaluated
            rows = all_rows(RULES[id], self._session.audit)
            for question in (one for one in questions if id in one.rules):
                ledgers[question.no][id] = self._within(id, rows, question.scope)
        return ledgers

    def _within(self, id: str, rows: AllRows, scope: QuestionScope) -> Ledger | OutOfScope:
        if id not in self._session.rules:
            return OutOfScope(f"{id} is left out by the audit's parameters")
        try:
            refuse_region(scope)
            return _ledger_within(id, rows, scope, self._session)
        except OutOfScope as error:
            return error

    def _shown(self, id: str, ledger: Ledger, question: Question) -> Ledger:
        """A ledger within a scope as the audience may see it, beside the whole and the other scopes of the same rule."""
        if self._letter.letter.audience == Audience.INTERNAL or question.scope.person is not None:
            return ledger
        whole = self._session.evaluate(id)
        hidden = _hidden(self._session.shown(whole).ledger)
        scopes = [one for one in self._of_rule(id) if isinstance(one, Ledger)]
        limits = Limits.of(self._session.audit.settings)
        own = frozenset(key for one in scopes for key in _hidden(of_ledger(one, limits)))
        hide = joint(_numbers(whole.ledger), hidden, [_numbers(one) for one in scopes], own)
        totals = [one.in_scope or 0 for one in scopes]
        counts = {str(outcome): None if (outcome,) in hide.rows else ledger[outcome] for outcome in Outcome}
        no_total = hide.totals or gives_away(whole.ledger.in_scope or 0, totals) or whole.ledger.in_scope is None
        return Ledger.model_validate(counts | {"in_scope": None if no_total else ledger.in_scope})

    def _of_rule(self, id: str) -> list[Ledger | OutOfScope]:
        """What this letter and earlier ones show of a rule within scopes that are no person's."""
        people = {question.no for question in self._letter.questions if question.scope.person is not None}
        own = [ledgers[id] for no, ledgers in self._ledgers.items() if id in ledgers and no not in people]
        rows = [dict(zip(answer.columns, row, strict=True)) for answer in self._earlier for row in answer.rows]
        return [*own, *(_ledger_of({name: n for name, n in row.items() if isinstance(n, int)}) for row in rows if row["rule"] == id)]


def _ledger_within(id: str, rows: AllRows, scope: QuestionScope, session: Session) -> Ledger:
    """The ledger of a rule's rows within a scope. Raises OutOfScope where they do not have what it names."""
    engine = session.audit.snapshot.engine
    if rows.missing:
        raise OutOfScope(f"{id} was not evaluated ({rows.missing})")
    if scope.region is not None and not rows.has_people:
        raise OutOfScope(f"the rows of {id} are about no person, and so of no region")
    classified = rows.classified
    if classified is None:
        return _ledger_of({})
    if scope.region is not None:
        classified = classified.filter(classified.region == scope.region)
    if scope.vendor is not None or scope.since is not None:
        classified = classified.semi_join(_records_within(id, classified, scope, session.audit), "record")
    if scope.person is not None:
        named = with_pseudonyms(classified.select("outcome", record="users:" + classified.subject), session.key_pads)
        classified = named.filter(named.record == scope.person)
    counted = engine.rows(classified.group_by("outcome").agg(rows=lambda t: t.count()))
    return _ledger_of(dict(zip(counted.outcome, map(int, counted["rows"]), strict=True)))


def _records_within(id: str, classified: ir.Table, scope: QuestionScope, audit: Audit) -> ir.Table:
    """What names the rows within a scope's period and vendor in the tables that a rule's rows are of: one column `record`."""
    engine = audit.snapshot.engine
    names = engine.rows(classified.select(table=classified.record.split(":")[0]).distinct().order_by("table")).table
    within, every = [], []
    for name in map(str, names):
        rows, declared = audit.snapshot.tables.get(name), contract.load().get(name)
        if rows is None or declared is None or declared.key not in rows.columns:
            raise OutOfScope(f"the rows of {id} are no rows of a delivered table")
        record = f"{name}:" + rows[declared.key].cast("string")
        every.append(rows.select(record=record))
        within.append(_limited(id, name, rows.mutate(record=record), scope, audit).select("record"))
    if not within:
        return classified.select("record").limit(0)
    groups = classified.anti_join(ibis.union(every[0], *every[1:]), "record")
    if int(engine.rows(groups.agg(n=groups.count())).n[0]):
        raise OutOfScope(f"some rows of {id} stand for several rows of the data")
    return ibis.union(within[0], *within[1:]).distinct()


def _limited(id: str, name: str, rows: ir.Table, scope: QuestionScope, audit: Audit) -> ir.Table:
    """The rows of a table that begin within a scope's period and are about its vendor. Raises OutOfScope."""
    view = audit.view()
    if scope.since is not None and scope.to is not None:
        begins = TABLES[name].begins if name in TABLES else None
        if begins is None or begins not in rows.columns:
            raise OutOfScope(f"the rows of {id} are of the table {name}, which has no instant at which a row begins")
        rows = rows.filter(lies_between(view.date(rows[begins]), scope.since, scope.to))
    if scope.vendor is not None:
        if "vendor_id" not in rows.columns or "vendors" not in audit.tables:
            raise OutOfScope(f"the rows of {id} are of the table {name}, which names no vendor")
        rows = join(rows, on_record(audit.tables["vendors"], view), "vendor_id")
        rows = rows.filter(sure(ibis.coalesce(rows.recipient, rows.vendor_id) == scope.vendor))
        audit.shared.compute(view.shared)
    return rows


def _ledger_of(counts: Mapping[str, int]) -> Ledger:
    numbers = {str(outcome): counts.get(str(outcome), 0) for outcome in Outcome}
    return Ledger.model_validate(numbers | {"in_scope": sum(numbers.values())})


def _numbers(ledger: Ledger) -> dict[tuple[str, ...], list[int]]:
    return {(str(outcome),): [ledger[outcome] or 0] for outcome in Outcome}


def _hidden(ledger: Ledger) -> frozenset[tuple[str, ...]]:
    return frozenset((str(outcome),) for outcome in Outcome if ledger[outcome] is None)
