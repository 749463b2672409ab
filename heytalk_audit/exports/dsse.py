"""The run's statement in a DSSE envelope: what in-toto's and SLSA's own tools verify, signed with the key that signs the run.

The layout is the protocol of secure-systems-lab/dsse; the key's id is the one that securesystemslib computes.
"""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heytalk_audit.canonical import canonical, digest
from heytalk_audit.evidence.folder import STATEMENT
from heytalk_audit.evidence.signature import public_of
from heytalk_audit.evidence.statement import read_statement, signing_key_of
from heytalk_audit.exports.recorded import Recorded, Unavailable

FILE = "evidence.dsse.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def write(run: Recorded, folder: Path) -> None:
    """One file. Raises Unavailable without a key, or with another than the run's."""
    if run.key is None:
        raise Unavailable("needs a key to sign with", "name it with --key")
    payload = (run.folder / STATEMENT).read_bytes()
    wanted = signing_key_of(read_statement(payload))
    if wanted not in (None, public_of(run.key).fingerprint):
        raise Unavailable("is signed with the key that signed the run", f"name the key {wanted} with --key")
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    raw = run.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": _key_id(raw), "sig": base64.b64encode(run.key.sign(signed)).decode()}],
    }
    (folder / FILE).write_bytes(canonical(envelope))


def _key_id(raw: bytes) -> str:
    """The digest of the public key as securesystemslib describes it, in canonical JSON."""
    return digest(b'{"keytype":"ed25519","keyval":{"public":"%b"},"scheme":"ed25519"}' % raw.hex().encode())
