"""A mapping file: where the source is, what the descriptor is to state, and per table of the contract one SELECT on the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from heytalk_audit import contract
from heytalk_audit.canonical import Strict, read_yaml, refusal
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.expressions.calendar import known_zone
from heytalk_audit.snapshot.delivery import instant

#: A mapping that works, for whoever compares.
EXAMPLE = "params/mapping-example.yaml"
#: How many bytes a mapping may have, and how deep its document may be.
LARGEST, DEEPEST = 1_000_000, 12

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
#: An address with a password in it, or a connection string's.
_SECRET = re.compile(r"\w+://[^\s/@:]*:[^\s/@]+@|\b(password|passwd|pwd)\s*=\s*[^\s=]", re.I)
_SECRET_KEYS = {"password", "passwd", "pwd", "secret", "token", "dsn", "uri", "url", "connection", "connection_string"}


class SourceAt(Strict):
    """Where the data lives, one of: a DuckDB or SQLite file, a folder of files, or `dsn_env`, the environment variable that holds an
    address: of PostgreSQL (`postgresql://...`), or an ODBC connection string. With ODBC, `dialect` names the database's SQL, as sqlglot
    does.
    """

    sqlite: str | None = None
    duckdb: str | None = None
    folder: str | None = None
    dsn_env: str | None = None
    dialect: str | None = None

    @model_validator(mode="after")
    def _one(self) -> SourceAt:
        places = list(self.place().values())
        if len(places) != 1:
            raise ValueError("names none or several; give one of sqlite, duckdb, folder, dsn_env")
        if any("\0" in place for place in places):
            raise ValueError("holds a character that no path has; write the path")
        if self.dsn_env and not _VARIABLE.fullmatch(self.dsn_env):
            raise ValueError("dsn_env is no name of an environment variable; put the address there, and its name here")
        if self.dialect and not self.dsn_env:
            raise ValueError("dialect is for a database behind ODBC; drop it")
        return self

    def place(self) -> dict[str, str]:
        """What is named, by its kind."""
        kinds = {"sqlite": self.sqlite, "duckdb": self.duckdb, "folder": self.folder, "dsn_env": self.dsn_env}
        return {kind: place for kind, place in kinds.items() if place}


class ImportLimits(Strict):
    """How far an import goes: rows of a table, and minutes for all of it."""

    rows: Annotated[int, Field(ge=1)] = 2_000_000_000
    minutes: Annotated[float, Field(gt=0)] = 240


def _words(value: Any) -> Any:
    """What `values` says of a column: the source's values as text, and the contract's; null stays null."""
    if not isinstance(value, dict):
        raise ValueError("is no table of values; write {1: active, 9: deleted}")
    if any(not isinstance(key, str) for key in value):
        raise ValueError("has a key that is no text; a null needs no entry")
    return value


def word(value: float) -> str:
    """A number as the text that keys of `values` are compared with: 1, also for 1.0."""
    return str(int(value)) if value.is_integer() else str(value)


class Mapping(Strict):
    """A mapping file. What stands at its top holds for all tables.

    `nulls` are texts that mean null; `zone` (IANA) is that of instants without one; `dates: start of day` takes a date alone for an
    instant; `rounds: 2` rounds decimals half up; `values` says per column, or `table.column`, which value of the source is which of the
    contract's.
    """

    source: SourceAt
    as_of: str
    extracted_at: str | None = None
    producer: str | None = None
    source_system: str | None = None
    zone: Annotated[str, BeforeValidator(known_zone)] | None = None
    dates: Literal["start of day"] | None = None
    rounds: Annotated[Literal[2] | None, BeforeValidator(lambda value: 2 if value == "2" else value)] = None
    nulls: tuple[str, ...] = ()
    values: dict[str, Annotated[dict[str, str | None], BeforeValidator(_words)]] = Field(default_factory=dict)
    limits: ImportLimits = ImportLimits()
    tables: Annotated[dict[str, str], Field(min_length=1)]

    def values_of(self, table: str, column: str) -> dict[str, str | None]:
        """What the mapping says of a column's values: the nearer entry holds."""
        return self.values.get(f"{table}.{column}", self.values.get(column, {}))


def read_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file. Raises InputError, which quotes no value of it."""
    where = f"mapping {path.name}"
    document = _document(path, where)
    if _holds_secret(document):
        todo = "put the address into an environment variable, and its name under source.dsn_env"
        raise InputError(where, "holds a password or an address of a database", todo)
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        raise refusal(error, Mapping, where, EXAMPLE) from error
    for key in ("as_of", "extracted_at"):
        if getattr(mapping, key) is not None:
            instant(getattr(mapping, key), f"{where}: {key}")
    _check_names(mapping, where)
    return mapping


class _Texts(yaml.SafeLoader):
    """YAML in which a scalar is text, or null: `on`, `no`, `010` and `2025-03-31` mean what they look like."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [r for r in resolvers if r[0] == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _document(path: Path, where: str) -> Any:
    """What the file says. Raises InputError."""
    todo = f"compare it with {EXAMPLE}"
    try:
        document = read_yaml(path, where, _Texts, LARGEST, DEEPEST)
    except FileNotFoundError as error:
        raise InputError(where, "no such file", todo) from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(where, "cannot be read as YAML", todo) from error
    if not isinstance(document, dict):
        raise InputError(where, "is no mapping", todo)
    return document


def _holds_secret(document: Any) -> bool:
    """Whether a key or a text looks as one that holds a password."""
    if isinstance(document, dict):
        source = document.get("source")
        keys = {str(key).lower() for key in [*document, *(source if isinstance(source, dict) else ())]}
        return bool(keys & _SECRET_KEYS) or any(_secret_texts(document))
    return False


def _secret_texts(value: Any) -> Iterator[bool]:
    match value:
        case str():
            yield _SECRET.search(value) is not None
        case dict():
            for key, inner in value.items():
                yield from _secret_texts(key)
                yield from _secret_texts(inner)
        case list():
            for inner in value:
                yield from _secret_texts(inner)


def _check_names(mapping: Mapping, where: str) -> None:
    """Tables and columns that the mapping names are those of the contract. Raises InputError."""
    tables = contract.load()
    for name in mapping.tables:
        if name not in tables:
            raise InputError(f"{where}: tables.{name[:80]}", "is no table of the contract", nearest(name[:80], tables))
    columns = {c.name for t in tables.values() for c in t.columns}
    known_names = columns | {f"{t.name}.{c.name}" for t in tables.values() for c in t.columns}
    for name in mapping.values:
        if name not in known_names:
            raise InputError(
                f"{where}: values.{name[:80]}", "is no column of the contract", nearest(name[:80], known_names if "." in name else columns)
            )
