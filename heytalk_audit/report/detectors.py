"""What detectors read and found in texts, place by place, and what columns hold by the form of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heytalk_audit.audit.delivered import PlaceRead, TextFinding
from heytalk_audit.audit.disclosure import shown
from heytalk_audit.detect.columns import ExaminedColumn, Share
from heytalk_audit.report import charts
from heytalk_audit.report.html import Fragment, join, paragraph, percent, table, tag
from heytalk_audit.vocabulary import Audience

#: A finding with the place that it was made in.
Placed = tuple[PlaceRead, TextFinding]


def detections(places: Sequence[PlaceRead], examined: Sequence[ExaminedColumn], audience: str = Audience.INTERNAL) -> Fragment:
    """What detectors read and found: special categories, and values, place by place. Candidates, in three bands of confidence.

    For readers outside only what was read is shown: what was found stands in the sections of the rules. `examined` are the columns
    whose cells were tested for kinds of values.
    """
    if audience == Audience.INTERNAL:
        findings = _findings(places)
    else:
        findings = [paragraph("In this version only the sections of the rules say what they found.")]
    return join(
        tag("h2", "What detectors read and found", id="detectors"),
        paragraph(
            "This audit's own detectors read every delivered text, in English, Chinese, Turkish, Arabic and Spanish. They miss some "
            "findings and "
            "report some wrongly. What they find is a candidate; only a sample that people have read supports a rate (see SEN-04 and "
            "RGT-08). No text or value is kept."
        ),
        table(["Place", "Texts read"], [[p.place, shown(p.texts)] for p in places], "Texts that were read", numeric=["Texts read"]),
        paragraph("profile_attributes.value has the fields made for sensitive values too; SEN-04 leaves these out.", cls="note"),
        *findings,
        *_columns(examined, audience),
    )


def _findings(places: Sequence[PlaceRead]) -> list[Fragment]:
    placed = [(place, finding) for place in places for finding in place.findings]
    categories, values, requests = ([(p, f) for p, f in placed if f.what == what] for what in ("category", "value", "request"))
    return [
        _categories_drawn(categories),
        _table("Special categories", categories, of_oneself=True),
        _table("Values", values),
        _table("Requests for one's rights", requests),
    ]


def _categories_drawn(categories: Sequence[Placed]) -> Fragment:
    series: dict[str, dict[str, int]] = {}
    for _, finding in categories:
        kinds = series.setdefault(finding.finding, {"of oneself": 0, "mentioned": 0})
        kinds["of oneself"] += finding.of_oneself
        kinds["mentioned"] += finding.texts - finding.of_oneself
    alt = "; ".join(f"{name}: " + ", ".join(f"{n:,} {kind}" for kind, n in kinds.items()) for name, kinds in series.items())
    return charts.bars(dict(sorted(series.items())), f"Texts with a candidate, by category. {alt}.")


def _table(title: str, placed: Sequence[Placed], of_oneself: bool = False) -> Fragment:
    """Findings of one sort, place by place; `of_oneself` adds how many texts speak of their author."""
    if not placed:
        return paragraph(f"{title}: no candidates in the texts read.")
    lines: list[list[Any]] = []
    for place, finding in placed:
        share = percent(finding.texts / place.texts) if place.texts else None
        own = [finding.of_oneself] if of_oneself else []
        bands = [finding.high, finding.medium, finding.low]
        lines.append([place.place, finding.finding.replace("_", " "), finding.texts, *own, *bands, share])
    heads = ["Place", "Finding", "Texts", *(["Of oneself"] if of_oneself else []), "High", "Medium", "Low", "Of the texts"]
    return table(heads, lines, f"{title} found in texts, by place and confidence", tools=True, numeric=heads[2:])


def _columns(examined: Sequence[ExaminedColumn], audience: str) -> list[Fragment]:
    """Columns by what they hold: hits beside those that luck gives. For readers outside, only which columns hold what."""
    every = [c for column in examined for c in (column, *column.paths)]
    shares = [(column, share) for column in every for share in column.shares]
    note = (
        f"{len(every)} columns of text were sampled, keys that the system writes left out. A random value may pass a checksum; one "
        "random number in ten passes that of payment cards. A column is said to hold a kind only where its hits exceed chance."
    )
    if audience == Audience.INTERNAL:
        heads = ["Column", "Kind", "Cells", "Of that form", "Hits", "By chance", "Share of the form (95 %)", "Holds it"]
        lines = [_share(column, share) for column, share in shares]
    else:
        heads = ["Column", "Kind", "Holds it"]
        lines = [[column.name, share.kind.replace("_", " "), "yes"] for column, share in shares if share.flagged]
    listed = table(heads, lines, "Columns whose cells have the form of a kind", tools=True, numeric=heads[2:7])
    return [tag("h3", "Columns by what they hold"), paragraph(note), listed]


def _share(column: ExaminedColumn, share: Share) -> list[Any]:
    interval = f"{percent(share.low)} to {percent(share.high)}"
    holds = "yes" if share.flagged else "no more than chance"
    numbers = [column.cells, share.rows, share.hits, round(share.by_luck, 1)]
    return [column.name, share.kind.replace("_", " "), *numbers, interval, holds]
