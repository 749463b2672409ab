"""Charts: the same bytes for the same numbers, every number in them, nothing beyond their edge, and none where a table says it all."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from rule_results import rule_result

from heytalk_audit.audit.rule_result import Point
from heytalk_audit.report import charts, drawing, outcomes
from heytalk_audit.report.drawing import round_top
from heytalk_audit.report.sheet import text_width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<b>$x$ 声网 \u202e & a very long label without an end"
SERIES = {"UK": {"violation": 1200, "review": 3}, HOSTILE: {"unknown": 5}, "nothing": {}, "TR": {"violation": 1, "exempt": 1}}


def svg_of(fragment) -> ElementTree.Element:
    data = re.search('base64,([^"]+)"', fragment.html)
    return ElementTree.fromstring(base64.b64decode(data[1]))


def texts(root) -> list[str]:
    return [text.text for text in root.iter(f"{SVG}text")]


def test_bars_show_every_label_and_total_and_are_the_same_bytes_each_time():
    chart = charts.bars(SERIES, "alt & more")
    assert chart == charts.bars(SERIES, "alt & more")
    assert 'alt="alt &amp; more"' in chart.html
    shown = texts(svg_of(chart))
    assert next(iter(SERIES)) in shown and {"1,203", "5", "0", "2"} <= set(shown)
    assert {"violation", "review", "unknown", "exempt"} <= set(shown)
    assert "<b>$x$ 声网 \ufffd & a very long\u2026" in shown


def test_bars_are_as_long_as_their_numbers():
    root = svg_of(charts.bars({"one": {"violation": 10}, "two": {"violation": 5}, "three": {"violation": 0}}, "alt"))
    boxes = [[tuple(map(float, p)) for p in re.findall(r"[ML] (\S+) (\S+)", path.get("d"))] for path in root.iter(f"{SVG}path")]
    lengths = [max(x for x, _ in box) - min(x for x, _ in box) for box in boxes if len(box) == 4][1:]
    assert len(lengths) == 2  # the first box is the ground
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=1e-3)


def test_a_legend_breaks_its_lines_before_the_edge():
    root = svg_of(charts.bars({kind: {kind: 3} for kind in charts.STYLE}, "alt"))
    width, height = map(float, root.get("viewBox").split()[2:])
    legend = [text for text in root.iter(f"{SVG}text") if "anchor: start" in text.get("style") and text.text in charts.STYLE]
    assert sorted(text.text for text in legend) == sorted(charts.STYLE)
    assert all(float(text.get("x")) + text_width(text.text, 9) <= width and float(text.get("y")) < height for text in legend)
    places = {(text.get("x"), text.get("y")) for text in legend}
    assert len(places) == len(legend)


def test_nothing_is_drawn_of_nothing():
    assert charts.bars({}, "alt").html == charts.bars({"a": {"violation": 0}}, "alt").html == ""
    assert charts.months([], {}, ("a", "b"), "alt").html == charts.trend({}, [], "alt").html == ""


def test_one_bar_is_not_drawn():
    assert charts.bars({"a": {"violation": 5}}, "alt").html == ""
    assert charts.bars({"a": {"violation": 5}, "b": {"violation": 4}}, "alt").html != ""


def test_no_drawing_repeats_the_table_beside_it():
    violations = {"in_scope": 10, "pass": 4, "violation": 6, "review": 0, "unknown": 0, "exempt": 0, "excluded": 0}
    values = [{"value": f"value {n}", "violation": n, "review": 0, "unknown": 0, "exempt": 0} for n in range(1, 6)]
    result = rule_result(verdict="FAIL", ledger=violations, ageing={"0-7": 1, "8-30": 2, "31-90": 3}, breakdowns={"topic": values})
    html = "".join(part.html for part in outcomes.of_population(result, "internal"))
    assert "How long overdue" in html and "By topic" in html and "<figure" not in html


def test_months_stand_side_by_side_with_their_people():
    points = [
        Point.model_validate(
            {"panel": panel, "month": month} | {"pass": 7, "violation": 2, "review": 0, "unknown": 0, "exempt": 0, "people": people}
        )
        for panel in ("email", "push")
        for month, people in (("2024-12", 120), ("2025-01", 61))
    ]
    root = svg_of(charts.months(points, {"pass": "with consent", "violation": "without", "review": "in doubt"}, ("Sends", "People"), "alt"))
    shown = texts(root)
    assert shown.count("email") == shown.count("push") == 1
    assert {"Sends", "People", "Dec", "Jan", "2024", "2025", "with consent", "without", "10", "200"} <= set(shown)
    assert "in doubt" not in shown


def test_a_trend_has_a_gap_where_nothing_was_tested():
    root = svg_of(charts.trend({"RET-07": [1, None, 3, 4]}, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "alt"))
    curves = [path.get("d") for path in root.iter(f"{SVG}path") if "stroke: #14508c" in (path.get("style") or "") and path.get("d")]
    assert max(d.count("L") for d in curves) == 1


@pytest.mark.parametrize(
    ("number", "top"), [(1, 1), (2, 2), (3, 4), (9, 10), (10, 10), (11, 20), (150, 200), (401, 600), (99_999, 100_000)]
)
def test_a_scale_ends_at_a_round_number(number, top):
    assert round_top(number) == top


def test_labels_below_keep_apart():
    days = [f"2024-{n:02}" for n in range(1, 13)]
    root = ElementTree.fromstring(drawing.lines_side_by_side({"RET-07": list(range(12))}, days))
    assert 2 <= sum(text in days for text in texts(root)) < 6


def test_matplotlib_waits_until_something_is_drawn():
    check = "import sys, heytalk_audit.notebook, heytalk_audit.cli; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
