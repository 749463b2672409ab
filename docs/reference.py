"""Writes the reference from the command line and the parameters' model: `make reference` writes `reference.md` beside this file.

It reads the commands themselves and never what `--help` prints, so that no terminal's width is in it.
"""

from __future__ import annotations

import enum
import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from heytalk_audit.canonical import Strict
from heytalk_audit.cli import app
from heytalk_audit.params import Params

DOCS = Path(__file__).resolve().parent
PROGRAM = "heytalk-audit"
PARAMETERS = DOCS.parent / "params" / "quarterly.yaml"
HEAD = """\
# Reference

Written by `make reference` from the commands and the parameters' model; a test fails when it is stale. The tutorials say when to use what:
[the auditor's](auditor.md), [the data protection officer's](officer.md), [the investigator's](investigator.md),
[the data engineer's](data-engineer.md), [the lawyer's](lawyer.md).

* [Exit statuses](#exit-statuses)
* [Commands](#commands)
* [Parameters](#parameters)
* The settings of the rules, each with its default and origin, stand in [RULES.md](../RULES.md#settings).

## Exit statuses

Every command ends with one of these. Whatever ends it before its work is done is one line on standard error: where, what, and what to do.

| status | any command | with a meaning of its own |
|---|---|---|
| 0 | it did what it says | `run`: no exceptions noted, or all of them accepted. `verify`: nothing was changed, and a known signer signed |
| 1 | | `run`: a rule fails. `diff`: something changed. `verify`, `custody verify`: something was changed, and is named |
| 1 | | `replay`, and `sign` by a reviewer: the recomputed run differs |
| 2 | unusable input, nothing was written | `check`: some of the delivery cannot be read. `verify`: the pack cannot be read |
| 3 | | `run`: no rule fails, and something is open. `check`: the delivery does not keep the contract |
| 3 | | `verify`: nothing was changed since it was written, and it is not signed, or the signer is not known |
| 4 | the command itself failed (a kernel died, the disk is full, the engine crashed), and nothing was published | |
| 129, 130, 143 | a signal ended it: hang-up, interrupt, termination | |

`run --allow REVIEW,NO_POPULATION` lets named verdicts through, so that they do not make the status 3; FAIL is never let through.
`make audit` and `make proof` end with 0 only where the audit found every planted row, and no other.

## Commands
"""
PARAMETERS_HEAD = """\
## Parameters

A parameters file is YAML, read strictly: an unknown key is refused with the nearest known one. Paths are relative to the file. `-p` changes
one key for one command, and a path given so begins where the command runs. This is the shipped `params/quarterly.yaml`:
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Each command by the words that call it, in the order of `--help`, the groups' commands in their place."""
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        for inner, leaf in getattr(command, "commands", {}).items() or [("", command)]:
            yield f"{name} {inner}".strip(), leaf


def usage(words: str, command: Any) -> str:
    """How a command is written: what it must be given, then that it takes options."""
    arguments = [argument(one) if one.required else f"[{argument(one)}]" for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name != "argument"]
    needed = [f"{max(one.opts, key=len)} {value(one)}" for one in options if one.required]
    more = ["[options]"] if any(not one.required for one in options) else []
    return " ".join([PROGRAM, words, *arguments, *needed, *more])


def argument(one: Any) -> str:
    """An argument's name as help has it."""
    return str(one.metavar or one.name).strip("{}").upper()


def value(one: Any) -> str:
    """What an option takes: its choices, or a word for what it is."""
    annotation = one.type_descriptor.annotation
    kind = next((part for part in typing.get_args(annotation) if part is not types.NoneType), annotation)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "|".join(choice.value for choice in kind)
    return {Path: "PATH", int: "NUMBER"}.get(kind, "TEXT")


def default(one: Any) -> str:
    """The default of an option, where its words do not say it."""
    given = getattr(one.default, "value", one.default)
    return f" Default: `{given}`." if given not in (None, "", False) and not one.required and "default" not in one.help else ""


def cell(text: str) -> str:
    """A text as a table's cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def sentence(text: str) -> str:
    """A text that ends with a full stop."""
    return text if text.endswith(".") else f"{text}."


def of_command(words: str, command: Any) -> str:
    """A command's section: what it does, how it is written, what it takes, an example."""
    help_ = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    rows = [f"| `{argument(one)}` | {sentence(cell(one.help))} |" for one in command.params if one.param_type_name == "argument"]
    for one in (one for one in command.params if one.param_type_name != "argument"):
        name = max(one.opts, key=len)
        shown = name if getattr(one, "is_flag", False) else f"{name} {value(one)}"
        again = " May be given again." if one.multiple and "again" not in one.help else ""
        rows.append(f"| `{cell(shown)}` | {sentence(cell(one.help))}{default(one)}{again} |")
    table = ["| argument or option | |", "|---|---|", *rows, ""] if rows else []
    example = command.epilog.removeprefix("Example: ")
    return "\n".join([f"### {words}", "", help_, "", "```text", usage(words, command), "```", "", *table, f"Example: `{example}`", ""])


def keys(model: type[Strict] = Params, within: str = "") -> Iterator[tuple[str, str, str]]:
    """Each key of the parameters, what it takes, and its default."""
    schema = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        inner = inner_model(field.annotation)
        if inner:
            yield from keys(inner, f"{within}{name}.")
        else:
            yield (
                f"{within}{name}",
                takes(schema[name]),
                "required" if field.is_required() else written(field.get_default(call_default_factory=True)),
            )


def inner_model(annotation: Any) -> type[Strict] | None:
    """The model of a key that has keys of its own."""
    return (
        annotation
        if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias) and issubclass(annotation, Strict)
        else None
    )


def takes(schema: dict[str, Any]) -> str:
    """What a key takes, in a word or two."""
    kinds = [one.get("type", "any") for one in schema.get("anyOf", [schema])]
    words = {"string": "text", "array": "list", "object": "mapping", "null": "null"}
    return " or ".join(words.get(kind, kind) for kind in kinds)


def written(default_: Any) -> str:
    """A default as JSON; of a list of names how many it has."""
    if isinstance(default_, list) and default_:
        return f"all {len(default_)}"
    return f"`{json.dumps(default_)}`"


def reference() -> str:
    """The whole page."""
    rows = [f"| `{key}` | {what} | {default_} |" for key, what, default_ in keys()]
    parts = [HEAD, *(of_command(words, command) for words, command in commands())]
    parts += [PARAMETERS_HEAD, "```yaml\n" + PARAMETERS.read_text("utf-8") + "```\n"]
    parts += ["Every key, what it takes, and its default:\n", "\n".join(["| key | takes | default |", "|---|---|---|", *rows]) + "\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    (DOCS / "reference.md").write_text(reference(), "utf-8")
    sys.exit(0)
