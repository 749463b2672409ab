"""The audit processes personal data too: its own entry for the records of processing, and a short impact assessment, as Markdown.

Both are drafts filled from the parameters, the policy and the contract; what only the controller knows is left as a line to fill in.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heytalk_audit import contract, params
from heytalk_audit.catalogue import rules_of
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.custody import KEEP_DAYS
from heytalk_audit.policy import Policy, load
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.delivery import DESCRIPTOR

RECORD, ASSESSMENT = "record-of-processing.md", "impact-assessment.md"
#: Categories of the contract that article 9 or 10 of the GDPR names, or that stand close to it.
SPECIAL = re.compile(r"special|ethnic|religio|health|sexual|politic|union|biometric|criminal|racial", re.IGNORECASE)
#: Categories that the contract gives no single name.
SAID = {
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
    "The report and the results hold aggregates and pseudonyms alone; a pseudonym is keyed (HMAC-SHA-256), and the key is kept apart.",
    "Detectors keep a kind, a place and a confidence, never the value that they found.",
    "A version for a regulator or the public withholds exception rows, and hides small numbers and what would give them away.",
    "The audit needs no network, and changes nothing in the source.",
    "Every file of a run is under a digest, and can be signed; changes are found, and a replay gives the same bytes.",
    "Receipt, access and destruction of the snapshot are logged in a chained custody log.",
    "Findings in free text are candidates: people decide, and no measure is taken against a person by machine.",
)
RISKS = (
    (
        "One copy holds all users' data in one place: a leak of the snapshot is a leak of the source",
        "Only the tables and columns that the rules read are delivered; encrypted storage, few people, custody log, early destruction",
    ),
    (
        "Pseudonyms are led back to people by whoever has both key and snapshot",
        "The key is held by another person than the snapshot's keeper; destroyed with the last workpapers",
    ),
    (
        "A finding reveals something of a person (special category, age, conduct) to those who read the report",
        "Aggregates in the report; no special category beside a pseudonym; small numbers hidden from external readers",
    ),
    (
        "The audit is used to watch users or employees, or to decide about them",
        "Purpose limited to checking promises; exception rows go to the data protection officer; no automated decision",
    ),
    (
        "A wrong finding, or one that is missed, leads to wrong measures",
        "Cases and planted violations test every rule; unknown is told apart from broken; two people review samples of texts",
    ),
)


@dataclass(frozen=True)
class Known:
    """What the two documents are filled from."""

    given: params.Params
    policy: Policy
    snapshot: str
    source: str
    rules: list[str]
    tables: list[str]


def write_records(path: Path, overrides: list[str], out: Path) -> list[str]:
    """Write both documents, or neither; a document that is there already is never overwritten. Raises InputError."""
    known = _known(path, overrides)
    for name in (RECORD, ASSESSMENT):
        if (out / name).exists() or (out / name).is_symlink():
            raise InputError(f"--out {out.name}", f"holds {name} already", "people fill it in, so it is kept: name another folder")
    made = {RECORD: record(known), ASSESSMENT: assessment(known)}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".record-") as work:
        for name, text in made.items():
            (Path(work) / name).write_text(text, "utf-8")
        for name in made:
            os.replace(Path(work) / name, out / name)
    return list(made)


def _known(path: Path, overrides: list[str]) -> Known:
    given, base = params.read(path, overrides), path.resolve().parent
    policy = load(given.policy.name, base)
    settings_of(policy, given.settings)
    rules = [r for chapter in given.chapters for r in rules_of(chapter, given.rules)]
    needed = {t for r in rules for t in RULES[r].tables} | {"users"}
    if any(RULES[r].family == "DQ" for r in rules):
        needed = set(contract.load())  # the evidence is compared table by table
    said = _descriptor(base / given.snapshot)
    source = ", from ".join(str(said[k]) for k in ("producer", "source_system") if said.get(k))
    id = str(said.get("snapshot_id") or Path(given.snapshot).name)
    return Known(given, policy, id, source, rules, [t for t in contract.load() if t in needed])


def _descriptor(folder: Path) -> dict[str, Any]:
    """The snapshot's descriptor, if it is there already: the documents are written before the data comes."""
    try:
        said = json.loads((folder / DESCRIPTOR).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def escape(text: object) -> str:
    """Text that Markdown shows as it is, on one line: no markup, link, image, table cell or HTML comes of it."""
    bare = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    bare = re.sub(r"([\\`*_{}\[\]()<>#+!|~&:@=$\"'^/])", r"\\\1", bare)
    return re.sub(r"(?i)\bwww\.", r"www\\.", bare)


def categories(tables: list[str]) -> list[tuple[str, list[str]]]:
    """Categories of personal data that the contract names in these tables, and the columns of each."""
    found: dict[str, list[str]] = {}
    for name in tables:
        for column in contract.load()[name].columns:
            if column.category:
                found.setdefault(SAID.get(column.category, column.category), []).append(f"{name}.{column.name}")
    return sorted(found.items())


def record(known: Known) -> str:
    """The entry for the records of processing (GDPR, article 30)."""
    kinds = categories(known.tables)
    return _document(
        f"Record of processing: {escape(known.given.audit.title)}",
        "Draft entry for the records of processing activities (GDPR, article 30). Lines to fill in are marked with underscores.",
        _facts(
            [
                ("Processing", f"Privacy audit {escape(known.given.audit.id)}"),
                ("Controller, representative, data protection officer", _line()),
                ("Processor, if another carries out the audit", _line()),
                ("Purposes", f"To check whether user data is handled as the policy {_policy(known)} promises, and to report what is not"),
                ("Legal basis, to be confirmed by counsel", _line()),
                (
                    "Data subjects",
                    "Users of the service, among them minors; people whom users write about; staff, as actors in access logs",
                ),
                ("Data", f"Snapshot {escape(known.snapshot)}" + (f", {escape(known.source)}" if known.source else "")),
                ("Areas", ", ".join(CHAPTERS[c].title for c in known.given.chapters) + f" ({len(known.rules)} rules)"),
                ("Recipients", _audience(known)),
                ("Transfers to third countries", f"None by the audit itself. Where the engine runs: {_engine(known)}. {_line()}"),
            ]
        ),
        "## Categories of personal data\n\n" + _table(["Category", "Columns"], [(escape(k), escape(", ".join(v))) for k, v in kinds]),
        "## Time limits for erasure\n\n" + _table(["What", "Kept"], RETENTION),
        "## Technical and organisational measures\n\n" + _bullets(MEASURES) + f"\n\nMeasures of the place where it runs: {_line()}",
    )


def assessment(known: Known) -> str:
    """A short impact assessment (GDPR, article 35)."""
    kinds = [k for k, _ in categories(known.tables)]
    special = [k for k in kinds if SPECIAL.search(k)]
    told = ", ".join(map(escape, special)) or "none by name"
    return _document(
        f"Impact assessment: {escape(known.given.audit.title)}",
        "Draft of a short data protection impact assessment of the audit itself (GDPR, article 35). The controller decides.",
        "## What is processed\n\n"
        + _facts(
            [
                ("Audit", escape(known.given.audit.id)),
                ("Policy", _policy(known)),
                ("Snapshot", escape(known.snapshot)),
                ("Tables", escape(", ".join(known.tables))),
                ("Categories of personal data", f"{len(kinds)}; those close to special categories: {told}"),
                ("Special categories within free text", "may occur in whatever users write; detectors count them and keep no value"),
                ("Scale", "the whole population of users at one instant"),
                ("For", _audience(known)),
                ("Engine", _engine(known)),
            ]
        ),
        "## Why it is necessary, and proportionate\n\n"
        + _bullets(
            (
                "Whether a promise is kept can only be seen in the records that it is about: a sample would miss rare breaches.",
                "Only tables and columns of the contract are read; what the rules of this audit do not need need not be delivered.",
                "Free text is read by machine; people see only a random sample, apart from the report.",
                "The copy exists for the audit alone, and is destroyed afterwards.",
            )
        ),
        "## Risks to people, and what meets them\n\n"
        + _table(["Risk", "Measures", "What remains, and who accepts it"], [(*pair, "____") for pair in RISKS]),
        "## Time limits\n\n" + _table(["What", "Kept"], RETENTION),
        "## Measures\n\n" + _bullets(MEASURES),
        "## Consulted, and decided\n\n"
        + _facts(
            [
                ("Data protection officer's advice", _line()),
                ("Views of users or their representatives", _line()),
                ("Decided by, on", _line()),
            ]
        ),
    )


def _policy(known: Known) -> str:
    return f"{escape(known.policy.title)}, version {escape(known.policy.version)} (digest {known.policy.sha256[:16]})"


def _audience(known: Known) -> str:
    inside = "The controller's management and data protection officer"
    return f"{inside}; {_reader(known)} receives a version without exception rows" if _reader(known) else inside


def _reader(known: Known) -> str:
    return {"regulator": "a regulator", "public": "the public"}.get(known.given.report.audience, "")


def _engine(known: Known) -> str:
    """What kind of engine: an address may carry a name and a password, so it is left out."""
    url = known.given.engine.url
    return "DuckDB, on one machine" if url == "duckdb" else "Spark, on one machine" if url.startswith("local") else "a Spark cluster"


def _line() -> str:
    return "____"


def _document(title: str, note: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", note, *parts]) + "\n"


def _facts(pairs: list[tuple[str, str]]) -> str:
    return _table(["", ""], pairs)


def _table(heads: list[str], rows: Any) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _bullets(items: tuple[str, ...]) -> str:
    return "\n".join(f"* {item}" for item in items)
