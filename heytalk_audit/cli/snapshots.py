"""Commands that make, import and seal snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heytalk_audit.cli.app import Folder, app
from heytalk_audit.console import err, out
from heytalk_audit.errors import InputError, printable


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write; it must not exist, or be empty")],
    users: Annotated[int, typer.Option(min=300, help="Accounts")] = 20_000,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    as_of: Annotated[str, typer.Option(help="The snapshot's instant")] = "2025-03-31T12:00:00Z",
) -> None:
    """Write a synthetic snapshot with planted violations, and truth.csv: what an ideal audit finds."""
    from heytalk_audit.demo import write_demo
    from heytalk_audit.snapshot.delivery import instant

    instant(as_of, "--as-of")
    write_demo(folder, users, seed, as_of)
    out.print(f"{folder}: {users:,} accounts, as of {as_of}")


@app.command()
def seal(folder: Folder, as_of: Annotated[str | None, typer.Option(help="The snapshot's instant, for a new descriptor")] = None) -> None:
    """Write the folder's datapackage.json: digests, totals and times of each table."""
    from heytalk_audit.snapshot.seal import seal_folder

    tables = seal_folder(folder, as_of)
    out.print(f"{folder}: {len(tables)} tables sealed; source_totals are for the source system to give")


@app.command()
def check(folder: Folder) -> None:
    """Validate a snapshot against the contract and its descriptor; say what each rule would lack."""
    from heytalk_audit.running.plan import check_folder

    raise typer.Exit(check_folder(folder, out))


@app.command(name="import")
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
            status.update(f"{table}: {rows:,} rows")

        def report(line: str) -> None:
            err.print(line, markup=False, soft_wrap=True)

        done = check_mapping(mapping, report, progress) if check or folder is None else import_snapshot(mapping, folder, report, progress)
    for note in done.notes:
        out.print(f"note: {printable(note)}", markup=False, soft_wrap=True)
    head = "the first rows of each fit, nothing was written" if check else str(folder)
    out.print(f"{head}: {', '.join(f'{name} {rows:,}' for name, rows in done.rows.items())}", markup=False, soft_wrap=True)


@app.command()
def holidays(
    region: Annotated[str, typer.Argument(help="A country or a part of one: ES, TR, CN, US-CA, GB-ENG")],
    year: Annotated[list[int], typer.Option("--year", min=1970, max=2200, help="A year; give it again for more")],
) -> None:
    """A country's public holidays, to be pasted under its region of law in settings.holidays in the parameters."""
    from heytalk_audit.policy.holidays import lines

    for line in lines(region, year):
        out.print(line, markup=False, soft_wrap=True)
