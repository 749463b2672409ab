"""What an audit was: everything that its results depend on, for covers and `results.json`."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from heytalk_audit import __version__
from heytalk_audit.audit import disclosure
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.delivered import DeliveredTable, Totals
from heytalk_audit.audit.document import AuditDescription
from heytalk_audit.audit.pseudonym import key_check
from heytalk_audit.canonical import code_digest
from heytalk_audit.policy.view import audit_period
from heytalk_audit.snapshot.gate import columns_of
from heytalk_audit.snapshot.own_names import plain_names
from heytalk_audit.snapshot.profile import iso
from heytalk_audit.vocabulary import Audience


def describe(audit: Audit, id: str, title: str, audience: str, key: bytes, partial: str | None = None) -> AuditDescription:
    """What the audit was: everything that its results depend on, and nothing of the machine it ran on.

    `partial` says how many of all rules were chosen, where not all were.
    """
    start, end = audit_period(audit.clock, audit.settings["period_from"], audit.settings["period_to"])
    changed = {name: value for name, value in audit.settings.items() if value != audit.policy.settings[name].value}
    return AuditDescription.model_validate(
        {
            "id": id,
            "title": title,
            "partial": partial,
            "as_of": iso(audit.clock.as_of),
            "audit_tz": audit.clock.zone,
            "period": {"from": start.isoformat(), "to": (end - dt.timedelta(days=1)).isoformat()},
            "snapshot": _snapshot(audit, audience),
            "policy": _policy(audit),
            "tool": {"name": "heytalk-audit", "version": __version__, "code_sha256": code_digest()},
            "key_check": key_check(key),
            "audience": audience,
            "columns": plain_names(columns_of(audit.snapshot.profile, audit.snapshot.unknown)),
            "settings": json.loads(json.dumps(dict(audit.settings), default=str)),
            "settings_changed": json.loads(json.dumps(changed, default=str)),
            "suppression": disclosure.suppression_statement(audience),
        }
    )


def _snapshot(audit: Audit, audience: str) -> dict[str, Any]:
    descriptor = audit.snapshot.delivery.descriptor
    return {
        "id": audit.snapshot.id,
        "sha256": snapshot_digest(audit),
        "extracted_at": descriptor.get("extracted_at"),
        "producer": descriptor.get("producer") if audience != Audience.PUBLIC else None,
        "source_system": descriptor.get("source_system"),
    }


def _policy(audit: Audit) -> dict[str, Any]:
    policy = audit.policy
    return {
        "name": policy.name,
        "title": policy.title,
        "version": policy.version,
        "sha256": policy.sha256,
        "text_sha256": policy.text_sha256,
        "text_compared": audit.drift is not None,
        "periods": {n.name: {k: getattr(n, k) for k in ("value", "unit", "clause", "origin")} for n in policy.periods.values()},
    }


def snapshot_digest(audit: Audit) -> str:
    """SHA-256 over the sorted lines "hash  table" of what was delivered."""
    lines = sorted(f"{profiled['hash']}  {name}\n" for name, profiled in audit.snapshot.profile.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def delivered_tables(audit: Audit) -> list[DeliveredTable]:
    """Each delivered table, with its totals as counted, as the descriptor declares them, and as counted in the source."""
    delivery, tables = audit.snapshot.delivery, []
    for name, profiled in audit.snapshot.profile.items():
        resource = delivery.resource(name)
        tables.append(
            DeliveredTable(
                name=name,
                counted=_totals(profiled),
                declared=_totals(resource),
                source=_totals(delivery.source_totals(name)),
                window_start=resource.get("window_start"),
                window_end=resource.get("window_end"),
                filtered=bool(str(resource.get("filter") or "").strip()),
                blocked=audit.blocked.get(name),
            )
        )
    return tables


def _totals(stated: Mapping[str, Any]) -> Totals:
    return Totals(**{field.name: stated.get(field.name) for field in fields(Totals)})
