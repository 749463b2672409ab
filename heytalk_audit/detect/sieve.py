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

from heytalk_audit.detect.letters import LEET_SIGNS
from heytalk_audit.detect.repairs import repaired
from heytalk_audit.detect.terms import GLUED, spellings, terms

#: Texts are gated in blocks that stay in the processor's cache.
BLOCK = 1 << 20
#: What a byte is read as: A to Z small, leet as letters, hyphens as blanks. Every other byte stays.
BYTES = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_\t\n" + LEET_SIGNS[0].encode(), b"abcdefghijklmnopqrstuvwxyz    " + LEET_SIGNS[1].encode()
)
#: Characters that hide a word from the gate (full-width letters, tatweel, vowels, combining and zero-width marks): such rows are read.
UNUSUAL = [
    *map(chr, (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *range(0x300, 0x330), *range(0x64B, 0x656), 0x640, 0x670, 0xAD)),
    *map(chr, (0x200B, 0x2060, 0xFEFF, 0xA0)),
]
#: A letter three times or more in a row, in the bytes as they are read: of one byte, or of two.
_RUN = re.compile(rb"([a-z])\1\1+|([\xc3-\xdb][\x80-\xbf])\2\2+")


def gate(array: pa.LargeStringArray) -> np.ndarray:
    """The rows that may hold a term, in order: one pass over the bytes, on all processors."""
    if not len(array):
        return np.array([], "int64")
    offsets = np.frombuffer(array.buffers()[1], "int64")[array.offset : array.offset + len(array) + 1]
    data = memoryview(array.buffers()[2] or b"")
    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(lambda edges: _touched(data, offsets, *edges), _blocks(offsets)))
    return np.unique(np.concatenate([*rows, np.array([], "int64")]))


@cache
def _automata() -> list[tuple[ac.BytesAhoCorasick, np.ndarray]]:
    """Automata of the spellings in ASCII and of the others, and for each spelling whether it must begin a word."""
    spelled = {form.encode(): True for term in terms() for form in repaired(term)}
    spelled |= {form.encode(): len(form) < GLUED and form.isascii() for term in terms() for form in spellings(term)}
    spelled |= {char.encode(): False for char in UNUSUAL}
    kept: dict[bytes, bool] = {}
    for form in sorted(spelled, key=len):
        # a spelling that begins with another one is found by that one
        if not any(form[:n] in kept and (not kept[form[:n]] or spelled[form]) for n in range(2, len(form))):
            kept[form] = spelled[form]
    parts = [{form: begins for form, begins in kept.items() if form.isascii() == plain} for plain in (True, False)]
    return [(ac.BytesAhoCorasick(list(part), implementation=ac.Implementation.DFA), np.array(list(part.values()))) for part in parts]


def _touched(data: memoryview, offsets: np.ndarray, low: int, high: int) -> np.ndarray:
    """The rows of a block in which a spelling begins, or would but for letters that are repeated or stand apart."""
    written = bytes(data[low:high])
    block = written.translate(BYTES)
    codes = np.frombuffer(block, "uint8")
    at = np.concatenate([_found(block, written, offsets - low), _set_apart(codes)])
    rows = [np.searchsorted(offsets, low + at, side="right") - 1]
    stretched = np.unique(np.searchsorted(offsets, low + _repeated(codes), side="right") - 1)
    texts = [block[offsets[row] - low : offsets[row + 1] - low] for row in stretched.tolist()]
    for times in (1, 2):
        shrunk = [_RUN.sub(rb"\1\2" * times, text) for text in texts]
        starts = np.cumsum([0, *map(len, shrunk)])
        joined = b"".join(shrunk)
        rows.append(stretched[np.searchsorted(starts, _found(joined, joined, starts), side="right") - 1])
    return np.concatenate(rows)


def _found(block: bytes, written: bytes, starts: np.ndarray) -> np.ndarray:
    """Where spellings begin in a block of texts that begin at `starts`."""
    found = [np.array([], "int64")]
    codes = np.frombuffer(written, "uint8")
    for automaton, begins in _automata()[: 1 if block.isascii() else 2]:
        # the search gives the interpreter's lock free, so that threads help
        if hits := automaton.find_matches_as_indexes(block, overlapping=True):
            which, start, _ = np.array(hits).T
            doubtful = begins[which] & _is_letter(codes[start - 1])
            # a text's first letter has none before it
            doubtful[doubtful] &= starts[np.searchsorted(starts, start[doubtful], side="right") - 1] < start[doubtful]
            found.append(start[~doubtful])
    return np.concatenate(found)


def _is_letter(codes: np.ndarray) -> np.ndarray:
    small = codes | 0x20
    return (small >= ord("a")) & (small <= ord("z"))


def _set_apart(codes: np.ndarray) -> np.ndarray:
    """Where two letters in a row stand between blanks, as in `g a y` within a sentence."""
    blanks = np.flatnonzero(codes == ord(" "))
    apart = np.diff(blanks)
    lead = codes[blanks[:-1] + 1]
    # letters of one byte, of two (accented, Arabic), of three (Chinese)
    single = ((apart == 2) & _is_letter(lead)) | ((apart == 3) & (lead >= 0xC3) & (lead <= 0xDB)) | ((apart == 4) & (lead >= 0xE4))
    return blanks[:-2][single[:-1] & single[1:]] + 1 if len(blanks) > 2 else blanks[:0]


def _repeated(codes: np.ndarray) -> np.ndarray:
    """Where a letter of one or two bytes stands three times in a row."""
    one = np.flatnonzero((codes[:-2] == codes[1:-1]) & (codes[1:-1] == codes[2:]))
    one = one[_is_letter(codes[one])]
    if not len(codes) or codes.max() < 0x80:
        return one
    two = np.flatnonzero((codes[:-4] == codes[2:-2]) & (codes[2:-2] == codes[4:]) & (codes[:-4] >= 0xC3) & (codes[:-4] <= 0xDB))
    same = (codes[two + 1] == codes[np.minimum(two + 3, len(codes) - 1)]) & (codes[two + 1] == codes[np.minimum(two + 5, len(codes) - 1)])
    return np.concatenate([one, two[same]])


def _blocks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Byte ranges of about a block each, cut between rows."""
    cuts = np.unique(np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], BLOCK)).clip(0, len(offsets) - 1))
    edges = [int(offsets[cut]) for cut in cuts] + [int(offsets[-1])]
    return ((low, high) for low, high in pairwise(edges) if high > low)
