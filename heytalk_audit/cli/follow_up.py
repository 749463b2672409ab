"""Commands that set one audit beside another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heytalk_audit.cli.app import KEY_ENV, KeyEnv, Run, app, example
from heytalk_audit.console import print_document, wide
from heytalk_audit.errors import InputError


@app.command(epilog=example("diff reports/2024-Q4 reports/2025-Q1 --json changes.json"))
def diff(
    old: Annotated[Path, typer.Argument(help="The earlier run's folder, a bag of it, or a zip of either")],
    new: Annotated[Path, typer.Argument(help="The later run's folder, a bag of it, or a zip of either")],
    json_: Annotated[Path | None, typer.Option("--json", help="Write all of it, row by row, to this file")] = None,
    old_snapshot: Annotated[Path | None, typer.Option(help="The earlier run's snapshot, to tell causes apart by recomputing")] = None,
    new_snapshot: Annotated[Path | None, typer.Option(help="The later run's, where the earlier one is gone")] = None,
    key_env: KeyEnv = KEY_ENV,
) -> None:
    """What changed between two audits, row by row, and why. Exit status 1 where something did."""
    from heytalk_audit.canonical import write_canonical
    from heytalk_audit.follow_up import diff as compared

    with compared.diff(old, new, old_snapshot, new_snapshot, key_env) as difference:
        if json_:
            write_canonical(compared.document(difference), json_)
        compared.print_difference(difference, wide())
        raise typer.Exit(1 if difference.changed else 0)


@app.command(epilog=example("findings reports/2025-Q1 --out findings.yaml"))
def findings(
    run_: Run,
    out_: Annotated[Path | None, typer.Option("--out", help="The file to write (default: to the console)")] = None,
) -> None:
    """A register of findings to fill in, from what a run found: for `findings` in the next run's parameters."""
    from heytalk_audit.follow_up.earlier import verified_run
    from heytalk_audit.follow_up.standings import register_of

    text = register_of(verified_run(run_, f"findings {run_.name}"))
    if out_ is None:
        print_document(text)
    elif out_.exists():
        raise InputError(f"--out {out_.name}", "is there already", "name another file: what people wrote is not overwritten")
    else:
        out_.write_text(text, "utf-8")


@app.command(epilog=example("decide reports/2025-Q1 --out decisions.yaml"))
def decide(
    run_: Run,
    out_: Annotated[Path, typer.Option("--out", help="The file to write")],
) -> None:
    """The open rows for review as a register of decisions to fill in: for `decisions` in the next run's parameters."""
    from heytalk_audit.handover.decide import open_register

    if out_.exists():
        raise InputError(f"--out {out_.name}", "is there already", "name another file: what people wrote is not overwritten")
    out_.write_text(open_register(run_), "utf-8")
