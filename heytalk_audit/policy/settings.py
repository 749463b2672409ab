"""The settings of the rules, with their types and bounds: parameters of a test, and readings of the policy where it leaves room."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from heytalk_audit.canonical import Strict, refusal
from heytalk_audit.errors import InputError
from heytalk_audit.expressions.calendar import known_zone
from heytalk_audit.policy import Policy
from heytalk_audit.vocabulary import ValueKind

Count = Annotated[int, Field(ge=0)]
Region = Literal["EEA", "UK", "TR", "US-CA", "CN", "OTHER"]
Share = Annotated[float, Field(ge=0, le=1)]
#: A share of rows that may be undecided, excused or left out of a PASS.
Limit = Annotated[float, Field(ge=0, le=0.05)]


class Settings(Strict):
    """All settings. The defaults are in the policy's data; what each means stands there too."""

    audit_tz: Annotated[str, BeforeValidator(known_zone)]
    period_from: dt.date | None
    period_to: dt.date | None
    window_allow_list: list[Literal["sensitive", "media", "ad_id", "profile", "posts", "chat"]] | None
    k_anonymity: Count
    unknown_limit: Limit
    exempt_limit: Limit
    test_share: Limit
    accepted_months: Annotated[int, Field(ge=1, le=12)]
    accepted_share: Annotated[float, Field(ge=0, le=0.01)]
    decision_months: Annotated[int, Field(ge=1, le=12)]
    decision_share: Annotated[float, Field(ge=0, le=0.01)]
    decision_rows: Annotated[int, Field(ge=0, le=50)]
    bulk_users: Count
    notice_days: Count
    acceptance_tracking_start: dt.date | None
    picker_is_consent: bool
    policy_min_age: Count | None
    law_min_age: dict[Region, Count]
    birth_share: Share
    birth_repeat: Count
    residue_tables: list[str]
    hide_hours: Count
    withdrawal_hours: Count
    hold_days: Count
    hold_review_months: Count
    hold_group: Count
    hold_group_share: Share
    scope_wide_tables: Annotated[int, Field(ge=1)]
    record_months: Count
    bulk_time_share: Share
    placeholders: list[str]
    placeholders_other: list[str]
    special_terms: list[str]
    ordinary_terms: list[str]
    special_fields: list[str]
    ambiguous_fields: list[str]
    template_names: list[str]
    recognition_names: list[str]
    sensitive_kinds: list[ValueKind]
    high_risk_kinds: list[ValueKind]
    personal_kinds: list[ValueKind]
    personal_names: list[str]
    birth_names: list[str]
    person_words: list[str]
    measure_words: list[str]
    sample_size: Annotated[int, Field(ge=1)]
    sample_seed: Count
    null_like: list[str]
    skew_seconds: Count
    holidays: list[dt.date] | dict[Region, list[dt.date]]
    unlisted_holidays_days: Count
    long_holidays_days: Count
    centroid_users: Count
    uninstall_allowance_h: Count
    deleted_allowance_h: Count
    mod_sla_h: Count
    mod_removal_h: Count
    ad_id_declared_for: list[str]
    opt_out_business_days: Count
    erasure_app_h: Count
    identity_prompt_days: Count
    ccpa_days: Count
    kvkk_days: Count
    pipl_days: Count
    pipl_working_days: Count
    other_days: Count
    same_request_days: Count
    id_document_days: Count
    ad_default_documented: bool
    analytics_purposes: list[str]
    objection_allowance_h: Count
    role_tables: dict[str, list[str]]
    reference_tables: list[str]
    training_months: Count
    training_start_days: Count
    gateway_hosts: list[str]
    recipient_notice_days: Count
    floating_window_events: list[str]
    secret_names: list[str]
    encrypted_columns: list[str]
    leak_topics: list[str]
    leak_phrases: list[str]
    opt_in_columns: list[str]
    support_untouched: Count
    withdrawal_queue: Count
    oldest: Count
    prize_unclaimed: Count
    ban: Count
    restore_ticket: Count
    unstated: Count
    traffic_calendar: Annotated[int, Field(ge=1)]
    low_traffic: Share
    clock_skew: Count
    register_before: Count
    register_after: Count
    leak_triage: Count
    digest_share: Share
    freshness: Count


def settings_of(policy: Policy, overrides: dict[str, Any] | None) -> dict[str, Any]:
    """The value of every setting, checked: the policy's defaults, replaced by the overrides. Raises InputError."""
    defaults = {name: number.value for name, number in policy.settings.items()}
    try:
        checked = Settings.model_validate(defaults | (overrides or {}))
    except ValidationError as error:
        raise refusal(error, Settings, "settings") from error
    values = checked.model_dump()
    if values["period_from"] and values["period_to"] and values["period_from"] >= values["period_to"]:
        raise InputError("settings.period_to", "does not lie after period_from", "period_to is the day after the period's last")
    return values
