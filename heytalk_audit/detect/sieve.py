"""The gate of the lexicon: one pass over the bytes of a column finds the few rows that may hold a term. The others are never read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import ahocorasick_rs as ac
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect.letters import LEET_SIGNS
from heytalk_audit.detect.repairs import accented, repaired
from heytalk_audit.detect.terms import GLUED, Term, spellings, terms

#: Texts are gated in blocks that stay in the processor's cache.
BLOCK = 1 << 20
#: What a byte is read as: A to Z small, leet as letters, every sign but the star and the apostrophe as a blank. Other bytes stay.
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
#: A letter three times or more in a row, in the bytes as they are read: of one byte, or of two.
_RUN = re.compile(rb"([a-z])\1\1+|([\xc3-\xdb][\x80-\xbf])\2\2+")


def gate(array: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that may hold a term, in order, and for each whether its letters are unusual: one pass, on all processors."""
    if not len(array):
        return np.array([], "int64"), np.array([], bool)
    if array.null_count:
        array = array.fill_null("")
    offsets = np.frombuffer(array.buffers()[1], "int64")[array.offset : array.offset + len(array) + 1]
    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(lambda edges: _touched(array, offsets, *edges), _blocks(offsets)))
    rows = np.concatenate([*(rows for rows, _ in parts), np.array([], "int64")])
    odd = np.concatenate([*(odd for _, odd in parts), np.array([], "int64")])
    rows = np.unique(rows)
    return rows, np.isin(rows, odd)


@cache
def _automata() -> tuple[ac.BytesAhoCorasick, ac.BytesAhoCorasick, int]:
    """Automata of the spellings in ASCII and of all; patterns from a number on are of unusual characters."""
    spelled = {
        form
        for term in terms()
        for form in (*_bordered(term, repaired(term) | accented(term), True), *_bordered(term, spellings(term), False))
    }
    kept: set[str] = set()
    for form in sorted(spelled, key=len):
        # a spelling that begins with another one is found by that one
        if not any(form[:n] in kept for n in range(1, len(form))) and (
            form[0] != " " or not any(form[1:n] in kept for n in range(2, len(form)))
        ):
            kept.add(form)
    plain = [form.encode() for form in sorted(kept) if form.isascii()]
    # Chinese sets no blank before a Latin word: it may follow the last byte of a character
    after = [bytes([last]) + form for form in _latin_within_chinese() for last in range(0x80, 0xC0)]
    every = [*plain, *(form.encode() for form in sorted(kept) if not form.isascii()), *after]
    automata = [
        ac.BytesAhoCorasick(forms, implementation=ac.Implementation.DFA) for forms in (plain, every + [char.encode() for char in UNUSUAL])
    ]
    return automata[0], automata[1], len(every)


def _latin_within_chinese() -> set[bytes]:
    return {form.encode() for term in terms() if term.language == "zh" for form in spellings(term) if form.isascii()}


def _bordered(term: Term, forms: frozenset[str] | set[str], slip: bool) -> Iterator[str]:
    """Short spellings and slips must begin a word, so that a blank stands before them; Chinese has no blanks."""
    for form in forms:
        if (term.language == "zh" and not form.isascii()) or (
            not slip and len(form) >= GLUED and (term.strength == "strong" or not form.isascii())
        ):
            yield form
        elif term.language == "ar":
            yield from (f" {clitic}{form}" for clitic in (CLITICS if not slip else ("", "ال", "وال", "لل")))
        else:
            yield f" {form}"


def _touched(array: pa.LargeStringArray, offsets: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a block in which a spelling begins, or would but for letters that are repeated or stand apart; and which are odd so."""
    part = array.slice(low, high - low)
    written = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(part)], pa.int32()), part), pa.scalar(" ", pa.large_string()))
    length = int(offsets[high] - offsets[low]) + high - low - 1
    raw = memoryview(written.buffers()[2])[:length]
    # a blank before each text, so that its first word begins as any other
    block = b" " + bytes(raw).translate(BYTES)
    starts = offsets[low:high] - offsets[low] + np.arange(high - low)
    codes = np.frombuffer(block, "uint8")
    found, unusual = _found(block)
    # of what is written, so that 1000 is no word
    stretched = np.unique(_rows(starts, _repeated(np.frombuffer(raw, "uint8")) + 1))
    odd = np.concatenate([_rows(starts, unusual), _rows(starts, _set_apart(codes)), _relaxed(block, starts, stretched)])
    return np.concatenate([_rows(starts, found), odd]) + low, odd + low


def _rows(starts: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(starts, at, side="right") - 1


def _relaxed(block: bytes, starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of rows with letters repeated, those in which a spelling begins when they are not."""
    ends = np.append(starts[1:], len(block))
    texts = [block[starts[row] : ends[row]] for row in rows.tolist()]
    found = [np.array([], "int64")]
    for times in (1, 2):
        shrunk = [_RUN.sub(rb"\1\2" * times, text) for text in texts]
        begins = np.cumsum([0, *map(len, shrunk)])[:-1]
        if texts:
            found.append(rows[_rows(begins, _found(b"".join(shrunk))[0])])
    return np.concatenate(found)


def _found(block: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where spellings begin in a block, and where unusual characters stand."""
    plain, every, ordinary = _automata()
    # the search gives the interpreter's lock free, so that threads help
    hits = (plain if block.isascii() else every).find_matches_as_indexes(block, overlapping=True)
    if not hits:
        return np.array([], "int64"), np.array([], "int64")
    which, start, _ = np.array(hits).T
    return start[which < ordinary], start[which >= ordinary]


def _set_apart(codes: np.ndarray) -> np.ndarray:
    """Where two letters in a row stand between blanks, as in `g a y` within a sentence: of one byte, of two, of three (Chinese)."""
    blank = codes == ord(" ")
    found = [np.array([], "int64")]
    for wide in (2, 3, 4) if codes.max(initial=0) >= 0x80 else (2,):
        at = np.flatnonzero(blank[: -2 * wide] & blank[wide:-wide] & blank[2 * wide :])
        lead = np.minimum(codes[at + 1], codes[at + wide + 1])
        found.append(at[lead >= {2: ord("a"), 3: 0xC3, 4: 0xE4}[wide]] + 1)
    return np.concatenate(found)


def _repeated(codes: np.ndarray) -> np.ndarray:
    """Where a letter of one or two bytes stands three times in a row, unless a word begins with it: that is laughter."""
    same = codes[1:] == codes[:-1]
    one = np.flatnonzero(same[1:] & same[:-1])
    one = one[(codes[one] >= ord("A")) & (codes[one] < 0x80) & (codes[one - 1] != codes[one]) & (codes[one - 1] >= ord("A"))]
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
