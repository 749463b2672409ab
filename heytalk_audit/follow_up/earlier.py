"""A recorded run as a later one reads it: verified first, then its results, its exception rows, and what it carries of runs before it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from heytalk_audit.audit.document import AuditDescription, FollowUpDocument
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.canonical import digest
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import CARRIED, STATEMENT, exceptions_file, payload
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.statement import materials_of, read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.vocabulary import Verdict


@dataclass(frozen=True)
class RuleRows:
    """Where a run says what of a rule's rows.

    `exceptions` is the file of its exception rows, null where the run did not test the rule. Which of them the register covers stands in
    that file, if it has the column `accepted`, or else in what the run carries: `carried`, null where it carries nothing. `fates` says
    what became of records that the run before had open, where the data was at hand.
    """

    rule: str
    exceptions: Path | None
    carried: Path | None = None
    fates: Path | None = None


@dataclass(frozen=True)
class Run:
    """A run: its folder, the SHA-256 of its evidence.json, the statement in that, and what its results say.

    The audit at hand is one too, before its folder is made: it has no evidence yet, and no follow-up.
    """

    folder: Path
    evidence: str
    statement: dict[str, Any]
    audit: AuditDescription
    rules: dict[str, RuleResult]
    follow_up: FollowUpDocument | None = None

    @cached_property
    def materials(self) -> dict[str, str]:
        """What the run depended on: name to digest."""
        return materials_of(self.statement)

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters as its statement has them: without paths."""
        parameters: dict[str, Any] = self.statement["predicate"]["buildDefinition"]["externalParameters"]
        return parameters

    @cached_property
    def parameter_settings(self) -> dict[str, Any]:
        """The settings that its parameters state, as against the policy's own."""
        return dict(self.parameters.get("settings") or {})

    def verdict(self, rule: str) -> Verdict | None:
        """The verdict of a rule; null where the run left it out."""
        return self.rules[rule].verdict if rule in self.rules else None

    def tests(self, rule: str) -> bool:
        """Whether it says anything of a rule's rows."""
        return rule in self.rules and self.rules[rule].verdict.is_tested

    @property
    def carried(self) -> Path | None:
        """The file of what it carries of rows beyond its exceptions (see `history.CARRIED`), if it carries any."""
        file = self.folder / CARRIED
        return file if file.exists() else None

    def finds(self, rule: str) -> bool:
        """Whether it found anything in a rule's scope: a rule that did not tells nothing of rows that were open before."""
        return self.tests(rule) and self.rules[rule].verdict != Verdict.NO_POPULATION

    def rows_of(self, rule: str) -> RuleRows:
        """What it says of a rule's rows."""
        return RuleRows(rule, exceptions_file(self.folder, rule) if self.tests(rule) else None, self.carried)


# reading a run ---------------------------------------------------------------------------------------


def verified_run(folder: Path, where: str, beside_of: Path | None = None) -> Run:
    """A run, or a bag of one, that is as it was written. Raises InputError, which begins with `where`.

    Sign-offs lie beside it, or beside the zip that it was unpacked from, `beside_of`.
    """
    faults = verify_pack(folder, beside_of).faults
    if faults:
        raise InputError(where, f"is not as it was written ({faults[0]})", "name a run that was not changed")
    return read_run(folder, where)


def read_run(folder: Path, where: str | None = None) -> Run:
    """A run, or a bag of one, that was verified before. Raises InputError where its results cannot be read."""
    home = payload(folder)
    content = (home / STATEMENT).read_bytes()
    results = results_in(home, where or f"run {folder.name}")
    rules = {result.id: result for result in results.rules}
    return Run(home, digest(content), read_statement(content), results.audit, rules, results.follow_up)


def previous_run(folder: Path) -> Run:
    """The earlier run that the parameters name. Raises InputError where the folder holds none, or one that was changed."""
    columns_before(folder)
    return verified_run(folder, f"previous {folder.name}")


def columns_before(folder: Path) -> dict[str, list[str]]:
    """The columns that an earlier run was delivered, by table. Raises InputError where the folder holds no such run."""
    columns = results_in(folder, f"previous {folder.name}").audit.columns
    return {table: list(names) for table, names in columns.items()}
