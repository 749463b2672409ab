"""Commands of evidence: keys, packs, verification, sign-off, replay, copies for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heytalk_audit.cli.app import PASSPHRASE_ENV, Override, Pack, PassphraseEnv, Run, app, example, now, passphrase_in
from heytalk_audit.cli.usage import Application
from heytalk_audit.console import err, out
from heytalk_audit.errors import InputError

key_app = Application(help="Keys that sign evidence.")
app.add_typer(key_app, name="key")


@key_app.command("new", epilog=example("key new audit.key"))
def key_new(
    path: Annotated[Path, typer.Argument(help="Where to write the private key; its public half goes to PATH.pub")],
    passphrase_env: Annotated[str, typer.Option(help="The environment variable that holds a passphrase")] = PASSPHRASE_ENV,
) -> None:
    """A new ed25519 key, in OpenSSH's form."""
    from heytalk_audit.evidence.signature import new_key

    signer = new_key(path, passphrase_in(passphrase_env))
    out.print(f"{path}: {signer.fingerprint}; give {path}.pub to those who verify", markup=False, soft_wrap=True)


@app.command(epilog=example("pack reports/2025-Q1 2025-Q1.bag"))
def pack(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder")],
    bag: Annotated[Path, typer.Argument(help="The bag's folder, which is written")],
) -> None:
    """Make a BagIt bag whose payload is a run's folder."""
    from heytalk_audit.evidence.pack import write_bag

    files = write_bag(run_, bag)
    out.print(f"{bag}: {files:,} files", markup=False, soft_wrap=True)


@app.command(epilog=example("verify reports/2025-Q1 --signers allowed_signers"))
def verify(
    folder: Pack,
    signers: Annotated[Path | None, typer.Option(help="OpenSSH allowed-signers file: who may have signed")] = None,
    identity: Annotated[str, typer.Option(help="Who alone may have signed it, of those in the file; as ssh-keygen's -I")] = "",
    revoked: Annotated[Path | None, typer.Option(help="Keys that are revoked: a list of them, or one of ssh-keygen -k")] = None,
    at: Annotated[str, typer.Option(help="When the key had to be valid, as ssh-keygen's verify-time: 20250331Z (default: now)")] = "",
) -> None:
    """Check an evidence pack; needs no snapshot.

    Exit status 0 where nothing was changed and a known signer signed it, 1 where something was changed, 2 where it can't be read. It is 3
    where nothing was changed and nothing says who wrote it: it is not signed, or the signer is not known.
    """
    from heytalk_audit.evidence.signers import allowed_signers
    from heytalk_audit.evidence.verify import pack_standing
    from heytalk_audit.evidence.words import lines_of

    for option, value in {"--identity": identity, "--revoked": revoked, "--at": at}.items():
        if value and signers is None:
            raise InputError(option, "stands without --signers", "name the file of those whom you trust")
    trust = allowed_signers(signers, int(now().timestamp()), at, identity, revoked) if signers else None
    for note in trust.passed_over if trust else ():
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    standing = pack_standing(folder, trust)
    if standing.reason:
        raise InputError.again(standing.reason)
    for line in lines_of(standing, folder, trust):
        out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(standing.state.status)


@app.command(epilog=example("sign reports/2025-Q1 --role preparer --name 'B. Audit' --key audit.key"))
def sign(
    folder: Run,
    role: Annotated[str, typer.Option(help="preparer, who signs first, or reviewer")],
    name: Annotated[str, typer.Option(help="The signer's name")],
    key: Annotated[Path, typer.Option(help="The signer's private key")],
    snapshot: Annotated[Path | None, typer.Option(help="The snapshot: a reviewer recomputes before signing")] = None,
    previous: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    previous_snapshot: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    accepted: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    decisions: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    attestations: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    findings: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    processing: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    incidents: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    labels: Annotated[list[Path] | None, typer.Option(help="As for replay")] = None,
    text: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    override: Annotated[list[str] | None, typer.Option(help="Another rating of an area: retention=Reasonable: why")] = None,
    note: Annotated[str, typer.Option(help="What is left unresolved")] = "",
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
    p: Override = None,
) -> None:
    """Sign a run off. With both signatures the statement of sign-off is written beside the run."""
    from heytalk_audit.evidence.sign_off import beside
    from heytalk_audit.evidence.signature import load_key
    from heytalk_audit.handover import sign_off

    private = load_key(key, passphrase_in(passphrase_env))
    overrides = [sign_off.override_of(o) for o in override or []]
    sign_off.refuse(folder, role, name, private)
    if role == "reviewer":
        if snapshot is None:
            raise InputError("--snapshot", "is missing", "a reviewer recomputes the run from its snapshot before signing")
        inputs = {"snapshot": snapshot, "previous": previous, "previous_snapshot": previous_snapshot, "labels": labels, "text": text}
        inputs |= {"accepted": accepted, "decisions": decisions, "attestations": attestations, "findings": findings}
        inputs |= {"processing": processing, "incidents": incidents}
        _refuse_other_results(folder, inputs, p or [])
    signed = sign_off.sign_off(folder, role, name, private, now(), overrides, note)
    if signed.set_aside:
        out.print(f"{signed.set_aside}: set aside; it is a sign-off of other evidence", markup=False, soft_wrap=True)
    out.print(f"{beside(folder)}: signed by the {role}" + (f"; {signed.cover}" if signed.cover else ""), markup=False, soft_wrap=True)


def _refuse_other_results(folder: Path, inputs: dict[str, Any], overrides: list[str]) -> None:
    """Recompute a pack; where it differs, say how and exit with status 1."""
    from heytalk_audit.running.replay import replay as replay_pack

    replayed = replay_pack(folder, inputs, overrides, err)
    if not replayed.identical:
        for line in replayed.lines:
            out.print(line, markup=False, soft_wrap=True)
        out.print(f"{folder}: the replay differs; nothing was signed", markup=False, soft_wrap=True)
        raise typer.Exit(1)


@app.command(epilog=example("replay reports/2025-Q1 --snapshot data/2025-03-31"))
def replay(
    folder: Pack,
    snapshot: Annotated[Path, typer.Option(help="The snapshot that it was made from")],
    previous: Annotated[Path | None, typer.Option(help="The earlier run that it followed up, if it had one")] = None,
    previous_snapshot: Annotated[Path | None, typer.Option(help="The earlier run's snapshot, if it had it")] = None,
    labels: Annotated[list[Path] | None, typer.Option(help="The reviewers' labels, if it had some")] = None,
    text: Annotated[Path | None, typer.Option(help="The policy's published text, if it had it")] = None,
    accepted: Annotated[Path | None, typer.Option(help="The register, where a run for readers outside had one")] = None,
    decisions: Annotated[Path | None, typer.Option(help="The register of decisions, likewise")] = None,
    attestations: Annotated[Path | None, typer.Option(help="The attestations, likewise")] = None,
    findings: Annotated[Path | None, typer.Option(help="The register of findings, likewise")] = None,
    processing: Annotated[Path | None, typer.Option(help="The register of processing, likewise")] = None,
    incidents: Annotated[Path | None, typer.Option(help="The register of incidents, likewise")] = None,
    p: Override = None,
) -> None:
    """Recompute a pack from its snapshot and compare byte for byte. Exit status 1 where it differs.

    First it says whether verdicts, ledgers and exception rows are equal. A pack is data: engine, paths and keys are those of this command.
    """
    from heytalk_audit.running.replay import replay as replay_pack

    inputs = {"snapshot": snapshot, "previous": previous, "previous_snapshot": previous_snapshot, "labels": labels, "text": text}
    inputs |= {"accepted": accepted, "decisions": decisions, "attestations": attestations, "findings": findings}
    inputs |= {"processing": processing, "incidents": incidents}
    replayed = replay_pack(folder, inputs, p or [], err)
    for line in replayed.lines:
        out.print(line, markup=False, soft_wrap=True)
    differing = len(replayed.faults) + len(replayed.files)
    what = "identical" if replayed.identical else f"{differing:,} files are not as they were" if differing else "not as it was"
    out.print(f"{folder}: {what}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if replayed.identical else 1)


@app.command(epilog=example("export reports/2025-Q1 --format short --template letterhead.docx"))
def export(
    run_: Pack,
    format: Annotated[
        str, typer.Option(help="csv,xlsx,frameworks,junit,sarif,oscal,pdf,short,cyclonedx,dsse (default: all that can be made here)")
    ] = "",
    out_: Annotated[Path | None, typer.Option("--out", help="The folder to write (default: <run>.exports)")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Also replace exports of another run, or changed ones")] = False,
    key: Annotated[Path | None, typer.Option(help="The private key that signs the dsse envelope: the run's own, if it is signed")] = None,
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
    snapshot: Annotated[Path | None, typer.Option(help="The run's snapshot, to search the copies for its values too")] = None,
    template: Annotated[Path | None, typer.Option(help="A Word document (.docx) that the short edition is written into")] = None,
) -> None:
    """Copies of a run for other tools. Each cites the digest of the run's evidence."""
    from heytalk_audit.evidence.signature import load_key
    from heytalk_audit.exports import export as export_run

    private = load_key(key, passphrase_in(passphrase_env)) if key else None
    folder, files, left = export_run(run_, format.split(","), out_, private, snapshot, replace, template)
    for note in left:
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    out.print(f"{folder}: {', '.join(files)}", markup=False, soft_wrap=True)
