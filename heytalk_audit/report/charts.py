"""Charts: matplotlib as SVG within the page, the same bytes for the same numbers. Each has its numbers beside it as text."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import rc_context
from matplotlib.figure import Figure

from heytalk_audit.report.html import Fragment, tag

#: Colour and hatching of each outcome: told apart without colour, in print, and by people who see colours otherwise.
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
}
_RC = {
    "svg.hashsalt": "heytalk-audit",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
}


def bars(series: dict[str, dict[str, int]], alt: str, width: float = 7.2) -> Fragment:
    """Stacked horizontal bars: per label, how many of each kind. Labels stand top to bottom as given."""
    labels = list(series)
    kinds = [k for k in STYLE if any(series[label].get(k) for label in labels)]
    if not labels or not kinds:
        return Fragment("")
    with rc_context(_RC):
        figure = Figure(figsize=(width, 0.62 + 0.3 * len(labels)), layout="constrained")
        axes = figure.subplots()
        left = [0] * len(labels)
        for kind in kinds:
            values = [series[label].get(kind, 0) for label in labels]
            colour, hatch = STYLE[kind]
            axes.barh(range(len(labels)), values, left=left, color=colour, hatch=hatch, edgecolor="white", label=kind, height=0.7)
            left = [a + b for a, b in zip(left, values, strict=True)]
        for index, total in enumerate(left):
            axes.annotate(f" {total:,}", (total, index), va="center", fontsize=8)
        axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
        axes.invert_yaxis()
        axes.margins(x=0.1)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12 - 0.3 / len(labels)), ncols=len(kinds), frameon=False, fontsize=8)
        return _image(figure, alt)


def _short(label: str) -> str:
    text = "".join(c if c.isprintable() else "\ufffd" for c in label).replace("$", "\\$")
    return text if len(text) <= 34 else text[:33] + "\u2026"


def _image(figure: Figure, alt: str) -> Fragment:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return tag("figure", tag("img", src=f"data:image/svg+xml;base64,{data}", alt=alt))


def ageing(result: dict[str, Any]) -> Fragment:
    """How long ago the violations of a rule fell due."""
    series = {f"{label} days": {"violation": n} for label, n in result["ageing"].items()}
    said = ", ".join(f"{n:,} at {label} days" for label, n in result["ageing"].items())
    return bars(series, f"Violations of {result['id']} by days past their due day: {said}.")
