"""Four eyes: who prepared a report, who reviewed it, and the page that states their sign-off.

Sign-offs lie beside the run, never in it: the run's bytes depend on its inputs alone. Each is signed with a key of its own over the
digest of the run's evidence. The statement exists once both have signed; a reviewer signs what a replay confirmed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heytalk_audit.audit.document import Results
from heytalk_audit.canonical import canonical, digest
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence.folder import STATEMENT, payload
from heytalk_audit.evidence.sign_off import NAMESPACE, ROLES, beside, read_sign_off
from heytalk_audit.evidence.signature import public_of, sign
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.follow_up.earlier import results_in
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.registers.persons import same_person
from heytalk_audit.report import page, pages
from heytalk_audit.vocabulary import Rating

__all__ = ["Override", "agreed_overrides", "beside", "override_of", "ratings", "refuse", "sign_off"]


@dataclass(frozen=True)
class Override:
    """Another rating of an area than the computed one, and why. It holds once both signers state the same."""

    area: str
    rating: Rating
    reason: str


def sign_off(
    run: Path, role: str, name: str, key: Ed25519PrivateKey, now: dt.datetime, overrides: list[Override], note: str
) -> Path | None:
    """Write one sign-off; returns the cover page once both have signed. Raises InputError.

    A reviewer's caller has replayed the run first: it must have been identical.
    """
    refuse(run, role, name, key)
    faults = verify_pack(run).faults
    if faults:
        raise InputError(f"sign {run.name}", f"is not as it was written ({faults[0]})", "sign what was not changed")
    document = {
        "role": role,
        "name": name.strip(),
        "date": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "evidence_sha256": _evidence(run),
        "public_key": public_of(key).public,
        "replayed": role == "reviewer",
        "overrides": [vars(o) for o in overrides],
        "note": note,
    }
    _write(beside(run), role, canonical(document), key)
    signed = {r: stated for r in ROLES if (stated := read_sign_off(run, r)) is not None}
    return _cover(run, signed) if len(signed) == len(ROLES) else None


def _evidence(run: Path) -> str:
    """The SHA-256 of the run's evidence.json."""
    return digest((payload(run) / STATEMENT).read_bytes())


def _write(folder: Path, role: str, content: bytes, key: Ed25519PrivateKey) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{role}.json").write_bytes(content)
    (folder / f"{role}.json.sig").write_bytes(sign(content, key, NAMESPACE))


def refuse(run: Path, role: str, name: str, key: Ed25519PrivateKey) -> None:
    """Raises InputError where this person may not sign in this role: alone, before the preparer, or with a key that signed already."""
    if role not in ROLES:
        raise InputError(f"--role {role[:40]}", "is no role", nearest(role, ROLES))
    if not name.strip():
        raise InputError("--name", "is empty", "write the signer's name")
    if not (payload(run) / STATEMENT).is_file():
        raise InputError(f"sign {run.name}", "is no run's folder and no bag of one", "name the folder that run or pack wrote")
    other = read_sign_off(run, next(r for r in ROLES if r != role))
    if role == "reviewer" and other is None:
        raise InputError(f"sign {run.name}", "was not signed by its preparer yet", "the preparer signs first")
    if other is None:
        return
    if other["evidence_sha256"] != _evidence(run):
        raise InputError(f"sign {run.name}", f"the {other['role']} signed other evidence", "have both sign this run")
    if other["public_key"] == public_of(key).public:
        raise InputError("--key", f"has signed as {other['role']}", "a reviewer signs with a key of their own")
    if same_person(other["name"], name):
        raise InputError("--name", f"has signed as {other['role']}", "nobody reviews their own work")


def override_of(text: str) -> Override:
    """An override from AREA=RATING: REASON. Raises InputError."""
    area, equals, rest = text.partition("=")
    rating, _, reason = rest.partition(":")
    area, rating, reason = area.strip(), rating.strip(), reason.strip()
    where = f"--override {text[:60]}"
    if not equals or len(reason) < 10:
        raise InputError(where, "states no area, rating and reason", "write retention=Reasonable: why, in a sentence")
    if area not in CHAPTERS:
        raise InputError(where, "names no area", nearest(area, CHAPTERS))
    if rating not in list(Rating):
        raise InputError(where, "names no rating", nearest(rating, map(str, Rating)))
    return Override(area, Rating(rating), reason)


def ratings(results: Results) -> dict[str, Rating]:
    """The computed rating of each area that was audited."""
    return {area.name: area.rating for area in results.areas}


def agreed_overrides(signed: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The overrides that both state alike, by area."""
    first, second = (signed[role]["overrides"] for role in ROLES)
    return {override["area"]: override for override in first if override in second}


def _cover(run: Path, signed: dict[str, dict[str, Any]]) -> Path:
    results = results_in(run, f"sign {run.name}")
    body = pages.sign_off_statement(
        results.audit, ratings(results), agreed_overrides(signed), [signed[role] for role in ROLES], f"../{run.name}/index.html"
    )
    title = f"Statement of sign-off - {results.audit.title}"
    cover = beside(run) / "cover.html"
    cover.write_text(
        page.wrap(page.sanitised(body.html), title, [{"href": "cover.html", "title": "Statement of sign-off", "current": True}]), "utf-8"
    )
    return cover
