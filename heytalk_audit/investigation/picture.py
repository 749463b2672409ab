"""A timeline drawn: a line per table, a mark per event, and the days that fell due by the policy."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence

from heytalk_audit.investigation.events import Event
from heytalk_audit.investigation.judgement import RowOutcome
from heytalk_audit.report.html import Fragment, tag

_WIDTH, _LEFT, _PITCH, _TOP = 520.0, 132.0, 18.0, 16.0
_EVENT, _DUE = ("#2f5d8a", ""), ("#a3262a", "")
#: So many days that fell due are drawn at most, the earliest first.
_MOST_DUE = 12


def timeline_picture(events: Sequence[Event], outcomes: Sequence[RowOutcome]) -> Fragment:
    """The timeline as SVG within the page, with the same in words beside it for who cannot see it; nothing where nothing happened."""
    due = sorted({(dt.date.fromisoformat(o.due_on), o.id) for o in outcomes if o.due_on})[:_MOST_DUE]
    if not events:
        return Fragment("")
    svg = _drawn(events, due)
    first, last = events[0].at.date(), events[-1].at.date()
    alt = f"{len(events):,} events from {first} to {last}; " + (", ".join(f"{id} due on {day}" for day, id in due) or "nothing fell due")
    return tag("img", src="data:image/svg+xml;base64," + base64.b64encode(svg).decode(), alt=alt)


def _drawn(events: Sequence[Event], due: Sequence[tuple[dt.date, str]]) -> bytes:
    from heytalk_audit.report.sheet import Sheet  # only where something is drawn: matplotlib takes half a second

    tables = list(dict.fromkeys(event.table for event in events))
    days = [event.at.date() for event in events] + [day for day, _ in due]
    first, span = min(days), max((max(days) - min(days)).days, 1)
    bottom = _TOP + _PITCH * len(tables)
    sheet = Sheet(_WIDTH, bottom + 16 + 11 * len(due))

    def place(day: dt.date) -> float:
        return _LEFT + 8 + (_WIDTH - _LEFT - 24) * (day - first).days / span

    for row, name in enumerate(tables):
        middle = _TOP + _PITCH * (row + 0.5)
        sheet.text(_LEFT - 6, middle, name, size=9, align="right")
        sheet.rule((_LEFT, middle), (_WIDTH - 8, middle), faint=True)
        for day in sorted({event.at.date() for event in events if event.table == name}):
            sheet.box(place(day) - 2.5, middle - 4, 5, 8, _EVENT)
    for number, (day, id) in enumerate(due):
        sheet.box(place(day) - 0.75, _TOP, 1.5, bottom - _TOP, _DUE)
        sheet.text(min(place(day), _WIDTH - 110), bottom + 8 + 11 * number, f"{id} due {day}", size=8)
    sheet.text(place(first), 7, str(first), size=8)
    sheet.text(_WIDTH - 8, 7, str(max(days)), size=8, align="right")
    return sheet.svg()
