"""The audit processes personal data too: its own entry for the records of processing, and a short impact assessment, as Markdown.

Both are drafts filled from the parameters, the policy and the contract; what only the controller knows is left as a line to fill in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit import contract, params
from heytalk_audit.canonical import read_json
from heytalk_audit.catalogue import rules_of
from heytalk_audit.disk.placing import move_new, staging
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.custody import KEEP_DAYS
from heytalk_audit.handover.markdown import BLANK, bullets, document, escape, pairs, table
from heytalk_audit.policy import Policy, load_policy
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.delivery import DESCRIPTOR

RECORD, ASSESSMENT = "record-of-processing.md", "impact-assessment.md"
#: Categories of the contract that article 9 or 10 of the GDPR names, or that stand close to it.
SPECIAL = re.compile(r"special|ethnic|religio|health|sexual|politic|union|biometric|criminal|racial", re.IGNORECASE)
#: Categories that the contract gives no single name.
IN_WORDS = {
    "varies": "as each row says",
    "pd:*": "as each row names it",
    "special possible": "free text, in which special categories may occur",
}
RETENTION = (
    ("Snapshot", f"until {KEEP_DAYS} days after the final report, or the end of a regulator's matter; then destroyed, with a certificate"),
    ("Results, pseudonymised exception rows, executed notebooks, report", "6 years, or as the controller's own rule for workpapers says"),
    ("Engagement key", "as long as the audit programme needs it to compare quarters; destroyed with its last workpapers"),
    ("Texts drawn for people to read, and their labels", "destroyed with the snapshot"),
    ("Custody log and certificates of destruction", "with the workpapers"),
)
MEASURES = (
    "The report and the results hold only aggregates and pseudonyms. A pseudonym is keyed (HMAC-SHA-256), and the key is kept separately.",
    "Detectors keep a kind, a place and a confidence, never the value that they found.",
    "A version for a regulator or the public withholds exception rows, and hides small numbers and what would give them away.",
    "The audit needs no network, and changes nothing in the source.",
    "Every file of a run has a digest and can be signed. Changes are detected, and a replay gives the same bytes.",
    "Receipt, access and destruction of the snapshot are logged in a chained custody log.",
    "Findings in free text are candidates that two people read. No measure is taken against a person automatically.",
)
RISKS = (
    (
        "One copy holds all users' data in one place: a leak of the snapshot is a leak of the source",
        "Only the tables and columns that the rules read are delivered; encrypted storage, few people, custody log, early destruction",
    ),
    (
        "Whoever has both the key and the snapshot can resolve pseudonyms to people",
        "The key and the snapshot are held by different people; the key is destroyed with the last workpapers",
    ),
    (
        "A finding reveals something about a person (special category, age, conduct) to readers of the report",
        "Aggregates in the report; no special category beside a pseudonym; small numbers hidden from external readers",
    ),
    (
        "The audit is used to watch users or employees, or to decide about them",
        "Purpose limited to checking promises; exception rows go to the data protection officer; no automated decision",
    ),
    (
        "A wrong or missed finding leads to wrong measures",
        "Cases and planted violations test every rule; unknown and broken are kept apart; two people review samples of texts",
    ),
)
NECESSARY = (
    "Only the records themselves show whether a promise is kept: a sample would miss rare breaches.",
    "Only tables and columns of the contract are read. Tables that the rules of this audit do not need are not delivered.",
    "Free text is read by machine; people see only a random sample, apart from the report.",
    "The copy exists for the audit alone, and is destroyed afterwards.",
)


@dataclass(frozen=True)
class Facts:
    """What the two documents are filled from."""

    parameters: params.Params
    policy: Policy
    snapshot: str
    source: str
    rules: list[str]
    tables: list[str]


def write_records(path: Path, overrides: list[str], out: Path) -> list[str]:
    """Write both documents, or neither; a document that is there already is never overwritten. Raises InputError."""
    facts = _facts_of(path, overrides)
    for name in (RECORD, ASSESSMENT):
        if (out / name).exists() or (out / name).is_symlink():
            raise InputError(f"--out {out.name}", f"holds {name} already", "people fill it in, so it is kept: name another folder")
    documents = {RECORD: record_of_processing(facts), ASSESSMENT: impact_assessment(facts)}
    where = f"--out {out.name}"
    with staging(out / RECORD, where) as work:
        for name, text in documents.items():
            (work / name).write_text(text, "utf-8")
        for name in documents:
            move_new(work / name, out / name, where)
    return list(documents)


def _facts_of(path: Path, overrides: list[str]) -> Facts:
    parameters, base = params.read_params(path, overrides), path.resolve().parent
    policy = load_policy(parameters.policy.name, base)
    settings_of(policy, parameters.settings)
    rules = [rule for chapter in parameters.chapters for rule in rules_of(chapter, parameters.rules)]
    needed = {table for rule in rules for table in RULES[rule].tables} | {"users"}
    if any(RULES[rule].family == "DQ" for rule in rules):
        needed = set(contract.load())  # the evidence is compared table by table
    descriptor = _descriptor(base / parameters.snapshot)
    source = ", from ".join(str(descriptor[key]) for key in ("producer", "source_system") if descriptor.get(key))
    id = str(descriptor.get("snapshot_id") or Path(parameters.snapshot).name)
    return Facts(parameters, policy, id, source, rules, [table for table in contract.load() if table in needed])


def _descriptor(folder: Path) -> dict[str, Any]:
    """The snapshot's descriptor, if it is there already: the documents are written before the data comes."""
    try:
        descriptor = read_json(folder / DESCRIPTOR, f"snapshot {folder.name}/{DESCRIPTOR}")
    except (OSError, ValueError, RecursionError):
        return {}
    return descriptor if isinstance(descriptor, dict) else {}


def categories(tables: list[str]) -> list[tuple[str, list[str]]]:
    """Categories of personal data that the contract names in these tables, and the columns of each."""
    columns: dict[str, list[str]] = {}
    for name in tables:
        for column in contract.load()[name].columns:
            if column.category:
                columns.setdefault(IN_WORDS.get(column.category, column.category), []).append(f"{name}.{column.name}")
    return sorted(columns.items())


def record_of_processing(facts: Facts) -> str:
    """The entry for the records of processing (GDPR, article 30)."""
    columns = [(escape(category), escape(", ".join(names))) for category, names in categories(facts.tables)]
    return document(
        f"Record of processing: {escape(facts.parameters.audit.title)}",
        "Draft entry for the records of processing activities (GDPR, article 30). Lines to fill in are marked with underscores.",
        pairs(_processing(facts)),
        "## Categories of personal data\n\n" + table(["Category", "Columns"], columns),
        "## Time limits for erasure\n\n" + table(["What", "Kept"], RETENTION),
        "## Technical and organisational measures\n\n" + bullets(MEASURES) + f"\n\nMeasures of the place where it runs: {BLANK}",
    )


def _processing(facts: Facts) -> list[tuple[str, str]]:
    audit, source = facts.parameters.audit, f", {escape(facts.source)}" if facts.source else ""
    return [
        ("Processing", f"Privacy audit {escape(audit.id)}"),
        ("Controller, representative, data protection officer", BLANK),
        ("Processor, if another carries out the audit", BLANK),
        ("Purposes", f"To check whether user data is handled as the policy {_policy(facts)} promises, and to report where it is not"),
        ("Legal basis, to be confirmed by counsel", BLANK),
        ("Data subjects", "Users of the service, among them minors; people whom users write about; staff, as actors in access logs"),
        ("Data", f"Snapshot {escape(facts.snapshot)}{source}"),
        ("Areas", ", ".join(CHAPTERS[c].title for c in facts.parameters.chapters) + f" ({len(facts.rules)} rules)"),
        ("Recipients", _audience(facts)),
        ("Transfers to third countries", f"None by the audit itself. Where the engine runs: {_engine(facts)}. {BLANK}"),
    ]


def impact_assessment(facts: Facts) -> str:
    """A short impact assessment (GDPR, article 35)."""
    return document(
        f"Impact assessment: {escape(facts.parameters.audit.title)}",
        "Draft of a short data protection impact assessment of the audit itself (GDPR, article 35). The controller decides.",
        "## What is processed\n\n" + pairs(_processed(facts)),
        "## Why it is necessary and proportionate\n\n" + bullets(NECESSARY),
        "## Risks to people, and measures against them\n\n"
        + table(["Risk", "Measures", "What remains, and who accepts it"], [(*risk, BLANK) for risk in RISKS]),
        "## Time limits\n\n" + table(["What", "Kept"], RETENTION),
        "## Measures\n\n" + bullets(MEASURES),
        "## Consultation and decision\n\n"
        + pairs(
            [
                ("Data protection officer's advice", BLANK),
                ("Views of users or their representatives", BLANK),
                ("Decided by, on", BLANK),
            ]
        ),
    )


def _processed(facts: Facts) -> list[tuple[str, str]]:
    kinds = [category for category, _ in categories(facts.tables)]
    special = ", ".join(escape(category) for category in kinds if SPECIAL.search(category)) or "none by name"
    return [
        ("Audit", escape(facts.parameters.audit.id)),
        ("Policy", _policy(facts)),
        ("Snapshot", escape(facts.snapshot)),
        ("Tables", escape(", ".join(facts.tables))),
        ("Categories of personal data", f"{len(kinds)}; those close to special categories: {special}"),
        ("Special categories within free text", "may occur in whatever users write; detectors count them and keep no value"),
        ("Scale", "the whole population of users at one instant"),
        ("For", _audience(facts)),
        ("Engine", _engine(facts)),
    ]


def _policy(facts: Facts) -> str:
    return f"{escape(facts.policy.title)}, version {escape(facts.policy.version)} (digest {facts.policy.sha256[:16]})"


def _audience(facts: Facts) -> str:
    inside = "The controller's management and data protection officer"
    return f"{inside}; {_reader(facts)} receives a version without exception rows" if _reader(facts) else inside


def _reader(facts: Facts) -> str:
    return {"regulator": "a regulator", "public": "the public"}.get(facts.parameters.report.audience, "")


def _engine(facts: Facts) -> str:
    """What kind of engine: an address may carry a name and a password, so it is left out."""
    url = facts.parameters.engine.url
    return "DuckDB, on one machine" if url == "duckdb" else "Spark, on one machine" if url.startswith("local") else "a Spark cluster"
