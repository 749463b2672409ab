"""The gate: which rows may hold something, by one RE2 pass over Arrow; and the batches that a scan goes through."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect import context
from heytalk_audit.detect.passwords import PASSWORDS
from heytalk_audit.detect.patterns import PATTERNS, D, Pattern

#: Only rows that pass are copied, so that a batch is large: setting up the gates costs a tenth of a second.
BATCH_BYTES = 128 << 20
#: Kept small: RE2 falls back to a method a hundred times slower when the automaton of all gates outgrows its memory.
_GAP = r"[ .\-/()_\x{a0}\x{2000}-\x{206f}\x{3000}．·・（）－／]{0,3}"
_LETTER = "[A-Za-zＡ-Ｚａ-ｚ]"
_NINE = rf"{D}(?:{_GAP}{D}){{8}}"
#: Seven or eight digits between the letters of a Spanish id; six where a word says what they are.
_SPANISH = rf"[XYZxyzＸＹＺ0-9０-９٠-٩۰-۹]{_GAP}{D}(?:{_GAP}{D}){{6}}{_GAP}{_LETTER}"
_WIDE = r"[！-～]{6}"
_SIX = rf"{D}(?:{_GAP}{D}){{5}}"
#: Addresses are in many texts, the rest in few: two lots, so that each text is put to few patterns.
COMMON = [pattern for pattern in PATTERNS if pattern.kind in ("email", "url")]
RARE = [pattern for pattern in [*PATTERNS, *PASSWORDS] if pattern not in COMMON]


@functools.cache
def first() -> str:
    """The gate of all rows: a mark, or six digits. Words would make its automaton outgrow its memory."""
    return f"{union([*COMMON, *RARE])}|{_SPANISH}|{_SIX}"


@functools.cache
def numbers() -> str:
    """The gate of rows with six digits that may be more than a date or an amount: nine of them, or a word that says so."""
    words = context.gate("phone", "number", "bank_account", "us_ssn")
    return f"{_NINE}|{_SPANISH}|(?i)(?:{words})[^0-9]*{_SIX}|{_SIX}[^0-9]{{0,3}}(?:{words})"


def union(patterns: Iterable[Pattern]) -> str:
    """The gates of these patterns as one, over raw text: full-width letters in a row may be anything."""
    return "|".join(f"(?:{pattern.gate})" for pattern in patterns) + f"|{_WIDE}"


def marks() -> str:
    return union([*COMMON, *RARE])


def matches(array: pa.Array, gate: str) -> np.ndarray:
    """The indices of the strings that the gate lets through; nulls never."""
    return np.flatnonzero(pc.fill_null(pc.match_substring_regex(array, gate), False).to_numpy(zero_copy_only=False))


def batches(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    """The first row and the strings of each batch, about `BATCH_BYTES` at a time, always as `large_string`."""
    chunked = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts if isinstance(texts, pa.Array) else _array(texts)])
    row = 0
    for chunk in chunked.chunks:
        for at, batch in pieces(chunk, BATCH_BYTES):
            yield row + at, batch if batch.type == pa.large_string() else pc.cast(batch, pa.large_string())
        row += len(chunk)


def pieces(array: pa.Array, size: int) -> Iterator[tuple[int, pa.Array]]:
    """The array in slices of about so many bytes, each with the place of its first string."""
    step = max(1, len(array) * size // max(array.nbytes, 1))
    yield from ((at, array.slice(at, step)) for at in range(0, len(array), step))


def _array(texts: Iterable[str | None]) -> pa.Array:
    texts = [None if isinstance(text, float) and text != text else text for text in texts]
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # half of a surrogate pair: no text, but offsets must hold all the same
        return pa.array([text and text.encode("utf-8", "replace").decode("utf-8") for text in texts], pa.large_string())
