"""Numbers in a batch of texts, all at once: runs of digits, the groups they form, and those groups of runs that pass a checksum."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from heytalk_audit.detect import checksums
from heytalk_audit.detect.fold import DIGIT, LETTER, SEPARATOR

GAP = 3  # separators between two runs of one number
CARD_LENGTHS = range(12, 20)
CARD_SHAPES = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (4, 4, 4), (4, 4, 4, 1), (4, 4, 5), (8, 8)}

_CHECKED = (7, 8, 11, *CARD_LENGTHS)  # lengths of numbers that have a checksum
TOGETHER = 1 << 17  # groups of runs that are checked together


@dataclass(frozen=True)
class Runs:
    """Runs of digits: where they start and end, the index of their first digit in `digits`, and which group they are of."""

    start: np.ndarray
    end: np.ndarray
    first: np.ndarray
    group: np.ndarray
    digits: np.ndarray

    @property
    def length(self) -> np.ndarray:
        return self.end - self.start

    @functools.cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Which runs are the first of their group, and which the last."""
        change = self.group[1:] != self.group[:-1]
        return np.append(True, change), np.append(change, True)

    def of_least(self, digits: int) -> Runs:
        """The runs of groups that have so many digits."""
        keep = (np.bincount(self.group, self.length) if len(self.group) else np.zeros(0))[self.group] >= digits
        return Runs(self.start[keep], self.end[keep], self.first[keep], self.group[keep], self.digits)


class Candidate(NamedTuple):
    """A number that may be sensitive: `whole` says that nothing else is glued to it, `shape` the lengths of its runs."""

    kind: str
    start: int
    end: int
    whole: bool
    shape: tuple[int, ...]
    issued: bool = True


def runs(kinds: np.ndarray) -> Runs:
    """All runs of digits, from the class of each character."""
    is_digit = kinds >= DIGIT
    edges = np.flatnonzero(np.diff(is_digit, prepend=False, append=False))
    start, end = edges[::2], edges[1::2]
    length = end - start
    first = np.cumsum(length) - length
    gap = start[1:] - end[:-1]
    linked = gap <= GAP
    for at in range(GAP):
        inside = np.minimum(end[:-1] + at, len(kinds) - 1)
        linked &= (gap <= at) | (kinds[inside] == SEPARATOR)
    group = np.cumsum(np.append(True, ~linked)[: len(start)]) - 1
    return Runs(start, end, first, group, kinds[is_digit] - DIGIT)


def _windows(found: Runs, lengths: range, widest: int = 19):
    """Contiguous runs of one group with so many digits in total: arrays of first run, last run, total."""
    stop = found.first + found.length
    i = np.arange(len(found.start))
    for width in range(widest):
        i = i[: np.searchsorted(i, len(found.start) - width)]
        j = i + width
        total = stop[j] - found.first[i]
        within = (found.group[i] == found.group[j]) & (total < lengths.stop)
        i, j, total = i[within], j[within], total[within]
        if not len(i):
            return
        keep = total >= lengths.start
        if keep.any():
            yield i[keep], j[keep], total[keep]


def _gathered(windows: Iterator[tuple[np.ndarray, ...]]) -> Iterator[tuple[np.ndarray, ...]]:
    """Windows of many widths together, up to some number: few numpy calls for them all, and no more memory the longer a text is."""
    waiting, count = [], 0
    for window in windows:
        waiting.append(window)
        count += len(window[0])
        if count > TOGETHER:
            yield tuple(np.concatenate(column) for column in zip(*waiting, strict=True))
            waiting, count = [], 0
    if waiting:
        yield tuple(np.concatenate(column) for column in zip(*waiting, strict=True))


def _candidates(found: Runs, kind: str, i: np.ndarray, j: np.ndarray, lead=0, tail=0, issued: np.ndarray | None = None):
    begins, ends = found.edges
    alone = begins[i] & ends[j]
    start, end = found.start[i] - lead, found.end[j] + tail
    known = np.ones(len(i), bool) if issued is None else issued
    which = np.flatnonzero(known | alone)
    columns = (column[which].tolist() for column in (i, j, start, end, alone, known))
    for a, b, s, e, whole, of_issuer in zip(*columns, strict=True):
        shape = (e - s,) if a == b else tuple((found.end[a : b + 1] - found.start[a : b + 1]).tolist())
        yield Candidate(kind, s, e, whole, shape, of_issuer)


def checked(found: Runs, kinds: np.ndarray, codes: np.ndarray):
    """Every group of runs that passes the checksum of a card, an IMEI, a Turkish, a Chinese or a Spanish id."""
    for i, j, total in _gathered(_windows(found, range(7, 20))):
        for length in _CHECKED:
            at = np.flatnonzero(total == length)
            if not len(at):
                continue
            a, b = i[at], j[at]
            digits = found.digits[found.first[a][:, None] + np.arange(length)]
            if length in CARD_LENGTHS:
                passed = checksums.luhn(digits) & (digits != digits[:, :1]).any(1)
                yield from _candidates(found, "card", a[passed], b[passed], issued=checksums.issued(digits[passed]))
            if length == 11:
                passed = checksums.tr_id(digits)
                yield from _candidates(found, "tr_id", a[passed], b[passed])
            if length == 15:
                passed = checksums.luhn(digits)
                yield from _candidates(found, "imei", a[passed], b[passed])
            if length in (7, 8):
                yield from _spanish(found, kinds, codes, a, b, digits)
            if length in (17, 18):
                yield from _chinese(found, kinds, codes, a, b, digits)


_NAMES = [sum((ord(letter) & 31) << (5 * i) for i, letter in enumerate(name)) for name in ("NIE", "DNI", "NIF")]


def _letter(kinds: np.ndarray, codes: np.ndarray, at: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The Latin letter that stands alone at these places, or a separator further: upper-case code (0 if none), and how far it is."""

    def inside(index):
        return np.clip(index, 0, len(codes) - 1)

    apart = (kinds[inside(at)] == SEPARATOR).astype(np.int64)
    place = at + step * apart
    code = (codes[inside(place)].astype(np.int64) & 31) + ord("@")  # a full-width letter's too, in upper case
    lone = (kinds[inside(place)] == LETTER) & (kinds[inside(place + step)] < LETTER)
    if step < 0:  # or glued to its own name: NIEX1234567L
        name = sum((codes[inside(place - 3 + i)].astype(np.int64) & 31) << (5 * i) for i in range(3))
        lone |= (kinds[inside(place)] == LETTER) & np.isin(name, _NAMES) & (kinds[inside(place - 4)] < LETTER)
    return np.where(lone, code, 0), apart


def _chinese(found: Runs, kinds: np.ndarray, codes: np.ndarray, a: np.ndarray, b: np.ndarray, digits: np.ndarray):
    """18 digits, or 17 and an X that may stand a separator apart."""
    check = checksums.cn_check(digits)
    if digits.shape[1] == 18:
        passed = (check >= 0) & (check == digits[:, 17])
        yield from _candidates(found, "cn_id", a[passed], b[passed])
        return
    letter, apart = _letter(kinds, codes, found.end[b], 1)
    passed = (check == 10) & (letter == ord("X"))
    yield from _candidates(found, "cn_id", a[passed], b[passed], 0, 1 + apart[passed])


def _spanish(found: Runs, kinds: np.ndarray, codes: np.ndarray, a: np.ndarray, b: np.ndarray, digits: np.ndarray):
    """A DNI, 8 digits and a letter, or a NIE, which has X, Y or Z for the first of them."""
    value = checksums.number(digits)
    letter, after = _letter(kinds, codes, found.end[b], 1)
    before = np.zeros_like(after)
    if digits.shape[1] == 7:
        lead, apart = _letter(kinds, codes, found.start[a] - 1, -1)
        value += (lead - ord("X")) * 10**7
        before = np.where((lead >= ord("X")) & (lead <= ord("Z")), 1 + apart, 0)
    passed = (letter == checksums.ES_LETTERS[value % 23]) & (before > 0 if digits.shape[1] == 7 else True)
    yield from _candidates(found, "es_id", a[passed], b[passed], before[passed], 1 + after[passed])


def countries(found: Runs, kinds: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Where a country of the IBAN register stands, in two letters, right before a run: the first letter's place."""
    last = len(codes) - 1
    second = found.start - 1 - (kinds[np.maximum(found.start - 1, 0)] == SEPARATOR)
    first = second - 1 - (kinds[np.maximum(second - 1, 0)] == SEPARATOR)
    good = (first >= 0) & (kinds[np.clip(first, 0, last)] == LETTER) & (kinds[np.clip(second, 0, last)] == LETTER)
    good[good] &= _leads(found.start[good], first[good], second[good], kinds, codes)
    first, second = first[good], second[good]
    pair = (codes[first].astype(np.int64) & 31) * 32 + (codes[second] & 31)
    return first[_COUNTRIES[pair]]


def _leads(start: np.ndarray, first: np.ndarray, second: np.ndarray, kinds: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whether an IBAN is written so: both letters at the number, or capitals and a separator, or each alone; and a second digit."""
    apart = start - second > 1
    capitals = (codes[first] < ord("a")) & (codes[second] < ord("a"))
    alone = apart & (second - first > 1)
    further = kinds[np.minimum(start + 1, len(kinds) - 1)]
    return (~apart | alone | capitals) & ((further >= DIGIT) | (further == SEPARATOR))


def groups(found: Runs):
    """Each whole group: the places of its first run and of its last, among the runs."""
    change = np.flatnonzero(np.diff(found.group, prepend=-1, append=-1))
    return change[:-1], change[1:] - 1


_COUNTRIES = np.zeros(1024, bool)
_COUNTRIES[[(ord(code[0]) & 31) * 32 + (ord(code[1]) & 31) for code in checksums.IBAN_LENGTHS]] = True
