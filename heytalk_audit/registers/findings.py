"""The register of findings: who answers for each, until when, and what management says. Only a test closes a finding.

A finding's key is its rule and the reason of its violations (RET-01:contact_kept): it stays the same whatever rows it is about.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ValidationInfo, model_validator

from heytalk_audit.canonical import Strict
from heytalk_audit.registers.reading import Day, Name, Remark, Title, known_rule, read_register, refuse_twice
from heytalk_audit.vocabulary import Severity

EXAMPLE = "params/findings.yaml"
#: Days after the day of the audit by which a finding should be mended, by its rating: what a register that is begun suggests.
DAYS_TO_MEND = {Severity.CRITICAL: 30, Severity.HIGH: 60, Severity.MEDIUM: 90, Severity.LOW: 180}


def suggested_due(severity: Severity, day: dt.date) -> dt.date:
    """The day by which a finding of that rating should be mended; `day` is that of the audit."""
    return day + dt.timedelta(days=DAYS_TO_MEND[severity])


def _key(text: str, info: ValidationInfo) -> str:
    rule, colon, reason = text.partition(":")
    if not colon or not re.fullmatch(r"[a-z0-9_]{1,60}", reason):
        raise ValueError("is no rule and reason; write it as RET-01:contact_kept")
    known_rule(rule, info)
    return text


class Finding(Strict):
    """One finding and what its owner and management state of it; `status` is a statement, and closes nothing.

    `title` tells those who fill in the register what the finding is; the report has its own.
    """

    key: Annotated[str, AfterValidator(_key)]
    title: Title | None = None
    owner: Name | None = None
    due: Day | None = None
    response: Literal["agree", "partly", "disagree"] | None = None
    text: Remark | None = None
    status: Literal["open", "closed"] = "open"

    @property
    def rule(self) -> str:
        """Its rule."""
        return self.key.partition(":")[0]

    @property
    def reason(self) -> str:
        """The reason of its violations."""
        return self.key.partition(":")[2]

    @model_validator(mode="after")
    def _explained(self) -> Finding:
        if self.response in ("partly", "disagree") and self.text is None:
            raise ValueError(f"response {self.response} has no text; say why")
        return self


class FindingsFile(Strict):
    """The register."""

    findings: list[Finding]


def read_findings(path: Path, rules: Collection[str]) -> list[Finding]:
    """The entries of a register's file, in its order; `rules` are the ids that keys may name. Raises InputError, one line."""
    where = f"findings {path.name}"
    entries = read_register(FindingsFile, path, where, EXAMPLE, rules).findings
    refuse_twice((entry.key for entry in entries), f"{where}: findings", "key", "keep one entry per finding")
    return entries
