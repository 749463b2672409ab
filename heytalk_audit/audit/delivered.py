"""What the evidence chapter shows of a delivery: the totals of each table, and what detectors read in each column of free text."""

from __future__ import annotations

from dataclasses import dataclass

Total = int | float | str | None


@dataclass(frozen=True)
class Totals:
    """The control totals of one table from one source; null where it states none, or where they are hidden."""

    rows: Total = None
    distinct_users: Total = None
    min_ts: Total = None
    max_ts: Total = None
    control_sum: Total = None


@dataclass(frozen=True)
class DeliveredTable:
    """A delivered table: its totals as counted in its files, as its descriptor declares them, and as counted in the source.

    `blocked` says which gate it failed, if any; `suppressed` that its totals are hidden from the report's audience.
    """

    name: str
    counted: Totals
    declared: Totals
    source: Totals
    window_start: str | None
    window_end: str | None
    filtered: bool
    blocked: str | None
    suppressed: bool = False


@dataclass(frozen=True)
class TextFinding:
    """How many texts of a place hold one finding of a detector, how many of these speak of oneself, and how many by confidence.

    `what` is `category` (a special category is spoken of), `value` (one that a detector knows) or `request` (for one's rights).
    """

    what: str
    finding: str
    texts: int
    of_oneself: int
    high: int
    medium: int
    low: int


@dataclass(frozen=True)
class PlaceRead:
    """A column of free text: how many texts were read (null where hidden), and what was found in them."""

    place: str
    texts: int | None
    findings: tuple[TextFinding, ...]
