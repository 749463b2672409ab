"""Commands that make, import and seal snapshots."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from heytalk_audit.cli.app import Folder, app, example
from heytalk_audit.console import err, out, print_document
from heytalk_audit.disk.placing import write_new
from heytalk_audit.errors import InputError, printable


class ContractFormat(enum.StrEnum):
    """How the contract is printed."""

    HTML = "html"
    MD = "md"
    SQL = "sql"
    JSON_SCHEMA = "json-schema"


class Story(enum.StrEnum):
    """What the demo tells."""

    EVERY = "every"
    COMPANY = "company"


@app.command(epilog=example("demo data/demo --story company --quarters 3"))
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write; it must not exist, or be empty")],
    users: Annotated[int, typer.Option(min=300, help="Accounts")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other people")] = 7,
    as_of: Annotated[str, typer.Option(help="The snapshot's instant, or that of the last quarter")] = "2025-03-31T12:00:00Z",
    story: Annotated[Story, typer.Option(help="Each reason of each rule in turn, or a company in which most rules pass")] = Story.EVERY,
    quarters: Annotated[int, typer.Option(min=1, max=3, help="Of the company: how many quarters, each a snapshot in a folder")] = 1,
) -> None:
    """Write a synthetic snapshot with planted violations, and truth.csv: what an ideal audit finds."""
    from heytalk_audit.demo import write_company, write_demo
    from heytalk_audit.snapshot.delivery import instant

    instant(as_of, "--as-of")
    if story == Story.COMPANY:
        write_company(folder, users, seed, as_of, quarters)
    elif quarters == 1:
        write_demo(folder, users, seed, as_of)
    else:
        raise InputError("--quarters", "is for the company, and every is one snapshot", "give --story company, or leave it out")
    out.print(f"{printable(folder)}: {users:,} accounts, as of {as_of}", markup=False, soft_wrap=True)


@app.command(epilog=example("contract --format sql --dialect postgres"))
def contract(
    format: Annotated[ContractFormat, typer.Option("--format", help="How to print it")] = ContractFormat.MD,
    dialect: Annotated[
        str | None, typer.Option(help="The database of the SQL: postgres, mysql, duckdb, snowflake, bigquery, spark")
    ] = None,
    totals: Annotated[bool, typer.Option("--totals", help="With sql: what the source counts of its own tables, for seal --totals")] = False,
) -> None:
    """Print what a snapshot holds: tables and columns, which rules need them, and the SQL that makes them."""
    from heytalk_audit.handover.contract_formats import printed

    print_document(printed(format.value, dialect, totals))


@app.command(epilog=example("seal data/2025-03-31 --as-of 2025-03-31T12:00:00Z"))
def seal(
    folder: Folder,
    as_of: Annotated[str | None, typer.Option(help="The snapshot's instant, for a new descriptor")] = None,
    producer: Annotated[str | None, typer.Option(help="Who delivers it")] = None,
    source_system: Annotated[str | None, typer.Option(help="Where the data lives")] = None,
    extracted_at: Annotated[str | None, typer.Option(help="When it was extracted, an instant")] = None,
    window: Annotated[list[str] | None, typer.Option(help="The time of a table's rows: TABLE=FROM..TO; give it again for more")] = None,
    complete: Annotated[list[str] | None, typer.Option(help="Tables that hold every row there ever was: TABLE,...")] = None,
    totals: Annotated[Path | None, typer.Option(help="A CSV of the source's own totals, by the SQL of contract --totals")] = None,
) -> None:
    """Write the folder's datapackage.json: digests, totals, times and columns of each table, and what is stated of them."""
    from heytalk_audit.snapshot.seal import seal_folder
    from heytalk_audit.snapshot.statements import from_options

    statements = from_options(producer, source_system, extracted_at, window or (), complete or (), totals)
    sealed = seal_folder(folder, as_of, statements=statements)
    out.print(f"{printable(folder)}: {len(sealed.tables)} tables sealed", markup=False)
    for gap in sealed.gaps:
        out.print(gap.sentence, markup=False, soft_wrap=True)


@app.command(epilog=example("check data/2025-03-31 --request letter.md"))
def check(
    folder: Folder,
    request: Annotated[Path | None, typer.Option(help="Write the letter to the data engineer to this file, as Markdown")] = None,
    dialect: Annotated[str, typer.Option(help="The database of the letter's SQL, as of contract")] = "postgres",
) -> None:
    """Check a delivery against the contract and its descriptor: all that is the matter, and which rules more would run.

    Exit status 0 where all that was delivered keeps the contract, 3 where it does not, 2 where some of it cannot be read.
    """
    from heytalk_audit.contract.sql import known_dialect
    from heytalk_audit.handover.request import refuse_target, request_letter
    from heytalk_audit.running.check import check_delivery, show_check

    known_dialect(dialect)
    if request:
        refuse_target(request)
    checked = check_delivery(folder)
    show_check(checked, out)
    if request:
        write_new(request, request_letter(checked, dialect), f"--request {request.name}")
        out.print(f"{printable(request)}: what to ask for", markup=False, soft_wrap=True)
    raise typer.Exit(0 if checked.keeps else 3)


@app.command(name="import", epilog=example("import mapping.yaml data/2025-03-31"))
def import_(
    mapping: Annotated[Path, typer.Argument(help="A mapping, as params/mapping-example.yaml")],
    folder: Annotated[Path | None, typer.Argument(help="The snapshot's folder to write")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read the first thousand rows of each table, say all that is wrong, write nothing")
    ] = False,
) -> None:
    """Make a snapshot from a source that names things otherwise: per table one SELECT."""
    from heytalk_audit.snapshot.importing.imports import check_mapping, import_snapshot

    if folder is None and not check:
        raise InputError("import", "names no folder", "name the snapshot's folder to write, or give --check")
    with err.status("reading") as status:

        def progress(table: str, rows: int) -> None:
            status.update(Text(f"{table}: {rows:,} rows"))

        def report(line: str) -> None:
            err.print(line, markup=False, soft_wrap=True)

        done = check_mapping(mapping, report, progress) if check or folder is None else import_snapshot(mapping, folder, report, progress)
    for note in done.notes:
        out.print(f"note: {printable(note)}", markup=False, soft_wrap=True)
    head = "the first rows of each fit, nothing was written" if check else printable(folder)
    out.print(f"{head}: {', '.join(f'{name} {rows:,}' for name, rows in done.rows.items())}", markup=False, soft_wrap=True)


@app.command(epilog=example("holidays ES --year 2025"))
def holidays(
    region: Annotated[str, typer.Argument(help="A country or a part of one: ES, TR, CN, US-CA, GB-ENG")],
    year: Annotated[list[int], typer.Option("--year", min=1970, max=2200, help="A year; give it again for more")],
) -> None:
    """A country's public holidays, to be pasted under its region of law in settings.holidays in the parameters."""
    from heytalk_audit.policy.holidays import lines

    for line in lines(region, year):
        out.print(line, markup=False, soft_wrap=True)
