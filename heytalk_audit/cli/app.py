"""The application that commands register with, and the arguments that several of them take."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from heytalk_audit.errors import InputError


class Commands(TyperGroup):
    """All commands. What none of them can take is unusable input as any other: one line, in which what was typed steers no terminal."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """See `TyperGroup`."""
        try:
            return super().make_context(*arguments, **more)
        except TyperException as error:
            raise _refusal(error) from error

    def invoke(self, ctx: Any) -> Any:
        """See `TyperGroup`."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            raise _refusal(error) from error


def _refusal(error: TyperException) -> Exception:
    """The error of a command line; help, which comes as one where no command is named, stays what it is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error
    ctx = getattr(error, "ctx", None)
    command = ctx.command_path if ctx else "heytalk-audit"
    return InputError(command, error.format_message().rstrip("."), f"see {command} --help")


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Audit user data against its privacy policy.",
)

Params = Annotated[Path, typer.Argument(help="A parameters file, as params/quarterly.yaml")]
Override = Annotated[list[str] | None, typer.Option("-p", help="Override one key: -p settings.audit_tz=Asia/Shanghai")]
Folder = Annotated[Path, typer.Argument(help="A snapshot's folder")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one")]
PassphraseEnv = Annotated[str, typer.Option(help="The environment variable that holds the key's passphrase")]
PASSPHRASE_ENV = "HEYTALK_AUDIT_PASSPHRASE"


def passphrase_in(variable: str) -> bytes | None:
    """The passphrase in the environment, if there is one."""
    return os.environb.get(variable.encode()) or None


def now() -> dt.datetime:
    """The instant of a command: what people do is logged with its time, and nothing else is."""
    return dt.datetime.now(dt.UTC)
