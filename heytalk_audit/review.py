"""What people must judge: a seeded sample, two reviewers' labels, how far they agree, and exact intervals of what they found."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from heytalk_audit.errors import InputError, nearest

COLUMNS = ("record", "reviewer", "label")
LABELS = ("yes", "no", "unsure")


@dataclass(frozen=True)
class Sample:
    """Rows drawn at random without replacement from a frame of `frame_size` rows."""

    rows: pd.DataFrame
    frame_size: int
    seed: int


@dataclass(frozen=True)
class Review:
    """What two reviewers made of a sample.

    `yes` and `no` count the records that both labelled so: the decided ones. `open` lists the others, with both labels (None
    where missing), for a third look. `agreement` (0 to 1) and `kappa` are of the records that both labelled; None where undefined.
    """

    sampled: int
    frame_size: int
    yes: int
    no: int
    open: pd.DataFrame
    agreement: float | None
    kappa: float | None

    @property
    def decided(self) -> int:
        """Records on which both said yes or both said no."""
        return self.yes + self.no

    @property
    def undecided(self) -> int:
        """Records that need a third look or a label."""
        return len(self.open)

    def __str__(self) -> str:
        agreed = "no record labelled by both" if self.agreement is None else f"agreement {self.agreement:.1%}".replace("%", " %")
        kappa = "undefined" if self.kappa is None else f"{self.kappa:.2f}"
        return (
            f"{self.sampled} of {self.frame_size} drawn, {self.decided} decided, {self.undecided} undecided; {agreed}, "
            f"Cohen's kappa {kappa}; yes: {self.yes} in {self.decided}, {stated(self.yes, self.decided)}"
        )


def draw(frame: pd.DataFrame, size: int, seed: int) -> Sample:
    """`size` rows of the frame (all, if it has fewer), in the order of `record`; the same whatever the order of the frame.

    Raises InputError if `record` is missing, null or not unique: a row drawn twice would count twice.
    """
    if "record" not in frame.columns:
        raise InputError("sample", "the frame has no column record", "name each row by a pseudonym")
    if frame["record"].isna().any() or frame["record"].duplicated().any():
        raise InputError("sample", "records are null or stand twice", "give the frame one row per record")
    ordered = frame.sort_values("record", ignore_index=True)
    chosen = np.random.Generator(np.random.PCG64(seed)).choice(len(ordered), min(size, len(ordered)), replace=False)
    return Sample(ordered.iloc[np.sort(chosen)].reset_index(drop=True), len(frame), seed)


def read_labels(path: Path) -> pd.DataFrame:
    """Two reviewers' labels from a CSV file: record, reviewer, label (yes, no or unsure), at most one of each per record.

    Raises InputError, one line, for a file that isn't so.
    """
    try:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, "cannot be read as CSV in UTF-8", "save it again as CSV UTF-8") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise InputError(path, f"the first line is not {','.join(COLUMNS)}", "name the columns so, in this order")
    rows = [(number, [cell.strip() for cell in line]) for number, line in enumerate(lines[1:], 2) if line]
    for number, row in rows:
        _check(f"{path}, line {number}", row)
    labels = pd.DataFrame([row for _, row in rows], columns=list(COLUMNS), dtype="object")
    twice = labels[labels.duplicated(["record", "reviewer"])]
    if len(twice):
        record, reviewer, _ = twice.iloc[0]
        raise InputError(path, f"{reviewer} labelled {record} twice", "keep one label of each reviewer per record")
    reviewers = sorted(labels["reviewer"].unique())
    if len(reviewers) != 2:
        raise InputError(path, f"{len(reviewers)} reviewers ({', '.join(reviewers)})", "give the labels of two")
    return labels


def _check(where: str, row: list[str]) -> None:
    if len(row) != len(COLUMNS):
        raise InputError(where, f"{len(row)} cells", f"write {len(COLUMNS)}: {', '.join(COLUMNS)}")
    for name, cell in zip(COLUMNS, row, strict=True):
        if not cell:
            raise InputError(where, f"{name} is blank", "fill it in, or leave the line out")
    if row[2] not in LABELS:
        raise InputError(where, f"unknown label {row[2]!r}", nearest(row[2], LABELS))


def judge(sample: Sample, labels: pd.DataFrame) -> Review:
    """The review of a sample by two reviewers' labels. Raises InputError for labels of records that were not drawn."""
    drawn = sample.rows["record"].astype("string").astype("object")
    strangers = sorted(set(labels["record"]) - set(drawn))
    if strangers:
        raise InputError("labels", f"{len(strangers)} records were not drawn, as {strangers[0]}", "label the records of this sample")
    first, second = (
        labels[labels["reviewer"] == name].set_index("record")["label"].reindex(drawn) for name in sorted(labels["reviewer"].unique())
    )
    pairs = [tuple(label if isinstance(label, str) else None for label in pair) for pair in zip(first, second, strict=True)]
    decided = Counter(a for a, b in pairs if a == b and a in ("yes", "no"))
    left = [(record, a, b) for record, (a, b) in zip(drawn, pairs, strict=True) if a != b or a not in ("yes", "no")]
    agreement, kappa = agreed([(a, b) for a, b in pairs if a and b])
    columns = ["record", "first", "second"]
    return Review(
        len(drawn), sample.frame_size, decided["yes"], decided["no"], pd.DataFrame(left, columns=columns, dtype="object"), agreement, kappa
    )


def agreed(pairs: list[tuple[str, str]]) -> tuple[float | None, float | None]:
    """The share of pairs of labels that agree, and Cohen's kappa (None where chance alone would agree always)."""
    if not pairs:
        return None, None
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[label] * second[label] for label in LABELS) / n**2
    return observed, None if chance == 1 else (observed - chance) / (1 - chance)


def interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact (Clopper-Pearson) interval of a share, `hits` of `n` drawn at random. Raises ValueError unless 0 <= hits <= n > 0."""
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} of {n}")
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _root(lambda p: 1 - _at_most(hits - 1, n, p) - tail)
    high = 1.0 if hits == n else _root(lambda p: tail - _at_most(hits, n, p))
    return low, high


def stated(hits: int, n: int) -> str:
    """A share in words: with its 95 % interval, or the one-sided 95 % limit where none or all were hits."""
    if n == 0:
        return "none decided"
    if hits in (0, n):
        limit = 1 - 0.05 ** (1 / n)
        return f"at most {100 * limit:.1f} % at 95 %" if hits == 0 else f"at least {100 * (1 - limit):.1f} % at 95 %"
    low, high = interval(hits, n)
    return f"{100 * hits / n:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"


def _at_most(k: int, n: int, p: float) -> float:
    """The chance of at most `k` hits in `n` draws of probability `p`."""
    if p <= 0 or p >= 1:
        return float(p <= 0)
    whole = math.lgamma(n + 1)
    logs = (whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p) for i in range(k + 1))
    return min(1.0, math.fsum(map(math.exp, logs)))


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises with a probability is zero, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return high
