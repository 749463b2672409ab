"""What people must judge: a seeded sample, two reviewers' labels, how far they agree, and exact intervals of what they found."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd

from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.detect.chance import interval
from heytalk_audit.errors import InputError, looked_in, nearest
from heytalk_audit.registers.persons import same_person
from heytalk_audit.snapshot.engines import Engine

#: What a file of labels must have; other columns are left alone, as those of the queue that reviewers fill in.
COLUMNS = ("rule", "record", "reviewer", "label")
LABELS = ("yes", "no", "unsure")


@dataclass(frozen=True)
class Sample:
    """Records drawn at random, without replacement, of a frame of `frame_size`: `of` says which (candidates, or all rows tested).

    `drawn` are these on the engine (`record`, and `rank`, their order), until the next rule is evaluated; `size` is their number.
    """

    of: str
    drawn: ir.Table
    size: int
    frame_size: int


@dataclass(frozen=True)
class Review:
    """What two reviewers made of a sample.

    `yes` and `no` count the records that both labelled so: the decided ones. `open` lists the others, with both labels (None
    where missing), for a third look. `agreement` (0 to 1) and `kappa` are of the records that both labelled; None where undefined.
    """

    sampled: int
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


def draw(of: str, frame: ir.Table, size: int, seed: int, engine: Engine) -> Sample:
    """`size` of a table's records (all, if there are fewer), each once; the same on every engine, whatever their order.

    The records come first by a digest of seed and record: that looks random, and only so many are ever held.
    """
    distinct = frame.select("record").distinct()
    ranked = distinct.mutate(rank=(f"{seed}:" + distinct.record).hexdigest("sha256"))
    drawn, _, number = engine.keep(f"sample_of_{of.replace(' ', '_')}", ranked.order_by("rank").limit(size))
    return Sample(of, drawn, number, int(engine.rows(distinct.agg(n=distinct.count())).n[0]))


def pseudonyms(sample: Sample, pads: ir.Table, engine: Engine) -> list[str]:
    """The drawn records by pseudonym, in the order of drawing; `pads` as of `pseudonym.key_pads`."""
    return [str(record) for record in engine.rows(with_pseudonyms(sample.drawn, pads).order_by("rank")).record]


def read_labels(paths: Iterable[Path]) -> pd.DataFrame:
    """Reviewers' labels from CSV files: rule, record, reviewer, label (yes, no or unsure), at most one of each reviewer per record.

    A line without reviewer and label is one that nobody has judged yet, and is left out. Raises InputError, one line, for files that
    are not so.
    """
    labels = pd.DataFrame([row for path in paths for row in _labels(path)], columns=list(COLUMNS), dtype="object")
    twice = labels[labels.duplicated(["rule", "record", "reviewer"])]
    if len(twice):
        row = twice.iloc[0]
        raise InputError("labels", f"{row.reviewer} labelled {row.record} twice", "keep one label of each reviewer per record")
    for rule, of_rule in labels.groupby("rule"):
        reviewers = sorted(of_rule["reviewer"].unique())
        if len(reviewers) != 2 or same_person(*reviewers):
            raise InputError("labels", f"{len(reviewers)} reviewers of {rule} ({', '.join(reviewers)})", "give the labels of two")
    return labels


def _labels(path: Path) -> list[list[str]]:
    try:
        lines = list(csv.DictReader(path.read_text("utf-8-sig").splitlines(keepends=True), restkey="more"))
    except FileNotFoundError as error:
        raise InputError(
            f"labels {path.name}", f"no such file {looked_in(path)}", "name the file that heytalk-audit queue wrote"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"labels {path.name}", "cannot be read as CSV in UTF-8", "save it again as CSV UTF-8") from error
    missing = [name for name in COLUMNS if lines and name not in lines[0]]
    if not lines or missing:
        raise InputError(f"labels {path.name}", f"has no {', '.join(missing) or 'line'}", f"its columns are {', '.join(COLUMNS)}")
    rows = [[(line[name] or "").strip() for name in COLUMNS] for line in lines]
    for number, row in enumerate(rows, 2):
        _check(f"labels {path.name}, row {number}", row)
    return [row for row in rows if row[3]]


def _check(where: str, row: list[str]) -> None:
    reviewer, label = row[2:]
    if not (reviewer or label):
        return
    for name, cell in zip(COLUMNS, row, strict=True):
        if not cell:
            raise InputError(where, f"{name} is blank", "fill it in, or clear reviewer and label")
    if label not in LABELS:
        raise InputError(where, f"unknown label {label!r}", nearest(label, LABELS))


def review_of(records: Iterable[str], labels: pd.DataFrame) -> Review:
    """The review of a sample's records by two reviewers' labels of one rule."""
    drawn = list(records)
    by_reviewer = [labels[labels["reviewer"] == name].set_index("record")["label"] for name in sorted(labels["reviewer"].unique())]
    first, second = (of_one.reindex(drawn) for of_one in by_reviewer) if by_reviewer else ([None] * len(drawn),) * 2
    pairs = [tuple(label if isinstance(label, str) else None for label in pair) for pair in zip(first, second, strict=True)]
    decided = Counter(a for a, b in pairs if a == b and a in ("yes", "no"))
    left = [(record, a, b) for record, (a, b) in zip(drawn, pairs, strict=True) if a != b or a not in ("yes", "no")]
    agreement, kappa = agreement_of([(a, b) for a, b in pairs if a and b])
    unsettled = pd.DataFrame(left, columns=["record", "first", "second"], dtype="object")
    return Review(len(drawn), decided["yes"], decided["no"], unsettled, agreement, kappa)


def labelled(records: Iterable[str], labels: pd.DataFrame) -> dict[str, str]:
    """Of a sample's records those that both reviewers labelled alike, yes or no, with that label."""
    by_record = labels[labels["record"].isin(list(records))].groupby("record")["label"].agg(list)
    return {str(record): pair[0] for record, pair in by_record.items() if len(pair) == 2 and pair[0] == pair[1] and pair[0] in LABELS[:2]}


def refuse_strangers(drawn: Iterable[str], labels: pd.DataFrame) -> None:
    """Raise InputError for labels of records that were not drawn: they are of another sample, seed or key."""
    strangers = sorted(set(labels["record"]) - set(drawn))
    if strangers:
        raise InputError("labels", f"{len(strangers)} records were not drawn, as {strangers[0]}", "label the records of this sample")


def agreement_of(pairs: list[tuple[str, str]]) -> tuple[float | None, float | None]:
    """The share of pairs of labels that agree, and Cohen's kappa (None where chance alone would agree always)."""
    if not pairs:
        return None, None
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[label] * second[label] for label in LABELS) / n**2
    return observed, None if chance == 1 else (observed - chance) / (1 - chance)


def stated(hits: int, n: int) -> str:
    """A share in words: with its 95 % interval, or the one-sided 95 % limit where none or all were hits."""
    if n == 0:
        return "none decided"
    if hits in (0, n):
        limit = 1 - 0.05 ** (1 / n)
        return f"at most {100 * limit:.1f} % at 95 %" if hits == 0 else f"at least {100 * (1 - limit):.1f} % at 95 %"
    low, high = interval(hits, n)
    return f"{100 * hits / n:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
