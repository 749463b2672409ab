"""Which numbers in lines of text are sensitive: cards, identity numbers, IMEIs, IBANs, accounts, telephones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import numpy as np

from heytalk_audit.detect import checksums, context, numbers, phones
from heytalk_audit.detect.context import OTHER, REFERENCE, Words, speaks_of
from heytalk_audit.detect.fold import Lines
from heytalk_audit.detect.gate import LEAST
from heytalk_audit.detect.marks import DIGEST_LENGTHS
from heytalk_audit.detect.patterns import Finding

#: Between country and number a separator may stand only after capitals, or where every character stands apart: "at 12" is no IBAN.
_IBAN = re.compile(r"(?:[A-Za-z]{2}|[A-Z]{2}[ .-]|[A-Za-z][ .-][A-Za-z][ .-])[0-9][ .-]?[0-9](?:[ .-]{0,2}[A-Za-z0-9]){11,30}")
_SSN = re.compile(r"(?!000|666|9)([0-9]{3})[ .-]{1,3}(?!00)[0-9]{2}[ .-]{1,3}(?!0000)[0-9]{4}")
_LEAD = re.compile(r"\+?\(\Z|\+ ?\Z")
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?|#)[0-9]{1,6}(?![0-9a-z])")
_BETWEEN = re.compile(r" ?/ ?|[ \t]*(?:  |\t)[ \t]*| - |(?<=[0-9]{7}) | (?=[0-9]{9})")
_PLAIN, _APART, _DIGITS = re.compile("[A-Za-z0-9]"), re.compile("[^A-Za-z0-9]+"), re.compile("[0-9]")
_ENDS_CODE, _BEGINS_CODE = re.compile(r"[0-9A-Za-z]-\Z"), re.compile("-[0-9A-Za-z]")
_OF_ACCOUNT = re.compile(r"[0-9a-z]{0,12}\Z"), re.compile("[0-9a-z]{0,2}")
_IN_HEX = re.compile(r"[0-9a-f]{4}-[0-9a-f]*\Z|-[0-9a-f]*[a-f][0-9a-f]*-?\Z"), re.compile(r"[0-9a-f]{0,4}-[0-9a-f]{4}|[a-f][0-9a-f]{4}")
#: What a short number must follow to be that of an account, and not a count of things.
_INTRODUCED = re.compile(
    r"[:#=] ?\Z|\b(?:no|nr|num|number|is|es|numero|numaram?|numarasi)\W{0,2}\Z|[号號码碼是为][: ]?\Z|رقم[^0-9]{0,14}\Z"
)
_HEXADECIMAL = re.compile(r"[0-9a-f]{2}\Z")
#: A name right before a number: a word and a colon, or a few letters that stand for one (`npi: `, `nhc `).
_OWN = re.compile(
    r"(?<![a-z])[a-z.\u00ba#]{2,20} ?[:#=] ?\Z|(?<![a-z])(?:nhc|npi|nass|mrn|ncol|nocol|n[\u00bao]col|num|no|nro|exp|ref|id) ?[.:]? ?\Z"
)
#: Between two columns of a table or a log, so that the numbers on either side are two.
_COLUMNS = re.compile(r"  |\t")
#: What may stand between a word and the number that it names.
_LINKS = re.compile(r"(?:[^a-z0-9\u0080-\uffff]|\b(?:no|num|number|nr|id|is|was|code)\b)+\Z")
_LAST_WORDS = re.compile(r"[^\W\d]+(?: [^\W\d]+)?\Z")
_CODE = re.compile(r"[a-z][-_.]?\Z")
_HEX_BEFORE, _HEX_AFTER = re.compile(r"[0-9a-f]*\Z"), re.compile("[0-9a-f]*")


def find_numerals(lines: Lines, words: Words, hint: str | None = None) -> Iterator[Finding]:
    """The numbers in lines of text. `hint` is what a column's name says that its values are."""
    runs = numbers.runs(lines.kinds)
    large = runs.of_least(LEAST)
    for finding in chain(_checked(lines, words, large, hint), _ibans(lines, runs), _plain(lines, words, large, hint)):
        if not _in_digest(lines.key, *finding[:2]):
            yield finding


def _in_digest(key: str, start: int, end: int) -> bool:
    """Whether a number is only a part of a run of hexadecimal digits, letters among them, that is as long as a digest."""
    low = start - _length(_HEX_BEFORE.search(key[max(0, start - 128) : start]))
    high = end + _length(_HEX_AFTER.match(key[end : end + 128]))
    return high - low in DIGEST_LENGTHS and high - low > end - start and not key[low:high].isdigit()


def _sides(lines: Lines, start: int, end: int, low: int, high: int) -> tuple[str, str]:
    """The `key` text before and after a value, within its line."""
    return lines.key[max(low, start - context.REACH) : start], lines.key[end : min(high, end + context.REACH)]


def _names(labels: np.ndarray, hint: str | None) -> list[str | None]:
    """The names of labels; the hint where no word is near (-1)."""
    names = [*context.labels(), hint]
    return [names[label] for label in labels.tolist()]


def _checked(lines: Lines, words: Words, runs: numbers.Runs, hint: str | None) -> Iterator[Finding]:
    """The numbers that pass a checksum, as far as the words near them agree."""
    candidates = list(numbers.checked(runs, lines.kinds, lines.codes))
    start, end = (np.array([getattr(candidate, edge) for candidate in candidates], np.int64) for edge in ("start", "end"))
    labels = _names(words.near(start, end), hint)
    named = {kind: words.within(label, start, end).tolist() for kind, label in _NAMES.items()}
    line = lines.of(start)
    sides = zip(range(len(candidates)), candidates, labels, lines.start[line].tolist(), lines.end[line].tolist(), strict=True)
    for i, candidate, label, low, high in sides:
        if label not in (REFERENCE, candidate.kind) and candidate.kind in named and named[candidate.kind][i]:
            label = _NAMES[candidate.kind]  # its name is near, though another word is nearer
        if not (candidate.issued or label == "card"):
            continue
        confidence = _JUDGES[candidate.kind](candidate, label, *_sides(lines, candidate.start, candidate.end, low, high))
        if confidence:
            yield candidate.start, candidate.end, candidate.kind, confidence


#: The labels of kinds with a checksum whose word counts also where another word is nearer.
_NAMES = {"tr_id": "identity", "es_id": "identity", "imei": "imei"}


def _glued(before: str, after: str) -> bool:
    """Whether a number seems part of a code or of a hexadecimal run: a Latin letter is next to it, or before a dash."""
    return bool(_CODE.search(before)) or before.endswith("+") or (after[:1].isascii() and after[:1].isalnum())


def _cn_id(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    return "high"  # region, date and check: by chance under 1 in 10,000


def _tr_id(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """By chance 1 in 100 passes: without a word for it, confidence is low."""
    if speaks_of(label, "tr_id"):
        return "high"
    unnamed = label is None and candidate.whole and not _glued(before, after) and (before + after).strip()
    return "low" if unnamed else None


def _es_id(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """By chance 1 in 23 passes."""
    if speaks_of(label, "es_id") or before.endswith(("nie", "dni", "nif")):
        return "high"
    if not candidate.whole or _glued(before, after) or label == REFERENCE:
        return None
    if candidate.shape in ((2, 3, 3), (1, 3, 3)):
        return "medium"  # in the groups in which it is printed
    return "low" if label is None and candidate.end - candidate.start < 12 else None


def _imei(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """By chance 1 in 10 passes: only with a word for it, or in the groups in which it is printed."""
    printed = candidate.whole and candidate.shape in ((2, 6, 6, 1), (6, 2, 6, 1)) and label != REFERENCE and not _glued(before, after)
    return "high" if label == "imei" else "medium" if printed else None


def _card(candidate: numbers.Candidate, label: str | None, before: str, after: str) -> str | None:
    """By chance 1 in 40 passes, and far fewer in the groups that are printed on cards."""
    shape, named = candidate.shape, label == "card"
    grouped = len(shape) > 1 and shape in numbers.CARD_SHAPES
    odd = len(shape) > 1 and not grouped and (len(set(shape[:-1])) > 1 or shape[-1] > shape[0])
    if odd and (_glued(before, after) or not candidate.whole):
        return None
    far = label == REFERENCE and grouped and len(shape) > 2 and not _is_own(label, before) and context.label("", after) != label
    if (
        label == "imei"
        or (label == REFERENCE and not far)
        or (label == OTHER and not grouped)
        or not (candidate.whole or grouped or (named and len(shape) == 1))
    ):
        return None
    if named:
        return None if _HEXADECIMAL.search(before) and after[:1].isascii() and after[:1].isalpha() else "high"
    if _glued(before, after):
        return None
    if grouped:
        return "medium"
    usual = (13 <= sum(shape) <= 16 or label == "pay") and (len(shape) == 1 or max(shape) == 1)
    return ("medium" if (before + after).strip() else "low") if usual else None


_JUDGES = {"cn_id": _cn_id, "tr_id": _tr_id, "es_id": _es_id, "imei": _imei, "card": _card}


def _ibans(lines: Lines, runs: numbers.Runs) -> Iterator[Finding]:
    for start in numbers.countries(runs, lines.kinds, lines.codes).tolist():
        if not _IBAN.match(lines.text, start, start + 100):
            continue
        text = lines.text[start : start + 100]
        length = _iban_length(text)
        if not length:
            continue
        before = lines.text[max(0, start - 4) : start]
        within = _ENDS_CODE.search(before) or _BEGINS_CODE.match(text, length)  # of a longer code with dashes, such as a UUID
        free = _border(before[-1:], text[0]) and not within
        if (free or before.lower() == "iban") and _border(text[length : length + 1], text[0]):
            yield start, start + length, "iban", "high"


def _border(char: str, beside: str) -> bool:
    """Whether a value may end between the two: no letter or digit, or a small letter beside a capital one."""
    return not (char.isascii() and char.isalnum()) or (char.islower() and beside.isupper())


def _iban_length(text: str) -> int | None:
    """How many characters of the text are a valid IBAN, whose country says how long it is; null where none is."""
    plain = _APART.sub("", text).upper()
    wanted = checksums.IBAN_LENGTHS.get(plain[:2], 99)
    plain = plain[:wanted]
    if len(plain) < wanted or len(_DIGITS.findall(plain)) < 8 or not checksums.iban(plain):
        return None
    length = [match.end() for match in _PLAIN.finditer(text)][wanted - 1]
    groups = _APART.split(text[:length])
    if text[0].islower() and len(groups) > 1 and {len(group) for group in groups[:-1]} != {4}:
        return None  # in small letters only in groups of four, as hexadecimal codes may look like the rest
    return length


def _plain(lines: Lines, words: Words, runs: numbers.Runs, hint: str | None) -> Iterator[Finding]:
    """Groups without a checksum: only those near a word for them, or in the shape of a telephone."""
    first, last = numbers.groups(runs)
    start, end = runs.start[first], runs.end[last]
    labels = _labels(words, start, end, runs.first[last] + runs.length[last] - runs.first[first])
    line = lines.of(start)
    labelled = np.isin(labels, [context.labels().index(name) for name in ("phone", "bank_account", "us_ssn")])
    unlabelled = np.isin(labels, [-1, *(context.labels().index(name) for name in ("identity", "pay", "money", OTHER, REFERENCE))])
    abroad, shaped, dated = _shaped(lines, runs, first, last)
    chosen = (labelled & ~dated) | abroad | (shaped & unlabelled) | (hint is not None)
    names = _names(labels, hint)
    low, high = lines.start[line], lines.end[line]
    for i in np.flatnonzero(chosen).tolist():
        at, to = int(start[i]), int(end[i])
        yield from _number(at, lines.text[at:to], names[i], *_sides(lines, at, to, int(low[i]), int(high[i])))


def _labels(words: Words, start: np.ndarray, end: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The label of each group of `total` digits: that of the nearest word, unless a telling one is farther off, or the group counts."""
    labels = words.near(start, end)
    bank, other = context.labels().index("bank_account"), context.labels().index(OTHER)
    labels = np.where((labels == other) & words.within("account", start, end) & words.within("pay", start, end), bank, labels)
    for name in ("us_ssn", "bank_account"):
        named = context.labels().index(name)
        labels = np.where(
            np.isin(labels, [other, context.labels().index("money")]) & words.within(name, start, end) & ~words.within(OTHER, start, end),
            named,
            labels,
        )
    labels = np.where(words.counted(end) & (total < 9), other, labels)
    paid = labels == context.labels().index("pay")
    return np.where(paid & (words.within("account", start, end) | words.within("bank_account", start, end)), bank, labels)


def _shaped(lines: Lines, runs: numbers.Runs, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, ...]:
    """Which groups may be international numbers; which are shaped like a telephone, without a word for it; which begin like dates."""
    start, count = runs.start[first], last - first + 1
    total = runs.first[last] + runs.length[last] - runs.first[first]
    at = np.minimum(runs.first[first][:, None] + np.arange(2), max(len(runs.digits) - 1, 0))
    lead, second = runs.digits[at].T if len(runs.digits) else np.zeros((2, 0), np.uint8)
    ahead = lines.keys[np.maximum(start - 1, 0)]
    middle = runs.length[np.minimum(first + 1, len(runs.length) - 1)] if len(runs.length) else count
    dated = (count > 2) & (runs.length[first] == 4) & (middle < 3) & (((lead == 1) & (second == 9)) | ((lead == 2) & (second == 0)))
    mobile = (lead == 1) & (second > 2) & (total == 11)
    spread = (count > 1) & ((total == 9) | (total == 10) | ((total == 11) & (lead == 1)) | (total > 15)) & ~dated
    national = (lead == 0) & (total > 8) & (total < 13)
    beside = lines.keys[np.maximum(start - 2, 0)] == ord("+")
    abroad = (ahead == ord("+")) | beside | ((lead == 0) & (second == 0) & (total > 8))
    return abroad, (ahead == ord("(")) | national | mobile | spread, dated


def _number(start: int, text: str, label: str | None, before: str, after: str) -> Iterator[Finding]:
    """The finding in one group: a social security number, an account, a telephone; or several telephones."""
    digits = re.sub("[^0-9]", "", text)
    if confidence := _ssn(text, digits, label, before):
        yield start, start + len(text), "us_ssn", confidence
        return
    if _IN_HEX[0].search(before) or _IN_HEX[1].match(after):
        return
    if label == "bank_account" and len(digits) < 8 and not _INTRODUCED.search(before):
        return
    if label == "bank_account" and 6 <= len(digits) <= 20 and not (len(digits) < 9 and phones.DATE.fullmatch(text)):
        bank, check = _OF_ACCOUNT[0].search(before), _OF_ACCOUNT[1].match(after)  # the bank's letters, a check letter
        low, high = start - _length(bank), start + len(text) + _length(check)
        yield low, high, "bank_account", "high" if len(digits) > 7 else "medium"
        return
    label = _owner(text, label, before, after)
    if _COLUMNS.search(text):
        yield from _pieces(start, text, label, before)
        return
    lead = match[0] if (match := _LEAD.search(before)) else ""
    tail = match[0] if (match := _EXTENSION.match(after)) else ""
    own = label in context.NO_KIND and _is_own(label, before)
    confidence = phones.confidence(lead + text + tail, label, _glued(before.removesuffix(lead), after.removeprefix(tail)), own)
    if confidence:
        yield start - len(lead), start + len(text) + len(tail), "phone", confidence
    elif len(digits) > 15 or "/" in text:
        yield from _pieces(start, text, label, before)


def _is_own(label: str, before: str) -> bool:
    """Whether the word of a label stands right before a number, so that it is the number's own."""
    words = _LAST_WORDS.search(_LINKS.sub("", before))
    return bool(words) and context.label(words[0] if words else "", "") == label


def _owner(text: str, label: str | None, before: str, after: str) -> str | None:
    """The label of a number that may be a telephone: other where a name of its own stands right before it, or the word is too far off.

    A bare run of 7 to 9 digits has no shape of its own: only a word right beside it makes it a telephone.
    """
    if label != "phone":
        return label
    own = _OWN.search(before)
    if own and "phone" not in (context.label(before, ""), context.label(own[0], "")):
        return OTHER
    short = text.isdigit() and len(text) < 10
    return OTHER if short and not context.is_beside("phone", before, after) else label


def _length(match: re.Match[str] | None) -> int:
    return len(match[0]) if match else 0


def _pieces(start: int, text: str, label: str | None, before: str) -> Iterator[Finding]:
    """The findings in the parts of a group that may be several telephones."""
    at = 0
    for cut in [*_BETWEEN.finditer(text), None]:
        piece = text[at : cut.start() if cut else len(text)]
        if piece != text and len(piece) > 5:
            yield from _number(start + at, piece, label, before if at == 0 else " ", " ")
        at = cut.end() if cut else at


def _ssn(text: str, digits: str, label: str | None, before: str) -> str | None:
    """A far word does not undo the form ###-##-####.

    Numbers from 900 are given to taxpayers without a social security number; those with 000 and 666 to nobody.
    """
    if label == "us_ssn" and len(digits) == 9:
        return None if digits[:3] in ("000", "666") else "medium" if digits[0] == "9" else "high"
    strict = text[3:4] == "-" and label in (REFERENCE, OTHER, "money", "pay") and not _is_own(label, before)
    plain = (label in (None, "identity") or strict) and _SSN.fullmatch(text) and {*re.sub("[0-9]", "", text)} < set("-.")
    return "medium" if plain else None
