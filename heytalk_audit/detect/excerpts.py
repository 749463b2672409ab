"""Excerpts: the parts of texts that the gate lets through, joined to one text, whose places lead back to row and offset."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect import gate
from heytalk_audit.detect.fold import Lines

PIECE = 1 << 21  # bytes that are gated together: they fit into a processor's cache
LOT = 1 << 20  # bytes of excerpts that are read together
BLOCK = 64  # bytes; of each block it is computed whether all of it is ASCII
NEAR, FAR = 42, 128  # bytes on each side of an anchor that hold 40 characters of context: in ASCII, and in other scripts
#: Bytes that are read after an anchor of these kinds, which may be long. What is longer still is read again with its whole row.
AHEAD = {gate.URL: 300, gate.WORD: 400, gate.EMAIL: 80, gate.HEX: 140}


@dataclass(frozen=True)
class Texts:
    """Strings as Arrow stores them: the bytes of all, and where each string begins. Null strings are empty."""

    data: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, array: pa.Array) -> Texts:
        if array.type not in (pa.string(), pa.large_string()):
            array = pc.cast(array, pa.large_string())
        if array.null_count:
            array = pc.fill_null(array, "")
        _, places, data = array.buffers()
        width = np.int32 if array.type == pa.string() else np.int64
        offsets = np.zeros(1, width) if places is None else np.frombuffer(places, width)[array.offset : array.offset + len(array) + 1]
        return cls(np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8), offsets)

    def pieces(self) -> Iterator[tuple[int, int]]:
        """The first row, and the row after the last, of parts of about `PIECE` bytes."""
        first, last = int(self.offsets[0]), int(self.offsets[-1])
        cuts = np.searchsorted(self.offsets, np.arange(first, last, PIECE, dtype=self.offsets.dtype)).tolist()
        cuts = sorted({0, *cuts, len(self.offsets) - 1})
        yield from itertools.pairwise(cuts)


@dataclass(frozen=True)
class Parts:
    """Parts of rows, from byte `start` to `end`; `flags` say what each may hold, `whole` whether it is all of its row."""

    row: np.ndarray
    start: np.ndarray
    end: np.ndarray
    flags: np.ndarray
    whole: np.ndarray

    def __getitem__(self, which: slice | np.ndarray) -> Parts:
        return Parts(self.row[which], self.start[which], self.end[which], self.flags[which], self.whole[which])


class Excerpts:
    """Parts of texts, each a line of `lines`. `offset` leads from a place in them back to its row."""

    def __init__(self, texts: Texts, parts: Parts):
        self._texts, self.parts = texts, parts
        joined = _joined(texts.data, parts.start, parts.end)
        sizes = parts.end - parts.start
        plain = joined.count(b"\n") == len(sizes) - 1  # no part holds a line feed of its own
        if not plain and not joined.isascii():
            begins = np.cumsum(sizes + 1) - sizes - 1
            lead = (np.frombuffer(joined + b"\n", np.uint8) & 0xC0) != 0x80
            sizes = np.add.reduceat(lead.view(np.uint8), begins, dtype=np.int64) - 1
        self.lines = Lines(joined.decode("utf-8", "replace"), None if plain else sizes)

    def offset(self, line: np.ndarray) -> np.ndarray:
        """How many characters of its row come before each of these lines, which must be in order."""
        data, offsets = self._texts.data, self._texts.offsets
        counts = np.zeros(len(line), np.int64)
        cut = np.flatnonzero(self.parts.start[line] > offsets[self.parts.row[line]])
        row, at, count = -1, 0, 0
        for i in cut.tolist():
            part = int(line[i])
            if self.parts.row[part] != row:
                row, count = int(self.parts.row[part]), 0
                at = int(offsets[row])
            count += int(np.count_nonzero((data[at : self.parts.start[part]] & 0xC0) != 0x80))
            at = int(self.parts.start[part])
            counts[i] = count
        return counts


def _joined(data: np.ndarray, start: np.ndarray, end: np.ndarray) -> bytes:
    """The parts with a line feed between two. Arrow joins them: parts and the gaps between are its strings, and the parts are taken."""
    if not len(start) or (start[1:] < end[:-1]).any():
        view = memoryview(data.data)
        return b"\n".join([view[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)])
    places = np.column_stack([start, end]).ravel().astype(np.int64)
    strings = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(places) - 1, [None, pa.py_buffer(places), pa.py_buffer(data)])
    taken = strings.take(pa.array(np.arange(0, len(places), 2)))
    lines = pa.ListArray.from_arrays(pa.array([0, len(taken)], pa.int32()), taken)
    joined: bytes = pc.binary_join(lines, pa.scalar(b"\n", pa.large_binary()))[0].as_py()
    return joined


def parts(texts: Texts) -> Parts:
    """The parts of texts that the gate lets through."""
    reaches = []
    for first, last in texts.pieces():
        base, end = int(texts.offsets[first]), int(texts.offsets[last])
        if end > base:
            piece = texts.data[base:end]
            start, stop, flags = gate.anchors(piece, texts.offsets[first:last] - base)
            reaches.append((start + base, stop + base, flags, *_reach(piece, start, stop, flags)))
    if not sum(len(start) for start, *_ in reaches):
        return whole(texts, np.zeros(0, np.int64))
    return _merged(texts, *(np.concatenate(column) for column in zip(*reaches, strict=True)))


def whole(texts: Texts, rows: np.ndarray) -> Parts:
    """Parts that are these rows as a whole, for all kinds."""
    rows = rows[texts.offsets[rows + 1] > texts.offsets[rows]]
    start, end = texts.offsets[rows].astype(np.int64), texts.offsets[rows + 1].astype(np.int64)
    return Parts(rows, start, end, np.full(len(rows), gate.ALL), np.ones(len(rows), bool))


def _reach(piece: np.ndarray, start: np.ndarray, end: np.ndarray, flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many bytes before and after each anchor are read."""
    blocks = np.ones(len(piece) // BLOCK + 3, bool)  # one more each side, so that the block before and after is always there
    whole = len(piece) // BLOCK * BLOCK
    eights = piece[:whole].copy().view(np.uint64) & np.uint64(0x8080808080808080)
    for _ in range(3):  # a block is eight of these
        eights = eights[0::2] | eights[1::2]
    blocks[1 : whole // BLOCK + 1] = eights != 0
    blocks[whole // BLOCK + 1] = (piece[whole:] > 127).any()
    blocks[[0, whole // BLOCK + 2]] = False
    first, last = start // BLOCK + 1, np.minimum(end, len(piece) - 1) // BLOCK + 1
    before = np.where(blocks[first] | blocks[first - 1], FAR, NEAR)
    after = np.where(blocks[last] | blocks[last + 1], FAR, NEAR)
    for flag, ahead in AHEAD.items():
        after[(flags == flag) & (after < ahead)] = ahead
    return before, after


def _merged(texts: Texts, start: np.ndarray, end: np.ndarray, flags: np.ndarray, before: np.ndarray, after: np.ndarray) -> Parts:
    """Parts from anchors and the bytes to read before and after them: those of a row that overlap become one."""
    row = np.searchsorted(texts.offsets, start, "right") - 1
    low = np.maximum(texts.offsets[row], start - before)
    order = np.argsort(low)
    row, low, end, flags, after = (column[order] for column in (row, low, end, flags, after))
    floor, ceiling = texts.offsets[row], texts.offsets[row + 1]
    high = np.maximum.accumulate(np.minimum(ceiling, end + after))
    new = np.flatnonzero(np.append(True, (row[1:] != row[:-1]) | (low[1:] > high[:-1])))
    last = np.append(new[1:], len(row)) - 1
    low, high, floor, ceiling = low[new], high[last], floor[new], ceiling[new]
    for _ in range(3):  # never within a character
        low -= _inside(texts.data, low) & (low > floor)
        high += _inside(texts.data, high) & (high < ceiling)
    return Parts(row[new], low, high, np.bitwise_or.reduceat(flags, new), (low == floor) & (high == ceiling))


def _inside(data: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether a place lies within a character of several bytes."""
    within: np.ndarray = (data[np.minimum(at, len(data) - 1)] & 0xC0) == 0x80
    return within


def lots(parts: Parts) -> Iterator[Parts]:
    """The parts in lots of about `LOT` bytes."""
    size = np.cumsum(parts.end - parts.start)
    cuts = np.searchsorted(size, np.arange(LOT, (int(size[-1]) if len(size) else 0) + LOT, LOT)).tolist()
    cuts = sorted({0, *(min(cut + 1, len(size)) for cut in cuts)})
    yield from (parts[a:b] for a, b in itertools.pairwise(cuts))


def batches(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    """Of each chunk, the number of its first row (from 0) and its strings."""
    chunked = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts if isinstance(texts, pa.Array) else as_array(texts)])
    row = 0
    for chunk in chunked.chunks:
        yield row, chunk
        row += len(chunk)


def as_array(texts: Iterable[str | None]) -> pa.Array:
    """Strings as an Arrow array. What is no string, such as NaN, becomes null; half of a surrogate pair becomes a question mark."""
    texts = [text if isinstance(text, str) else None for text in texts]
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # half of a surrogate pair; it is replaced one to one, so that offsets stay right
        return pa.array([text and _mended(text) for text in texts], pa.large_string())


@functools.cache
def _halves() -> dict[int, str]:
    return dict.fromkeys(range(0xD800, 0xE000), "?")


def _mended(text: str) -> str:
    return text.translate(_halves())
