"""The published text of a policy: its digest, whether it breaks off, and which clauses' sentences are no longer in it.

A clause is recognised by the digest of the sentence that states it, so that the project need not keep the text. Differences of white
space and of Unicode's composed forms are ignored. A sentence ends with a full stop, question mark, exclamation mark, colon or semicolon
before white space (closing quotes and brackets in between belong to neither side), or with its line. Lines are counted as in an editor.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heytalk_audit.errors import InputError, looked_in
from heytalk_audit.policy import Clause

_END = re.compile(r"(?<=[.!?:;])[\"'\u201d\u2019)\]]*\s+")
_LINE = re.compile(r"\r\n?|\n")
_ENDED = re.compile(r"[.!?:;][\"'\u201d\u2019)\]]*$")

SAME, MOVED, CHANGED, TRUNCATED = "same", "moved", "changed", "truncated"


@dataclass(frozen=True)
class PolicyText:
    """A published text: SHA-256 of its bytes, in hex, and its lines."""

    sha256: str
    lines: tuple[str, ...]

    @property
    def truncated(self) -> bool:
        """Whether the last line that is not blank does not end a sentence."""
        last = next((line for line in reversed(self.lines) if line.strip()), "")
        return bool(last) and not _ENDED.search(normalise_text(last))

    @cached_property
    def hashes(self) -> dict[str, set[int]]:
        """The numbers of the lines (from 1) on which each sentence stands, by the sentence's digest."""
        lines: dict[str, set[int]] = {}
        for number, line in enumerate(self.lines, 1):
            for sentence in sentences(line):
                lines.setdefault(sentence_hash(sentence), set()).add(number)
        return lines


def load_text(path: Path) -> PolicyText:
    """The published text in a UTF-8 file. Raises InputError where it can't be read as such."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"policy.text {path.name}", f"no such file {looked_in(path)}", "name the published text, or null") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"policy.text {path.name}", "cannot be read as UTF-8 text", "name the published text, or null") from error
    # not splitlines(): it also breaks at separators within a line, and the line numbers after them would be wrong
    return PolicyText(hashlib.sha256(raw).hexdigest(), tuple(_LINE.split(text.removesuffix("\n"))))


def normalise_text(text: str) -> str:
    """The text in composed Unicode (NFC), without white space at its ends, and with runs of it as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def sentences(line: str) -> list[str]:
    """The sentences of a line, normalised."""
    return [s for s in (normalise_text(part) for part in _END.split(line)) if s]


def sentence_hash(sentence: str) -> str:
    """SHA-256 of the normalised sentence, in hex."""
    return hashlib.sha256(normalise_text(sentence).encode()).hexdigest()


def drift(text: PolicyText, clauses: Iterable[Clause]) -> list[dict[str, str]]:
    """Per clause, `clause_id` and `status` of its sentence in the text: same, moved to another line, changed, or truncated."""
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
