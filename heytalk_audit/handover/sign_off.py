"""Four eyes: who prepared a report, who reviewed it, and the page that states their sign-off.

Sign-offs lie beside the run, never in it: the run's bytes depend on its inputs alone. Each is signed with a key of its own over the
digest of the run's evidence. The statement exists once both have signed; a reviewer signs what a replay confirmed.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heytalk_audit.audit.document import Results
from heytalk_audit.canonical import canonical, file_sha256, write_whole
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.evidence.folder import STATEMENT, payload
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.sign_off import NAMESPACE, PREPARER, REVIEWER, ROLES, Override, SignOff, aside, beside, checked_sign_offs
from heytalk_audit.evidence.signature import public_of, sign
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.registers.persons import same_person
from heytalk_audit.report import page, pages
from heytalk_audit.vocabulary import Rating


@dataclass(frozen=True)
class Signed:
    """What came of signing: the cover page, once both have signed, and where sign-offs of other evidence were set aside, if any were."""

    cover: Path | None
    set_aside: Path | None


def sign_off(run: Path, role: str, name: str, key: Ed25519PrivateKey, now: dt.datetime, overrides: list[Override], note: str) -> Signed:
    """Write one sign-off. Raises InputError.

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
        "evidence_sha256": file_sha256(payload(run) / STATEMENT),
        "public_key": public_of(key).public,
        "replayed": role == REVIEWER,
        "overrides": [o.model_dump(mode="json") for o in overrides],
        "note": note,
    }
    moved = _set_aside(run)
    _write(beside(run), role, canonical(document), key)
    signed = checked_sign_offs(run).signed
    return Signed(_cover(run, signed) if len(signed) == len(ROLES) else None, moved)


def _set_aside(run: Path) -> Path | None:
    """Move the sign-offs of other evidence than this run's out of the way; returns where they are now, if there were any."""
    other = checked_sign_offs(run).other
    if other is None:
        return None
    place = aside(run, other)
    if place.exists():
        raise InputError(f"sign-off {place.name}", "is there already", "move it, or the one beside the run, elsewhere")
    os.rename(beside(run), place)
    return place


def _write(folder: Path, role: str, content: bytes, key: Ed25519PrivateKey) -> None:
    folder.mkdir(exist_ok=True)
    write_whole(content, folder / f"{role}.json")
    write_whole(sign(content, key, NAMESPACE), folder / f"{role}.json.sig")


def refuse(run: Path, role: str, name: str, key: Ed25519PrivateKey) -> None:
    """Raises InputError where this person may not sign in this role: alone, before the preparer, or with a key that signed already."""
    if role not in ROLES:
        raise InputError(f"--role {role[:40]}", "is no role", nearest(role, ROLES))
    if not name.strip():
        raise InputError("--name", "is empty", "write the signer's name")
    if len(name.strip()) > 200:
        raise InputError("--name", "has more than 200 characters", "write the signer's name")
    if not (payload(run) / STATEMENT).is_file():
        raise InputError(f"sign {run.name}", "is no run's folder and no bag of one", "name the folder that run or pack wrote")
    there = checked_sign_offs(run)
    if role == REVIEWER and PREPARER not in there.signed:
        what = "was not signed by its preparer yet" if there.other is None else "lies beside a sign-off of other evidence"
        raise InputError(f"sign {run.name}", what, "the preparer signs this run first, which sets such a one aside")
    other = there.signed.get(next(r for r in ROLES if r != role))
    if other is None:
        return
    if other.public_key == public_of(key).public:
        raise InputError("--key", f"has signed as {other.role}", "a reviewer signs with a key of their own")
    if same_person(other.name, name):
        raise InputError("--name", f"has signed as {other.role}", "nobody reviews their own work")


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
    if len(reason) > 2000:
        raise InputError(where, "has a reason of more than 2,000 characters", "write it in a sentence")
    return Override(area=area, rating=Rating(rating), reason=reason)


def ratings(results: Results) -> dict[str, Rating]:
    """The computed rating of each area that was audited."""
    return {area.name: area.rating for area in results.areas}


def agreed_overrides(signed: Mapping[str, SignOff]) -> dict[str, dict[str, str]]:
    """The overrides that both state alike, by area."""
    first, second = (signed[role].overrides for role in ROLES)
    return {override.area: override.model_dump(mode="json") for override in first if override in second}


def _cover(run: Path, signed: Mapping[str, SignOff]) -> Path:
    results = results_in(run, f"sign {run.name}")
    stated = [signed[role].model_dump(mode="json") for role in ROLES]
    inside = payload(run).relative_to(run).as_posix()
    report = "/".join(
        ["..", quote(beside(run).name.removesuffix(".sign-off"), safe=""), *([inside] if inside != "." else []), "index.html"]
    )
    body = pages.sign_off_statement(results.audit, ratings(results), agreed_overrides(signed), stated, report)
    title = f"Statement of sign-off - {results.audit.title}"
    cover = beside(run) / "cover.html"
    here = [{"href": "cover.html", "title": "Statement of sign-off", "current": True}]
    write_whole(page.wrap(page.sanitised(body.html), title, here).encode(), cover)
    return cover
