"""A custody log as a whole: its chain to the last line, the officers' signatures in it, and who signed its head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.errors import InputError, printable
from heytalk_audit.evidence import chain
from heytalk_audit.evidence.signers import Trust
from heytalk_audit.handover import resolution


@dataclass(frozen=True)
class CheckedLog:
    """What is wrong with a log, in lines, and what there is to tell of one with which nothing is."""

    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def checked_log(log: Path, noted: str = "", trust: Trust | None = None) -> CheckedLog:
    """Check a log. `noted` is a head that somebody noted: it must still be in the chain. Without `trust` no key is anybody's.

    Raises InputError where there is no log.
    """
    if not log.is_file():
        raise InputError(f"custody log {log.name}", "no such file", "name the log")
    try:
        checked = chain.chain_of(log)
    except InputError as error:
        return CheckedLog((f"changed: {error}",))
    faults = [*_faults(checked, trust)]
    if noted and noted not in (chain.START, *checked.digests):
        faults.append(f"{log}: the chain holds, but {printable(noted)[:16]} is no longer in it: lines were cut off")
    return CheckedLog(tuple(faults), (f"{log}: {len(checked.digests):,} lines, none changed; head {checked.head}", *_notes(checked, trust)))


def _faults(checked: chain.Chain, trust: Trust | None) -> Iterator[str]:
    """Look-ups that nobody signed, or somebody who may not; a head of such a one."""
    for number, entry in enumerate(checked.entries, 1):
        if entry.get("event") == resolution.EVENT:
            signer = resolution.signer_of(entry)
            if signer is None:
                yield f"changed: line {number}: a look-up that is not signed by the key that it names"
            elif trust and trust.name_of(signer, resolution.NAMESPACE) is None:
                yield f"changed: line {number}: a look-up signed by {signer.fingerprint}, who is not among the signers"
    if trust and checked.signer and trust.name_of(checked.signer, chain.NAMESPACE) is None:
        yield f"changed: the head is signed by {checked.signer.fingerprint}, who is not among the signers"


def _notes(checked: chain.Chain, trust: Trust | None) -> Iterator[str]:
    look_ups = [resolution.signer_of(entry) for entry in checked.entries if entry.get("event") == resolution.EVENT]
    if look_ups:
        keys = sorted({signer.fingerprint for signer in look_ups if signer})
        yield f"{len(look_ups):,} look-ups, signed by {', '.join(keys)}" + ("" if trust else "; nobody said whom to trust (--signers)")
    if checked.signed and checked.signer:
        name = trust.name_of(checked.signer, chain.NAMESPACE) if trust else None
        yield f"line {checked.signed.lines:,} and those before it are signed by {name or checked.signer.fingerprint}"
    elif checked.digests:
        yield "nobody signed the head: who may write here could have cut lines off together with it (custody sign)"
