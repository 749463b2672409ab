"""Commands of evidence: keys, packs, verification, sign-off, replay, copies for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heytalk_audit.cli.app import PASSPHRASE_ENV, Override, PassphraseEnv, Run, app, now, passphrase_in
from heytalk_audit.console import err, out
from heytalk_audit.errors import InputError

key_app = typer.Typer(no_args_is_help=True, help="Keys that sign evidence.")
app.add_typer(key_app, name="key")


@key_app.command("new")
def key_new(
    path: Annotated[Path, typer.Argument(help="Where to write the private key; its public half goes to PATH.pub")],
    passphrase_env: Annotated[str, typer.Option(help="The environment variable that holds a passphrase")] = PASSPHRASE_ENV,
) -> None:
    """A new ed25519 key, in OpenSSH's form."""
    from heytalk_audit.evidence.signature import new_key

    signer = new_key(path, passphrase_in(passphrase_env))
    out.print(f"{path}: {signer.fingerprint}; give {path}.pub to those who verify", markup=False, soft_wrap=True)


@app.command()
def pack(run_: Annotated[Path, typer.Argument(metavar="RUN")], bag: Annotated[Path, typer.Argument(help="The bag's folder")]) -> None:
    """Make a BagIt bag whose payload is a run's folder."""
    from heytalk_audit.evidence.pack import write_bag

    files = write_bag(run_, bag)
    out.print(f"{bag}: {files:,} files", markup=False, soft_wrap=True)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder, or a bag of one")],
    signers: Annotated[Path | None, typer.Option(help="OpenSSH allowed-signers file: who may have signed")] = None,
) -> None:
    """Check an evidence pack; needs no snapshot. Exit status 1 where something was changed."""
    from heytalk_audit.evidence.signature import allowed
    from heytalk_audit.evidence.verify import verify_pack

    names = allowed(signers) if signers else None
    verified = verify_pack(folder)
    for fault in verified.faults:
        out.print(f"changed: {fault}", markup=False, soft_wrap=True)
    if verified.faults:
        raise typer.Exit(1)
    signer = verified.signer
    if names is not None and (signer is None or signer.public not in names):
        out.print(
            f"{folder}: " + ("is not signed" if signer is None else f"is signed by {signer.fingerprint}, who is not among the signers")
        )
        raise typer.Exit(1)
    who = "not signed" if signer is None else f"signed by {names[signer.public] if names else signer.fingerprint}"
    out.print(f"{folder}: {verified.files:,} files, none changed; {who}", markup=False, soft_wrap=True)


@app.command()
def sign(
    folder: Run,
    role: Annotated[str, typer.Option(help="preparer, who signs first, or reviewer")],
    name: Annotated[str, typer.Option(help="The signer's name")],
    key: Annotated[Path, typer.Option(help="The signer's private key")],
    snapshot: Annotated[Path | None, typer.Option(help="The snapshot: a reviewer recomputes before signing")] = None,
    previous: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    previous_snapshot: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    accepted: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    attestations: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    findings: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    labels: Annotated[list[Path] | None, typer.Option(help="As for replay")] = None,
    text: Annotated[Path | None, typer.Option(help="As for replay")] = None,
    override: Annotated[list[str] | None, typer.Option(help="Another rating of an area: retention=Reasonable: why")] = None,
    note: Annotated[str, typer.Option(help="What is left unresolved")] = "",
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
) -> None:
    """Sign a run off. With both signatures a cover page beside the run carries the opinion."""
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
        _refuse_other_results(folder, inputs | {"accepted": accepted, "attestations": attestations, "findings": findings})
    cover = sign_off.sign_off(folder, role, name, private, now(), overrides, note)
    out.print(f"{beside(folder)}: signed by the {role}" + (f"; {cover}" if cover else ""), markup=False, soft_wrap=True)


def _refuse_other_results(folder: Path, inputs: dict[str, Any]) -> None:
    """Recompute a pack; where it differs, say how and exit with status 1."""
    from heytalk_audit.running.replay import replay as replay_pack

    replayed = replay_pack(folder, inputs, [], err)
    if not replayed.identical:
        for line in [*replayed.faults, *(f"since {c.name}: {c.what}" for c in replayed.changes), *replayed.files]:
            out.print(str(line), markup=False, soft_wrap=True)
        out.print(f"{folder}: the replay differs; nothing was signed", markup=False, soft_wrap=True)
        raise typer.Exit(1)


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
    findings: Annotated[Path | None, typer.Option(help="The register of findings, likewise")] = None,
    p: Override = None,
) -> None:
    """Recompute a pack from its snapshot and compare byte for byte. Exit status 1 where it differs."""
    from heytalk_audit.running.replay import replay as replay_pack

    inputs = {"snapshot": snapshot, "previous": previous, "previous_snapshot": previous_snapshot, "labels": labels, "text": text}
    replayed = replay_pack(folder, inputs | {"accepted": accepted, "attestations": attestations, "findings": findings}, p or [], err)
    for line in [f"changed: {fault}" for fault in replayed.faults] + [f"since {c.name}: {c.what}" for c in replayed.changes]:
        out.print(line, markup=False, soft_wrap=True)
    for fault in replayed.files:
        out.print(f"differs: {fault}", markup=False, soft_wrap=True)
    out.print(
        f"{folder}: "
        + ("identical" if replayed.identical else f"{len(replayed.faults) + len(replayed.files):,} files are not as they were")
    )
    raise typer.Exit(0 if replayed.identical else 1)


@app.command()
def export(
    run_: Run,
    format: Annotated[str, typer.Option(help="csv,xlsx,junit,oscal,pdf,cyclonedx (default: all that can be made here)")] = "",
    out_: Annotated[Path | None, typer.Option("--out", help="The folder to write (default: <run>.exports)")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Also replace exports of another run, or changed ones")] = False,
) -> None:
    """Copies of a run for other tools. Each cites the digest of the run's evidence."""
    from heytalk_audit.exports import export as export_run

    folder, files, left = export_run(run_, format.split(","), out_, replace)
    for note in left:
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    out.print(f"{folder}: {', '.join(files)}", markup=False, soft_wrap=True)
