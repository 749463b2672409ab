"""An executed notebook as a page: our own template, sanitised, under a policy that lets nothing run or load but our own script."""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import nh3
from nbconvert import HTMLExporter, TemplateExporter
from nbformat import NotebookNode

# nbformat and nbconvert state no types
_node: Callable[[Mapping[str, Any]], NotebookNode] = NotebookNode
_new_exporter: Callable[..., HTMLExporter] = HTMLExporter
_template: Callable[..., tuple[str, Any]] = TemplateExporter.from_notebook_node
#: The exporter is made once, and keeps what it is at.
_RENDERING = threading.Lock()
_HOME = files(__name__.rpartition(".")[0]).joinpath("template")
_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
_FORBIDDEN = ("application/javascript", "application/vnd.jupyter.widget-view+json", "text/vnd.mermaid", "text/latex")
#: What a link may lead to: a page of the report, a part of one, or a page of a folder beside it, as of the sign-off.
_LINK = re.compile(r"(\.\./(?!\.)[A-Za-z0-9._~%-]+/(data/)?)?[a-z-]*(\.html)?(#[A-Za-z0-9-]+)?")
_TAGS = set(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_ATTRIBUTES = {
    "*": {"class", "id", "title", "role", "tabindex", "aria-label"},
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "data-sort"},
    "th": {"scope", "colspan"},
    "ol": {"start"},
}


def normalise(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what differs between two runs: times, paths, random ids. What can't be shown safely is refused."""
    kept = copy.deepcopy(notebook)
    kept.metadata = _node({"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    kept.metadata["language_info"] = {"name": "python"}
    for index, cell in enumerate(kept.cells, 1):
        cell["id"] = f"cell-{index:04}"
        cell.metadata = _node({"tags": list(cell.metadata.get("tags", []))})
        for output in cell.get("outputs", []):
            _normalise_output(output)
    return kept


def _normalise_output(output: Any) -> None:
    data = output.get("data", {})
    for kind in _FORBIDDEN:
        if kind in data:
            raise ValueError(f"a notebook shows {kind}, which a report may not carry")
    if "text/html" in data:
        data.pop("text/plain", None)
    if "metadata" in output:
        output["metadata"] = _node({})


def split(notebook: NotebookNode, names: Sequence[str]) -> dict[str, NotebookNode]:
    """The notebook of each page: cells tagged `page-<name>` stand on the page of that name, all others on the first."""
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for cell in notebook.cells:
        requested = [tag.removeprefix("page-") for tag in cell.metadata.get("tags", []) if tag.startswith("page-")]
        if len(requested) > 1 or set(requested) - set(names):
            raise ValueError(f"a cell asks for the page {', '.join(requested)}; there are {', '.join(names)}")
        parts[requested[0] if requested else names[0]].append(cell)
    notebooks = {name: _node(notebook | {"cells": cells}) for name, cells in parts.items()}
    lost = set(_markers(notebook)) - {marker for part in notebooks.values() for marker in _markers(part)}
    if lost:
        raise ValueError(f"no page has the outputs {', '.join(sorted(lost))}")
    return notebooks


def render(notebook: NotebookNode, title: str, nav: list[dict[str, Any]], note: str = "") -> str:
    """One self-contained page. `nav` has href, title and current of each page of the report; `note` stands in the footer."""
    with _RENDERING:
        # as an HTMLExporter does, but for its second reading of the page, which takes most of the time and finds nothing in our template
        body, _ = _template(_exporter(), notebook, resources={"metadata": {"name": title}, "body_alone": True})
    clean = sanitised(body)
    missing = [m for m in _markers(notebook) if f'id="{m}"' not in clean]
    if missing:
        raise ValueError(f"the page lost the outputs {', '.join(missing)}")
    return wrap(clean, title, nav, note)


@cache
def _exporter() -> HTMLExporter:
    return _new_exporter(template_name="heytalk", extra_template_basedirs=[str(_HOME)], exclude_anchor_links=True)


def sanitised(
    body: str, change: Callable[[str, str, str], str | None] = lambda tag, name, value: value, without: Collection[str] = ()
) -> str:
    """HTML with nothing in it but what a report may hold. Elements named in `without` are left out with all that is in them.

    `change` may give an attribute that is allowed another value, or null to drop it.
    """

    def attribute(tag: str, name: str, value: str) -> str | None:
        allowed = _attribute(tag, name, value)
        return None if allowed is None else change(tag, name, allowed)

    return nh3.clean(
        body,
        tags=_TAGS - set(without),
        clean_content_tags={"script", "style", *without},
        attributes=_ATTRIBUTES,
        url_schemes={"data"},
        link_rel=None,
        attribute_filter=attribute,
        generic_attribute_prefixes=set(),
    )


#: What the footer of a report says first.
FOOT = "Report of procedures performed (no assurance). "


def wrap(clean: str, title: str, nav: list[dict[str, Any]], note: str = "", foot: str = FOOT) -> str:
    """Sanitised HTML as a page of its own."""
    script, style = template("page.js"), template("heytalk/page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "title": html.escape(title),
        "csp": _CSP.format(digest=digest),
        "style": style,
        "nav": _nav(nav),
        "contents": _contents(clean),
        "body": clean,
        "script": script,
        "note": html.escape(foot) + html.escape(note or "Pseudonyms are keyed; the key is not in this file."),
    }
    page = template("page.html")
    return re.sub(r"\{\{ (\w+) \}\}", lambda m: parts[m.group(1)], page)


def template(name: str) -> str:
    """The text of a file of the template."""
    return _HOME.joinpath(name).read_text("utf-8")


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if re.match(r"data:image/(svg\+xml|png);base64,", value) else None
    if tag == "a" and name == "href":
        return value if _LINK.fullmatch(value) else None
    return value


def _markers(notebook: NotebookNode) -> list[str]:
    """The ids that the template gives to each output of each cell."""
    return [f"{cell['id']}-output-{j}" for cell in notebook.cells for j, _ in enumerate(cell.get("outputs", []), 1)]


def _nav(nav: list[dict[str, Any]]) -> str:
    items = [
        f'<li><a href="{html.escape(n["href"])}"{" aria-current=page" if n.get("current") else ""}>{html.escape(n["title"])}</a></li>'
        for n in nav
    ]
    return "<ul>" + "".join(items) + "</ul>"


def _contents(body: str) -> str:
    heads = re.findall(r'<h2 id="([A-Za-z0-9-]+)"[^>]*>(.*?)</h2>', body)
    items = [f'<li><a href="#{id}">{re.sub("<[^>]+>", "", text)}</a></li>' for id, text in heads]
    return "<ol>" + "".join(items) + "</ol>" if items else ""
