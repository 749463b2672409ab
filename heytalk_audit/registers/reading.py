"""What registers have in common: YAML files that people keep beside the parameters, read strictly before an audit begins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints, ValidationError, ValidationInfo

from heytalk_audit.canonical import read_yaml, refusal
from heytalk_audit.errors import InputError, looked_in, nearest, printable

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


def _up_to(longest: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


def known_rule(id: str, info: ValidationInfo) -> str:
    """The id of a rule, if it is one of the ids that `read_register` was given; any other is refused with the nearest of them."""
    rules = (info.context or {}).get("rules", ())
    if id not in rules:
        raise ValueError(f"unknown rule {id[:40]!r}; {nearest(id[:40], rules)}")
    return id


# What people write in a register: text of so many characters at most, with something in it to read.
Id = Annotated[str, _up_to(40), AfterValidator(_legible)]
Name = Annotated[str, _up_to(120), AfterValidator(_legible)]
Title = Annotated[str, _up_to(300), AfterValidator(_legible)]
DocumentName = Annotated[str, _up_to(200), AfterValidator(_legible)]
LegalGround = Annotated[str, _up_to(300), AfterValidator(_legible)]
Remark = Annotated[str, _up_to(2000), AfterValidator(_legible)]
Day = Annotated[dt.date, BeforeValidator(_day)]
KnownRule = Annotated[str, AfterValidator(known_rule)]


def refuse_twice(names: Iterable[str], where: str, field: str, cure: str) -> None:
    """Raise InputError for the first name that an earlier entry has. `where` is the list in the register, `field` what holds the name."""
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if name in seen:
            raise InputError(f"{where}.{number}.{field} {name}", "is there twice", cure)
        seen.add(name)


def read_register(model: type[Model], path: Path, where: str, example: str, rules: Collection[str] = ()) -> Model:
    """A register's YAML file as a model. Raises InputError, one line, where the file cannot be used.

    `where` begins the line of an error, `example` is the file that it says to compare with, `rules` are the ids that may be named.
    """
    try:
        document = read_yaml(path, where)
    except FileNotFoundError as error:
        raise InputError(where, f"no such file {looked_in(path)}", f"name a file as {example}, or leave the key out") from error
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(where, "cannot be read as YAML in UTF-8", "mend its syntax, or a day that does not exist") from error
    if not isinstance(document, dict):
        raise InputError(where, "is no mapping", f"compare it with {example}")
    try:
        return model.model_validate(document, context={"rules": rules})
    except ValidationError as error:
        raise refusal(error, model, where, example) from error
