"""The demo's tables: key, prefix of ids, and what a row has where a story doesn't say."""

from __future__ import annotations

import datetime as dt
from typing import Any

KEYS = {
    "users": "user_id",
    "subscriptions": "subscription_id",
    "consents": "consent_id",
    "profile_attributes": "attribute_id",
    "outbound_messages": "message_id",
    "retention_exceptions": "exception_id",
    "content_items": "content_id",
    "traffic_events": "event_id",
    "devices": "device_id",
    "permission_events": "event_id",
    "support_tickets": "ticket_id",
    "rights_requests": "request_id",
    "disclosures": "disclosure_id",
    "vendors": "vendor_id",
    "purge_log": "purge_id",
    "transactions": "receipt_id",
    "promotion_entries": "entry_id",
    "social_accounts": "link_id",
    "policy_versions": "policy_version",
    "staff": "staff_id",
    "staff_access_log": "access_id",
}
PREFIX = {table: "".join(word[0] for word in table.split("_")) + table[1] for table in KEYS} | {"users": "u"}
#: A callable is asked for a value, with the world as it is.
DEFAULTS: dict[str, dict[str, Any]] = {
    "users": {
        "status": "active",
        # nobody signs up in the same second as somebody else
        "created_at": lambda w: w.ago(700) - dt.timedelta(seconds=w.serial % 86_400),
        "last_contact_at": lambda w: w.about(3),
        "last_interactive_at": lambda w: w.about(3),
        "profile_visibility": "hidden",
        "law_region": "EEA",
        "geo_source": "ip",
        "credential_format": "argon2id",
        "is_test": False,
    },
    "subscriptions": {"kind": "paid", "status": "active", "start_at": lambda w: w.ago(200)},
    "consents": {
        "purpose": "analytics",
        "action": "grant",
        "event_at": lambda w: w.ago(100),
        "explicit": True,
        "method": "in_app",
    },
    "profile_attributes": {
        "name": "bio",
        "category": "pd:Interest",
        "value": "chess",
        "source": "user",
        "visibility": "private",
        "created_at": lambda w: w.ago(300),
    },
    "outbound_messages": {"channel": "email", "category": "service", "status": "delivered", "sent_at": lambda w: w.ago(20)},
    "retention_exceptions": {
        "type": "legal_hold",
        "reason_code": "litigation",
        # a matter that very many people's entries name is a finding
        "reference": lambda w: f"M-2024-{w.serial}",
        "scope": "users",
        "owner": "legal",
        "started_at": lambda w: w.ago(150),
    },
    "content_items": {
        "kind": "post",
        "visibility": "private",
        "capture_source": "none",
        "created_at": lambda w: w.ago(120),
        "moderation_decision": "approved",
    },
    "traffic_events": {"event_type": "api", "event_at": lambda w: w.ago(10), "ip": "203.0.113.9"},
    "devices": {"platform": "android", "first_seen_at": lambda w: w.ago(200)},
    "permission_events": {"permission": "camera", "action": "granted", "event_at": lambda w: w.ago(90)},
    "support_tickets": {"topic": "account", "opened_at": lambda w: w.ago(60), "text": "Please help me with my account."},
    "rights_requests": {
        "kind": "access",
        "channel": "app",
        "received_at": lambda w: w.ago(40),
        "answered_at": lambda w: w.ago(30),
        "outcome": "done",
        "third_party_content": False,
        "id_document_held": False,
    },
    "disclosures": {
        "kind": "processor",
        "purpose": "realtime_messaging",
        "fields": ["user_id"],
        "identifier_form": "plain",
        "sent_at": lambda w: w.ago(15),
        "vendor_id": "rong_cloud",
    },
    "vendors": {"role": "processor"},
    "purge_log": {"table_name": "users", "method": "delete", "rows": 1, "purged_at": lambda w: w.ago(30), "trigger": "schedule"},
    "transactions": {
        "receipt_id": lambda w: f"4600{w.serial:08d}",
        "store": "app_store",
        "purchased_at": lambda w: w.ago(200),
    },
    "promotion_entries": {"payout_details_held": False},
    "social_accounts": {"provider": "google", "fields_received": ["openid"], "linked_at": lambda w: w.ago(200)},
    "policy_versions": {"sha256": "0" * 64, "material": True, "language": "en"},
    "staff": {"role": "support"},
    "staff_access_log": {
        "staff_id": "staff-0",
        "table_name": "support_tickets",
        "purpose_ref": "T-2093",
        "accessed_at": lambda w: w.ago(9),
    },
}
#: The defaults that are always the same, and those that are computed.
CONSTANT = {table: {name: value for name, value in values.items() if not callable(value)} for table, values in DEFAULTS.items()}
COMPUTED = {table: [(name, value) for name, value in values.items() if callable(value)] for table, values in DEFAULTS.items()}
