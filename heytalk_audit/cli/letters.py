"""Commands that answer a regulator's letter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heytalk_audit.cli.app import app, example, now
from heytalk_audit.cli.usage import Application, Commands
from heytalk_audit.console import err, out
from heytalk_audit.ending import COMMAND

_PARAMS = Annotated[Path, typer.Argument(metavar="PARAMS", help="A letter's parameters, as params/letter.yaml")]


class _AnswerByDefault(Commands):
    """A group whose first argument is a letter's parameters, unless it is the name of a command."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `TyperGroup`."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["answer", *args])

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """See `TyperGroup`. Options before the parameters are those of the answer."""
        begins = args and args[0] not in (*self.commands, "--help")
        return super().parse_args(ctx, ["answer", *args] if begins else args)


letter_app = Application()
letter_app.info.cls = _AnswerByDefault
app.add_typer(letter_app, name="letter", help="Answer a regulator's letter, or print its calendar: letter PARAMS, letter dates PARAMS.")


@letter_app.command("answer", epilog=example("letter answer params/letter.yaml --out reports/letters/AUTH-2025-117"))
def answer(
    params: _PARAMS,
    out_: Annotated[Path | None, typer.Option("--out", help="The letter's folder (default: reports/letters/<letter id>)")] = None,
    annex: Annotated[bool, typer.Option("--annex", help="Write clear values of the people whom questions name beside the folder")] = False,
    by: Annotated[str, typer.Option(help="Who asks for the annex")] = "",
    reason: Annotated[str, typer.Option(help="What the annex is for")] = "",
    log: Annotated[Path | None, typer.Option(help="The annex's custody log (default: custody.jsonl beside the snapshot's folder)")] = None,
) -> None:
    """Answer a letter: a folder with numbered answers, and their evidence."""
    from heytalk_audit.letters.annex import annex_request
    from heytalk_audit.letters.folder import write_letter

    written = write_letter(params, out_, err, annex_request(annex, by, reason, now, log))
    COMMAND.finish()
    for note in written.notes:
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    for one in written.answers.answers:
        state = "not answered" if one.not_answered else "answered"
        out.print(f"{one.no:>3}  {one.card:<20} {state}", markup=False, soft_wrap=True)
    out.print(f"{written.folder / 'index.html'}", markup=False, soft_wrap=True)


@letter_app.command("dates", epilog=example("letter dates params/letter.yaml"))
def dates(params: _PARAMS) -> None:
    """The calendar of a letter: its days, with the working days of its region."""
    from heytalk_audit.letters.dates import calendar_of
    from heytalk_audit.letters.parameters import read_letter

    for line in calendar_of(read_letter(params).letter):
        out.print(line, markup=False, soft_wrap=True)
