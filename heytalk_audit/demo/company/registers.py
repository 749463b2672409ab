"""The parameters of each quarter's audit, and the registers that the company's people have filled in by then. These people do not exist."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import yaml

from heytalk_audit.demo.company.history import DAY, instants, quarter_name

Register = list[dict[str, Any]]
ORDINALS = ("first", "second", "third", "fourth")
COUNSEL, RELEASES, SECURITY = "Ines Marquez", "Tomas Lindqvist", "Adaeze Obi"
ABOUT = {
    "accepted": "Violations that management answers for, for a while.",
    "attestations": "What people attest of the clauses that no data can test.",
    "decisions": "What two people decided of rows that a machine left for review.",
    "findings": "Who answers for each finding of the audits before.",
}


def parameters_and_registers(ends: Sequence[dt.datetime], end: dt.datetime) -> dict[str, str]:
    """The files of the folder of parameters, by name: for each snapshot at `ends` of the history up to `end`."""
    history, files = [at.date() for at in instants(end)], {}
    for at, earlier in zip(ends, [None, *map(quarter_name, ends)], strict=False):
        name, place = quarter_name(at), history.index(at.date())
        filled_in = {
            "accepted": accepted(history) if place else [],
            "attestations": attestations(history, at.date()),
            "decisions": decisions(history, place),
            "findings": findings(history, place),
        }
        kept = {kind: entries for kind, entries in filled_in.items() if entries}
        files[f"{name}.yaml"] = parameters(at, list(kept), earlier)
        for kind, entries in kept.items():
            files[f"{name}.{kind}.yaml"] = f"# {ABOUT[kind]} The demo's: these people do not exist.\n{as_yaml({kind: entries})}"
    return files


def as_yaml(document: dict[str, Any]) -> str:
    """A document as YAML, its keys in their order."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def parameters(at: dt.datetime, registers: Sequence[str], earlier: str | None) -> str:
    """The parameters file of one quarter's audit; it names the earlier audit in a remark, as that may not have been run."""
    name = quarter_name(at)
    lines = [
        f"# The audit of {name}: heytalk-audit run {name}.yaml writes ../reports/{name}. The demo's key is published: see story.md.",
        f'audit: {{id: {name}, title: "Quarterly audit, {ORDINALS[(at.month - 1) // 3]} quarter of {at.year}"}}',
        f"snapshot: ../{name}",
        *(f"{kind}: {name}.{kind}.yaml" for kind in registers),
    ]
    if earlier:
        lines.append(f"# previous: ../reports/{earlier}       # once {earlier} is audited: its run is followed up")
        lines.append(f"# previous_snapshot: ../{earlier}")
    return "\n".join(lines) + "\n"


def accepted(days: Sequence[dt.date]) -> Register:
    """Bundled consent is accepted after the first audit, until everybody is asked anew."""
    entry = {
        "id": "AE-1",
        "rule": "CON-04",
        "scope": {"segment": {"reason": "bundled"}},
        "legal_ground": "GDPR 7(2); asked anew at the next start of the app",
        "reason": "A form that is gone took consent to a newsletter of partners together with the terms. Nothing is sent on it meanwhile.",
        "owner": RELEASES,
        "approver": COUNSEL,
        "register_date": days[0] + 16 * DAY,
        "start": days[0] + 20 * DAY,
        "expiry": days[2] + 90 * DAY,
        "cap": 12,
    }
    return [entry]


def attestations(days: Sequence[dt.date], today: dt.date) -> Register:
    """What was attested by a day; the officer's appointment runs out in the last quarter."""
    rows: Register = [
        statement("CL-005", COUNSEL, "general counsel", "One company decides how the data is processed.", days[0] - 40 * DAY, 365),
        statement("CL-006", COUNSEL, "general counsel", "An officer is appointed, and answers within a week.", days[2] - 425 * DAY, 364),
        statement("CL-087", SECURITY, "head of security", "An outside firm tested the services against attack.", days[0] - 20 * DAY, 365),
        statement("CL-138", COUNSEL, "general counsel", "Every provider is bound to documented instructions.", days[1] - 9 * DAY, 365),
        statement("CL-067", RELEASES, "release manager", "The link led to the vendor's policy in each language.", days[2] - 7 * DAY, 90),
        statement("CL-076", RELEASES, "release manager", "The link led to the vendor's policy in each language.", days[2] - 7 * DAY, 90),
    ]
    return [row for row in rows if row["date"] <= today]


def statement(clause: str, who: str, role: str, what: str, day: dt.date, holds: int) -> dict[str, Any]:
    """One attestation, on a document of the demo, that holds for so many days."""
    document = f"{clause.lower()}-{day.isoformat()}.pdf"
    evidence = {"name": document, "sha256": hashlib.sha256(document.encode()).hexdigest()}
    return {"clause": clause, "who": who, "role": role, "what": what, "date": day, "evidence": evidence, "expires": day + holds * DAY}


def decisions(days: Sequence[dt.date], place: int) -> Register:
    """What was decided after each audit up to that at `place`."""
    rows = [
        (0, "RET-16", "no_stated_period", "The board has ordered a period for each of these tables.", 8),
        (0, "SEC-08", "free_text_delivered", "The company and the auditor agreed in writing on both columns.", 2),
        (0, "SHA-13", "transfer_with_tool", "Standard contractual clauses are signed and on file for these vendors.", 3),
    ]
    return [
        {
            "id": f"D-{number}",
            "rule": rule,
            "scope": {"reason": reason},
            "decision": "no_breach",
            "ground": ground,
            "decided_by": RELEASES,
            "confirmed_by": COUNSEL,
            "decided_on": days[quarter] + 8 * DAY,
            "max_rows": most,
        }
        for number, (quarter, rule, reason, ground, most) in enumerate(rows, 1)
        if quarter <= place
    ]


def findings(days: Sequence[dt.date], place: int) -> Register:
    """Who answers for the findings of the audits before the one at `place`. That Admost's contract is closed is stated, and not so."""
    rows: list[tuple[int, str, str, str, str, int]] = [
        (1, "SEC-05:unencrypted_scheme", RELEASES, "The addresses of the old uploader are rewritten in January.", "open", 2),
        (1, "CON-04:bundled", RELEASES, "Everybody concerned is asked anew at the next start of the app.", "open", 3),
        (1, "SHA-09:contract_expired", COUNSEL, "The contract with Admost was renewed.", "closed", 3),
        (2, "SEC-04:training_expired", SECURITY, "The training was made good in January.", "closed", 3),
    ]
    entries: Register = []
    for since, key, owner, text, status, closed in rows:
        if since <= place:
            due = days[since - 1] + 90 * DAY
            now = "closed" if place >= closed else status
            entries.append({"key": key, "owner": owner, "due": due, "response": "agree", "text": text, "status": now})
    return entries
