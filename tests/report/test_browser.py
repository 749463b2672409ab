"""The rendered pages in a real browser: nothing leaves them, nothing runs in them, nothing is lost in print."""

from __future__ import annotations

from io import BytesIO

import nbformat
import pytest
from pypdf import PdfReader

from heytalk_audit.policy.chapters import CHAPTERS
from heytalk_audit.report import page as pages
from heytalk_audit.report.html import Fragment, escape, table

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("run")]
#: WCAG 2.2, levels A and AA, and what axe counts as good practice.
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
HOSTILE = [
    "<script>document.title='run'</script>",
    '"><img src=x onerror="document.title=\'run\'">',
    "[x](javascript:alert(1))",
    "\u202etxt.exe",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_one_can_be_read_on_a_phone_in_light_and_in_the_dark(scheme, audited, browser):
    from axe_playwright_python.sync_playwright import Axe

    tab = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)
    tab.goto((audited / "index.html").as_uri())
    assert [v["id"] for v in Axe().run(tab, options=AXE).response["violations"]] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("width", [1280, 1366, 1920])
def test_all_columns_of_the_results_are_in_view(width, audited, browser):
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.goto((audited / "index.html").as_uri())
    box = tab.locator("table.tools", has_text="Results by rule").first
    assert box.evaluate("t => t.scrollWidth <= t.parentElement.clientWidth")
    assert box.bounding_box()["x"] + box.bounding_box()["width"] <= width


def test_the_summary_prints_on_two_sheets(audited, browser):
    tab = browser.new_page()
    tab.goto((audited / "index.html").as_uri())
    printed = PdfReader(BytesIO(tab.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == 2
    first, second = (sheet.extract_text() for sheet in printed.pages)
    heads = ("Conclusion by area", "Changes since", "Key findings", "What could not be tested", "What rests on")
    assert [head for head in heads if head not in first] == []
    assert "Further findings" in second and "findings do not fit on this sheet" in second


def test_severity_sorts_by_its_order(audited, browser):
    tab = browser.new_page()
    tab.goto((audited / "index.html").as_uri())
    table = tab.locator("table.tools", has_text="Results by rule").first
    table.get_by_role("button", name="Rated").click()
    rated = table.locator("tbody tr td:nth-child(3)").all_inner_texts()
    order = ["Critical", "High", "Medium", "Low"]
    assert rated == sorted(rated, key=order.index) and len(set(rated)) > 2


@pytest.mark.parametrize("name", ["index", "numbers", "clauses", "document", *CHAPTERS])
def test_nothing_leaves_the_page_and_everybody_can_read_it(name, audited, browser):
    from axe_playwright_python.sync_playwright import Axe

    tab = browser.new_page()
    messages, requests = [], []
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto((audited / f"{name}.html").as_uri())
    assert [url for url in requests if not url.startswith("data:")] == [(audited / f"{name}.html").as_uri()]
    assert messages == []
    assert [v["id"] for v in Axe().run(tab, options=AXE).response["violations"]] == []


def test_print_shows_the_rows_that_a_search_hides(audited, browser):
    tab = browser.new_page()
    tab.goto((audited / "retention.html").as_uri())
    count = "[...document.querySelectorAll('tbody tr')].filter(r => getComputedStyle(r).display !== 'none').length"
    whole = tab.evaluate(count)
    tab.locator("input[type=search]").first.fill("RET-07")
    assert tab.evaluate(count) < whole
    tab.emulate_media(media="print")
    assert tab.evaluate(count) == whole


def test_a_table_sorts_by_a_button(audited, browser):
    tab = browser.new_page()
    tab.goto((audited / "index.html").as_uri())
    tab.get_by_role("button", name="Tested").first.click()
    head = tab.locator("th[aria-sort=ascending]")
    assert head.count() == 1


def hostile_page() -> str:
    shown = Fragment(table(["Name", "Value"], [[text, text] for text in HOSTILE], "Names").html + f"<p>{escape(HOSTILE[0])}</p>")
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": shown.html}),
        nbformat.v4.new_output("stream", text=HOSTILE[0]),
        nbformat.v4.new_output("execute_result", {"text/plain": HOSTILE[1]}, execution_count=1),
        nbformat.v4.new_output("display_data", {"text/html": "<script>document.title='run'</script><b onclick='x()'>raw</b>"}),
    ]
    cell = nbformat.v4.new_code_cell("1", outputs=outputs)
    return pages.render(pages.normalise(nbformat.v4.new_notebook(cells=[cell])), "Hostile", [])


def test_hostile_values_are_text(browser, tmp_path):
    (tmp_path / "page.html").write_text(hostile_page(), "utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "page.html").as_uri())
    tab.wait_for_timeout(200)
    assert tab.title() == "Hostile"
    text = tab.locator("main").inner_text()
    assert HOSTILE[0] in text and HOSTILE[1] in text and "\u202e" not in text
