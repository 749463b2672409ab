"""Charts: matplotlib as SVG within the page, the same bytes for the same numbers. Each has its numbers beside it as text."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from heytalk_audit.audit.rule_result import Point, RuleResult
from heytalk_audit.report.html import Fragment, tag

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

#: Colour and hatching of each kind that is drawn: told apart without colour, in print, and by people who see colours otherwise.
STYLE = {
    "violation": ("#a3262a", ""),
    "review": ("#e0a23b", "//"),
    "unknown": ("#8a8f98", ".."),
    "exempt": ("#4a7fb5", "xx"),
    "of oneself": ("#2f5d8a", ""),
    "mentioned": ("#9db8d2", "//"),
    "fail": ("#a3262a", ""),
    "pass": ("#2f7d55", "\\\\"),
    "open": ("#e0a23b", "//"),
    "not tested": ("#c9cdd3", ".."),
    "attested": ("#4a7fb5", "xx"),
    "expired": ("#7a4a8c", "++"),
    "no attestation": ("#d9c7e0", "oo"),
    "no commitment": ("#eceff3", "--"),
    "findings": ("#2f5d8a", ""),
    "new": ("#a3262a", ""),
    "reopened": ("#7a4a8c", "++"),
    "persisting": ("#e0a23b", "//"),
    "changed": ("#4a7fb5", "xx"),
    "resolved": ("#2f7d55", "\\\\"),
    "no longer tested": ("#c9cdd3", ".."),
    "newly tested": ("#eceff3", "--"),
}
_RC: dict[RcKeyType, Any] = {
    "svg.hashsalt": "heytalk-audit",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
}
_LINE = "#14508c"
#: Drawings side by side in a trend.
_ACROSS = 3


def bars(series: Mapping[str, Mapping[str, int]], alt: str, width: float = 7.2) -> Fragment:
    """Stacked horizontal bars: per label, how many of each kind of `STYLE`. Labels stand top to bottom; `width` is in inches."""
    labels = list(series)
    kinds = [k for k in STYLE if any(series[label].get(k) for label in labels)]
    if not labels or not kinds:
        return Fragment("")
    with rc_context(_RC):
        figure = Figure(figsize=(width, 0.62 + 0.3 * len(labels)), layout="constrained")
        axes = figure.subplots()
        totals = [0] * len(labels)
        for kind in kinds:
            values = [series[label].get(kind, 0) for label in labels]
            colour, hatch = STYLE[kind]
            axes.barh(range(len(labels)), values, left=totals, color=colour, hatch=hatch, edgecolor="white", label=kind, height=0.7)
            totals = [a + b for a, b in zip(totals, values, strict=True)]
        _label_bars(axes, labels, totals)
        if kinds != ["findings"]:  # a single kind that the words above name
            axes.legend(
                loc="upper center", bbox_to_anchor=(0.5, -0.12 - 0.3 / len(labels)), ncols=min(len(kinds), 5), frameon=False, fontsize=8
            )
        return _image(figure, alt)


def _label_bars(axes: Axes, labels: Sequence[str], totals: Sequence[int]) -> None:
    for index, total in enumerate(totals):
        axes.annotate(f" {total:,}", (total, index), va="center", fontsize=8)
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.locator_params("x", integer=True)


def months(points: Sequence[Point], kinds: Mapping[str, str], titles: tuple[str, str], alt: str) -> Fragment:
    """Small multiples, a row per panel: stacked columns month by month, and beside them a line.

    `kinds` maps a kind of `STYLE` that the points count to what it is called here; `titles` stand over the columns and over the line,
    which shows their `people`.
    """
    panels = list(dict.fromkeys(p.panel for p in points))
    ticks = sorted({p.month for p in points})
    kinds = {kind: label for kind, label in kinds.items() if any(p[kind] for p in points)}
    if not panels or not ticks:
        return Fragment("")
    with rc_context(_RC):
        figure = Figure(figsize=(4.9, 1.3 + 1.2 * len(panels)), layout="constrained")
        grid = figure.subplots(len(panels), 2, sharex=True, squeeze=False)
        for (left, right), panel in zip(grid, panels, strict=True):
            by_month = {p.month: p for p in points if p.panel == panel}
            _panel(left, right, [by_month.get(tick) for tick in ticks], kinds)
            left.set_ylabel(_short(panel), fontweight="bold")
            for axes in (left, right):
                _scale_months(axes, ticks)
        for axes, title in zip(grid[0], titles, strict=True):
            axes.set_title(title, fontsize=9, loc="left")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=1, frameon=False, fontsize=8)
        return _image(figure, alt)


def _panel(left: Axes, right: Axes, points: Sequence[Point | None], kinds: Mapping[str, str]) -> None:
    """The columns and the line of one panel; null where a month has no point."""
    below = [0] * len(points)
    for kind, label in kinds.items():
        values = [point[kind] if point else 0 for point in points]
        colour, hatch = STYLE[kind]
        left.bar(range(len(points)), values, bottom=below, color=colour, hatch=hatch, edgecolor="white", label=label, width=0.7)
        below = [a + b for a, b in zip(below, values, strict=True)]
    people = [point.people if point else 0 for point in points]
    right.plot(range(len(points)), people, color=_LINE, marker="o", markersize=4)


def _scale_months(axes: Axes, ticks: Sequence[str]) -> None:
    axes.set_ylim(0, max(1, axes.dataLim.ymax) * 1.15)
    axes.set_xlim(-0.6, len(ticks) - 0.4)
    axes.locator_params("y", integer=True, nbins=4)
    places = range(0, len(ticks), -(-len(ticks) // 6))
    axes.set_xticks(places, [_month(ticks[i], first=i == 0) for i in places], fontsize=8)


def _month(month: str, first: bool) -> str:
    # names of its own: a locale's would differ from machine to machine
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    name = names[int(month[5:7]) - 1]
    return f"{name}\n{month[:4]}" if first or name == "Jan" else name


def trend(series: Mapping[str, Sequence[int | None]], days: Sequence[str], alt: str) -> Fragment:
    """Small multiples, a line each from day to day; a null leaves a gap."""
    if not series:
        return Fragment("")
    down = -(-len(series) // _ACROSS)
    with rc_context(_RC):
        figure = Figure(figsize=(7.2, 0.5 + 1.15 * down), layout="constrained")
        grid = figure.subplots(down, _ACROSS, sharex=True, squeeze=False)
        places = [axes for row in grid for axes in row]
        for axes, (label, values) in zip(places, series.items(), strict=False):
            _trend_of_one(axes, label, values, days)
        for axes in places[len(series) :]:
            axes.set_axis_off()
        return _image(figure, alt)


def _trend_of_one(axes: Axes, label: str, values: Sequence[int | None], days: Sequence[str]) -> None:
    drawn = [float("nan") if v is None else v for v in values]
    axes.plot(range(len(days)), drawn, color=_LINE, marker="o", markersize=4)
    axes.set_title(_short(label), fontsize=9, loc="left")
    axes.set_ylim(0, max([1, *[v for v in values if v is not None]]) * 1.15)
    axes.set_xlim(-0.4, len(days) - 0.6)
    axes.locator_params("y", integer=True, nbins=4)
    places = range(0, len(days), -(-len(days) // 3))
    axes.set_xticks(places, [days[i][:7] for i in places], fontsize=8)


def ageing(result: RuleResult) -> Fragment:
    """How long ago the violations of a rule fell due."""
    series = {f"{label} days": {"violation": n} for label, n in result.ageing.items()}
    numbers = ", ".join(f"{n:,} at {label} days" for label, n in result.ageing.items())
    return bars(series, f"Violations of {result.id} by days past their due day: {numbers}.")


def _short(label: str) -> str:
    text = "".join(c if c.isprintable() else "\ufffd" for c in label).replace("$", "\\$")
    return text if len(text) <= 34 else text[:33] + "\u2026"


def _image(figure: Figure, alt: str) -> Fragment:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return tag("figure", tag("img", src=f"data:image/svg+xml;base64,{data}", alt=alt))
