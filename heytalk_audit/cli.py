"""The command line: arguments in, exit status out."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

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


key_app = typer.Typer(no_args_is_help=True, help="Keys that sign evidence.")
app.add_typer(key_app, name="key")


@key_app.command("new")
def key_new(
    path: Annotated[Path, typer.Argument(help="Where to write the private key; its public half goes to PATH.pub")],
    passphrase_env: Annotated[str, typer.Option(help="The environment variable that holds a passphrase")] = "HEYTALK_AUDIT_PASSPHRASE",
) -> None:
    """A new ed25519 key, in OpenSSH's form."""
    from heytalk_audit.signing import new_key

    signer = new_key(path, os.environb.get(passphrase_env.encode()) or None)
    out.print(f"{path}: {signer.fingerprint}; give {path}.pub to those who verify", soft_wrap=True)


@app.command()
def pack(run_: Annotated[Path, typer.Argument(metavar="RUN")], bag: Annotated[Path, typer.Argument(help="The bag's folder")]) -> None:
    """Make a BagIt bag whose payload is a run's folder."""
    from heytalk_audit.pack import write_bag

    files = write_bag(run_, bag)
    out.print(f"{bag}: {files:,} files", soft_wrap=True)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder, or a bag of one")],
    signers: Annotated[Path | None, typer.Option(help="OpenSSH allowed-signers file: who may have signed")] = None,
) -> None:
    """Check an evidence pack; needs no snapshot. Exit status 1 where something was changed."""
    from heytalk_audit.pack import verify_pack
    from heytalk_audit.signing import allowed

    known = allowed(signers) if signers else None
    found = verify_pack(folder)
    for fault in found.faults:
        out.print(f"changed: {fault}", markup=False, soft_wrap=True)
    if found.faults:
        raise typer.Exit(1)
    signer = found.signer
    if known is not None and (signer is None or signer.public not in known):
        out.print(
            f"{folder}: " + ("is not signed" if signer is None else f"is signed by {signer.fingerprint}, who is not among the signers")
        )
        raise typer.Exit(1)
    who = "not signed" if signer is None else f"signed by {known[signer.public] if known else signer.fingerprint}"
    out.print(f"{folder}: {found.files:,} files, none changed; {who}", markup=False, soft_wrap=True)


@app.command()
def sign(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one")],
    role: Annotated[str, typer.Option(help="preparer, who signs first, or reviewer")],
    name: Annotated[str, typer.Option(help="The signer's name")],
    key: Annotated[Path, typer.Option(help="The signer's private key")],
    snapshot: Annotated[Path | None, typer.Option(help="The snapshot: a reviewer recomputes before signing")] = None,
    previous: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    previous_snapshot: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    accepted: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    attestations: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    labels: Annotated[list[Path] | None, typer.Option(help="As for replay")] = None,
    text: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    override: Annotated[list[str] | None, typer.Option(help="Another rating of an area: retention=Reasonable: why")] = None,
    note: Annotated[str, typer.Option(help="What is left unresolved")] = "",
    passphrase_env: Annotated[
        str, typer.Option(help="The environment variable that holds the key's passphrase")
    ] = "HEYTALK_AUDIT_PASSPHRASE",
) -> None:
    """Sign a run off. With both signatures a cover page beside the run carries the opinion."""
    from heytalk_audit import signoff
    from heytalk_audit.replay import replay as replay_pack
    from heytalk_audit.signing import load_key

    private = load_key(key, os.environb.get(passphrase_env.encode()) or None)
    overrides = [signoff.override_of(o) for o in override or []]
    signoff.refuse(folder, role, name, private)
    if role == "reviewer":
        if snapshot is None:
            raise InputError("--snapshot", "is missing", "a reviewer recomputes the run from its snapshot before signing")
        given = {"snapshot": snapshot, "previous": previous, "previous_snapshot": previous_snapshot, "labels": labels, "text": text}
        found = replay_pack(folder, given | {"accepted": accepted, "attestations": attestations}, [], err)
        if not found.identical:
            for line in [*found.faults, *(f"since {c.name}: {c.what}" for c in found.changes), *found.files]:
                out.print(str(line), markup=False, soft_wrap=True)
            out.print(f"{folder}: the replay differs; nothing was signed", markup=False, soft_wrap=True)
            raise typer.Exit(1)
    cover = signoff.sign_off(folder, role, name, private, _now(), overrides, note)
    out.print(f"{signoff.beside(folder)}: signed by the {role}" + (f"; {cover}" if cover else ""), markup=False, soft_wrap=True)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder, or a bag of one")],
    snapshot: Annotated[Path, typer.Option(help="The snapshot that it was made from")],
    previous: Annotated[Path | None, typer.Option(help="The earlier run that it followed up, if it had one")] = None,
    previous_snapshot: Annotated[Path | None, typer.Option(help="The earlier run's snapshot, if it had it")] = None,
    labels: Annotated[list[Path] | None, typer.Option(help="The reviewers' labels, if it had some")] = None,
    text: Annotated[Path | None, typer.Option(help="The policy's published text, if it had it")] = None,
    accepted: Annotated[Path | None, typer.Option(help="The register, where a run for readers outside had one")] = None,
    attestations: Annotated[Path | None, typer.Option(help="The attestations, likewise")] = None,
    p: Override = None,
) -> None:
    """Recompute a pack from its snapshot and compare byte for byte. Exit status 1 where it differs."""
    from heytalk_audit.replay import replay as replay_pack

    given = {"snapshot": snapshot, "previous": previous, "previous_snapshot": previous_snapshot, "labels": labels, "text": text}
    found = replay_pack(folder, given | {"accepted": accepted, "attestations": attestations}, p or [], err)
    for line in [f"changed: {fault}" for fault in found.faults] + [f"since {c.name}: {c.what}" for c in found.changes]:
        out.print(line, markup=False, soft_wrap=True)
    for fault in found.files:
        out.print(f"differs: {fault}", markup=False, soft_wrap=True)
    out.print(f"{folder}: " + ("identical" if found.identical else f"{len(found.faults) + len(found.files):,} files are not as they were"))
    raise typer.Exit(0 if found.identical else 1)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The earlier run's folder, or a bag of it")],
    new: Annotated[Path, typer.Argument(help="The later run's folder, or a bag of it")],
    json_: Annotated[Path | None, typer.Option("--json", help="Write all of it, row by row, to this file")] = None,
    old_snapshot: Annotated[Path | None, typer.Option(help="The earlier run's snapshot, to tell causes apart by recomputing")] = None,
    new_snapshot: Annotated[Path | None, typer.Option(help="The later run's, where the earlier one is gone")] = None,
) -> None:
    """What changed between two audits, row by row, and why. Exit status 1 where something did."""
    from heytalk_audit import diff as compared
    from heytalk_audit.evidence import canonical

    found = compared.diff(old, new, old_snapshot, new_snapshot)
    if json_:
        json_.write_bytes(canonical(compared.document(found)))
    compared.show(found, Console(highlight=False, width=max(out.width, 132)))
    raise typer.Exit(1 if found.changed else 0)


@app.command()
def findings(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one")],
    out_: Annotated[Path | None, typer.Option("--out", help="The file to write (default: to the console)")] = None,
) -> None:
    """A register of findings to fill in, from what a run found: for `findings` in the next run's parameters."""
    from heytalk_audit.findings import template
    from heytalk_audit.previous import load

    text = template(load(run_, f"findings {run_.name}"))
    if out_ is None:
        sys.stdout.write(text)
    elif out_.exists():
        raise InputError(f"--out {out_.name}", "is there already", "name another file: what people wrote is not overwritten")
    else:
        out_.write_text(text, "utf-8")


@app.command()
def export(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one")],
    format: Annotated[str, typer.Option(help="csv,xlsx,junit,oscal,pdf,cyclonedx (default: all that can be made here)")] = "",
    out_: Annotated[Path | None, typer.Option("--out", help="The folder to write (default: <run>.exports)")] = None,
) -> None:
    """Copies of a run for other tools. Each cites the digest of the run's evidence."""
    from heytalk_audit.exports import export as export_run

    folder, files, left = export_run(run_, format.split(","), out_)
    for note in left:
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    out.print(f"{folder}: {', '.join(files)}", markup=False, soft_wrap=True)


custody_app = typer.Typer(no_args_is_help=True, help="Who had a snapshot, when and what for: a log that is chained line by line.")
app.add_typer(custody_app, name="custody")
Log = Annotated[Path | None, typer.Option(help="The custody log (default: custody.jsonl beside the snapshot's folder)")]
AnyLog = Annotated[Path, typer.Argument(help="A custody log, or a snapshot's folder")]
By = Annotated[str, typer.Option(help="Who does it")]
KeepDays = Annotated[int, typer.Option(min=0, help="Days to keep the snapshot")]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@custody_app.command("receive")
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
    from heytalk_audit import custody

    entry = custody.receive(snapshot, from_, by, channel, log, _now(), keep_days, run_)
    for table in entry["not_as_described"]:
        out.print(f"warning: {table} is not as the descriptor says", markup=False, soft_wrap=True)
    out.print(f"{snapshot}: received; to be destroyed from {entry['destroy_on']}", markup=False, soft_wrap=True)


@custody_app.command("access")
def custody_access(snapshot: Folder, by: By, purpose: Annotated[str, typer.Option(help="What for")], log: Log = None) -> None:
    """Log that somebody read the snapshot."""
    from heytalk_audit import custody

    custody.access(snapshot, by, purpose, log, _now())
    out.print(f"{snapshot}: access logged", markup=False, soft_wrap=True)


@custody_app.command("final")
def custody_final(
    snapshot: Folder,
    run_: Annotated[Path, typer.Option("--run", help="The run that became the final report, signed by its reviewer")],
    by: By,
    log: Log = None,
    keep_days: KeepDays = 90,
) -> None:
    """Log the final report: from its reviewer's sign-off the days of keeping are counted."""
    from heytalk_audit import custody

    entry = custody.final(snapshot, run_, by, log, _now(), keep_days)
    out.print(f"{snapshot}: to be destroyed from {entry['destroy_on']}", markup=False, soft_wrap=True)


@custody_app.command("show")
def custody_show(log: AnyLog = Path("custody.jsonl")) -> None:
    """Print the log."""
    from heytalk_audit import custody

    table = Table(box=None, pad_edge=False)
    for name in ("At", "Event", "By", "Snapshot", ""):
        table.add_column(name, overflow="fold")
    for e in custody.entries(custody.log_of(log) if log.is_dir() else log):
        more = {k: e[k] for k in ("from", "channel", "purpose", "case", "pseudonym", "reason", "destroy_on") if e.get(k)}
        said = [e["at"], e["event"], e["by"], e["snapshot"], "; ".join(f"{k} {v}" for k, v in more.items())]
        table.add_row(*(Text(printable(v)) for v in said))
    out.print(table)


@custody_app.command("verify")
def custody_verify(
    log: AnyLog = Path("custody.jsonl"),
    head: Annotated[str, typer.Option(help="A head noted earlier: it must still be in the chain")] = "",
) -> None:
    """Check the chain. Exit status 1 where a line was changed, or the head is not in it."""
    from heytalk_audit import custody

    file = custody.log_of(log) if log.is_dir() else log
    if not file.is_file():
        raise InputError(f"custody log {file.name}", "no such file", "name the log")
    try:
        heads = custody.heads(file)
    except InputError as error:
        out.print(f"changed: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if head and head not in heads:
        out.print(f"{file}: the chain holds, but {head[:16]} is no longer in it: lines were cut off", markup=False, soft_wrap=True)
        raise typer.Exit(1)
    out.print(f"{file}: {len(heads):,} lines, none changed; head {heads[-1] if heads else custody.START}", markup=False, soft_wrap=True)


@app.command()
def destroy(
    snapshot: Folder,
    by: By,
    log: Log = None,
    now: Annotated[bool, typer.Option("--now", help="Before its day; needs --reason")] = False,
    reason: Annotated[str, typer.Option(help="Why before its day, or without a receipt in the log")] = "",
    run_: Annotated[Path | None, typer.Option("--run", help="Count from this run's sign-off by its reviewer")] = None,
) -> None:
    """Remove a snapshot once its day has come, and write a certificate beside the log."""
    from heytalk_audit.destruction import destroy as destroy_snapshot

    if now and not reason.strip():
        raise InputError("--now", "states no reason", "add --reason")
    written = destroy_snapshot(snapshot, by, log, _now(), reason, run_)
    out.print(f"{snapshot}: destroyed; {written[0]}, {written[1]}", markup=False, soft_wrap=True)


@app.command()
def resolve(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a bag of one, for internal use")],
    pseudonyms: Annotated[list[str], typer.Argument(metavar="PSEUDONYM...", help="Records or persons, as the exceptions name them")],
    snapshot: Annotated[Path, typer.Option(help="The snapshot that it was made from")],
    key: Annotated[Path, typer.Option(help="The data protection officer's private key")],
    by: By = "",
    case: Annotated[str, typer.Option(help="The case that it is for")] = "",
    purpose: Annotated[str, typer.Option(help="What for")] = "",
    log: Log = None,
    passphrase_env: Annotated[
        str, typer.Option(help="The environment variable that holds the key's passphrase")
    ] = "HEYTALK_AUDIT_PASSPHRASE",
) -> None:
    """Lead pseudonyms back to rows and persons, for the data protection officer alone. Each look-up is logged before it is answered."""
    from heytalk_audit import resolution
    from heytalk_audit.signing import load_key

    asked = resolution.Asked(by, case, purpose, load_key(key, os.environb.get(passphrase_env.encode()) or None))
    for answer in resolution.resolve(run_, pseudonyms, snapshot, asked, log, _now):
        out.print(str(answer), markup=False, soft_wrap=True)


@app.command()
def record(
    params: Params,
    out_: Annotated[Path, typer.Option("--out", help="The folder to write")],
    p: Override = None,
) -> None:
    """The audit's own entry for the records of processing, and a short impact assessment, filled from its parameters."""
    from heytalk_audit.own_record import write_records

    files = write_records(params, p or [], out_)
    out.print(f"{out_}: {', '.join(files)}", markup=False, soft_wrap=True)


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
        numbers = [r["ledger"][k] for k in ("in_scope", "violation", "review", "unknown", "exempt")]
        numbers = ["\u2013" if n is None else f"{n:,}" for n in numbers]
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
