"""What those who deliver state of a snapshot, beside what is counted from its files: who, when, which window, the source's own totals."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from heytalk_audit import contract
from heytalk_audit.contract import needs
from heytalk_audit.contract.sql import TOTALS
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.expressions.fillers import NULL_WORDS
from heytalk_audit.snapshot import gate
from heytalk_audit.snapshot.delivery import Delivery, instant

#: The longest text that a descriptor keeps of who delivered, and the largest file of totals, in bytes.
LONGEST, LARGEST = 500, 1_000_000
#: The most digits of a count; no sum has more than twice as many.
MOST_DIGITS = 18
_TODO = "compare it with what contract --format sql --totals prints"


@dataclass(frozen=True)
class Statements:
    """What is stated. `windows` are the first and last instant of a table's rows, null where open; `totals` the source's own, by table."""

    producer: str | None = None
    source_system: str | None = None
    extracted_at: str | None = None
    windows: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    complete: tuple[str, ...] = ()
    totals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def of_the_snapshot(self) -> dict[str, str]:
        """What is stated of the whole snapshot."""
        stated = {"producer": self.producer, "source_system": self.source_system, "extracted_at": self.extracted_at}
        return {key: value for key, value in stated.items() if value is not None}

    def of_table(self, table: str) -> dict[str, Any]:
        """What is stated of one table."""
        start, end = self.windows.get(table, (None, None))
        window = {key: value for key, value in (("window_start", start), ("window_end", end)) if value is not None}
        return window | ({"complete": True} if table in self.complete else {})


def from_options(
    producer: str | None = None,
    source_system: str | None = None,
    extracted_at: str | None = None,
    windows: Iterable[str] = (),
    complete: Iterable[str] = (),
    totals: Path | None = None,
) -> Statements:
    """What options of the command line state. Raises InputError."""
    for option, text in (("--producer", producer), ("--source-system", source_system)):
        if text is not None and len(text) > LONGEST:
            raise InputError(option, f"is longer than {LONGEST} characters", "shorten it")
    if extracted_at is not None:
        instant(extracted_at, "--extracted-at")
    named = [_table(name.strip(), "--complete") for names in complete for name in names.split(",") if name.strip()]
    each = [_window(text) for text in windows]
    return Statements(producer, source_system, extracted_at, dict(each), tuple(named), read_totals(totals) if totals else {})


def _table(name: str, where: str) -> str:
    """The contract's name of a table, whatever its case."""
    if name.lower() not in contract.load():
        raise InputError(f"{where} {name[:40]}", "is no table of the contract", nearest(name[:40].lower(), contract.load()))
    return name.lower()


def _window(text: str) -> tuple[str, tuple[str | None, str | None]]:
    """A table and its window, from `TABLE=FROM..TO`; one of the two may be left out."""
    name, equals, span = text.partition("=")
    start, dots, end = span.partition("..")
    if not equals or not dots or not (start or end):
        raise InputError("--window", "is not TABLE=FROM..TO", "write consents=2020-01-01T00:00:00Z..2025-03-31T12:00:00Z")
    table = _table(name.strip(), "--window")
    first, last = (instant(one, f"--window {table}") if one else None for one in (start, end))
    if first and last and first > last:
        raise InputError(f"--window {table}", "ends before it begins", "write the earlier instant first")
    return table, (start or None, end or None)


def read_totals(path: Path) -> dict[str, dict[str, Any]]:
    """The source's own totals by table, from a CSV file with the columns `TOTALS`; what is empty there is left out. Raises InputError."""
    where = f"totals {path.name}"
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise InputError(where, f"is no file of at most {LARGEST:,} bytes", _TODO)
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines(), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(where, "cannot be read as CSV in UTF-8", _TODO) from error
    heads = [head.strip().lower() for head in lines[0]] if lines else []
    for head in heads:
        if head not in TOTALS:
            raise InputError(where, f"has an unknown column {head[:40]!r}", nearest(head[:40], TOTALS))
    if not {"table", "rows"} <= set(heads) or len(heads) != len(set(heads)):
        raise InputError(where, "does not have the columns table and rows once", _TODO)
    rows = [(number, line) for number, line in enumerate(lines[1:], 2) if any(cell.strip() for cell in line)]
    totals = [_totals_of(f"{where}, line {number}", heads, line) for number, line in rows]
    for table in {table for table, _ in totals}:
        if sum(name == table for name, _ in totals) > 1:
            raise InputError(where, f"has {table} twice", "keep one line")
    return dict(totals)


def _totals_of(where: str, heads: list[str], line: list[str]) -> tuple[str, dict[str, Any]]:
    if len(line) != len(heads):
        raise InputError(where, f"has {len(line)} fields, and the first line {len(heads)}", "mend the line")
    cells = {head: cell.strip() for head, cell in zip(heads, line, strict=True)}
    table = _table(cells.pop("table"), where)
    filled = {head: _READ[head](cell, f"{where}: {head}") for head, cell in cells.items() if cell not in ("", *NULL_WORDS)}
    if "rows" not in filled:
        raise InputError(f"{where}: rows", "is missing", "count the table's rows in the source")
    return table, filled


def _count(cell: str, where: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= MOST_DIGITS):
        raise InputError(where, f"is no whole number of at most {MOST_DIGITS} digits", "write digits alone")
    return int(cell)


def _instant(cell: str, where: str) -> str:
    return instant(cell, where).isoformat() + "Z"


def _sum(cell: str, where: str) -> str:
    try:
        number = Decimal(cell)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 2 * MOST_DIGITS:
        raise InputError(where, "is no number", "write digits and a point, as 1234.50")
    return cell


_READ: dict[str, Callable[[str, str], Any]] = {
    "rows": _count,
    "distinct_users": _count,
    "min_ts": _instant,
    "max_ts": _instant,
    "control_sum": _sum,
}


@dataclass(frozen=True)
class Gap:
    """Something that nobody stated: the option that states it, for which tables, and what comes of it; `rule` will ask for it."""

    option: str
    tables: tuple[str, ...]
    rule: str | None
    effect: str

    @property
    def sentence(self) -> str:
        """The gap for readers."""
        tables = f" for {', '.join(self.tables)}" if self.tables else ""
        return f"not given: {self.option}{tables}: " + (f"{self.rule} will ask, and {self.effect}" if self.rule else self.effect)


def unstated(described: Delivery, created: dt.datetime | None) -> list[Gap]:
    """What a descriptor does not state, with the rule that will ask for it; `created` is when the first account was made."""
    descriptor, tables = described.descriptor, list(described.parts)
    who = [option for option, key in (("--producer", "producer"), ("--source-system", "source_system")) if not descriptor.get(key)]
    gaps = [Gap(option, (), None, 'the report says "not stated"') for option in who]
    if gate.moment(descriptor.get("extracted_at")) is None:
        gaps.append(Gap("--extracted-at", (), "DQ-05", "whether the snapshot is fresh stays unknown"))
    cut = [table for table in tables if _cut(described.resource(table), table, created)]
    if cut:
        gaps.append(Gap("--complete or --window", tuple(cut), "DQ-06", _effect(_reading(cut))))
    untold = [table for table in tables if "rows" not in described.source_totals(table)]
    if untold:
        gaps.append(
            Gap(
                "--totals", tuple(untold), "DQ-01", "no total of the source shows that the tables are complete, so the reviewer must decide"
            )
        )
    return gaps


def _effect(rules: int) -> str:
    return f"{rules} rules that read them cannot pass" if rules else "the reviewer must decide whether they are complete"


def _cut(resource: Mapping[str, Any], table: str, created: dt.datetime | None) -> bool:
    """Whether nobody states that a table reaches as far as rules look."""
    start, end = (gate.moment(resource.get(key)) for key in ("window_start", "window_end"))
    if resource.get("complete") is True:
        return False
    is_late = contract.load()[table].kept_as == "state" and (start is None or created is None or start > created)
    return start is None or end is None or is_late


def _reading(tables: Collection[str]) -> int:
    """How many rules need one of the tables, of those whose rows are kept for a time or for ever."""
    kept = [table for table in tables if contract.load()[table].kept_as]
    return len({rule for table in kept for rule in needs.stops_without().get(table, ())})
