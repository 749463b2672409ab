"""The report's pages as one document for print: a running head, places for all links, and nothing that only a screen can show."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import partial
from html.parser import HTMLParser

from heytalk_audit.errors import visible
from heytalk_audit.report import page, words

#: What stays on the screen: code, SQL and rows, which are folded, by their element, and what a page marks so by its class.
_FOLDED = {"details", "pre"}
_SCREEN_ONLY = {"on-screen", "cover"}
_EMPTY = {"br", "hr", "img"}
_ID = re.compile(r' id="([^"]*)"')
_PLACE = re.compile(r"([a-z-]*)(?:\.html)?(?:#([A-Za-z0-9-]+))?")
_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def as_one(bodies: Mapping[str, str], titles: Mapping[str, str], title: str, evidence: str) -> str:
    """One page of HTML. `bodies` are what stands on each page, by its name, and `titles` what each is called.

    What a body holds is taken for what anybody may have written: it is sanitised. `title` is the audit's, `evidence` a digest.
    """
    parts = [_section(name, body, titles[name], bodies) for name, body in bodies.items()]
    heads = "".join(_named_sheet(name, titles[name]) for name in bodies)
    return wrapped(_without_dead_links("".join(parts)), title, evidence, heads)


def for_print(body: str) -> str:
    """What is printed of HTML that stands by itself: sanitised, without links, as these lead to pages of the report."""
    clean = page.sanitised(body, lambda element, name, value: None if (element, name) == ("a", "href") else value, _FOLDED)
    return _Printed(clean).html


def wrapped(clean: str, title: str, evidence: str, style: str = "") -> str:
    """Sanitised HTML as a document for print, with a running head and foot: its title, the digest of the evidence, page numbers."""
    parts = {"title": html.escape(visible(title)), "csp": _CSP, "body": clean}
    head = {"head": css_text(title), "foot": css_text(words.SUBTITLE), "evidence": css_text(f"Evidence SHA-256 {evidence}")}
    css = re.sub(r"\{\{ (\w+) \}\}", lambda m: head[m[1]], page.template("paper.css"))
    parts["style"] = page.template("heytalk/page.css") + css + style
    return re.sub(r"\{\{ (\w+) \}\}", lambda m: parts[m[1]], page.template("paper.html"))


def css_text(text: str) -> str:
    """Text as a string of CSS: whatever is no letter, digit or blank is written by its number, and by the blank that ends a number."""
    one_line = " ".join(visible(text).split())
    return '"' + "".join(c if c == " " or (c.isascii() and c.isalnum()) else f"\\{ord(c):x} " for c in one_line) + '"'


def _named_sheet(name: str, title: str) -> str:
    """The sheets of a page have its title in their running head."""
    return f"@page {name} {{ @top-right {{ content: {css_text(title)}; }} }} #{name} {{ page: {name}; }}\n"


def _section(name: str, body: str, title: str, pages: Mapping[str, str]) -> str:
    """What is printed of a page, under a heading of its own where the page has none for paper."""
    kept = _Printed(page.sanitised(body, partial(_placed, name, pages), _FOLDED)).html
    head = "" if "<h1" in kept else f"<h1>{html.escape(visible(title))}</h1>"
    return f'<section id="{name}" class="chapter">{head}{kept}</section>'


def _placed(name: str, pages: Mapping[str, str], element: str, attribute: str, value: str) -> str | None:
    """Ids and links of a page as those of one document: an id is led by its page's name, and a link goes to such a place."""
    if attribute == "id":
        return f"{name}--{value}"
    if element == "a" and attribute == "href":
        place = _PLACE.fullmatch(value)
        target = (place[1] or name) if place else ""
        if place is None or target not in pages:
            return None
        return f"#{target}--{place[2]}" if place[2] else f"#{target}"
    return value


def _without_dead_links(body: str) -> str:
    """The document without links to what is not printed."""
    places = {f"#{place}" for place in _ID.findall(body)}
    return page.sanitised(body, lambda element, name, value: None if (element, name) == ("a", "href") and value not in places else value)


class _Printed(HTMLParser):
    """What is left of sanitised HTML on paper; `html` has it."""

    def __init__(self, clean: str):
        super().__init__(convert_charrefs=False)
        self._kept: list[str] = []
        self._depth = 0
        self.feed(clean)
        self.close()

    @property
    def html(self) -> str:
        """The markup that is left."""
        return "".join(self._kept)

    def _keep(self, text: str | None) -> None:
        if not self._depth:
            self._kept.append(text or "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`. Within what is left out only the depth counts."""
        classes = set((dict(attrs).get("class") or "").split())
        if tag not in _EMPTY and (self._depth or classes & _SCREEN_ONLY):
            self._depth += 1
        self._keep(self.get_starttag_text())

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        if self._depth:
            self._depth -= 1
        else:
            self._kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"&#{name};")
