"""The report as one document for print: each place once, links that lead somewhere, and nothing that only a screen can show."""

from __future__ import annotations

import re

import pytest

from heytalk_audit.report import paper

TITLES = {"index": "Summary", "retention": "Retention"}


def one(index: str, retention: str = "<h2 id='RET-01'>RET-01</h2>", title: str = "An audit") -> str:
    return paper.as_one({"index": index, "retention": retention}, TITLES, title, "ab" * 32)


def test_places_are_those_of_one_document():
    written = one(
        "<h1>An audit</h1><p id='x'><a href='retention.html#RET-01'>a</a><a href='retention.html'>b</a><a href='#x'>c</a></p>",
        "<h2 id='RET-01'>RET-01</h2><p id='x'>y</p>",
    )
    places = re.findall(r' id="([^"]*)"', written)
    assert len(places) == len(set(places)) and {"index", "retention", "index--x", "retention--x", "retention--RET-01"} <= set(places)
    assert re.findall(r'href="(#[^"]*)"', written) == ["#retention--RET-01", "#retention", "#index--x"]


def test_a_link_to_what_is_not_printed_is_no_link():
    written = one(
        "<p><a href='retention.html#gone'>a</a><a href='reasons.html'>b</a><a href='#hidden'>c</a></p>"
        "<section class='on-screen'><p id='hidden'>x</p></section>"
    )
    assert "<a>a</a><a>b</a><a>c</a>" in written and "index--hidden" not in written


def test_the_screens_own_parts_are_left_out():
    written = one(
        "<section class='cover'><h1>T</h1><dl><dt>a</dt></dl></section><p>kept</p>"
        "<details><summary>s</summary><pre>SELECT 1</pre></details>"
        "<section class='on-screen'><p>on <br>the <img src='x'> <section>screen</section></p></section><p>after &amp; &lt;b&gt; &#169;</p>"
    )
    assert all(word not in written for word in ("SELECT 1", "screen</", "<dt>", "<summary"))
    assert "<p>kept</p>" in written and "after &amp; &lt;b&gt;" in written
    assert "<h1>Summary</h1>" in written and "<h1>Retention</h1>" in written  # a page without a head of its own has its title


@pytest.mark.parametrize("evil", ["<script>x()</script>", "<iframe src='file:///etc'></iframe>", "<img src='https://x.example/a.png'>"])
def test_what_a_page_holds_is_not_obeyed(evil):
    written = one(f"{evil}<p onclick='x()' style='y'>text</p>")
    body = written[written.index("<body>") :]
    assert "<p>text</p>" in body and all(word not in body for word in ("x()", "iframe", "x.example", "style"))
    assert "script-src" not in written and "default-src 'none'" in written


@pytest.mark.parametrize("title", ['"; } body { display: none', "a\\b", "</style><script>", "{{ style }}", "a, b"])
def test_a_title_is_text_in_the_running_head(title):
    written = one("<p>x</p>", title=title)
    style = written[written.index("<style>") + 7 : written.index("</style>")]
    assert style.count("@page") == 4 and "<" not in style.replace("<=", "") and "}}" not in paper.css_text(title)
    read = re.sub(r"\\([0-9a-f]{1,6}) ", lambda number: chr(int(number[1], 16)), paper.css_text(title)[1:-1])
    assert read == title and paper.css_text(title) in style


def test_a_bare_part_has_no_links():
    assert paper.for_print("<p><a href='retention.html'>x</a></p><pre>y</pre>") == "<p><a>x</a></p>"
