"""What a column holds: its name, or the path of a JSON key, is the context; its hits are tested against chance.

Numbers pass a checksum by chance: one in ten passes Luhn. A column is therefore flagged only where its hits exceed chance. Only cells
that have the length and the prefix, or the date, of a kind are counted, so that the chance is the checksum's alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect import checksums, context
from heytalk_audit.detect.chance import CHANCE, interval, luck
from heytalk_audit.detect.excerpts import batches
from heytalk_audit.detect.fold import fold, fold_key
from heytalk_audit.detect.passwords import SLOW_HASH
from heytalk_audit.detect.scan import scan

SAMPLE = 10_000
#: The chance below which hits are more than luck; a chance that equals it, but for rounding, is not below it.
LUCK = 1e-6 * (1 - 1e-9)
#: How many keys of a JSON text are followed, one within the other, and how many texts within texts; what lies deeper is read as text.
DEEPEST, WITHIN = 50, 4
_ES = re.compile(r"([XYZ]?)([0-9]{7,8})([A-Z])")
_WORD = re.compile(r"\s*[^\W\d_]{3,}[\s:=-]")
_SEPARATORS = re.compile(r"[ .\-/()_]")
_KEY = re.compile(r"(?:^|[^a-z])(?:id|ids|uuid|guid|key|no|ref|seq|rowid)$")
Values: TypeAlias = Iterable[str | None] | pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class Share:
    """Of the cells of a column that have the form of `kind` (`rows`), how many are of it (`hits`), beside the share that chance gives.

    `low` and `high` are the exact 95 % interval of hits / rows. `flagged`: luck alone gives so many hits less than once in a million times,
    or the column's name says that it holds them.
    """

    kind: str
    rows: int
    hits: int
    chance: float
    low: float
    high: float
    flagged: bool

    @property
    def by_luck(self) -> float:
        """The hits that chance alone would give."""
        return self.rows * self.chance


@dataclass(frozen=True)
class ExaminedColumn:
    """What a column holds: counts, and no value.

    `cells` are those that hold more than blanks. `says` is what its name or key path says that it is: a kind, `reference`, `other` or None.
    `is_key`: it is a key that the system writes, so that a name never stands for evidence. `paths` has a column for each key path
    where the texts are JSON.
    """

    name: str
    cells: int
    says: str | None
    is_key: bool
    shares: tuple[Share, ...]
    paths: tuple[ExaminedColumn, ...] = ()

    @property
    def flagged(self) -> tuple[str, ...]:
        """The kinds that the column, or a key path in it, holds more often than by chance."""
        kinds = [share.kind for share in self.shares if share.flagged]
        return tuple(dict.fromkeys([*kinds, *(kind for path in self.paths for kind in path.flagged)]))


def says(name: str) -> str | None:
    """What a column's name or the path of a JSON key (`device.ids.idfa`) says that its values are: a kind, a word for none, or None."""
    return context.label(fold_key(f" {_words(name)} "), "")


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-/\[\]$:]+", " ", name)


def is_key(name: str) -> bool:
    """Whether the name is of a key that a system writes: `message_id`, `order_no`; not `national_id` or `ad_id`."""
    plain = _words(name).lower().strip()
    return bool(_KEY.search(plain)) and "mail" not in plain and says(name) in (None, *context.NO_KIND)


def examine(name: str, values: Values, system_key: bool | None = None, sample: int = SAMPLE, within: int = 0) -> ExaminedColumn:
    """What a column holds.

    A sample (every n-th cell, so that the same column gives the same answer) shows whether its cells are JSON, numbers or text. Numbers
    are tested with the checksums that the sample or the name suggests; text is scanned, with the name as a word near each value.

    Parameters
    ----------
    name : str
        The column's name, or the path of a JSON key.
    values : iterable or Arrow array
        Nulls and blanks are left out; numbers are read as their digits.
    system_key : bool, optional
        Whether the column is a key that the system writes; by default, whether its name is of one.
    within : int
        How many texts of JSON its cells stand in, one within the other.
    """
    texts = _texts(values)
    label, system = says(name), is_key(name) if system_key is None else system_key
    if not len(texts):
        return ExaminedColumn(name, 0, label, system, ())
    few = texts.take(pa.array(np.arange(0, len(texts), -(-len(texts) // sample)))).to_pylist()
    if within < WITHIN and sum(_container(text) is not None for text in few) > 0.9 * len(few):
        return ExaminedColumn(name, len(texts), label, system, (), tuple(_paths(name, texts, system_key, sample, within + 1)))
    plain = [text for text in (_plain(cell) for cell in few) if text]
    if len(plain) > 0.9 * len(few):
        shares = _numbers(texts, plain, label, system)
        return ExaminedColumn(name, len(texts), label, system, tuple(shares or _scanned(texts, label, system, of_numbers=True)))
    return ExaminedColumn(name, len(texts), label, system, tuple(_scanned(texts, label, system)))


def _texts(values: Values) -> pa.Array:
    """The cells that hold more than blanks, as text."""
    if isinstance(values, pa.Array | pa.ChunkedArray) and not pa.types.is_string(values.type):
        values = pc.cast(values, pa.large_string())
    chunks = [pc.cast(batch.drop_null(), pa.large_string()) for _, batch in batches(values)]
    texts = pa.concat_arrays([pa.array([], pa.large_string()), *chunks])
    return texts.filter(pc.not_equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0))


def _container(text: str) -> dict[str, object] | list[object] | None:
    """What a text of JSON holds, an object or a list; None for any other text, also one that only begins like JSON."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _paths(name: str, texts: pa.Array, system_key: bool | None, sample: int, within: int) -> Iterator[ExaminedColumn]:
    """A column for each key path, over all rows; the cells that are no JSON count as text of the column itself."""
    leaves: dict[str, list[str]] = {}
    for text in texts.to_pylist():
        value = _container(text)
        for path, leaf in [(name, text)] if value is None else _leaves(name, value):
            leaves.setdefault(path, []).append(leaf)
    yield from (examine(path, cells, None if path != name else system_key, sample, within) for path, cells in sorted(leaves.items()))


def _leaves(path: str, value: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The values in an object or list, each with the path of its keys; what lies deeper than `DEEPEST` as one text."""
    if isinstance(value, dict | list) and depth == DEEPEST:
        yield path, json.dumps(value, ensure_ascii=False)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}", inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(path, inner, depth + 1)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)


def _share(kind: str, rows: int, hits: int, named: bool = False) -> Share:
    """The share of a kind with a checksum; where the column is `named` for it, most of the cells that have its form are enough."""
    chance = CHANCE.get(kind, 0.0)
    flagged = luck(hits, rows, chance) < LUCK or (named and 2 * hits > rows)
    return Share(kind, rows, hits, chance, *interval(hits, rows), flagged)


def _numbers(texts: pa.Array, few: list[str], label: str | None, system: bool) -> list[Share]:
    """Shares of the kinds with a checksum, most certain first: of all cells where the sample or the name suggests the kind."""
    shares = _shares(few, label)
    chosen = {share.kind for share in shares if share.flagged or context.speaks_of(label, share.kind)}
    if chosen:
        plain = [text for text in (_plain(cell) for cell in texts.to_pylist()) if text]
        full = [share for share in _shares(plain, label) if share.kind in chosen]
        shares = [*full, *(share for share in shares if share.kind not in chosen)]
    named = [] if label in (None, "identity", *context.NO_KIND, *CHANCE) else _scanned(texts, label, system, of_numbers=True)
    return [*named, *sorted(shares, key=lambda share: share.low - share.chance, reverse=True)]


def _shares(plain: list[str], label: str | None) -> list[Share]:
    """The share of each kind with a checksum that some of the numbers have the form of."""
    tested = [(kind, passed) for kind, passed in _tested(plain) if len(passed)]
    return [_share(kind, len(passed), int(passed.sum()), context.speaks_of(label, kind)) for kind, passed in tested]


def _scanned(texts: pa.Array, label: str | None, system: bool, of_numbers: bool = False) -> list[Share]:
    """Shares of the kinds that `scan` finds, of all cells. What it finds has passed its checksum or form, so that chance counts as 0.

    In a column of bare numbers only the kind that its name speaks of counts; in a key of the system what has a checksum must exceed chance.
    """
    hint = None if label in context.NO_KIND else label
    findings = scan(texts, hint)
    if of_numbers:
        findings = findings.loc[np.array([context.speaks_of(label, kind) for kind in findings["kind"]], bool)]
    rows = findings[findings["confidence"] != "low"].drop_duplicates(["row", "kind"])["kind"].value_counts()
    counts = sorted((str(kind), int(hits)) for kind, hits in rows.items())
    if system:
        return [_share(kind, len(texts), hits) for kind, hits in counts]
    return [Share(kind, len(texts), hits, 0.0, *interval(hits, len(texts)), True) for kind, hits in counts]


def _plain(cell: str) -> str | None:
    """A number, or an id with letters at its ends, without its separators; None for text, also a number with a word before it."""
    if _WORD.match(cell):
        return None
    plain = _SEPARATORS.sub("", fold(cell)).upper()
    return plain if plain.isascii() and plain.isalnum() and sum(map(str.isdigit, plain)) > 6 and len(plain) < 35 else None


def _tested(plain: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """For each kind with a checksum, whether each cell that has its form passes it."""
    by_length: dict[int, list[str]] = {}
    for cell in plain:
        if cell.isdecimal():
            by_length.setdefault(len(cell), []).append(cell)
    digits = {length: digits_of(cells) for length, cells in by_length.items()}
    yield "card", _joined([checksums.luhn(d[checksums.issued(d)]) for length, d in digits.items() if 12 <= length <= 19])
    yield "imei", _joined([checksums.luhn(d[~checksums.issued(d)]) for d in (digits[15],)] if 15 in digits else [])
    yield "tr_id", _joined([checksums.tr_id(d[d[:, 0] > 0]) for length, d in digits.items() if length == 11])
    chinese = [cell for cell in plain if re.fullmatch(r"[0-9]{17}[0-9X]", cell)]
    if chinese:
        check = checksums.cn_check(np.array([list(cell[:17]) for cell in chinese]).astype(np.int64))
        last = np.array([10 if cell[17] == "X" else int(cell[17]) for cell in chinese])
        yield "cn_id", (check == last)[check >= 0]
    spanish = [match.groups() for cell in plain if (match := _ES.fullmatch(cell)) and len(match[1] + match[2]) == 8]
    letters = [chr(checksums.ES_LETTERS[int(str("XYZ".find(lead)) * bool(lead) + number) % 23]) == end for lead, number, end in spanish]
    yield "es_id", np.array(letters, bool)
    yield "iban", np.array([checksums.iban(cell) for cell in plain if checksums.IBAN_LENGTHS.get(cell[:2]) == len(cell)], bool)


def digits_of(numbers: list[str]) -> np.ndarray:
    """Numbers of one length as an array of their digits."""
    return np.array(numbers).view(np.uint32).reshape(len(numbers), -1) - np.uint32(48)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, bool), *parts])


def slowly_hashed(values: Values) -> tuple[int, int]:
    """Of a column of passwords: how many are stored as one of the slow hashes, and how many there are."""
    cells = _texts(values).to_pylist()
    return sum(bool(re.match(SLOW_HASH, cell)) for cell in cells), len(cells)
