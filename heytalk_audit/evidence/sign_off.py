"""A recorded sign-off: who prepared a run, who reviewed it, each signed with a key of their own over the digest of the run's evidence.

Sign-offs lie beside the run, never in it: the run's bytes depend on its inputs alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from heytalk_audit.errors import InputError
from heytalk_audit.evidence.signature import BadSignature, verify

ROLES = ("preparer", "reviewer")
NAMESPACE = "heytalk-audit-sign-off"


def beside(run: Path) -> Path:
    """The folder of a run's sign-offs."""
    return run.with_name(run.name + ".sign-off")


def read_sign_off(run: Path, role: str) -> dict[str, Any] | None:
    """A run's sign-off by a role, or null where there is none. Raises InputError where it is not as its signer signed it."""
    file = beside(run) / f"{role}.json"
    if not file.exists():
        return None
    content = file.read_bytes()
    try:
        signer = verify(content, file.with_name(f"{role}.json.sig").read_bytes(), NAMESPACE)
        document: dict[str, Any] = json.loads(content)
    except (OSError, BadSignature, ValueError) as error:
        raise InputError(f"sign-off {file.name}", f"its signature {error}", "have it signed again") from error
    if signer.public != document["public_key"]:
        raise InputError(f"sign-off {file.name}", "was signed with another key than it names", "have it signed again")
    return document
