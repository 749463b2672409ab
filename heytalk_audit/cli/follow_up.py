"""Commands that set one audit beside another."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from heytalk_audit.cli.app import KEY_ENV, KeyEnv, Run, app, example
from heytalk_audit.console import err, out, print_document, wide
from heytalk_audit.disk.placing import new_file, refuse_present, write_new


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

    with contextlib.ExitStack() as stack:
        file = stack.enter_context(new_file(json_, f"--json {json_.name}")) if json_ else None
        difference = stack.enter_context(compared.diff(old, new, old_snapshot, new_snapshot, key_env))
        if file:
            write_canonical(compared.document(difference), file)
        compared.print_difference(difference, wide())
        status = 1 if difference.changed else 0
    raise typer.Exit(status)


@app.command(epilog=example("findings reports/2025-Q1 --out findings.yaml"))
def findings(
    run_: Run,
    out_: Annotated[Path | None, typer.Option("--out", help="The file to write (default: to the console)")] = None,
) -> None:
    """A register of findings to fill in, from what a run found: for `findings` in the next run's parameters."""
    from heytalk_audit.follow_up.earlier import verified_run
    from heytalk_audit.follow_up.standings import register_of

    if out_ is not None:
        refuse_present(out_, f"--out {out_.name}")
    text = register_of(verified_run(run_, f"findings {run_.name}"))
    if out_ is None:
        print_document(text)
    else:
        write_new(out_, text, f"--out {out_.name}")


@app.command(epilog=example("owners reports/2025-Q1 findings.yaml --out to-owners"))
def owners(
    run_: Run,
    register: Annotated[Path, typer.Argument(help="The register of findings, with owners filled in")],
    out_: Annotated[Path, typer.Option("--out", help="The folder to write")],
) -> None:
    """A workbook for each owner of findings: what was found, and cells for response, words and status. `responses` reads them back."""
    from heytalk_audit.handover.owners import write_owner_files

    written = write_owner_files(run_, register, out_)
    out.print(f"{out_}: {', '.join(written.files)}", markup=False, soft_wrap=True)
    if written.without_owner:
        text = f"note: {len(written.without_owner):,} findings have no owner yet: {', '.join(written.without_owner)}"
        out.print(text, markup=False, soft_wrap=True)


@app.command(epilog=example("responses findings.yaml to-owners/*.xlsx --out answered.yaml"))
def responses(
    register: Annotated[Path, typer.Argument(help="The register of findings that the workbooks were made from")],
    workbooks: Annotated[list[Path], typer.Argument(metavar="WORKBOOK...", help="The workbooks that came back")],
    out_: Annotated[Path, typer.Option("--out", help="The register to write")],
) -> None:
    """The register with what owners answered in their workbooks. A cell that is wrong is named, each in a line, and nothing is written."""
    from heytalk_audit.handover.responses import read_responses, responses_text

    refuse_present(out_, f"--out {out_.name}")
    answers = read_responses(register, workbooks)
    for fault in answers.faults:
        err.print(f"error: {fault}", markup=False, soft_wrap=True)
    if answers.faults:
        raise typer.Exit(2)
    write_new(out_, responses_text(answers), f"--out {out_.name}")
    text = f"{out_}: {len(answers.answered):,} findings of {len(answers.entries):,} answered in {len(workbooks):,} workbooks"
    out.print(text, markup=False, soft_wrap=True)


@app.command(epilog=example("decide reports/2025-Q1 --out decisions.yaml"))
def decide(
    run_: Run,
    out_: Annotated[Path, typer.Option("--out", help="The file to write")],
) -> None:
    """The open rows for review as a register of decisions to fill in: for `decisions` in the next run's parameters."""
    from heytalk_audit.handover.decide import open_register

    refuse_present(out_, f"--out {out_.name}")
    write_new(out_, open_register(run_), f"--out {out_.name}")
