"""The application that commands register with, and the arguments that several of them take."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from heytalk_audit.cli.usage import Application

app = Application(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Audit user data against its privacy policy.",
)

Params = Annotated[Path, typer.Argument(help="A parameters file, as params/quarterly.yaml")]
Override = Annotated[
    list[str] | None, typer.Option("-p", help="Override one key: -p settings.audit_tz=Asia/Shanghai; a path in it begins where you are")
]
Folder = Annotated[Path, typer.Argument(help="A snapshot's folder")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one")]
Pack = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, a bag of one, or a zip of either")]
KeyEnv = Annotated[str, typer.Option(help="The environment variable that holds the engagement key")]
PassphraseEnv = Annotated[str, typer.Option(help="The environment variable that holds the key's passphrase")]
PASSPHRASE_ENV = "HEYTALK_AUDIT_PASSPHRASE"
KEY_ENV = "HEYTALK_AUDIT_KEY"


def example(words: str) -> str:
    """What a command's help ends with: the command as somebody would type it."""
    return f"Example: heytalk-audit {words}"


def passphrase_in(variable: str) -> bytes | None:
    """The passphrase in the environment, if there is one."""
    return os.environb.get(variable.encode()) or None


def now() -> dt.datetime:
    """The instant of a command: what people do is logged with its time, and nothing else is."""
    return dt.datetime.now(dt.UTC)
