"""The dictionary attack, against hashlib."""

from __future__ import annotations

import hashlib
import random

from heytalk_audit.detect.digests import ALGORITHMS, digest_forms, match_digests

CLEAR = [" Jo@Example.com ", "+90 532 123 45 67", None, "jo@example.com", "", "أ١", "plain"]


def variants(text: str) -> dict[str, str]:
    trimmed = text.strip()
    digits = "".join(c for c in trimmed if c in "0123456789")
    return {"raw": text, "trimmed": trimmed, "lowered": trimmed.lower(), "digits": digits}


def test_twelve_variants_are_what_hashlib_makes():
    forms = digest_forms(CLEAR).to_pylist()
    for form in forms:
        value = variants(CLEAR[form["clear_row"]])[form["form"]]
        assert form["digest"] == hashlib.new(form["algorithm"], value.encode()).hexdigest()
    kept = {(form["clear_row"], form["digest"]) for form in forms}
    for row, text in enumerate(CLEAR):
        for form, value in variants(text).items() if text is not None else ():
            if form != "digits" or value:
                assert all((row, hashlib.new(name, value.encode()).hexdigest()) in kept for name in ALGORITHMS)


def test_matches_are_exact():
    rng = random.Random(5)
    clear = [f"user{i}@example.com" for i in range(500)]
    wanted = {i: rng.randrange(500) for i in range(0, 300, 3)}
    digests = [hashlib.sha256((clear[wanted[i]] if i in wanted else f"other{i}").encode()).hexdigest() for i in range(300)]
    digests[3] = f"  {digests[3].upper()} "
    matches = match_digests(clear, [*digests, None, "", "zz"], threads=1)
    assert dict(zip(matches.digest_row.tolist(), matches.clear_row.tolist(), strict=True)) == wanted
    assert not len(match_digests(clear, ["abc"])) and not len(match_digests([], digests))
