"""What registers have in common: YAML files that people keep beside the parameters, read strictly before an audit begins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints, ValidationError, ValidationInfo

from heytalk_audit.canonical import refusal
from heytalk_audit.errors import InputError, nearest, printable

Model = TypeVar("Model", bound=BaseModel)


def _day(value: Any) -> dt.date:
    """A date as YAML has it, or as ISO text: no number is one, nor an instant."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    raise ValueError("is no date; write it as 2025-03-31")


def _legible(text: str) -> str:
    if not printable(text).strip():
        raise ValueError("is blank; fill it in")
    return text


def words(longest: int) -> Any:
    """Text of so many characters at most, with something in it to read."""
    return Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=longest), AfterValidator(_legible)]


def known_rule(id: str, info: ValidationInfo) -> str:
    """The id of a rule among those that the reader of the register named; an unknown one is refused with the nearest known."""
    rules = (info.context or {}).get("rules", ())
    if id not in rules:
        raise ValueError(f"unknown rule {id[:40]!r}; {nearest(id[:40], rules)}")
    return id


Day = Annotated[dt.date, BeforeValidator(_day)]
KnownRule = Annotated[str, AfterValidator(known_rule)]


def read_as(model: type[Model], path: Path, where: str, like: str, rules: Collection[str] = ()) -> Model:
    """A register's file as a model; `like` is an example to compare it with, `rules` are the ids of rules that it may name.

    What cannot be used raises InputError, one line.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(where, "no such file", f"name a file as {like}, or leave the key out") from error
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(where, "cannot be read as YAML in UTF-8", "mend its syntax, or a day that does not exist") from error
    if not isinstance(document, dict):
        raise InputError(where, "is no mapping", f"compare it with {like}")
    try:
        return model.model_validate(document, context={"rules": rules})
    except ValidationError as error:
        raise refusal(error, model, where, like) from error
