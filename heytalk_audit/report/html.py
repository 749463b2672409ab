"""The one place where HTML is written: every value is escaped here, and nowhere else."""

from __future__ import annotations

import datetime as dt
import html
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from heytalk_audit.errors import visible

#: The least share that is written as a number.
_LEAST = 0.00001


@dataclass(frozen=True)
class Fragment:
    """A piece of HTML that a notebook shows. It has no other form, so nothing leaks beside it."""

    html: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html}

    def __add__(self, other: Fragment) -> Fragment:
        return Fragment(self.html + other.html)


@dataclass(frozen=True)
class Sorted:
    """A cell that shows one thing and is sorted by another: a word of an ordered list by its place in it, a rounded share by the share."""

    shown: Any
    by: float


def escape(value: Any) -> str:
    """Text as HTML text or attribute. Characters that turn text around are shown as a box, so that a name cannot disguise itself."""
    return html.escape(visible(value), quote=True)


def show(value: Any) -> Fragment:
    """A value as a reader expects it: yes and no, thousands apart, a dash for nothing."""
    if isinstance(value, Fragment):
        return value
    if value is None or value == "":
        return Fragment('<span class="none" title="none">\u2013</span>')
    if isinstance(value, bool):
        return Fragment("Yes" if value else "No")
    if isinstance(value, int):
        return Fragment(f"{value:,}")
    if isinstance(value, float):
        return Fragment(f"{value:,.4g}")
    if isinstance(value, dt.date):
        return Fragment(f'<span class="date">{value.isoformat()}</span>')
    if isinstance(value, list | tuple | set):
        return Fragment(escape(", ".join(map(str, value))) or show(None).html)
    return Fragment(escape(value))


def tag(name: str, *children: Any, cls: str | None = None, **attributes: Any) -> Fragment:
    """An element; attribute names may end in an underscore, and underscores within become hyphens."""
    named = {"class": cls} | {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items()}
    written = "".join(f' {k}="{escape(v)}"' for k, v in named.items() if v is not None)
    return Fragment(f"<{name}{written}>{join(*children).html}</{name}>")


def join(*parts: Any) -> Fragment:
    """Parts one after another; an empty text is nothing."""
    return Fragment("".join(show(p).html for p in parts if p != ""))


def paragraph(*children: Any, cls: str | None = None) -> Fragment:
    """A paragraph."""
    return tag("p", *children, cls=cls)


def on_screen(*parts: Fragment) -> Fragment:
    """Parts that a page has on the screen, and leaves out where it is printed; nothing where there are none."""
    return tag("section", *parts, cls="on-screen") if parts else Fragment("")


def on_paper(*parts: Fragment) -> Fragment:
    """Parts that a page has where it is printed, and not on the screen; nothing where there are none."""
    return tag("section", *parts, cls="on-paper") if parts else Fragment("")


def bullets(items: Iterable[Any], cls: str | None = None) -> Fragment:
    """An unordered list; nothing where there are no items."""
    items = list(items)
    return tag("ul", *[tag("li", item) for item in items], cls=cls) if items else Fragment("")


def definitions(pairs: Iterable[tuple[Any, Any]]) -> Fragment:
    """Terms and what they are."""
    return tag("dl", *itertools.chain.from_iterable((tag("dt", k), tag("dd", show(v))) for k, v in pairs), cls="facts")


def badge(verdict: str) -> Fragment:
    """A verdict or state as text in a coloured box; the text says it all."""
    return tag("span", words_of(verdict), cls=f"badge {verdict.lower()}")


def severity_badge(severity: str) -> Fragment:
    """A severity as text in a coloured box."""
    return tag("span", words_of(severity), cls=f"badge severity-{severity}")


def words_of(state: str) -> str:
    """A state's code, such as NOT_EVALUATED, as words."""
    return state.replace("_", " ").capitalize()


def code(text: Any) -> Fragment:
    """A code, as a reason's, that may not break."""
    return tag("span", text, cls="code-word") if text else show(None)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    caption: str,
    tools: bool = False,
    numeric: Sequence[str] = (),
    roomy: Sequence[str] = (),
    sticky: bool = False,
) -> Fragment:
    """A table with a caption; `tools` makes it sortable and searchable; columns named in `numeric` are set to the right.

    Columns named in `roomy` hold sentences, and stay wide enough to read them. Where it is `sticky`, its head and its first column stay in
    view.

    It stands in a region that scrolls, which the keyboard can reach.
    """
    body = [list(row) for row in rows]
    right = {i for i, name in enumerate(columns) if name in numeric or _all_numbers(body, i)}
    kinds = ["n" if i in right else "roomy" if name in roomy else None for i, name in enumerate(columns)]
    heads = [tag("th", name, scope="col", cls=kind) for name, kind in zip(columns, kinds, strict=True)]
    lines = [tag("tr", *[_cell(cell, i, i in right) for i, cell in enumerate(row)]) for row in body] or [
        tag("tr", tag("td", "None.", colspan=len(columns)))
    ]
    inner = tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *lines), cls="tools" if tools else None)
    return tag("div", inner, cls="scroll sticky" if sticky else "scroll", tabindex="0", role="region", aria_label=caption)


def _cell(cell: Any, index: int, right: bool) -> Fragment:
    by = None
    if isinstance(cell, Sorted):
        cell, by = cell.shown, cell.by
    if index == 0:
        return tag("th", show(cell), scope="row", cls="n" if right else None)
    return tag("td", show(cell), cls="n" if right else None, data_sort=by)


def _all_numbers(rows: list[list[Any]], index: int) -> bool:
    values = [row[index] for row in rows if row[index] is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def percent(share: float | None) -> str:
    """A share as a reader expects it, to three significant digits; none but a whole is rounded to 0 or 100."""
    if share is None:
        return "\u2013"
    if share in (0, 1):
        return f"{share * 100:.0f}\u00a0%"
    if share < _LEAST:
        return f"<\u00a0{_LEAST * 100:.3f}\u00a0%"
    digits = max(0, 2 - math.floor(math.log10(share * 100)))
    text = f"{share * 100:.{digits}f}\u00a0%"
    return ">\u00a099.9\u00a0%" if text.startswith("100") else text
