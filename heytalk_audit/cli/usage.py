"""What a command line is refused for: an unknown command or option, a value that an option does not take, an argument too many or missing.

All of that is unusable input as any other: one line that says where, what and what to do, with the nearest command or option there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from heytalk_audit.errors import InputError, is_text, nearest

PROGRAM = "heytalk-audit"
Function = TypeVar("Function", bound=Callable[..., Any])
#: How an error begins that names its option itself.
_OWN = re.compile(r"(Option|Argument) '[^']*' ")


class Command(TyperCommand):
    """A command whose paths have a name: `.` is the folder where one is."""

    def invoke(self, ctx: Any) -> Any:
        """See `TyperCommand`."""
        ctx.params = {
            name: [_with_name(v) for v in value] if isinstance(value, list) else _with_name(value) for name, value in ctx.params.items()
        }
        return super().invoke(ctx)


def _with_name(value: Any) -> Any:
    return value.absolute() if isinstance(value, Path) and not value.name else value


class Commands(TyperGroup):
    """Commands whose errors of use are InputErrors."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **named: Any) -> Any:
        """See `TyperGroup`."""
        for number, argument in enumerate(args, 1):
            if not is_text(argument):
                raise InputError(f"{PROGRAM}, argument {number}", "is no text in UTF-8", "write it, or rename what it names, in UTF-8")
        try:
            return super().make_context(info_name, args, *more, **named)
        except TyperException as error:
            raise error_of_use(error, PROGRAM) from error

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `TyperGroup`."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise _unknown(_named(ctx), "command", args[0], self.commands)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """See `TyperGroup`."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            raise error_of_use(error, f"{_named(ctx)} {ctx.invoked_subcommand or ''}".strip()) from error


class Application(typer.Typer):
    """Commands and groups of the classes above."""

    def __init__(self, **named: Any) -> None:
        super().__init__(cls=Commands, no_args_is_help=True, **named)

    def command(self, name: str | None = None, **named: Any) -> Callable[[Function], Function]:
        """See `typer.Typer`."""
        return super().command(name, cls=Command, **named)


def error_of_use(error: Any, command: str) -> Exception:
    """An error of use as one line; the help that comes where no command is named stays what it is.

    `command` is what was named, for errors that do not know it.
    """
    kind, ctx = type(error).__name__, getattr(error, "ctx", None)
    if kind == "NoArgsIsHelpError":
        return error  # type: ignore[no-any-return]
    command = _named(ctx) if ctx else command
    message = error.message.removeprefix("Value error, ").rstrip(".")
    if kind == "NoSuchOption":
        return _unknown(command, "option", error.option_name, _options(ctx.command) if ctx else ["--help"])
    if kind == "MissingParameter":
        return _missing(command, error.param, ctx)
    if kind == "BadParameter":
        return _bad_value(f"{command} {_name(error.param)}".strip(), message)
    own = _OWN.match(message)
    where, what = (
        (f"{command} {own[0].split(chr(39))[1]}", message[own.end() :]) if own else (command, message[:1].lower() + message[1:200])
    )
    return InputError(where, what, f"see {command} --help")


def _named(ctx: Any) -> str:
    """The command that an error is about, as people write it: the program's own path is left out."""
    names: list[str] = []
    while ctx is not None and ctx.parent is not None:
        names.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    return " ".join([PROGRAM, *names])


def _unknown(command: str, kind: str, word: str, choices: Iterable[str]) -> InputError:
    return InputError(f"{command} {word[:60]}", f"is an unknown {kind}", nearest(word[:60], choices))


def _options(command: Any) -> list[str]:
    options = [param for param in command.params if param.param_type_name != "argument"]
    return ["--help", *(name for option in options for name in (*option.opts, *option.secondary_opts))]


def _name(param: Any) -> str:
    """An argument as help shows it, and an option by its longest name."""
    if param is None:
        return ""
    return str(param.metavar or param.name).upper() if param.param_type_name == "argument" else str(max(param.opts, key=len))


def _missing(command: str, param: Any, ctx: Any) -> InputError:
    arguments = [_name(p) for p in ctx.command.params if p.required and p.param_type_name == "argument"]
    options = [f"{_name(p)} ..." for p in ctx.command.params if p.required and p.param_type_name != "argument"]
    return InputError(command, f"is given no {_name(param)}", f"write {' '.join([command, *arguments, *options])}")


def _bad_value(where: str, message: str) -> InputError:
    """A value that its option or argument does not take; of those that it takes, the nearest is named."""
    if choice := re.fullmatch(r"(['\"])(.*)\1 is not one of ('.*')", message, re.S):
        return InputError(f"{where} {choice[2][:60]}", "is unknown", nearest(choice[2][:60], re.findall("'([^']*)'", choice[3])))
    return InputError(where, message[:1].lower() + message[1:200], "mend the value")
