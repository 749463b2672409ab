"""A run as the exports read it: verified first, then only its results, its exception rows and the digest of its evidence."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heytalk_audit.audit.disclosure import shown
from heytalk_audit.audit.document import AreaRating, AuditDescription, FindingStanding, FollowUpDocument
from heytalk_audit.audit.rule_result import Count, RuleResult
from heytalk_audit.canonical import digest
from heytalk_audit.errors import InputError, visible
from heytalk_audit.evidence.folder import STATEMENT, payload
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.sign_off import SignOff, sign_offs_of
from heytalk_audit.evidence.statement import materials_of, read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.vocabulary import OPEN_OUTCOMES, Audience, Outcome, Verdict

#: The numbers of a ledger in the order in which exports list them. Rows of the open outcomes are listed one by one as well: an owner must
#: look at them. Test accounts are counted here, and listed in the run's own files alone.
LEDGER = ("in_scope", Outcome.PASS, *OPEN_OUTCOMES, Outcome.EXCLUDED)
_IDS = uuid.UUID("5d1f1c0e-54f7-5a4e-9d0c-3f0f1f6a2b11")


class Unavailable(Exception):
    """A format whose means are not at hand here: what is missing, and what to do."""


@dataclass(frozen=True)
class Recorded:
    """A verified run; `evidence` is the SHA-256 of its evidence.json, `materials` are what it depended on: name to digest.

    `key` signs copies, and `template` is the Word document that the short edition is written into. `standings` are the entries of the
    register of findings, and `signed` the sign-offs beside the run, by role.
    """

    folder: Path
    evidence: str
    materials: dict[str, str]
    audit: AuditDescription
    rules: Sequence[RuleResult]
    key: Ed25519PrivateKey | None = None
    template: Path | None = None
    areas: Sequence[AreaRating] = ()
    standings: Sequence[FindingStanding] = ()
    followed: FollowUpDocument | None = None
    signed: Mapping[str, SignOff] = field(default_factory=dict)

    @cached_property
    def as_of(self) -> dt.datetime:
        """The instant that stands for a date of making: the clock on the wall says nothing of a run."""
        return dt.datetime.fromisoformat(self.audit.as_of)

    @property
    def withheld(self) -> bool:
        """Whether the run is for readers outside: no exception rows, no small numbers."""
        return self.audit.audience != Audience.INTERNAL

    @property
    def findings(self) -> list[RuleResult]:
        """Rules that have something to say: all but those that passed without any open row."""
        return [r for r in self.rules if r.verdict != Verdict.PASS or any(r.ledger[outcome] != 0 for outcome in OPEN_OUTCOMES)]

    @property
    def open_rows(self) -> int:
        """How many exception rows its findings have; those that are hidden are not counted."""
        return sum(rule.ledger[outcome] or 0 for rule in self.findings for outcome in OPEN_OUTCOMES)

    def people(self, rule: RuleResult) -> dict[str, int | str]:
        """People by outcome, as this run's readers may see them."""
        return {outcome: shown(rule.subjects[outcome]) for outcome in OPEN_OUTCOMES}

    def id(self, *parts: str) -> str:
        """A UUID that follows from the evidence and these parts alone."""
        return str(uuid.uuid5(_IDS, "\n".join((self.evidence, *parts))))


def read_recorded(run: Path, beside_of: Path | None = None) -> Recorded:
    """A run, or a bag of one, that is as it was written. Sign-offs lie beside `beside_of`, as the person names it. Raises InputError."""
    where = f"export {(beside_of or run).name}"
    faults = verify_pack(run, beside_of).faults
    if faults:
        raise InputError(where, f"is not as it was written ({faults[0]})", "export what was not changed")
    folder = payload(run)
    content = (folder / STATEMENT).read_bytes()
    results = results_in(folder, where)
    return Recorded(
        folder,
        digest(content),
        materials_of(read_statement(content)),
        results.audit,
        results.rules,
        areas=results.areas,
        standings=results.findings,
        followed=results.follow_up,
        signed=sign_offs_of(beside_of or run, folder / STATEMENT).signed,
    )


def by_area(rules: Sequence[RuleResult]) -> dict[str, list[RuleResult]]:
    """Rules by the title of their area, in the report's order."""
    areas = {chapter.title: [rule for rule in rules if rule.family in chapter.families] for chapter in CHAPTERS.values()}
    return {title: inner for title, inner in areas.items() if inner}


def area_of(rule: RuleResult) -> str:
    """The title of a rule's area."""
    return next(chapter.title for chapter in CHAPTERS.values() if rule.family in chapter.families)


def ledger_line(rule: RuleResult) -> str:
    """A rule's ledger in one line. One that was not evaluated has none: its noughts are no result."""
    if not rule.verdict.is_tested:
        return "not tested"
    return ", ".join(f"{name.replace('_', ' ')} {_number(rule.ledger[name])}" for name in LEDGER)


def _number(count: Count) -> str:
    return str(shown(None)) if count is None else f"{count:,}"


def xml_text(text: object) -> str:
    """Text that XML 1.0 can hold, on one line."""
    return "".join(c if c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000" else " " for c in line(text))


def line(text: object) -> str:
    """Text as one line of characters that can be seen."""
    return visible(" ".join(str(text).split()))
