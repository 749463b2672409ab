"""Numbers in a batch of texts, all at once: runs of digits, groups of runs with separators between, and those that pass a checksum."""

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
TOGETHER = 1 << 17  # windows of runs that are checked together
#: First runs, last runs and digits in total, of windows: contiguous runs of one group.
Windows = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Runs:
    """Runs of digits: where each starts and ends, the index of its first digit in `digits` (of all runs), and the number of its group."""

    start: np.ndarray
    end: np.ndarray
    first: np.ndarray
    group: np.ndarray
    digits: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """The digits of each run."""
        length: np.ndarray = self.end - self.start
        return length

    @functools.cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Which runs are the first of their group, and which the last."""
        change = self.group[1:] != self.group[:-1]
        return np.append(True, change), np.append(change, True)

    def of_least(self, digits: int) -> Runs:
        """The runs of groups that have so many digits or more."""
        keep = (np.bincount(self.group, self.length) if len(self.group) else np.zeros(0))[self.group] >= digits
        return Runs(self.start[keep], self.end[keep], self.first[keep], self.group[keep], self.digits)


class Candidate(NamedTuple):
    """A number that may be sensitive. `whole`: it is all of its group; `shape`: the lengths of its runs; `issued`: by an issuer."""

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


def _windows(runs: Runs, lengths: range, widest: int = 19) -> Iterator[Windows]:
    """Windows of up to `widest` runs, with so many digits in total; one array of them per width."""
    stop = runs.first + runs.length
    i = np.arange(len(runs.start))
    for width in range(widest):
        i = i[: np.searchsorted(i, len(runs.start) - width)]
        j = i + width
        total = stop[j] - runs.first[i]
        within = (runs.group[i] == runs.group[j]) & (total < lengths.stop)
        i, j, total = i[within], j[within], total[within]
        if not len(i):
            return
        keep = total >= lengths.start
        if keep.any():
            yield i[keep], j[keep], total[keep]


def _gathered(windows: Iterator[Windows]) -> Iterator[Windows]:
    """Windows of many widths together, so that few numpy calls check them; some at a time, so that long texts take no more memory."""
    waiting: list[Windows] = []
    count = 0
    for window in windows:
        waiting.append(window)
        count += len(window[0])
        if count > TOGETHER:
            yield _together(waiting)
            waiting, count = [], 0
    if waiting:
        yield _together(waiting)


def _together(windows: list[Windows]) -> Windows:
    first, last, total = (np.concatenate(column) for column in zip(*windows, strict=True))
    return first, last, total


def _candidates(
    runs: Runs,
    kind: str,
    i: np.ndarray,
    j: np.ndarray,
    lead: np.ndarray | int = 0,
    tail: np.ndarray | int = 0,
    issued: np.ndarray | None = None,
) -> Iterator[Candidate]:
    """Candidates from the windows of runs `i` to `j`, with `lead` characters before and `tail` after the digits."""
    begins, ends = runs.edges
    alone = begins[i] & ends[j]
    start, end = runs.start[i] - lead, runs.end[j] + tail
    is_issued = np.ones(len(i), bool) if issued is None else issued
    which = np.flatnonzero(is_issued | alone)
    columns = (column[which].tolist() for column in (i, j, start, end, alone, is_issued))
    for a, b, s, e, whole, of_issuer in zip(*columns, strict=True):
        shape = (e - s,) if a == b else tuple((runs.end[a : b + 1] - runs.start[a : b + 1]).tolist())
        yield Candidate(kind, s, e, whole, shape, of_issuer)


def checked(runs: Runs, kinds: np.ndarray, codes: np.ndarray) -> Iterator[Candidate]:
    """Every window of runs that passes the checksum of a card, an IMEI, a Turkish, a Chinese or a Spanish id."""
    for i, j, total in _gathered(_windows(runs, range(7, 20))):
        for length in _CHECKED:
            at = np.flatnonzero(total == length)
            if not len(at):
                continue
            a, b = i[at], j[at]
            digits = runs.digits[runs.first[a][:, None] + np.arange(length)]
            if length in CARD_LENGTHS:
                passed = checksums.luhn(digits) & (digits != digits[:, :1]).any(1)
                yield from _candidates(runs, "card", a[passed], b[passed], issued=checksums.issued(digits[passed]))
            if length == 11:
                passed = checksums.tr_id(digits)
                yield from _candidates(runs, "tr_id", a[passed], b[passed])
            if length == 15:
                passed = checksums.luhn(digits)
                yield from _candidates(runs, "imei", a[passed], b[passed])
            if length in (7, 8):
                yield from _spanish(runs, kinds, codes, a, b, digits)
            if length in (17, 18):
                yield from _chinese(runs, kinds, codes, a, b, digits)


_NAMES = [sum((ord(letter) & 31) << (5 * i) for i, letter in enumerate(name)) for name in ("NIE", "DNI", "NIF")]


def _letter(kinds: np.ndarray, codes: np.ndarray, at: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The Latin letter that stands alone at these places, or a separator further on: its upper-case code (0 if none), and that distance."""

    def inside(index: np.ndarray) -> np.ndarray:
        clipped: np.ndarray = np.clip(index, 0, len(codes) - 1)
        return clipped

    apart = (kinds[inside(at)] == SEPARATOR).astype(np.int64)
    place = at + step * apart
    code = (codes[inside(place)].astype(np.int64) & 31) + ord("@")  # a full-width letter's too, in upper case
    lone = (kinds[inside(place)] == LETTER) & (kinds[inside(place + step)] < LETTER)
    if step < 0:  # or glued to its own name: NIEX1234567L
        name = np.sum([(codes[inside(place - 3 + i)].astype(np.int64) & 31) << (5 * i) for i in range(3)], axis=0)
        lone |= (kinds[inside(place)] == LETTER) & np.isin(name, _NAMES) & (kinds[inside(place - 4)] < LETTER)
    return np.where(lone, code, 0), apart


def _chinese(runs: Runs, kinds: np.ndarray, codes: np.ndarray, a: np.ndarray, b: np.ndarray, digits: np.ndarray) -> Iterator[Candidate]:
    """Chinese ids: 18 digits, or 17 and an X, which a separator may precede."""
    check = checksums.cn_check(digits)
    if digits.shape[1] == 18:
        passed = (check >= 0) & (check == digits[:, 17])
        yield from _candidates(runs, "cn_id", a[passed], b[passed])
        return
    letter, apart = _letter(kinds, codes, runs.end[b], 1)
    passed = (check == 10) & (letter == ord("X"))
    yield from _candidates(runs, "cn_id", a[passed], b[passed], 0, 1 + apart[passed])


def _spanish(runs: Runs, kinds: np.ndarray, codes: np.ndarray, a: np.ndarray, b: np.ndarray, digits: np.ndarray) -> Iterator[Candidate]:
    """Spanish ids: a DNI is 8 digits and a letter; a NIE has X, Y or Z for the first digit."""
    value = checksums.number(digits)
    letter, after = _letter(kinds, codes, runs.end[b], 1)
    before = np.zeros_like(after)
    if digits.shape[1] == 7:
        lead, apart = _letter(kinds, codes, runs.start[a] - 1, -1)
        value += (lead - ord("X")) * 10**7
        before = np.where((lead >= ord("X")) & (lead <= ord("Z")), 1 + apart, 0)
    passed = (letter == checksums.ES_LETTERS[value % 23]) & (before > 0 if digits.shape[1] == 7 else True)
    yield from _candidates(runs, "es_id", a[passed], b[passed], before[passed], 1 + after[passed])


def countries(runs: Runs, kinds: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Where a country of the IBAN register stands right before a run, in two letters: the place of the first."""
    last = len(codes) - 1
    second = runs.start - 1 - (kinds[np.maximum(runs.start - 1, 0)] == SEPARATOR)
    first = second - 1 - (kinds[np.maximum(second - 1, 0)] == SEPARATOR)
    good = (first >= 0) & (kinds[np.clip(first, 0, last)] == LETTER) & (kinds[np.clip(second, 0, last)] == LETTER)
    good[good] &= _leads(runs.start[good], first[good], second[good], kinds, codes)
    first, second = first[good], second[good]
    pair = (codes[first].astype(np.int64) & 31) * 32 + (codes[second] & 31)
    places: np.ndarray = first[_COUNTRIES[pair]]
    return places


def _leads(start: np.ndarray, first: np.ndarray, second: np.ndarray, kinds: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whether an IBAN may begin so: both letters right at the number, or capitals and a separator, or each apart; then a second digit."""
    apart = start - second > 1
    capitals = (codes[first] < ord("a")) & (codes[second] < ord("a"))
    alone = apart & (second - first > 1)
    further = kinds[np.minimum(start + 1, len(kinds) - 1)]
    leads: np.ndarray = (~apart | alone | capitals) & ((further >= DIGIT) | (further == SEPARATOR))
    return leads


def groups(runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last run of each group, as places among the runs."""
    change = np.flatnonzero(np.diff(runs.group, prepend=-1, append=-1))
    return change[:-1], change[1:] - 1


_COUNTRIES = np.zeros(1024, bool)
_COUNTRIES[[(ord(code[0]) & 31) * 32 + (ord(code[1]) & 31) for code in checksums.IBAN_LENGTHS]] = True
