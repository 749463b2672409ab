"""Commands that plan, run and read audits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heytalk_audit.cli.app import Override, Params, app, example
from heytalk_audit.console import err, out, print_seconds, print_verdicts
from heytalk_audit.ending import COMMAND

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback where a rule crashes; it may quote data")]


@app.command(epilog=example("plan params/quarterly.yaml"))
def plan(
    params: Params,
    p: Override = None,
    queries: Annotated[bool, typer.Option("--queries", help="Show which rules share what, and each rule's SQL")] = False,
) -> None:
    """The dry run: rules, tables, row counts, and what will not be evaluated."""
    from heytalk_audit.running.plan import show_plan

    show_plan(params, p or [], out, queries)


@app.command(epilog=example("run params/quarterly.yaml -p audit.id=2025-Q1 --out reports/2025-Q1"))
def run(
    params: Params,
    p: Override = None,
    out_: Annotated[Path | None, typer.Option("--out", help="The run's folder (default: reports/<audit id>)")] = None,
    allow: Annotated[str, typer.Option(help="Verdicts that do not make the exit status 3: REVIEW,NOT_EVALUATED,...")] = "",
    debug: Debug = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run there: an unsigned one that verifies")] = False,
) -> None:
    """The audit: notebooks, reports, results.

    Exit status 0 where no exceptions were noted or all of them are accepted, 1 where a rule fails, 3 where none fails and something is open
    (REVIEW, NOT_EVALUATED, NO_POPULATION, ERROR). With 2, 4 and after a signal nothing was written.
    """
    from heytalk_audit.running.run import run as run_audit

    finished = run_audit(params, p or [], out_, allow.split(","), err, debug, replace)
    COMMAND.finish()
    print_verdicts(finished.rules)
    print_seconds(finished.seconds)
    out.print(f"{finished.folder / 'index.html'}", soft_wrap=True)
    raise typer.Exit(finished.status)


@app.command(epilog=example("rules RET-07"))
def rules(
    rule: Annotated[str | None, typer.Argument(help="A rule's id")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show the rule's source too, and the SQL that it becomes")] = False,
    debug: Debug = False,
) -> None:
    """The catalogue, or one rule: promise, method, reasons, clauses and law."""
    from heytalk_audit.catalogue import show_catalogue, show_rule

    if rule is None:
        show_catalogue(out)
    else:
        show_rule(rule, out, sql, debug)


@app.command(epilog=example("queue params/quarterly.yaml labels.csv"))
def queue(
    params: Params,
    file: Annotated[Path, typer.Argument(help="The CSV file to write; it holds what people wrote: keep it apart from the report")],
    p: Override = None,
) -> None:
    """Draw the texts that two people read, for `labels` in the parameters."""
    from heytalk_audit.running.review_queue import write_queue

    lines = write_queue(params, p or [], file)
    out.print(
        f"{file}: {lines:,} texts to read; fill in reviewer and label (yes, no, unsure), and name the file under labels", soft_wrap=True
    )


@app.command(epilog=example("lab cases/C-7"), context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A case's folder, or a folder for copies of the notebooks")] = Path("lab"),
) -> None:
    """JupyterLab on a case's notebook, or on copies of the report's notebooks. Other options go to JupyterLab."""
    from heytalk_audit.investigation.lab import run_lab

    raise typer.Exit(run_lab(folder, context.args))
