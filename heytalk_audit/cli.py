"""The command line: arguments in, exit status out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from heytalk_audit.errors import InputError, printable

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Audit user data against its privacy policy."
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Params = Annotated[Path, typer.Argument(help="A parameters file, as params/quarterly.yaml")]
Override = Annotated[list[str] | None, typer.Option("-p", help="Override one key: -p settings.audit_tz=Asia/Shanghai")]
Folder = Annotated[Path, typer.Argument(help="A snapshot's folder")]


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write; it must not exist, or be empty")],
    users: Annotated[int, typer.Option(min=300, help="Accounts")] = 20_000,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    as_of: Annotated[str, typer.Option(help="The snapshot's instant")] = "2025-03-31T12:00:00Z",
) -> None:
    """Write a synthetic snapshot with planted violations, and truth.csv: what an ideal audit finds."""
    from heytalk_audit.delivery import instant
    from heytalk_audit.demo import write_demo

    instant(as_of, "--as-of")
    write_demo(folder, users, seed, as_of)
    out.print(f"{folder}: {users:,} accounts, as of {as_of}")


@app.command()
def seal(folder: Folder, as_of: Annotated[str | None, typer.Option(help="The snapshot's instant, for a new descriptor")] = None) -> None:
    """Write the folder's datapackage.json: digests, totals and times of each table."""
    from heytalk_audit.seal import seal_folder

    tables = seal_folder(folder, as_of)
    out.print(f"{folder}: {len(tables)} tables sealed; source_totals are for the source system to give")


@app.command()
def check(folder: Folder) -> None:
    """Validate a snapshot against the contract and its descriptor; say what each rule would lack."""
    from heytalk_audit.plan import check_folder

    raise typer.Exit(check_folder(folder, out))


@app.command()
def plan(params: Params, p: Override = None) -> None:
    """The dry run: rules, tables, row counts, and what will not be evaluated."""
    from heytalk_audit.plan import show_plan

    show_plan(params, p or [], out)


@app.command()
def run(
    params: Params,
    p: Override = None,
    out_: Annotated[Path | None, typer.Option("--out", help="The run's folder (default: reports/<audit id>)")] = None,
    allow: Annotated[str, typer.Option(help="Verdicts that do not make the exit status 3: REVIEW,NOT_EVALUATED,...")] = "",
) -> None:
    """The audit: notebooks, reports, results."""
    from heytalk_audit.run import run as run_audit

    outcome = run_audit(params, p or [], out_, allow.split(","), err)
    print_verdicts(outcome.rules)
    print_seconds(outcome.seconds)
    out.print(f"{outcome.folder / 'index.html'}", soft_wrap=True)
    raise typer.Exit(outcome.status)


@app.command()
def rules(rule: Annotated[str | None, typer.Argument(help="A rule's id")] = None) -> None:
    """The catalogue, or one rule: promise, clauses, method, law, source."""
    from heytalk_audit.catalogue import show_catalogue, show_rule

    if rule is None:
        show_catalogue(out)
    else:
        show_rule(rule, out)


@app.command(name="import")
def import_(
    mapping: Annotated[Path, typer.Argument(help="A mapping, as params/mapping-example.yaml")],
    folder: Annotated[Path, typer.Argument(help="The snapshot's folder to write")],
) -> None:
    """Make a snapshot from a source that names things otherwise: per table one SELECT."""
    from heytalk_audit.mapping import import_snapshot

    tables = import_snapshot(mapping, folder)
    out.print(f"{folder}: {', '.join(f'{name} {rows:,}' for name, rows in tables.items())}", soft_wrap=True)


@app.command()
def queue(
    params: Params,
    file: Annotated[Path, typer.Argument(help="The CSV file to write; it holds what people wrote: keep it apart from the report")],
    p: Override = None,
) -> None:
    """Draw the texts that two people read, for `labels` in the parameters."""
    from heytalk_audit.review_queue import write_queue

    lines = write_queue(params, p or [], file)
    out.print(
        f"{file}: {lines:,} texts to read; fill in reviewer and label (yes, no, unsure), and name the file under labels", soft_wrap=True
    )


@app.command()
def holidays(
    region: Annotated[str, typer.Argument(help="A country or a part of one: ES, TR, CN, US-CA, GB-ENG")],
    year: Annotated[list[int], typer.Option("--year", min=1970, max=2200, help="A year; give it again for more")],
) -> None:
    """A region's public holidays, to be pasted under settings.holidays in the parameters."""
    from heytalk_audit.days_off import lines

    for line in lines(region, year):
        out.print(line, markup=False, soft_wrap=True)


@app.command()
def lab() -> None:
    """JupyterLab on the notebooks."""
    import subprocess

    from heytalk_audit.run import NOTEBOOKS

    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyter", "lab", str(NOTEBOOKS)]))


def print_verdicts(results: list[dict]) -> None:
    """The verdict table."""
    table = Table(box=None, pad_edge=False)
    for name, width in (("Rule", 7), ("Verdict", 13), ("Severity", 8)):
        table.add_column(name, no_wrap=True, min_width=width)
    for name in ("Scope", "Violation", "Review", "Unknown", "Exempt"):
        table.add_column(name, justify="right", no_wrap=True, min_width=9)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for r in results:
        numbers = [f"{r['ledger'][k]:,}" for k in ("in_scope", "violation", "review", "unknown", "exempt")]
        table.add_row(r["id"], r["verdict"], r["severity"], *numbers, printable(r["reason"] or r["title"]))
    Console(highlight=False, width=max(out.width, 132)).print(table)


def print_seconds(seconds: dict[str, float]) -> None:
    """Where the time went: each step by the clock. Notebooks run side by side, so that the steps add up to more than the whole."""
    out.print("Seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()), soft_wrap=True)


def main() -> None:
    """Entry point: unusable input is one line on standard error and exit status 2."""
    try:
        app()
    except InputError as error:
        err.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("stopped; nothing was written")
        sys.exit(130)


if __name__ == "__main__":
    main()
