"""The published text of a policy: its digest, whether it breaks off, and which clauses' sentences are no longer in it.

A clause is known by the digest of the sentence that carries it, so that the project keeps no text of its own. White space and Unicode's
composed forms don't count; a sentence ends with a full stop, question mark, exclamation mark, colon or semicolon before white space
(closing quotes and brackets in between belong to neither side), or with its line. Lines end as an editor counts them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heytalk_audit.errors import InputError
from heytalk_audit.policy import Clause

_END = re.compile(r"(?<=[.!?:;])[\"'\u201d\u2019)\]]*\s+")
_LINE = re.compile(r"\r\n?|\n")
_ENDED = re.compile(r"[.!?:;][\"'\u201d\u2019)\]]*$")

SAME, MOVED, CHANGED, TRUNCATED = "same", "moved", "changed", "truncated"


@dataclass(frozen=True)
class PolicyText:
    """A published text: SHA-256 of its bytes, and its lines (the first is line 1)."""

    sha256: str
    lines: tuple[str, ...]

    @property
    def truncated(self) -> bool:
        """Whether the last line that says anything does not end a sentence."""
        last = next((line for line in reversed(self.lines) if line.strip()), "")
        return bool(last) and not _ENDED.search(normalise(last))

    @cached_property
    def hashes(self) -> dict[str, set[int]]:
        """Every sentence's digest, and the lines on which it stands."""
        found: dict[str, set[int]] = {}
        for number, line in enumerate(self.lines, 1):
            for sentence in sentences(line):
                found.setdefault(sentence_hash(sentence), set()).add(number)
        return found


def load_text(path: Path) -> PolicyText:
    """The published text in a UTF-8 file. Raises InputError where it can't be read as such."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"policy.text {path.name}", "cannot be read as UTF-8 text", "name the published text, or null") from error
    # not splitlines(): it also breaks at separators within a line, and every line number after them would be off
    return PolicyText(hashlib.sha256(raw).hexdigest(), tuple(_LINE.split(text.removesuffix("\n"))))


def normalise(text: str) -> str:
    """Composed Unicode, runs of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def sentences(line: str) -> list[str]:
    """The sentences of a line, normalised."""
    return [s for s in (normalise(part) for part in _END.split(line)) if s]


def sentence_hash(sentence: str) -> str:
    """SHA-256 of a normalised sentence."""
    return hashlib.sha256(normalise(sentence).encode()).hexdigest()


def drift(text: PolicyText, clauses: Iterable[Clause]) -> list[dict[str, str]]:
    """Per clause, how its sentence stands in the text: same, moved to another line, changed, or cut off."""
    cut = sentence_hash(_last(text)) if text.truncated else None
    return [{"clause_id": c.id, "status": _status(text, c, cut)} for c in clauses]


def _last(text: PolicyText) -> str:
    return next(sentences(line)[-1] for line in reversed(text.lines) if line.strip())


def _status(text: PolicyText, clause: Clause, cut: str | None) -> str:
    lines = text.hashes.get(clause.sentence_sha256)
    if lines is None:
        return CHANGED
    if clause.sentence_sha256 == cut:
        return TRUNCATED
    return SAME if clause.line in lines else MOVED
