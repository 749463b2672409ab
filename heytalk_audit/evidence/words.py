"""What a person is told of a pack that was verified: in lines, the first the one that counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from heytalk_audit.evidence.sign_off import NAMESPACE, SignOff, SignOffs
from heytalk_audit.evidence.signature import Signer
from heytalk_audit.evidence.signers import Trust
from heytalk_audit.evidence.verify import PackState, Standing


def lines_of(standing: Standing, pack: Path, trust: Trust | None = None) -> Iterator[str]:
    """The lines for a pack that could be read; `trust` is what it was verified with."""
    verified = standing.verified
    if verified is None:
        return
    yield from (f"changed: {fault}" for fault in verified.faults)
    if standing.state is PackState.CHANGED:
        return
    yield f"{pack}: {verified.files:,} files, nothing changed since it was written; {_who(standing, trust)}"
    yield from _signed_off(verified.sign_offs, trust)


def _who(standing: Standing, trust: Trust | None) -> str:
    match standing.state:
        case PackState.UNSIGNED:
            return "nothing says who wrote it"
        case PackState.SIGNED:
            return f"signed by {standing.name} ({standing.fingerprint})"
        case _ if trust is None:
            return f"signed by {standing.fingerprint}, and nobody said whom to trust (--signers)"
        case _:
            return f"signed by {standing.fingerprint}, who is not among the signers"


def _signed_off(sign_offs: SignOffs, trust: Trust | None) -> Iterator[str]:
    if sign_offs.other:
        yield f"the sign-off beside it is of other evidence ({sign_offs.other[:12]}), and none of this run: sign sets it aside"
    for role, sign_off in sign_offs.signed.items():
        yield f"signed off by its {role}: {sign_off.name}, {sign_off.date}, {_key(sign_off, trust)}"


def _key(sign_off: SignOff, trust: Trust | None) -> str:
    signer = Signer(sign_off.public_key)
    name = trust.name_of(signer, NAMESPACE) if trust else None
    return f"key {signer.fingerprint}" + ("" if trust is None else f" of {name}" if name else ", which is not among the signers")
