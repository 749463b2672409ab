"""The parameters file: what an audit is told, checked before anything begins."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from heytalk_audit.chapters import CHAPTERS
from heytalk_audit.detect.scan import KINDS
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.policy import Policy
from heytalk_audit.report.suppress import AUDIENCES


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=False)


def known_zone(name: Any) -> Any:
    """The name of a zone; an unknown one is refused with the nearest known."""
    known = available_timezones()
    if not isinstance(name, str) or name not in known:
        hint = nearest(str(name)[:60], known)
        todo = hint if hint.startswith("did you mean") else "write an IANA name, as Europe/Madrid"
        raise ValueError(f"unknown zone {str(name)[:60]!r}; {todo}")
    ZoneInfo(name)
    return name


def known_audience(name: Any) -> Any:
    """For whom a report is; an unknown one is refused with the nearest known."""
    if name == "external":  # as earlier versions had it
        raise ValueError("unknown audience 'external'; choose regulator or public")
    if name not in AUDIENCES:
        raise ValueError(f"unknown audience {str(name)[:40]!r}; {nearest(str(name)[:40], AUDIENCES)}")
    return name


Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(Strict):
    """Readings and parameters of the rules. What is not given here is as the policy's data says."""

    audit_tz: Annotated[str, BeforeValidator(known_zone)]
    period_from: dt.date | None
    period_to: dt.date | None
    window_allow_list: list[Literal["sensitive", "media", "ad_id", "profile", "posts"]] | None
    k_anonymity: Count
    unknown_limit: Share
    bulk_users: Count
    notice_days: Count
    acceptance_tracking_start: dt.date | None
    picker_is_consent: bool
    policy_min_age: Count | None
    law_min_age: dict[Literal["EEA", "UK", "TR", "US-CA", "CN", "OTHER"], Count]
    birth_share: Share
    birth_repeat: Count
    residue_tables: list[str]
    special_categories: list[str]
    special_fields: list[str]
    template_names: list[str]
    recognition_names: list[str]
    sensitive_kinds: list[Literal[KINDS]]
    high_risk_kinds: list[Literal[KINDS]]
    personal_kinds: list[Literal[KINDS]]
    personal_names: list[str]
    sample_size: Annotated[int, Field(ge=1)]
    sample_seed: Count
    null_like: list[str]
    skew_seconds: Count
    holidays: list[dt.date]
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
    period_start: dt.date | None
    id_document_days: Count
    ad_default_documented: bool
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
    opt_in_columns: list[str]


class AuditParams(Strict):
    """Which audit this is."""

    id: Annotated[str, Field(min_length=1, max_length=80)]
    title: Annotated[str, Field(min_length=1, max_length=200)] = "Privacy audit"


class PolicyParams(Strict):
    """The policy under audit: a shipped name or a path; `text` is the published text, if at hand."""

    name: str = "heytalk"
    text: str | None = None


class ReportParams(Strict):
    """For whom the report is, and which environment variable holds the engagement key."""

    audience: Annotated[str, BeforeValidator(known_audience)] = "internal"
    key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "HEYTALK_AUDIT_KEY"


class SigningParams(Strict):
    """The private key that signs a run's evidence, and the environment variable that holds its passphrase, if it has one."""

    key: str | None = None
    passphrase_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "HEYTALK_AUDIT_PASSPHRASE"


def known_signer(line: Any) -> Any:
    """A public key as OpenSSH writes it; a comment after it is dropped."""
    words = line.split() if isinstance(line, str) else []
    if len(words) < 2 or words[0] != "ssh-ed25519":
        raise ValueError("is no public key; write ssh-ed25519 AAAA..., as in the .pub file")
    return " ".join(words[:2])


class ResolutionParams(Strict):
    """Who may lead a pseudonym back to a person: the public keys of the data protection officers."""

    keys: list[Annotated[str, BeforeValidator(known_signer)]] = []


class EngineParams(Strict):
    """Where the rules run, and the engine's own options."""

    url: str = "duckdb"
    options: dict[str, Any] = {}


class Params(Strict):
    """A parameters file. Paths are relative to it."""

    audit: AuditParams
    snapshot: str
    engine: Annotated[EngineParams, BeforeValidator(lambda v: {"url": v} if isinstance(v, str) else v)] = EngineParams()
    policy: PolicyParams = PolicyParams()
    chapters: list[Literal[tuple(CHAPTERS)]] = list(CHAPTERS)
    rules: list[str] = []
    settings: dict[str, Any] = {}
    accepted: str | None = None
    attestations: str | None = None
    previous: str | None = None
    previous_snapshot: str | None = None
    findings: str | None = None
    labels: list[str] = []
    report: ReportParams = ReportParams()
    signing: SigningParams = SigningParams()
    resolution: ResolutionParams = ResolutionParams()


def read(path: Path, overrides: list[str] | None = None) -> Params:
    """The parameters in a file, with `key.key=value` overrides; unusable ones raise InputError."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"parameters {path.name}", "no such file", "name a parameters file, as params/quarterly.yaml") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise InputError(f"parameters {path.name}", "cannot be read as YAML", "mend its syntax") from error
    if not isinstance(document, dict):
        raise InputError(f"parameters {path.name}", "is no mapping", "compare it with params/quarterly.yaml")
    for text in overrides or []:
        _override(document, text)
    return check(document, path.name)


def check(document: dict[str, Any], where: str) -> Params:
    """A document as parameters."""
    try:
        return Params.model_validate(document)
    except ValidationError as error:
        raise refusal(error, Params, where) from error


def settings_of(policy: Policy, given: dict[str, Any] | None) -> dict[str, Any]:
    """Every setting's value: the policy's defaults under what is given, checked."""
    given = given or {}
    try:
        checked = Settings.model_validate({k: n.value for k, n in policy.settings.items()} | given)
    except ValidationError as error:
        raise refusal(error, Settings, "settings") from error
    values = checked.model_dump()
    if values["period_from"] and values["period_to"] and values["period_from"] >= values["period_to"]:
        raise InputError("settings.period_to", "does not lie after period_from", "period_to is the day after the period's last")
    return values


def passphrase(signing: SigningParams) -> bytes | None:
    """The passphrase in the environment, if there is one."""
    return os.environb.get(signing.passphrase_env.encode()) or None


def unset(given: Params) -> set[str]:
    """Keys that a run's own copy of the parameters leaves out, as nothing is said there."""
    return set() if given.resolution.keys else {"resolution"}


def _override(document: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"-p {text[:60]}", "is no KEY=VALUE", "write -p settings.audit_tz=Asia/Shanghai")
    *path, last = key.strip().split(".")
    place = document
    for step in path:
        if not isinstance(place.get(step), dict):
            place[step] = {"url": place[step]} if step == "engine" and isinstance(place.get(step), str) else {}
        place = place[step]
    try:
        place[last] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"-p {key}", "its value is no YAML, or a day that does not exist", "mend it, or quote it") from error


def refusal(error: ValidationError, model: type[BaseModel], where: str, like: str = "params/quarterly.yaml") -> InputError:
    """The first thing that is wrong, as one line; an unknown key names the nearest known. Entries of a list are counted from 1."""
    first = error.errors()[0]
    path = [str(p + 1 if isinstance(p, int) else p) for p in first["loc"]]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        return InputError(f"{where}: {key[:80]}", "unknown key", nearest(path[-1][:80], _known(model, path[:-1])))
    if first["type"] == "missing":
        return InputError(f"{where}: {key}", "is missing", f"compare with {like}")
    message = first["msg"].removeprefix("Value error, ")
    what, _, todo = message.partition("; ")
    return InputError(f"{where}: {key}", what, todo or "mend the value")


def _known(model: type[BaseModel], path: list[str]) -> list[str]:
    for step in path:
        field = model.model_fields.get(step)
        inner = field.annotation if field else None
        inner = next(iter(get_args(inner)), None) if get_origin(inner) is list else inner
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)
