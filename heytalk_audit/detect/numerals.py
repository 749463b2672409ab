"""Which of a batch's numbers are sensitive: cards, identity numbers, IMEIs, IBANs, accounts, telephones."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from heytalk_audit.detect import checksums, context, numbers, phones
from heytalk_audit.detect.context import OTHER, REACH, speaks_of
from heytalk_audit.detect.fold import fold, key

LEAST = 6  # digits of a number
Finding = tuple[int, int, str, str]  # start, end, kind, confidence

_IBAN = re.compile(r"[A-Z][ .-]?[A-Z][ .-]?[0-9][ .-]?[0-9](?:[ .-]{0,2}[A-Z0-9]){11,30}", re.I)
_SSN = re.compile(r"(?!000|666|9)([0-9]{3})[ .-]{1,3}(?!00)[0-9]{2}[ .-]{1,3}(?!0000)[0-9]{4}")
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?|#)[0-9]{1,6}(?![0-9A-Za-z])")
_BETWEEN = re.compile(r" ?/ ?|  +| - |(?<=[0-9]{7}) | (?=[0-9+]{9})")


class Batch:
    """Texts joined to one string; `around` gives what is near a place of it, within its row."""

    def __init__(self, texts: list[str]):
        self.text = "\n".join(texts) + "\n"
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self.ends = np.cumsum(lengths + 1) - 1
        self.starts = self.ends - lengths
        self.codes = np.frombuffer(self.text.encode("utf-32-le"), np.uint32)

    def row(self, at: int) -> int:
        return int(np.searchsorted(self.ends, at, "right"))

    def around(self, start: int, end: int) -> tuple[str, str]:
        row = self.row(start)
        before = self.text[max(int(self.starts[row]), start - REACH) : start]
        return fold(before), fold(self.text[end : min(int(self.ends[row]), end + REACH)])


def find(texts: list[str], hint: str | None = None) -> Iterator[tuple[int, Finding]]:
    """Row and finding, with offsets into the row. `hint` is what a column's name says that its values are."""
    batch = Batch(texts)
    found, kinds = numbers.runs(batch.codes)
    large = found.of_least(LEAST)
    for part in (_checked(batch, large, kinds, hint), _ibans(batch, found, kinds), _plain(batch, large, hint)):
        for start, end, kind, confidence in part:
            row = batch.row(start)
            offset = int(batch.starts[row])
            yield row, (start - offset, end - offset, kind, confidence)


def _label(before: str, after: str, hint: str | None) -> str | None:
    return context.label(key(before), key(after)) or hint


def _glued(before: str, after: str) -> bool:
    """Part of a code or of a hexadecimal run: a Latin letter next to it, be it across a dash."""
    return bool(re.search(r"[A-Za-z0-9][-_.]?$|\+$", before) and not before[-1:].isdigit() and re.search(r"[A-Za-z][-_.]?$|[+]$", before)) or (
        after[:1].isascii() and after[:1].isalnum()
    )


def _checked(batch: Batch, found: numbers.Runs, kinds: np.ndarray, hint: str | None) -> Iterator[Finding]:
    for candidate in numbers.checked(found, kinds, batch.codes):
        before, after = batch.around(candidate.start, candidate.end)
        label = _label(before, after, hint)
        confidence = _JUDGES[candidate.kind](candidate, label, before, after)
        if confidence:
            yield candidate.start, candidate.end, candidate.kind, confidence


def _cn_id(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    return "high"  # region, date and check: luck is under 1 in 10,000


def _tr_id(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """Luck is 1 in 100: without a word for it, it is a guess."""
    if speaks_of(label, "tr_id"):
        return "high"
    unnamed = label is None and candidate.whole and len(set(candidate.shape)) < 3 and not _glued(before, after)
    return "low" if unnamed and (before + after).strip() else None


def _es_id(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """Luck is 1 in 23."""
    if speaks_of(label, "es_id"):
        return "high"
    return "low" if label is None and candidate.whole and candidate.end - candidate.start == 9 else None


def _imei(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """Luck is 1 in 10: only where a word says so."""
    return "high" if label == "imei" else None


def _card(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """Luck is 1 in 40, and much less in the groups that are printed on cards."""
    shape, named = candidate.shape, label == "card"
    grouped = len(shape) > 1 and shape in numbers.CARD_SHAPES
    if label == "imei" or (label == OTHER and not grouped) or not (candidate.whole or grouped or (named and len(shape) == 1)):
        return None
    if named:
        return "high"
    if _glued(before, after):
        return None
    if grouped:
        return "medium" if label != OTHER else "low"
    usual = sum(shape) in (15, 16, 19) and (len(shape) == 1 or max(shape) == 1)
    return ("medium" if (before + after).strip() else "low") if usual else None


_JUDGES = {"cn_id": _cn_id, "tr_id": _tr_id, "es_id": _es_id, "imei": _imei, "card": _card}


def _ibans(batch: Batch, found: numbers.Runs, kinds: np.ndarray) -> Iterator[Finding]:
    for start in numbers.countries(found, kinds, batch.codes).tolist():
        match = _IBAN.match(fold(batch.text[start : start + 72]))
        length = match and _iban_length(match[0])
        if length:
            before, after = batch.around(start, start + length)
            if not before[-1:].isascii() or not before[-1:].isalnum() or before.lower().endswith("iban"):
                yield start, start + length, "iban", "high"


def _iban_length(text: str) -> int | None:
    """How many characters of the text are a valid IBAN: its country says how many count."""
    plain = re.sub("[^A-Z0-9]", "", text.upper())
    wanted = checksums.IBAN_LENGTHS.get(plain[:2], 99)
    if len(plain) < wanted or sum(char.isdigit() for char in plain[:wanted]) < 8 or not checksums.iban(plain[:wanted]):
        return None
    ends = [at for at, char in enumerate(text, 1) if char.isalnum()]
    end = ends[wanted - 1]
    return None if text[end : end + 1].isalnum() else end


def _plain(batch: Batch, found: numbers.Runs, hint: str | None) -> Iterator[Finding]:
    first, last = numbers.groups(found)
    for a, b in zip(found.start[first].tolist(), found.end[last].tolist(), strict=True):
        before, after = batch.around(a, b)
        label = _label(before, after, hint)
        yield from _number(a, fold(batch.text[a:b]), label, before, after)


def _number(start: int, text: str, label: str | None, before: str, after: str) -> Iterator[Finding]:
    """What one group is that has no checksum: a social security number, an account, a telephone, or several of them."""
    digits = re.sub("[^0-9]", "", text)
    confidence = _ssn(text, digits, label)
    if confidence:
        yield start, start + len(text), "us_ssn", confidence
        return
    if label == "bank_account" and 6 <= len(digits) <= 20 and not phones.DATE.fullmatch(text):
        yield start, start + len(text), "bank_account", "high" if len(digits) > 7 else "medium"
        return
    lead = re.search(r"\+?\($|\+ ?$", before)
    lead = lead[0] if lead else ""
    tail = _EXTENSION.match(after)
    tail = tail[0] if tail else ""
    confidence = phones.confidence(lead + text + tail, label, _glued(before.removesuffix(lead), after.removeprefix(tail)))
    if confidence:
        yield start - len(lead), start + len(text) + len(tail), "phone", confidence
    elif len(digits) > 15 or "/" in text:
        yield from _pieces(start, text, label, before)


def _pieces(start: int, text: str, label: str | None, before: str) -> Iterator[Finding]:
    at = 0
    for cut in [*_BETWEEN.finditer(text), None]:
        piece = text[at : cut.start() if cut else len(text)]
        if piece != text and len(piece) > 5:
            yield from _number(start + at, piece, label, before if at == 0 else " ", " ")
        at = cut.end() if cut else at


def _ssn(text: str, digits: str, label: str | None) -> str | None:
    named = speaks_of(label, "us_ssn") and label == "us_ssn"
    if named and len(digits) == 9:
        return "high" if _SSN.fullmatch(text) or digits[0] != "9" else "medium"
    return "medium" if label in (None, "identity") and _SSN.fullmatch(text) and {*re.sub("[0-9]", "", text)} < set("-.") else None
