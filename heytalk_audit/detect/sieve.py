"""The gate of the lexicon: one pass over the bytes of a column selects the few rows that may hold a term. Only these are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import ahocorasick_rs as ac
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect.letters import LEET_SIGNS
from heytalk_audit.detect.repairs import accented, repaired
from heytalk_audit.detect.terms import GLUED, Term, spellings, terms

#: Texts are gated in blocks that stay in the processor's cache.
BLOCK = 1 << 20
#: Where more than this share of texts is in ASCII, these are gated apart from the others.
MOSTLY = 0.7
#: How bytes are read: A to Z as small letters, leet as letters, all signs but the star and the apostrophe as blanks. Other bytes stay.
_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) not in "'*" + LEET_SIGNS[0])
BYTES = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _SIGNS + LEET_SIGNS[0].encode(),
    b"abcdefghijklmnopqrstuvwxyz" + b" " * len(_SIGNS) + LEET_SIGNS[1].encode(),
)
#: Characters that hide a word from the gate (full-width letters, tatweel, vowels, combining and zero-width marks): such rows are read.
UNUSUAL = [
    *map(chr, (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *range(0x300, 0x330), *range(0x64B, 0x656), 0x640, 0x670, 0xAD)),
    *map(chr, (0x200B, 0x2060, 0xFEFF)),
]
#: What may stand before a short Arabic word, written as one with it.
CLITICS = ("", "ال", "و", "وال", "ب", "بال", "ل", "لل", "ف", "فال", "ك", "كال", "هال", "عال", "ه")
#: Bytes of a spelling that the automaton searches for; the rest of it is compared at each hit.
START = 12
BORDERS = frozenset(clitic.encode() for clitic in CLITICS)
SLIP_BORDERS = frozenset(clitic.encode() for clitic in ("", "ال", "وال", "لل"))
LONGEST_BORDER = max(map(len, BORDERS)) + 1
#: A letter of one byte or of two, three times or more in a row, in the bytes as they are read.
_RUN = re.compile(rb"([a-z])\1\1+|([\xc3-\xdb][\x80-\xbf])\2\2+")


def gate(array: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that may hold a term, in order, and whether the letters of each are unusual. It runs on all processors."""
    if not len(array):
        return np.array([], "int64"), np.array([], bool)
    if array.null_count:
        array = array.fill_null("")
    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(lambda edges: _touched(array, *edges), _blocks(_offsets(array))))
    rows = np.concatenate([*(rows for rows, _ in parts), np.array([], "int64")])
    return rows, np.concatenate([*(odd for _, odd in parts), np.array([], bool)])


def _offsets(array: pa.LargeStringArray) -> np.ndarray:
    return np.frombuffer(array.buffers()[1], "int64")[array.offset : array.offset + len(array) + 1]


class Spelled(NamedTuple):
    """What the gate searches for: starts of spellings, with the rests that may follow; and Arabic words, with clitics before them."""

    anywhere: dict[bytes, tuple[bytes, ...]]
    begins: dict[bytes, frozenset[bytes]]


@cache
def _spelled() -> Spelled:
    spelled: set[str] = set()
    begins: dict[str, frozenset[bytes]] = {}
    for term in terms():
        for slip, forms in ((True, repaired(term) | accented(term)), (False, spellings(term))):
            for form in forms:
                if not _must_begin(term, form, slip):
                    spelled.add(form)
                elif term.language == "ar":
                    begins[form] = begins.get(form, frozenset()) | (SLIP_BORDERS if slip else BORDERS)
                else:
                    spelled.add(f" {form}")
    return Spelled(_shortest(spelled), {form.encode(): borders for form, borders in begins.items()})


def _shortest(forms: set[str]) -> dict[bytes, tuple[bytes, ...]]:
    """Starts of spellings and their rests, which makes a small automaton. A spelling that begins with a shorter one is left out."""
    kept: list[str] = []
    for form in sorted(forms):
        if not kept or not form.startswith(kept[-1]):
            kept.append(form)
    starts: dict[bytes, list[bytes]] = {}
    for spelling in map(str.encode, kept):
        starts.setdefault(spelling[:START], []).append(spelling[START:])
    return {start: tuple(rests) for start, rests in starts.items()}


@cache
def _plain() -> tuple[ac.BytesAhoCorasick, list[tuple[bytes, ...]]]:
    """An automaton of the spellings in ASCII, and the rests of each."""
    ascii_only = {start: rests for start, rests in _spelled().anywhere.items() if start.isascii()}
    return ac.BytesAhoCorasick(list(ascii_only), implementation=ac.Implementation.DFA), list(ascii_only.values())


@cache
def _every() -> tuple[ac.BytesAhoCorasick, list[frozenset[bytes]], list[tuple[bytes, ...]]]:
    """An automaton of Arabic words, all other spellings and unusual characters; the clitics of the first, and the rests of the second."""
    anywhere, begins = _spelled()
    # Chinese has no blank before a Latin word, which may follow the last byte of a character
    after = [bytes([last]) + form for form in _latin_within_chinese() for last in range(0x80, 0xC0)]
    every = [*begins, *anywhere, *after, *(char.encode() for char in UNUSUAL)]
    automaton = ac.BytesAhoCorasick(every, implementation=ac.Implementation.DFA)
    return automaton, list(begins.values()), [*anywhere.values(), *[(b"",)] * len(after)]


def _latin_within_chinese() -> set[bytes]:
    return {form.encode() for term in terms() if term.language == "zh" for form in spellings(term) if form.isascii()}


def _must_begin(term: Term, form: str, slip: bool) -> bool:
    """Short spellings and slips must begin a word, so that a blank stands before them; Chinese has no blanks."""
    if term.language == "zh" and not form.isascii():
        return False
    return slip or len(form) < GLUED or (term.strength != "strong" and form.isascii())


def _touched(array: pa.LargeStringArray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a block that may hold a term, and which of them are odd."""
    part = array.slice(low, high - low)
    plain = pc.string_is_ascii(part).to_numpy(zero_copy_only=False)
    # where most texts are in ASCII they are searched apart, as their automaton is faster
    if len(part) * MOSTLY < plain.sum() < len(part):
        pieces = [(at, part.take(pa.array(at))) for at in (np.flatnonzero(plain), np.flatnonzero(~plain))]
    else:
        pieces = [(np.arange(len(part)), part)]
    held = [(at[rows], at[odd]) for at, piece in pieces for rows, odd in [_held(piece)]]
    rows = np.unique(np.concatenate([rows for rows, _ in held]))
    return rows + low, np.isin(rows, np.concatenate([odd for _, odd in held]))


def _held(part: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in which a spelling begins, or may begin but for unusual, repeated or parted letters; and which are of the second sort."""
    written = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(part)], pa.int32()), part), pa.scalar(" ", pa.large_string()))
    offsets = _offsets(part)
    length = int(offsets[-1] - offsets[0]) + len(part) - 1
    raw = memoryview(written.buffers()[2])[:length]
    # a blank before each text, so that its first word begins as any other
    block = b" " + bytes(raw).translate(BYTES)
    starts = offsets[:-1] - offsets[0] + np.arange(len(part))
    codes = np.frombuffer(block, "uint8")
    beginning, unusual = _spelling_starts(block)
    # from the bytes as they are written, so that 1000 is no word
    stretched = np.unique(_rows(starts, _repeated(np.frombuffer(raw, "uint8")) + 1))
    odd = np.concatenate([_rows(starts, unusual), _rows(starts, _set_apart(codes)), _relaxed(block, starts, stretched)])
    return np.concatenate([_rows(starts, beginning), odd]), odd


def _rows(starts: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The rows in which places of a block lie."""
    rows: np.ndarray = np.searchsorted(starts, at, side="right") - 1
    return rows


def _relaxed(block: bytes, starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of rows with repeated letters, those in which a spelling begins once these are written once or twice."""
    ends = np.append(starts[1:], len(block))
    texts = [block[starts[row] : ends[row]] for row in rows.tolist()]
    relaxed = [np.array([], "int64")]
    for times in (1, 2):
        shrunk = [_RUN.sub(rb"\1\2" * times, text) for text in texts]
        begins = np.cumsum([0, *map(len, shrunk)])[:-1]
        if texts:
            relaxed.append(rows[_rows(begins, _spelling_starts(b"".join(shrunk))[0])])
    return np.concatenate(relaxed)


def _spelling_starts(block: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where spellings begin in a block, and where unusual characters stand."""
    if block.isascii():
        automaton, rests = _plain()
        hits = automaton.find_matches_as_indexes(block, overlapping=True)
        return np.array([start for which, start, end in hits if block.startswith(rests[which], end)], "int64"), np.array([], "int64")
    automaton, borders, rests = _every()
    starts, unusual, ordinary = [], [], len(borders) + len(rests)
    for which, start, end in automaton.find_matches_as_indexes(block, overlapping=True):
        if which >= ordinary:
            unusual.append(start)
        elif which >= len(borders):
            if block.startswith(rests[which - len(borders)], end):
                starts.append(start)
        elif block[max(0, start - LONGEST_BORDER) : start].rpartition(b" ")[2] in borders[which]:
            starts.append(start)
    return np.array(starts, "int64"), np.array(unusual, "int64")


def _set_apart(codes: np.ndarray) -> np.ndarray:
    """Where two single letters stand between blanks, as in `g a y` within a sentence: of one byte, two or three (Chinese)."""
    blank = codes == ord(" ")
    places = [np.array([], "int64")]
    for wide in (2, 3, 4) if codes.max(initial=0) >= 0x80 else (2,):
        at = np.flatnonzero(blank[: -2 * wide] & blank[wide:-wide] & blank[2 * wide :])
        lead = np.minimum(codes[at + 1], codes[at + wide + 1])
        places.append(at[lead >= {2: ord("a"), 3: 0xC3, 4: 0xE4}[wide]] + 1)
    return np.concatenate(places)


def _repeated(codes: np.ndarray) -> np.ndarray:
    """Where a letter of one or two bytes stands three times in a row, but not at the start of a word, as in laughter."""
    same = codes[1:] == codes[:-1]
    starts = np.flatnonzero(same[1:] & same[:-1])
    one: np.ndarray = starts[
        (codes[starts] >= ord("A")) & (codes[starts] < 0x80) & (codes[starts - 1] != codes[starts]) & (codes[starts - 1] >= ord("A"))
    ]
    if codes.max(initial=0) < 0x80:
        return one
    same = codes[2:] == codes[:-2]
    pairs = same[1:] & same[:-1]
    two = np.flatnonzero(pairs[2:] & pairs[:-2])
    # the first of the run, and a letter before it
    first = (codes[two - 2] != codes[two]) | (codes[two - 1] != codes[two + 1])
    return np.concatenate([one, two[first & (codes[two] >= 0xC3) & (codes[two] <= 0xDB) & (codes[two - 1] >= ord("A"))]])


def _blocks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of rows of about a block each."""
    cuts = np.unique(np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], BLOCK)).clip(0, len(offsets) - 1))
    return ((low, high) for low, high in pairwise([0, *cuts[cuts > 0].tolist(), len(offsets) - 1]) if high > low)
