"""Charts: what is drawn, and the same in words. Drawn by matplotlib as SVG within the page, the same bytes for the same numbers.

A drawing stands only where it shows more than a table: a course over time, or an order that the table does not have. None has one bar.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from heytalk_audit.audit.rule_result import Point
from heytalk_audit.report.html import Fragment, tag

#: Colour and hatching of each kind that is drawn: told apart without colour, in print, and by people who see colours otherwise.
STYLE = {
    "violation": ("#a3262a", ""),
    "review": ("#e0a23b", "//"),
    "unknown": ("#8a8f98", "||"),
    "exempt": ("#4a7fb5", "xx"),
    "of oneself": ("#2f5d8a", ""),
    "mentioned": ("#9db8d2", "//"),
    "fail": ("#a3262a", ""),
    "pass": ("#2f7d55", "\\\\"),
    "open": ("#e0a23b", "//"),
    "not tested": ("#c9cdd3", "||"),
    "broken": ("#a3262a", ""),
    "partly": ("#c9702d", "\\"),
    "undecided": ("#e0a23b", "//"),
    "kept": ("#2f7d55", "xx"),
    "attested": ("#4a7fb5", "xx"),
    "expired": ("#7a4a8c", "++"),
    "no attestation": ("#d9c7e0", "oo"),
    "no commitment": ("#eceff3", "--"),
    "new": ("#a3262a", ""),
    "reopened": ("#7a4a8c", "++"),
    "persisting": ("#e0a23b", "//"),
    "changed": ("#4a7fb5", "xx"),
    "resolved": ("#2f7d55", "\\\\"),
    "mended": ("#2f7d55", "xx"),
    "gone": ("#2f7d55", "//"),
    "left": ("#c9cdd3", "//"),
    "not delivered": ("#c9cdd3", "--"),
    "newly tested": ("#eceff3", "--"),
}
#: So many bars are compared at least.
FEWEST = 2
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def bars(series: Mapping[str, Mapping[str, int]], alt: str) -> Fragment:
    """Stacked horizontal bars: per label, how many of each kind of `STYLE`. Labels stand top to bottom. One bar alone is not drawn."""
    styles = {kind: style for kind, style in STYLE.items() if any(counts.get(kind) for counts in series.values())}
    if not styles or len(series) < FEWEST:
        return Fragment("")
    from heytalk_audit.report import drawing  # only where something is drawn: matplotlib takes half a second

    return _image(drawing.stacked_bars(series, styles, legend=list(styles) != ["violation"]), alt)


#: Colours and hatchings of kinds that mean neither good nor bad, in the order in which they stand.
PLAIN = (
    ("#2f5d8a", ""),
    ("#9db8d2", "//"),
    ("#c9702d", "\\\\"),
    ("#8a8f98", "||"),
    ("#7a4a8c", "++"),
    ("#2f7d55", "xx"),
    ("#d9c7e0", "oo"),
)


def plain_bars(series: Mapping[str, Mapping[str, int]], alt: str) -> Fragment:
    """Stacked horizontal bars of kinds that mean neither good nor bad. One bar alone is not drawn, nor too many kinds."""
    kinds = list(dict.fromkeys(kind for counts in series.values() for kind, n in counts.items() if n))
    if not kinds or len(series) < FEWEST or len(kinds) > len(PLAIN):
        return Fragment("")
    from heytalk_audit.report import drawing  # as above

    return _image(drawing.stacked_bars(series, dict(zip(kinds, PLAIN, strict=False)), legend=len(kinds) > 1), alt)


def months(points: Sequence[Point], kinds: Mapping[str, str], titles: tuple[str, str], alt: str) -> Fragment:
    """Small multiples, a row per panel: stacked columns month by month, and beside them a line.

    `kinds` maps a kind of `STYLE` that the points count to what it is called here; `titles` stand over the columns and over the line,
    which shows their `people`.
    """
    if not points:
        return Fragment("")
    from heytalk_audit.report import drawing  # as above

    ticks = sorted({p.month for p in points})
    drawn = {kind: label for kind, label in kinds.items() if any(p[kind] for p in points)}
    panels = {}
    for panel in dict.fromkeys(p.panel for p in points):
        by_month = {p.month: p for p in points if p.panel == panel}
        own = [by_month.get(tick) for tick in ticks]
        stacks = [{label: point[kind] for kind, label in drawn.items()} if point else {} for point in own]
        panels[panel] = (stacks, [point.people if point else 0 for point in own])
    styles = {label: STYLE[kind] for kind, label in drawn.items()}
    named = [_month(tick, first=index == 0) for index, tick in enumerate(ticks)]
    return _image(drawing.columns_and_lines(panels, styles, titles, named), alt)


def _month(month: str, first: bool) -> str:
    # names of its own: a locale's would differ from machine to machine
    name = _MONTHS[int(month[5:7]) - 1]
    return f"{name}\n{month[:4]}" if first or name == "Jan" else name


def trend(series: Mapping[str, Sequence[int | None]], days: Sequence[str], alt: str) -> Fragment:
    """Small multiples, a line each from day to day; a null leaves a gap."""
    if not series:
        return Fragment("")
    from heytalk_audit.report import drawing  # as above

    return _image(drawing.lines_side_by_side(series, [day[:7] for day in days]), alt)


def _image(svg: bytes, alt: str) -> Fragment:
    data = base64.b64encode(svg).decode("ascii")
    return tag("figure", tag("img", src=f"data:image/svg+xml;base64,{data}", alt=alt))
