"""Commands of the snapshot's custody, from receipt to destruction, and of the data protection officer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from heytalk_audit.cli.app import KEY_ENV, PASSPHRASE_ENV, Folder, KeyEnv, Override, Params, PassphraseEnv, app, example, now, passphrase_in
from heytalk_audit.cli.usage import Application
from heytalk_audit.console import out
from heytalk_audit.errors import InputError, printable

custody_app = Application(help="Who had a snapshot, when and what for: a log that is chained line by line.")
app.add_typer(custody_app, name="custody")
Log = Annotated[Path | None, typer.Option(help="The custody log (default: custody.jsonl beside the snapshot's folder)")]
AnyLog = Annotated[Path, typer.Argument(help="A custody log, or a snapshot's folder")]
By = Annotated[str, typer.Option(help="Who does it")]
KeepDays = Annotated[int, typer.Option(min=0, help="Days to keep the snapshot")]


@custody_app.command("receive", epilog=example("custody receive data/2025-03-31 --from 'A. Data' --by 'B. Audit' --channel SFTP"))
def custody_receive(
    snapshot: Folder,
    from_: Annotated[str, typer.Option("--from", help="Who handed it over")],
    by: By,
    channel: Annotated[str, typer.Option(help="How it came, as: SFTP, encrypted disk by courier")],
    log: Log = None,
    keep_days: KeepDays = 90,
    run_: Annotated[Path | None, typer.Option("--run", help="Count from this run's sign-off by its reviewer, not from receipt")] = None,
) -> None:
    """Log a receipt: digests computed now, and the day from which the snapshot is to be destroyed."""
    from heytalk_audit.evidence import custody

    entry = custody.receive(snapshot, from_, by, channel, log, now(), keep_days, run_)
    for table in entry["not_as_described"]:
        out.print(f"warning: {table} is not as the descriptor says", markup=False, soft_wrap=True)
    out.print(f"{snapshot}: received; to be destroyed from {entry['destroy_on']}", markup=False, soft_wrap=True)


@custody_app.command("access", epilog=example("custody access data/2025-03-31 --by 'B. Audit' --purpose 'quarterly audit'"))
def custody_access(snapshot: Folder, by: By, purpose: Annotated[str, typer.Option(help="What for")], log: Log = None) -> None:
    """Log that somebody read the snapshot."""
    from heytalk_audit.evidence import custody

    custody.access(snapshot, by, purpose, log, now())
    out.print(f"{snapshot}: access logged", markup=False, soft_wrap=True)


@custody_app.command("final", epilog=example("custody final data/2025-03-31 --run reports/2025-Q1 --by 'B. Audit'"))
def custody_final(
    snapshot: Folder,
    run_: Annotated[Path, typer.Option("--run", help="The run that became the final report, signed by its reviewer")],
    by: By,
    log: Log = None,
    keep_days: KeepDays = 90,
) -> None:
    """Log the final report: from its reviewer's sign-off the days of keeping are counted."""
    from heytalk_audit.evidence import custody

    entry = custody.final(snapshot, run_, by, log, now(), keep_days)
    out.print(f"{snapshot}: to be destroyed from {entry['destroy_on']}", markup=False, soft_wrap=True)


@custody_app.command("show", epilog=example("custody show data/2025-03-31"))
def custody_show(log: AnyLog = Path("custody.jsonl")) -> None:
    """Print the log."""
    from heytalk_audit.evidence import custody
    from heytalk_audit.evidence.chain import entries

    table = Table(box=None, pad_edge=False)
    for name in ("At", "Event", "By", "Snapshot", ""):
        table.add_column(name, overflow="fold")
    for e in entries(custody.log_of(log) if log.is_dir() else log):
        more = {k: e[k] for k in ("from", "channel", "purpose", "case", "pseudonym", "reason", "destroy_on") if e.get(k)}
        cells = [*(e.get(k, "") for k in ("at", "event", "by", "snapshot")), "; ".join(f"{k} {v}" for k, v in more.items())]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    out.print(table)


@custody_app.command("verify", epilog=example("custody verify data/2025-03-31"))
def custody_verify(
    log: AnyLog = Path("custody.jsonl"),
    head: Annotated[str, typer.Option(help="A head noted earlier: it must still be in the chain")] = "",
    signers: Annotated[Path | None, typer.Option(help="OpenSSH allowed-signers file: the officers")] = None,
) -> None:
    """Check the chain and the signatures in it. Exit status 1 where a line was changed or cut off, or somebody else signed."""
    from heytalk_audit.evidence import custody
    from heytalk_audit.evidence.signers import allowed_signers
    from heytalk_audit.handover.custody_check import checked_log

    trust = allowed_signers(signers, int(now().timestamp())) if signers else None
    checked = checked_log(custody.log_of(log) if log.is_dir() else log, head, trust)
    for line in checked.faults or checked.notes:
        out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(1 if checked.faults else 0)


@custody_app.command("sign", epilog=example("custody sign data/2025-03-31 --key officer.key"))
def custody_sign(
    log: AnyLog,
    key: Annotated[Path, typer.Option(help="The private key of whoever vouches for the log up to here")],
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
) -> None:
    """Sign the log's head: from then on lines up to here can't be cut off unnoticed."""
    from heytalk_audit.evidence import custody
    from heytalk_audit.evidence.chain import sign_head
    from heytalk_audit.evidence.signature import load_key

    file = custody.log_of(log) if log.is_dir() else log
    if not file.is_file():
        raise InputError(f"custody log {file.name}", "no such file", "name the log")
    chain = sign_head(file, load_key(key, passphrase_in(passphrase_env)))
    out.print(f"{file}: {len(chain.digests):,} lines signed; head {chain.head}", markup=False, soft_wrap=True)


@app.command(epilog=example("destroy data/2025-03-31 --by 'B. Audit'"))
def destroy(
    snapshot: Folder,
    by: By,
    log: Log = None,
    early: Annotated[bool, typer.Option("--now", help="Before its day; needs --reason")] = False,
    reason: Annotated[str, typer.Option(help="Why before its day, or without a receipt in the log")] = "",
    run_: Annotated[Path | None, typer.Option("--run", help="Count from this run's sign-off by its reviewer")] = None,
) -> None:
    """Remove a snapshot once its day has come, and write a certificate beside the log."""
    from heytalk_audit.handover.destruction import destroy as destroy_snapshot

    if early and not reason.strip():
        raise InputError("--now", "states no reason", "add --reason")
    written = destroy_snapshot(snapshot, by, log, now(), reason, run_)
    out.print(f"{snapshot}: destroyed; {written[0]}, {written[1]}", markup=False, soft_wrap=True)


@app.command(epilog=example("resolve reports/2025-Q1 0123456789abcdef --snapshot data/2025-03-31 --key officer.key --case 2025-7"))
def resolve(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one, for internal use")],
    pseudonyms: Annotated[list[str], typer.Argument(metavar="PSEUDONYM...", help="Records or persons, as the exceptions name them")],
    snapshot: Annotated[Path, typer.Option(help="The snapshot that it was made from")],
    key: Annotated[Path, typer.Option(help="The data protection officer's private key")],
    by: By = "",
    case: Annotated[str, typer.Option(help="The case that it is for")] = "",
    purpose: Annotated[str, typer.Option(help="What for")] = "",
    log: Log = None,
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
    key_env: KeyEnv = KEY_ENV,
) -> None:
    """Lead pseudonyms back to rows and persons, for the data protection officer alone. Each look-up is logged before it is answered."""
    from heytalk_audit.evidence.signature import load_key
    from heytalk_audit.handover import resolution

    look_up = resolution.LookUp(by, case, purpose, load_key(key, passphrase_in(passphrase_env)), key_env)
    for answer in resolution.resolve(run_, pseudonyms, snapshot, look_up, log, now):
        out.print(str(answer), markup=False, soft_wrap=True)


@app.command(epilog=example("record params/quarterly.yaml --out records"))
def record(
    params: Params,
    out_: Annotated[Path, typer.Option("--out", help="The folder to write")],
    p: Override = None,
) -> None:
    """The audit's own entry for the records of processing, and a short impact assessment, filled from its parameters."""
    from heytalk_audit.handover.records import write_records

    files = write_records(params, p or [], out_)
    out.print(f"{out_}: {', '.join(files)}", markup=False, soft_wrap=True)
