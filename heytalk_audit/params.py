"""The parameters file: which audit, of which snapshot, against which policy, for whom; checked before anything begins."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from heytalk_audit.canonical import Strict, read_yaml, refusal
from heytalk_audit.errors import InputError, looked_in, nearest
from heytalk_audit.policy.chapters import CHAPTERS, SUBJECTS
from heytalk_audit.snapshot.budget import refused_option
from heytalk_audit.vocabulary import Audience

#: Below this many bytes a key is refused, and below that many it is weak.
SHORTEST_KEY, STRONG_KEY = 16, 32
#: The demo's key is fixed and published: it protects nobody.
DEMO_KEY = "heytalk-audit-demo-key-which-is-published"
#: The environment variable that holds the engagement key, where none is named.
KEY_ENV = "HEYTALK_AUDIT_KEY"
#: What the kept parameters say of what is kept apart from the run: that there was one.
GIVEN = "given"


def known_audience(name: Any) -> Any:
    """For whom a report is; an unknown one is refused with the nearest known."""
    if name == "external":  # as earlier versions had it
        raise ValueError("unknown audience 'external'; choose regulator or public")
    if name not in list(Audience):
        raise ValueError(f"unknown audience {str(name)[:40]!r}; {nearest(str(name)[:40], Audience)}")
    return name


def one_of(kind: str, names: Collection[str]) -> AfterValidator:
    """Accepts one of some names; an unknown one is refused with the nearest of them. `kind` says what they are names of."""

    def accepted(name: str) -> str:
        if name not in names:
            raise ValueError(f"unknown {kind} {name[:40]!r}; {nearest(name[:40], names)}")
        return name

    return AfterValidator(accepted)


class Role(StrEnum):
    """What a path in the parameters leads to."""

    SNAPSHOT = "snapshot"
    POLICY = "policy"
    POLICY_TEXT = "policy text"
    REGISTER = "register"
    LABELS = "labels"
    EARLIER_RUN = "earlier run"
    EARLIER_SNAPSHOT = "earlier snapshot"
    SIGNING_KEY = "signing key"
    AUDIT = "audit parameters"
    EARLIER_LETTER = "earlier letter"
    TEMPLATE = "template"


@dataclass(frozen=True)
class PathTo:
    """Marks a parameter as a path, relative to the parameters file, and says what it leads to."""

    role: Role


class AuditParams(Strict):
    """Which audit this is."""

    id: Annotated[str, Field(min_length=1, max_length=80)]
    title: Annotated[str, Field(min_length=1, max_length=500)] = "Privacy audit"


class PolicyParams(Strict):
    """The policy under audit: a shipped name or a path; `text` is the published text, if at hand."""

    name: Annotated[str, PathTo(Role.POLICY)] = "heytalk"
    text: Annotated[str | None, PathTo(Role.POLICY_TEXT)] = None


class DeliveryParams(Strict):
    """How the delivery is read: which environment variable holds the key under which the purge log's ids were hashed, if they were."""

    purge_key_env: Annotated[str | None, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = None


class ReportParams(Strict):
    """For whom the report is, and which environment variable holds the engagement key."""

    audience: Annotated[str, BeforeValidator(known_audience)] = "internal"
    key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = KEY_ENV


class SigningParams(Strict):
    """The private key that signs a run's evidence, and the environment variable that holds its passphrase, if it has one."""

    key: Annotated[str | None, PathTo(Role.SIGNING_KEY)] = None
    passphrase_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "HEYTALK_AUDIT_PASSPHRASE"


def known_signer(line: Any) -> Any:
    """A public key as OpenSSH writes it; a comment after it is dropped."""
    words = line.split() if isinstance(line, str) else []
    if len(words) < 2 or words[0] != "ssh-ed25519":
        raise ValueError("is no public key; write ssh-ed25519 AAAA..., as in the .pub file")
    return " ".join(words[:2])


class ResolutionParams(Strict):
    """Who may lead a pseudonym back to a person: the public keys of the data protection officers."""

    keys: list[Annotated[str, BeforeValidator(known_signer)]] = Field(default_factory=list)


class EngineParams(Strict):
    """Where the rules run, and what of the machine the whole audit may use: of DuckDB memory_limit, threads and temp_directory."""

    url: str = "duckdb"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _options(self) -> EngineParams:
        refused = refused_option(self.url, self.options)
        if refused:
            raise ValueError(refused)
        return self

    def duckdb(self, base: Path) -> dict[str, Any]:
        """The options of DuckDB, which also profiles where another engine runs the rules; paths are relative to `base`."""
        options = self.options if self.url == "duckdb" else {}
        folder = options.get("temp_directory")
        if folder is not None and not (base / folder).is_dir():
            raise InputError("engine.options.temp_directory", "is no folder", "make it, or leave it out")
        return options | ({"temp_directory": str((base / folder).resolve())} if folder is not None else {})


Register = Annotated[str | None, PathTo(Role.REGISTER)]


class Params(Strict):
    """A parameters file. Paths are relative to it; those of a command line to the folder where the command runs."""

    audit: AuditParams
    snapshot: Annotated[str, PathTo(Role.SNAPSHOT)]
    engine: Annotated[EngineParams, BeforeValidator(lambda v: {"url": v} if isinstance(v, str) else v)] = EngineParams()
    policy: PolicyParams = PolicyParams()
    delivery: DeliveryParams = DeliveryParams()
    chapters: list[Annotated[str, one_of("chapter", CHAPTERS)]] = Field(default_factory=lambda: list(CHAPTERS))
    rules: list[str] = Field(default_factory=list)
    facts: list[Annotated[str, one_of("fact", SUBJECTS)]] = Field(default_factory=lambda: list(SUBJECTS))
    settings: dict[str, Any] = Field(default_factory=dict)
    accepted: Register = None
    decisions: Register = None
    attestations: Register = None
    processing: Register = None
    incidents: Register = None
    previous: Annotated[str | None, PathTo(Role.EARLIER_RUN)] = None
    previous_snapshot: Annotated[str | None, PathTo(Role.EARLIER_SNAPSHOT)] = None
    findings: Register = None
    labels: Annotated[list[str], PathTo(Role.LABELS)] = Field(default_factory=list)
    report: ReportParams = ReportParams()
    signing: SigningParams = SigningParams()
    resolution: ResolutionParams = ResolutionParams()


def read_params(path: Path, overrides: list[str] | None = None) -> Params:
    """The parameters in a file, with `key.key=value` overrides; unusable ones raise InputError."""
    try:
        document = read_yaml(path, f"parameters {path.name}")
    except FileNotFoundError as error:
        raise InputError(
            f"parameters {path.name}", f"no such file {looked_in(path)}", "name a parameters file, as params/quarterly.yaml"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise InputError(f"parameters {path.name}", "cannot be read as YAML", "mend its syntax") from error
    if not isinstance(document, dict):
        raise InputError(f"parameters {path.name}", "is no mapping", "compare it with params/quarterly.yaml")
    for text in overrides or []:
        _override(document, text)
        _from_here(document, text.partition("=")[0].strip())
    return check(document, path.name)


def check(document: dict[str, Any], where: str) -> Params:
    """A document as parameters."""
    try:
        return Params.model_validate(document)
    except ValidationError as error:
        raise refusal(error, Params, where) from error


@dataclass(frozen=True)
class PathParameter:
    """A parameter that is a path: its place, what it leads to, and the paths that were given there (none, one, several)."""

    key: tuple[str, ...]
    role: Role
    values: tuple[str, ...]


def paths(parameters: Strict, within: tuple[str, ...] = ()) -> list[PathParameter]:
    """The parameters that are paths, in the order of the model, whether or not a file names one."""
    marked: list[PathParameter] = []
    for name, field in type(parameters).model_fields.items():
        value, key = getattr(parameters, name), (*within, name)
        marks = [mark for mark in field.metadata if isinstance(mark, PathTo)]
        if marks:
            values = value if isinstance(value, list) else [value] if value else []
            marked.append(PathParameter(key, marks[0].role, tuple(values)))
        elif isinstance(value, Strict):
            marked += paths(value, key)
    return marked


def path_keys(model: type[Strict] = Params, within: tuple[str, ...] = ()) -> dict[tuple[str, ...], Role]:
    """The keys of parameters that are paths, and what each leads to."""
    keys: dict[tuple[str, ...], Role] = {}
    for name, field in model.model_fields.items():
        keys |= {(*within, name): mark.role for mark in field.metadata if isinstance(mark, PathTo)}
        if isinstance(field.annotation, type) and issubclass(field.annotation, Strict):
            keys |= path_keys(field.annotation, (*within, name))
    return keys


def _from_here(document: dict[str, Any], key: str) -> None:
    """Paths that a command line gives begin in the folder where the command runs; those of the file begin in its own."""
    overridden = tuple(key.split("."))
    for place, role in path_keys().items():
        if place[: len(overridden)] != overridden:
            continue
        value: Any = document
        for step in place:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, list):
            put(document, place, [str(Path.cwd() / one) if isinstance(one, str) else one for one in value])
        elif isinstance(value, str) and (role is not Role.POLICY or Path(value).is_file()):
            put(document, place, str(Path.cwd() / value))


def put(document: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    """Set the value of a parameter in a document."""
    for step in key[:-1]:
        document = document[step]
    document[key[-1]] = value


def absolute(parameters: Params, base: Path) -> dict[str, Any]:
    """The parameters as a document whose paths hold wherever it lies; a policy that is no path stays a name."""
    document = parameters.model_dump(mode="json")
    for path in paths(parameters):
        values = [str((base / value).resolve()) for value in path.values]
        if path.role is Role.LABELS:
            put(document, path.key, values)
        elif values and not (path.role is Role.POLICY and not (base / path.values[0]).exists()):
            put(document, path.key, values[0])
    document["engine"]["options"] |= parameters.engine.duckdb(base)
    return document


def passphrase(signing: SigningParams) -> bytes | None:
    """The passphrase in the environment, if there is one."""
    return os.environb.get(signing.passphrase_env.encode()) or None


#: What says where and with which keys an audit is computed, and nothing of what it says: no run records it, and none obeys another's.
OWN_MEANS: dict[str, Any] = {"engine": True, "signing": True, "report": {"key_env"}}


def own_means(parameters: Params) -> list[str]:
    """Which of them parameters name, beside what they are without."""
    named = {
        "engine": parameters.engine != EngineParams(),
        "signing": parameters.signing.key is not None,
        "report.key_env": parameters.report.key_env != ReportParams().key_env,
        "delivery.purge_key_env": parameters.delivery.purge_key_env not in (None, GIVEN),
    }
    return [name for name, is_named in named.items() if is_named]


def unrecorded(parameters: Params) -> dict[str, Any]:
    """What a run's own copy of the parameters leaves out: the means by which it was computed, and what is empty."""
    return OWN_MEANS | ({} if parameters.resolution.keys else {"resolution": True})


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


def purge_key(variable: str | None) -> bytes | None:
    """The key of the purge log's hashes, from the environment; null where no variable is named. Raises InputError where it is not set."""
    if variable is None:
        return None
    value = os.environb.get(variable.encode(), b"")
    if not value:
        raise InputError(f"delivery.purge_key_env {variable}", "the environment variable is empty or not set", f"export {variable}=...")
    return value


def engagement_key(variable: str, snapshot_id: str = "") -> bytes:
    """The key in the environment; the demo's own where a notebook is opened on a demo snapshot. Raises InputError where it is too short."""
    value = os.environb.get(variable.encode(), b"")
    if not value and snapshot_id.startswith("demo-"):
        return DEMO_KEY.encode()
    if not value:
        raise InputError(f"report.key_env {variable}", "the environment variable is empty or not set", f"export {variable}=...")
    if len(value) < SHORTEST_KEY:
        todo = f"take {STRONG_KEY} random bytes or more, as head -c 32 /dev/urandom | base64 prints them"
        raise InputError(f"report.key_env {variable}", f"the key is shorter than {SHORTEST_KEY} bytes", todo)
    return value
