"""Drawings: stacked bars, and small multiples of columns and lines. Each is SVG, wide enough for a page and legible on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heytalk_audit.errors import visible
from heytalk_audit.report.sheet import Sheet, text_width

#: Of every drawing: 5.2 inches, which a phone shrinks by a quarter.
WIDTH = 374.0
Style = tuple[str, str]
#: Of a bar: from the next one, its own height, and how wide its label may be at most.
_PITCH, _THICK, _LABEL = 20.0, 14.0, 166.0
#: Of a small multiple: its own height, and what its title and the gap below take; drawings side by side in a trend.
_PLOT, _AROUND, _ACROSS = 58.0, 28.0, 2
_LINE = 15.0


def stacked_bars(rows: Mapping[str, Mapping[str, int]], styles: Mapping[str, Style], legend: bool) -> bytes:
    """Horizontal bars, top to bottom, of the kinds in `styles`, each with its total."""
    labels = {label: short(label, 26) for label in rows}
    totals = {label: sum(counts.get(kind, 0) for kind in styles) for label, counts in rows.items()}
    left = min(_LABEL, max(text_width(label, 10) for label in labels.values())) + 6
    unit = (WIDTH - left - text_width(f"{max(totals.values()):,}", 9) - 8) / max(totals.values())
    lines = _legend_lines(styles) if legend else []
    bottom = 4 + _PITCH * len(rows)
    sheet = Sheet(WIDTH, bottom + (6 + _LINE * len(lines) if lines else 2))
    for index, (label, counts) in enumerate(rows.items()):
        middle, x = 4 + _PITCH * (index + 0.5), left
        sheet.text(left - 6, middle, labels[label], size=10, align="right")
        for kind in styles:
            if counts.get(kind):
                sheet.box(x, middle - _THICK / 2, counts[kind] * unit, _THICK, styles[kind])
                x += counts[kind] * unit
        sheet.text(x + 4, middle, f"{totals[label]:,}")
    sheet.rule((left, 2), (left, bottom))
    _draw_legend(sheet, lines, styles, bottom + 6)
    return sheet.svg()


def _legend_lines(kinds: Mapping[str, Style]) -> list[list[tuple[float, str]]]:
    """The lines of a legend: where each of its words begins, and the word."""
    lines: list[list[tuple[float, str]]] = [[]]
    x = 0.0
    for kind in kinds:
        wide = 20 + text_width(kind, 9) + 12
        if lines[-1] and x + wide > WIDTH:
            lines.append([])
            x = 0.0
        lines[-1].append((x, kind))
        x += wide
    return lines


def _draw_legend(sheet: Sheet, lines: Sequence[Sequence[tuple[float, str]]], styles: Mapping[str, Style], top: float) -> None:
    for index, line in enumerate(lines):
        middle = top + _LINE * (index + 0.5)
        for x, kind in line:
            sheet.box(x, middle - 4.5, 16, 9, styles[kind])
            sheet.text(x + 20, middle, kind)


@dataclass(frozen=True)
class Plot:
    """Where a small multiple stands, its upper left corner first, how many places it has, and the number at its top."""

    sheet: Sheet
    left: float
    top: float
    width: float
    places: int
    most: int

    def x(self, place: int) -> float:
        """The middle of a place."""
        return self.left + self.width * (place + 0.5) / self.places

    def y(self, number: float) -> float:
        """How far down a number stands."""
        return self.top + _PLOT * (1 - number / self.most)

    def frame(self) -> None:
        """Lines at nothing, half and most, with their numbers."""
        for number in sorted({0, self.most // 2, self.most} if self.most % 2 == 0 else {0, self.most}):
            self.sheet.rule((self.left, self.y(number)), (self.left + self.width, self.y(number)), faint=number > 0)
            self.sheet.text(self.left - 5, self.y(number), f"{number:,}", size=8, align="right")

    def columns(self, stacks: Sequence[Mapping[str, int]], styles: Mapping[str, Style]) -> None:
        """A stacked column in each place."""
        wide = min(0.7 * self.width / self.places, 26)
        for place, counts in enumerate(stacks):
            below = 0
            for kind, style in styles.items():
                if counts.get(kind):
                    below += counts[kind]
                    height = _PLOT * counts[kind] / self.most
                    self.sheet.box(self.x(place) - wide / 2, self.y(below), wide, height, style)

    def curve(self, values: Sequence[int | None]) -> None:
        """A line from place to place; a null leaves a gap."""
        run: list[tuple[float, float]] = []
        for place, value in enumerate([*values, None]):
            if value is not None:
                run.append((self.x(place), self.y(value)))
            elif run:
                self.sheet.curve(run)
                run = []

    def ticks(self, labels: Sequence[str]) -> None:
        """Words below; a label may have two lines, and only every so many have room."""
        widest = max(text_width(line, 8) for label in labels for line in label.split("\n"))
        step = max(1, -(-int((widest + 6) * self.places) // int(self.width)))
        for place in range(0, self.places, step):
            for row, line in enumerate(labels[place].split("\n")):
                self.sheet.text(self.x(place), self.top + _PLOT + 8 + 10 * row, line, size=8, align="center")


def round_top(number: int) -> int:
    """The least round number that is not below a number."""
    power = 1
    while number > 10 * power:
        power *= 10
    return next(digit * power for digit in (1, 2, 4, 6, 8, 10) if digit * power >= number)


def columns_and_lines(
    panels: Mapping[str, tuple[Sequence[Mapping[str, int]], Sequence[int]]],
    styles: Mapping[str, Style],
    titles: tuple[str, str],
    ticks: Sequence[str],
) -> bytes:
    """A row per panel: stacked columns of the kinds in `styles`, and beside them a line; `titles` stand above the two."""
    lines = [line for kind in styles for line in _legend_lines({kind: styles[kind]})]
    each, places = _PLOT + _AROUND, len(ticks)
    sheet = Sheet(WIDTH, 18 + each * len(panels) + 16 + _LINE * len(lines))
    half, gap = (WIDTH - 2 * 36 - 4) / 2, 36.0
    for title, x in zip(titles, (gap, 2 * gap + half), strict=True):
        sheet.text(x, 8, short(title, 28), bold=True)
    for index, (panel, (stacks, values)) in enumerate(panels.items()):
        top = 18 + each * index + 16
        sheet.text(gap, top - 9, short(panel, 40))
        most = round_top(max(1, *(sum(counts.get(kind, 0) for kind in styles) for counts in stacks)))
        left = Plot(sheet, gap, top, half, places, most)
        right = Plot(sheet, 2 * gap + half, top, half, places, round_top(max(1, *values)))
        left.frame()
        right.frame()
        left.columns(stacks, styles)
        right.curve(values)
        if index == len(panels) - 1:
            left.ticks(ticks)
            right.ticks(ticks)
    _draw_legend(sheet, lines, styles, sheet.height - _LINE * len(lines))
    return sheet.svg()


def lines_side_by_side(series: Mapping[str, Sequence[int | None]], ticks: Sequence[str]) -> bytes:
    """A line per label, on a plot of its own."""
    each, down = _PLOT + _AROUND + 10, -(-len(series) // _ACROSS)
    sheet, half, gap = Sheet(WIDTH, 4 + each * down), (WIDTH - 2 * 36 - 4) / 2, 36.0
    for index, (label, values) in enumerate(series.items()):
        left, top = gap + (gap + half) * (index % _ACROSS), 20 + each * (index // _ACROSS)
        sheet.text(left, top - 11, short(label, 28))
        plot = Plot(sheet, left, top, half, len(ticks), round_top(max([1, *(v for v in values if v is not None)])))
        plot.frame()
        plot.curve(values)
        plot.ticks(ticks)
    return sheet.svg()


def short(label: str, most: int) -> str:
    """A label of so many characters at most, of which every one can be seen."""
    text = visible(label)
    return text if len(text) <= most else text[: most - 1] + "\u2026"
