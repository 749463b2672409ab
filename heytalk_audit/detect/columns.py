"""What a column holds: its name, or the path of a JSON key, is the context; a sample is tested against luck.

A checksum passes by luck: Luhn one number in ten. A column is therefore flagged only where its hits exceed chance, and the chance
is the checksum's alone: it is asked of those cells only that have the length and the prefix, or the date, of the kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from heytalk_audit.detect import checksums, context
from heytalk_audit.detect.fold import fold, key
from heytalk_audit.detect.gate import batches
from heytalk_audit.detect.passwords import SLOW_HASH
from heytalk_audit.detect.scan import scan

SAMPLE = 10_000
#: How often a cell passes by luck that has the form of a kind.
CHANCE = {"card": 1 / 10, "imei": 1 / 10, "tr_id": 1 / 100, "cn_id": 1 / 11, "es_id": 1 / 23, "iban": 1 / 97}
_ES = re.compile(r"([XYZ]?)([0-9]{7,8})([A-Z])")
_SEPARATORS = re.compile(r"[ .\-/()_]")


@dataclass(frozen=True)
class Share:
    """Of `cells` sampled, `trials` had the form of `kind` and `hits` its checksum; the share's exact interval against chance."""

    kind: str
    cells: int
    trials: int
    hits: int
    chance: float
    low: float
    high: float

    @property
    def by_luck(self) -> float:
        """The hits that luck alone would give."""
        return self.trials * self.chance

    @property
    def flagged(self) -> bool:
        return self.low > self.chance


def hint_of(name: str) -> str | None:
    """What a column's name or the path of a JSON key (`device.ids.idfa`) says that its values are: a kind, `other` or None."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-/\[\]$:]+", " ", name)
    return context.label(key(f" {words} "), "")


def scan_column(name: str, values: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pd.DataFrame:
    """`scan`, where the column's name or key path counts as a word near each value."""
    return scan(values, hint_of(name))


def classify(values: Iterable[str | None] | pa.Array | pa.ChunkedArray, sample: int = SAMPLE, level: float = 0.999) -> list[Share]:
    """Shares of the kinds that have a checksum, for columns whose cells are numbers.

    The sample is every n-th cell that is not null, so that the same column gives the same answer. Most certain kind first.
    """
    cells = pd.Series([text for _, batch in batches(values) for text in batch.drop_null().to_pylist()], dtype=object)
    cells = cells.iloc[:: max(1, math.ceil(len(cells) / sample))]
    plain = [_SEPARATORS.sub("", fold(cell)).upper() for cell in cells]
    shares = []
    for kind, passed in _tested(plain):
        if len(passed):
            hits = int(sum(passed))
            shares.append(Share(kind, len(plain), len(passed), hits, CHANCE[kind], *interval(hits, len(passed), level)))
    return sorted(shares, key=lambda share: share.low - share.chance, reverse=True)


def _tested(plain: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """For each kind, whether the checksum passes of each cell that has its form."""
    by_length: dict[int, list[str]] = {}
    for cell in plain:
        if cell.isdecimal() and cell.isascii():
            by_length.setdefault(len(cell), []).append(cell)
    digits = {length: np.array([list(cell) for cell in cells]).astype(np.int64) for length, cells in by_length.items()}
    yield "card", _joined([checksums.luhn(d[checksums.issued(d)]) for length, d in digits.items() if 12 <= length <= 19])
    yield "imei", _joined([checksums.luhn(digits[15])] if 15 in digits else [])
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


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, bool), *parts])


def interval(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The exact (Clopper-Pearson) interval of a share."""
    tail = (1 - level) / 2
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    k = np.arange(trials + 1)
    ways = logs[trials] - logs[k] - logs[trials - k]

    def at_least(p: float) -> float:  # of `hits` or more
        return float(np.exp(ways[hits:] + k[hits:] * math.log(p) + (trials - k[hits:]) * math.log1p(-p)).sum())

    def at_most(p: float) -> float:
        return float(np.exp(ways[: hits + 1] + k[: hits + 1] * math.log(p) + (trials - k[: hits + 1]) * math.log1p(-p)).sum())

    low = 0.0 if hits == 0 else _where(lambda p: at_least(p) > tail)
    high = 1.0 if hits == trials else _where(lambda p: at_most(p) < tail)
    return low, high


def _where(holds) -> float:
    """The smallest share from which on it holds."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def slowly_hashed(values: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> tuple[int, int]:
    """Of a column of passwords: how many are stored under a known slow hash, and how many there are."""
    cells = [text for _, batch in batches(values) for text in batch.drop_null().to_pylist()]
    return sum(bool(re.match(SLOW_HASH, cell)) for cell in cells), len(cells)
