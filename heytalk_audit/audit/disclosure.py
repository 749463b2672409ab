"""What a report that leaves the house shows: no number from 1 to 4, and none that its neighbours, totals or rates give away.

The argument, for a reader who knows every line of this module and of `suppression`, and every other number of the report:

* A ledger that hides anything hides `pass` too, whatever it is: each small outcome may then be any of 1 to 4, and `pass` takes up the rest.
  Where so few rows were tested that a printed threshold (a rate, the limits of unknown and of excused rows) would tell 1 from 4, the
  population is hidden as well. So verdicts and ratings are those of the internal report, and give no number away.
* The rows of an outcome are split many ways: by reason, by columns, by age. Only one of these splits is ever shown in part, the reasons;
  then no other split of that outcome is shown at all. Any other split is shown whole, without a small number in it, or not at all.
  Rows are split by region only where people are, and the number of people per reason is never shown.
* A split that is shown in part hides its small numbers and, beside them, the first other number by name: never one chosen by its size. It
  is shown in part only if every choice of 1 to 4 for every small number gives the same page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from heytalk_audit.audit.delivered import DeliveredTable, PlaceRead, TextFinding, Totals
from heytalk_audit.audit.document import ClauseStanding
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import (
    BreakdownRow,
    Count,
    DecidedRows,
    DecisionStanding,
    EntryStanding,
    Ledger,
    OverTimeResult,
    RuleResult,
    SampleResult,
    SampleReview,
    Subjects,
)
from heytalk_audit.audit.suppression import SMALL, hidden_reasons, is_small, none_small, of_ledger, of_reasons, of_subjects, unhidden
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Audience, Outcome

WORD = "suppressed"
#: Tables whose rows are no people, and say nothing of any: these counts are never hidden.
THINGS = ("delivered_tables", "delivered_columns", "delivery", "policy_clauses", "calendar", "vendors")
#: Whose names stand in a register, and what stands for them.
NAMES = {"owner": "an owner, not named here", "approver": "an approver, not named here"}


def shown(value: Any) -> Any:
    """A number as a page or a file shows it: itself, or the word for a hidden one."""
    return WORD if value is None else value


def of_rule(result: RuleResult, audience: str, limits: Limits | None = None) -> RuleResult:
    """A rule's result as an audience may see it: hidden numbers are null, and `suppressed` names them. For internal use: as it is.

    `limits` are the shares of rows from which the audit's settings make a verdict REVIEW (null: those by default).
    """
    if audience == Audience.INTERNAL:
        return result
    if _counts_no_people(result):
        visible = result.with_(samples=tuple(_sample(sample, frame_shown=True) for sample in result.samples))
    else:
        visible = _suppressed(result, limits or Limits.usual())
        if audience == Audience.PUBLIC:
            visible = visible.with_(samples=())
    if audience != Audience.PUBLIC:
        return visible
    return visible.with_(entries=_nameless(visible.entries), decisions=_unnamed(visible.decisions))


def _counts_no_people(result: RuleResult) -> bool:
    return result.tables[0] in THINGS and not any(result.subjects[outcome] for outcome in OPEN_OUTCOMES)


def _suppressed(result: RuleResult, limits: Limits) -> RuleResult:
    """The result without small numbers and what would give them away."""
    ledger = of_ledger(result.ledger, limits)
    subjects = of_subjects(result.subjects, ledger)
    hide = hidden_reasons(result.reasons, ledger)
    whole = {outcome for outcome in Outcome if hide[outcome] == set()}
    all_whole = whole == set(Outcome) and ledger.in_scope is not None
    tested_shown = ledger.tested is not None
    visible = result.with_(
        ledger=ledger,
        decided=_decided(result, ledger),
        decisions=tuple(map(_undetailed, result.decisions)),
        subjects=subjects,
        reasons=of_reasons(result.reasons, hide),
        breakdowns=_breakdowns(result, whole, regions_whole=subjects.by_region == result.subjects.by_region),
        ageing=_ageing(result.ageing, unhidden(result.ledger.violation)) if Outcome.VIOLATION in whole else {},
        # the first and the last are days of single rows
        due=None,
        rate=result.rate if tested_shown and ledger.violation is not None else None,
        accepted=_accepted(unhidden(result.accepted), ledger.violation),
        assumed=_accepted(result.assumed or 0, ledger.violation),
        entries=tuple(map(_without_counts, result.entries)),
        over_time=_over_time(result.over_time, all_whole),
        figures=result.figures if all_whole and none_small(figure.value for figure in result.figures) else (),
        samples=tuple(_sample(s, ledger.review is not None if s.of == "candidates" else tested_shown) for s in result.samples),
    )
    return visible.with_(suppressed=tuple(sorted(_names_of_hidden(result, visible))))


def _breakdowns(result: RuleResult, whole: set[Outcome], regions_whole: bool) -> dict[str, tuple[BreakdownRow, ...]]:
    """Breakdowns of the outcomes that are split whole."""
    return {
        # numbers of rows by region would show an upper limit for the hidden number of people in a region
        name: _breakdown(values, whole if regions_whole or name != "law_region" else set())
        for name, values in result.breakdowns.items()
    }


def _breakdown(values: Sequence[BreakdownRow], whole: set[Outcome]) -> tuple[BreakdownRow, ...]:
    kept = [o for o in OPEN_OUTCOMES if o in whole and none_small(v[o] for v in values)]
    hide: dict[str, None] = {str(o): None for o in OPEN_OUTCOMES if o not in kept}
    lines = [v.model_copy(update=hide) for v in values if any(v[o] for o in kept)]
    return tuple(sorted(lines, key=lambda line: line.value))


def _ageing(buckets: dict[str, int], violations: int) -> dict[str, int]:
    """All buckets, or none where one is small. Violations without a due day count as a further bucket, which is not printed."""
    return buckets if none_small([*buckets.values(), violations - sum(buckets.values())]) else {}


def _accepted(accepted: int, violations: Count) -> Count:
    return None if violations is None or not none_small((accepted, violations - accepted)) else accepted


def _over_time(over_time: OverTimeResult | None, whole: bool) -> OverTimeResult | None:
    if over_time is None:
        return None
    numbers = [point[name] for point in over_time.points for name in (Outcome.PASS, *OPEN_OUTCOMES, "people")]
    return over_time if whole and none_small(numbers) else over_time.model_copy(update={"points": ()})


def _sample(sample: SampleResult, frame_shown: bool) -> SampleResult:
    """A sample without its records; its numbers only where those of what it was drawn from are shown."""
    review = sample.review
    if review is not None and not (frame_shown and none_small((review.yes, review.no, review.undecided))):
        review = SampleReview(yes=None, no=None, undecided=None, agreement=None, kappa=None, low=None, high=None, stated=WORD)
    size = sample.frame_size if frame_shown and not is_small(sample.frame_size) else None
    return sample.model_copy(update={"frame_size": size, "records": (), "drawn": None, "review": review})


def _without_counts(entry: EntryStanding) -> EntryStanding:
    """An entry of the register without its numbers, and without the record that it may name."""
    scope = {"record": None} if "record" in entry.scope else entry.scope
    return entry.model_copy(update={"matched": None, "covered": None, "cap": None, "scope": scope})


def _nameless(entries: Iterable[EntryStanding]) -> tuple[EntryStanding, ...]:
    return tuple(entry.model_copy(update=NAMES) for entry in entries)


def _decided(result: RuleResult, ledger: Ledger) -> DecidedRows | None:
    """The rows for review by what was decided, all of them or none: each is a part of a number that is shown."""
    decided = result.decided
    shows = decided is not None and ledger.review is not None and none_small((decided.breach, decided.no_breach, decided.open))
    return decided if shows else None


def _undetailed(entry: DecisionStanding) -> DecisionStanding:
    """A decision without its numbers, and without the record that it may name."""
    scope = {"record": None} if "record" in entry.scope else entry.scope
    return entry.model_copy(update={"matched": None, "closed": None, "max_rows": None, "scope": scope, "evidence": None})


def _unnamed(entries: Iterable[DecisionStanding]) -> tuple[DecisionStanding, ...]:
    names = {name: "a person, not named here" for name in ("decided_by", "confirmed_by")}
    return tuple(entry.model_copy(update=names) for entry in entries)


def of_decisions(entries: Iterable[DecisionStanding], audience: str) -> list[DecisionStanding]:
    """The register of decisions as an audience may see it."""
    visible = tuple(entries) if audience == Audience.INTERNAL else tuple(map(_undetailed, entries))
    return list(_unnamed(visible) if audience == Audience.PUBLIC else visible)


def _names_of_hidden(before: RuleResult, after: RuleResult) -> set[str]:
    """What is hidden, by name: numbers of the ledger and of people, breakdowns, and other parts."""
    names = {part for part in ("rate", "accepted", "ageing", "over_time", "figures") if getattr(before, part) != getattr(after, part)}
    names |= {f"ledger.{name}" for name in ("in_scope", *Outcome) if before.ledger[name] != after.ledger[name]}
    names |= {f"subjects.{name}" for name in Subjects.model_fields if before.subjects[name] != after.subjects[name]}
    rows = {(line.outcome, line.reason): line.rows for line in after.reasons}
    if any(rows.get((line.outcome, line.reason)) != line.rows for line in before.reasons):
        names.add("reasons")
    for name, lines in after.breakdowns.items():
        if len(lines) < len(before.breakdowns[name]) or any(line[o] is None for line in lines for o in OPEN_OUTCOMES):
            names.add(f"breakdowns.{name}")
    return names


def of_register(entries: Iterable[EntryStanding], audience: str) -> list[EntryStanding]:
    """The register as an audience may see it: how each entry stands, and no number that leads to a record."""
    if audience == Audience.INTERNAL:
        return list(entries)
    visible = [_without_counts(entry) for entry in entries]
    return list(_nameless(visible)) if audience == Audience.PUBLIC else visible


def of_clauses(clauses: Iterable[ClauseStanding], audience: str) -> list[ClauseStanding]:
    """Clauses as an audience may see them: the public one reads the role of who attests, and no name."""
    if audience != Audience.PUBLIC:
        return list(clauses)
    return [_attested_by_role(clause) for clause in clauses]


def _attested_by_role(clause: ClauseStanding) -> ClauseStanding:
    attestation = clause.attestation
    if attestation is None or not attestation.who:
        return clause
    return clause.model_copy(update={"attestation": attestation.model_copy(update={"who": "not named here"})})


def of_tables(tables: Iterable[DeliveredTable], audience: str) -> list[DeliveredTable]:
    """Control totals: a table of few rows or people shows none of them, nor its times."""
    if audience == Audience.INTERNAL:
        return list(tables)
    return [_without_small_totals(table) for table in tables]


def _without_small_totals(table: DeliveredTable) -> DeliveredTable:
    sources = (table.counted, table.declared, table.source)
    if none_small(total for source in sources for total in (source.rows, source.distinct_users)):
        return table
    return replace(table, counted=Totals(), declared=Totals(), source=Totals(), suppressed=True)


def of_places(places: Iterable[Mapping[str, Any]], audience: str) -> list[PlaceRead]:
    """What detectors read (see `detect.in_snapshot.summary`): outside, what they found is left to the sections of the rules."""
    read = [_place(place) for place in places]
    if audience == Audience.INTERNAL:
        return read
    return [replace(place, texts=None if is_small(place.texts) else place.texts, findings=()) for place in read]


def _place(place: Mapping[str, Any]) -> PlaceRead:
    findings = tuple(
        TextFinding(f["what"], f["finding"], f["texts"], f["of_oneself"], f["high"], f["medium"], f["low"]) for f in place["findings"]
    )
    return PlaceRead(place["place"], place["texts"], findings)


def suppression_statement(audience: str) -> dict[str, Any] | None:
    """What a report for this audience leaves out, for `results.json`; null for internal use."""
    if audience == Audience.INTERNAL:
        return None
    names = "left out" if audience == Audience.PUBLIC else "kept"
    return {"below": SMALL, "numbers": "null, and named in each rule's suppressed", "rows": "withheld", "names": names}


def statement_in_words(audience: str) -> str:
    """The same in a sentence, for covers and footers; empty for internal use."""
    if audience == Audience.INTERNAL:
        return ""
    readers = {Audience.REGULATOR: "a regulator", Audience.PUBLIC: "the public"}[Audience(audience)]
    names = " Names are left out." if audience == Audience.PUBLIC else ""
    return (
        f"Made for {readers}. Numbers of people or rows from 1 to 4, and what would give them away, are suppressed; "
        f"rows are withheld.{names}"
    )
