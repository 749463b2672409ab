"""The policy as data: clauses, periods with their origin, settings, texts of the rules and findings on the document.

A policy is a folder with a `policy.yaml`; those shipped with the package go by their folder's name.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from heytalk_audit.canonical import parse_yaml, read_yaml
from heytalk_audit.errors import InputError
from heytalk_audit.policy import declared as declarations
from heytalk_audit.policy.declared import Declared

UNITS = ("years", "months", "days", "hours", "seconds", "of the daily mean", "of the ids")
#: Units of shares, which are no whole numbers.
SHARES = UNITS[-2:]
ORIGINS = ("policy", "law", "assumption")
SHIPPED = Path(str(files(__name__)))
#: What the files of the shipped policy are called.
_SHIPPED_FILES = {
    "clauses": "clauses.csv",
    "rules": "rules.yaml",
    "findings": "findings.csv",
    "declared": "declared.yaml",
    "terms": "dpv_pd_terms.csv",
    "calling_codes": "calling_codes.csv",
    "reasons": "reasons.yaml",
    "frameworks": "frameworks.yaml",
}


@dataclass(frozen=True)
class Number:
    """A number that a rule reads: its value and unit, the clause that it comes from or serves, and its origin."""

    name: str
    value: Any
    unit: str
    clause: str | None
    origin: str  # one of ORIGINS
    means: str = ""


@dataclass(frozen=True)
class Clause:
    """A commitment or fact of the policy; `kind` is D (testable on data), A (attested) or N (no commitment).

    `rules` test it or touch it; the `primary` ones among them test this very sentence.
    """

    id: str
    section: str
    line: int
    kind: str
    paraphrase: str
    anchor: str
    rules: tuple[str, ...]
    sentence_sha256: str
    primary: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """What a reason's code says, in a sentence, and what a person does next who has to decide such a row, where there is anything."""

    says: str
    next: str | None = None


@dataclass(frozen=True)
class Framework:
    """A framework that compliance officers sort rules by: its name, its edition, and its ids with short titles in our own words."""

    name: str
    edition: str
    ids: dict[str, str]


@dataclass(frozen=True)
class Policy:
    """One version of a policy. `files` are what it was read from, for the digest."""

    name: str
    title: str
    version: str
    text_sha256: str
    periods: dict[str, Number]
    settings: dict[str, Number]
    clauses: dict[str, Clause]
    rules: dict[str, dict[str, Any]]
    phrases: dict[str, str]  # what several rules' methods say in the same words
    findings: tuple[dict[str, str], ...]
    declared: Declared
    calling_codes: dict[str, tuple[str, str]]  # by country (ISO 3166): what its telephone numbers begin with abroad, and at home
    reasons: dict[str, Reason] = field(repr=False, default_factory=dict)
    frameworks: dict[str, Framework] = field(repr=False, default_factory=dict)
    files: tuple[Path, ...] = field(repr=False, default=())

    @cached_property
    def sha256(self) -> str:
        """Digest over the policy's files, in a fixed order."""
        lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in self.files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def load_policy(name: str = "heytalk", base: Path | None = None) -> Policy:
    """The policy of that name, or at that path (a `policy.yaml` or its folder), relative to `base`. Raises InputError.

    Files that a policy at a path does not bring (clauses, texts of the rules, findings, declared data) come from the shipped one.
    """
    if name in shipped_policies():
        return _shipped(name)
    home = (base or Path()) / name
    return _read(name, home / "policy.yaml" if home.is_dir() else home)


def shipped_policies() -> list[str]:
    """The names of the policies that come with the package."""
    return sorted(p.name for p in SHIPPED.iterdir() if (p / "policy.yaml").exists())


@cache
def _shipped(name: str) -> Policy:
    """A policy of the package, read once: its files stay as they are while a process runs."""
    return _read(name, SHIPPED / name / "policy.yaml")


def _read(name: str, path: Path) -> Policy:
    try:
        document = _document(path)
    except (OSError, UnicodeDecodeError) as error:
        todo = f"name a shipped policy ({', '.join(shipped_policies())}) or a policy.yaml"
        raise InputError(f"policy.name {name}", "cannot be read", todo) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(path.name, "is not YAML", "mend its syntax") from error
    try:
        return _build(path, document)
    except (KeyError, TypeError, AttributeError, ValueError, OSError, csv.Error, yaml.YAMLError, RecursionError) as error:
        raise InputError(path.name, f"lacks or misstates {error}", "compare it with the shipped policy.yaml") from error


def _document(path: Path) -> Any:
    """A YAML file of a policy; what comes with the package needs no bounds."""
    return parse_yaml(path.read_text("utf-8")) if SHIPPED in path.parents else read_yaml(path, path.name)


def _build(path: Path, document: dict[str, Any]) -> Policy:
    parts = {kind: _companion(path.parent, document, kind) for kind in _SHIPPED_FILES}
    shipped = {} if path.parent == SHIPPED / "heytalk" else parse_yaml((SHIPPED / "heytalk" / "policy.yaml").read_text("utf-8"))
    periods = {**shipped.get("periods", {}), **document.get("periods", {})}
    settings = {**shipped.get("settings", {}), **document.get("settings", {})}
    return Policy(
        name=document["name"],
        title=document["title"],
        version=str(document["version"]),
        text_sha256=document["text_sha256"],
        periods={name: _period(name, spec) for name, spec in periods.items()},
        settings={name: _setting(name, spec, read_csv(parts["terms"])) for name, spec in settings.items()},
        clauses={c.id: c for c in map(_clause, read_csv(parts["clauses"]))},
        rules=_document(parts["rules"]),
        phrases={**shipped.get("phrases", {}), **document.get("phrases", {})},
        findings=tuple(read_csv(parts["findings"])),
        declared=declarations.build(_document(parts["declared"])),
        calling_codes={c["country"]: (c["calling_code"], c["national_prefix"]) for c in read_csv(parts["calling_codes"])},
        reasons={code: Reason(**words) for code, words in _document(parts["reasons"]).items()},
        frameworks={name: Framework(**framework) for name, framework in _document(parts["frameworks"]).items()},
        files=(path, *parts.values()),
    )


def _companion(folder: Path, document: dict[str, Any], kind: str) -> Path:
    """The file of a kind that the document names in its folder; else the shipped policy's. Raises ValueError where it leads elsewhere."""
    own = folder / document.get(kind, "")
    if not own.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{kind}: it names a file outside of the policy's folder")
    return own if own.is_file() else SHIPPED / "heytalk" / _SHIPPED_FILES[kind]


def _period(name: str, spec: dict[str, Any]) -> Number:
    if spec["unit"] not in UNITS or spec["origin"] not in ORIGINS:
        raise ValueError(f"unit or origin of {name}")
    value = spec["value"]
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole or (spec["unit"] in SHARES and isinstance(value, float))) or value < 0:
        raise ValueError(f"value of {name}")
    return Number(name, value, spec["unit"], spec["clause"], spec["origin"], spec.get("means", ""))


def _setting(name: str, spec: dict[str, Any], terms: list[dict[str, str]]) -> Number:
    """A setting; `and_terms` adds to a list of words the vocabulary's terms that are special (1) or not (0)."""
    if spec["origin"] not in ORIGINS:
        raise ValueError(f"origin of {name}")
    if spec.get("unit", UNITS[0]) not in UNITS:
        raise ValueError(f"unit of {name}")
    value = spec["default"]
    if "and_terms" in spec:
        value = [*value, *(row["term"] for row in terms if row["special"] == spec["and_terms"])]
    return Number(name, value, spec.get("unit", ""), spec["clause"], spec["origin"], spec.get("means", ""))


def _clause(row: dict[str, str]) -> Clause:
    return Clause(
        id=row["clause_id"],
        section=row["section"],
        line=int(row["line"].split("-")[0]),
        kind=row["class"],
        paraphrase=row["paraphrase"],
        anchor=row["anchor"],
        rules=tuple(r.strip() for r in row["rules"].split(";") if r.strip()),
        primary=tuple(row.get("primary", "").replace(";", " ").split()),
        sentence_sha256=row["sentence_sha256"],
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
