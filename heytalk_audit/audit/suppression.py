"""Which numbers of a ledger or of a split must be hidden, so that no number from 1 to 4 is printed or follows from those that are.

`disclosure` says why this is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import Count, Ledger, ReasonCount, Subjects
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Outcome

#: Numbers below this one, and above nought, are small.
SMALL = 5
#: The smallest threshold of a rate that a rating or a finding's severity has.
LEAST_RATE = 0.001


def is_small(count: object) -> bool:
    """Whether a number is one of few people or rows."""
    return isinstance(count, int) and 0 < count < SMALL


def none_small(counts: Iterable[object]) -> bool:
    """Whether no number is small."""
    return not any(map(is_small, counts))


def unhidden(count: Count) -> int:
    """A count of the internal report, in which none is hidden. Raises ValueError for a hidden one."""
    if count is None:
        raise ValueError("a count is hidden already: only results for internal use can be suppressed")
    return count


def hidden(parts: Mapping[str, int]) -> set[str] | None:
    """Which parts of a known total are hidden: none, some, or (null) all of them, also those that are nought.

    Beside every small part one more is hidden, the first by name that is neither small nor nought. The sum of the hidden parts follows
    from the total. It must be so large that each small part may be any of 1 to 4 whatever the others are; else nothing is shown.
    """
    small = {name for name, n in parts.items() if is_small(n)}
    if not small:
        return set()
    beside = min((name for name, n in parts.items() if n >= SMALL), default=None)
    if beside is None or sum(parts[n] for n in (*small, beside)) < (SMALL - 1) * len(small) + SMALL:
        return None
    return {*small, beside}


def of_ledger(ledger: Ledger, limits: Limits) -> Ledger:
    """The ledger with its small outcomes, and what would give them away, as null. `limits` are shares of the rows tested."""
    counts = {str(outcome): unhidden(ledger[outcome]) for outcome in Outcome}
    in_scope = unhidden(ledger.in_scope)
    small = {outcome for outcome, n in counts.items() if is_small(n)}
    if not small:
        return ledger
    hide, most = small | {Outcome.PASS}, SMALL - 1
    if _thresholds_tell(in_scope - counts[Outcome.EXCLUDED], limits) or small == {Outcome.PASS}:
        hide = hide | {"in_scope"}
    elif sum(counts[outcome] for outcome in hide) < most * len(small - {Outcome.PASS}):
        hide = {*counts, "in_scope"}
    return Ledger.model_validate({name: None if name in hide else n for name, n in (counts | {"in_scope": in_scope}).items()})


def _thresholds_tell(tested: int, limits: Limits) -> bool:
    """Whether a printed threshold would tell some of 1 to 4 from others, among so many rows."""
    most = SMALL - 1
    shares = (limits.unknown, limits.exempt)
    return most >= LEAST_RATE * tested or not all(share * tested >= most or share * tested < 1 for share in shares)


def of_subjects(subjects: Subjects, ledger: Ledger) -> Subjects:
    """People by outcome and how they split, without small numbers and what would give them away. `ledger` is the suppressed one."""
    people = {str(o): None if subjects[o] and (ledger[o] is None or is_small(subjects[o])) else subjects[o] for o in OPEN_OUTCOMES}
    splits = {
        "by_region": _people(subjects.by_region, people),
        "by_age": _people(subjects.by_age, people),
    }
    return Subjects.model_validate(people | splits)


def _people(parts: Mapping[str, Count], people: Mapping[str, Count]) -> dict[str, Count]:
    """People with a violation or a review, split: nothing where their number would tell how many have the one and not the other."""
    counts = {name: unhidden(n) for name, n in parts.items()}
    broken, undecided, both = people[Outcome.VIOLATION], people[Outcome.REVIEW], sum(counts.values())
    if broken is None or undecided is None or not none_small((both - broken, both - undecided, broken + undecided - both)):
        return {}
    hide = hidden(counts)
    return {} if hide is None else {name: None if name in hide else n for name, n in counts.items()}


def hidden_reasons(reasons: Sequence[ReasonCount], ledger: Ledger) -> dict[Outcome, set[str] | None]:
    """Per outcome the reasons whose rows are hidden; null where the whole split by reason is."""
    parts: dict[Outcome, dict[str, int]] = {outcome: {} for outcome in Outcome}
    for line in reasons:
        parts[line.outcome][str(line.reason)] = unhidden(line.rows)
    return {outcome: None if ledger[outcome] is None else hidden(parts[outcome]) for outcome in Outcome}


def of_reasons(reasons: Sequence[ReasonCount], hide: Mapping[Outcome, set[str] | None]) -> tuple[ReasonCount, ...]:
    """Sorted by name, not by size. People per reason are always left out: beside the rows they would tell of small numbers."""
    lines = [
        line.model_copy(update={"rows": None if str(line.reason) in names else line.rows, "people": None})
        for line in reasons
        if (names := hide[line.outcome]) is not None
    ]
    return tuple(sorted(lines, key=lambda line: (line.outcome.rank, str(line.reason))))
