"""Makes every picture of these pages but that of the house: `make pictures` writes them beside this file, after `make audit`.

Pages of the demo's report are photographed in Chromium; the eight accounts of `numbers.md` are drawn from that page's own table.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from heytalk_audit.exports.chromium import program
from heytalk_audit.params import DEMO_KEY
from heytalk_audit.vocabulary import Outcome

DOCS = Path(__file__).resolve().parent
REPORT = DOCS.parent / "reports" / "demo"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTH, HEIGHT = 1280, 1000
#: So many colours are enough for text and bars, and keep a picture small.
COLOURS = 64
TINTS = {
    Outcome.PASS: "#3b7a57",
    Outcome.VIOLATION: "#a4262c",
    Outcome.REVIEW: "#b7791f",
    Outcome.UNKNOWN: "#8a8f98",
    Outcome.EXEMPT: "#4a6fa5",
    Outcome.EXCLUDED: "#d3d7dc",
}


@contextmanager
def tab() -> Iterator[Page]:
    """A page of a Chromium with a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        browser.close()


def keep(name: str, picture: bytes) -> None:
    """Write a picture with few colours."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(DOCS / f"{name}.png", optimize=True)


def photograph(page: Page, name: str, file: Path, heading: str = "", height: int = HEIGHT) -> None:
    """A part of a page as it stands on the screen: from a heading on, or from the top."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto(file.as_uri() + (f"#{heading}" if heading else ""))
    keep(name, page.screenshot())


def letter(folder: Path) -> Path:
    """The page of a letter that the demo's run answers."""
    questions = [
        {"no": 1, "asks": "How many accounts are inactive, and since when?", "card": "inactivity"},
        {"no": 2, "asks": "Was traffic data erased in time?", "card": "rules", "rules": ["RET-07"]},
    ]
    stated = {"id": "AUTH-2025-117", "authority": "the authority", "received_on": "2025-04-02", "answer_by": "2025-04-14"}
    file = folder / "letter.yaml"
    file.write_text(yaml.safe_dump({"letter": stated, "run": str(REPORT), "questions": questions}), "utf-8")
    command = [sys.executable, "-m", "heytalk_audit.cli", "letter", str(file), "--out", str(folder / "letter")]
    subprocess.run(command, check=True, env=os.environ | {"HEYTALK_AUDIT_KEY": DEMO_KEY})
    return folder / "letter" / "index.html"


def outcomes() -> list[tuple[str, str]]:
    """The accounts of `numbers.md` with their outcomes, as its table has them."""
    return re.findall(r"^\| (u-\d) \| (\w+) \|", (DOCS / "numbers.md").read_text("utf-8"), re.M)


def draw_numbers() -> None:
    """The eight accounts: who is in scope, and what came of each."""
    stated = dict(outcomes())
    figure = Figure(figsize=(9.4, 2.5), dpi=110, layout="constrained")
    axes = figure.subplots()
    for place in range(8):
        outcome = stated.get(f"u-{place + 1}")
        tint = TINTS[Outcome(outcome)] if outcome else "white"
        axes.bar(place, 1, width=0.9, color=tint, edgecolor="#5b6470", linestyle="-" if outcome else ":")
        ink = "white" if outcome and outcome != Outcome.EXCLUDED else "#16212b"
        axes.text(place, 0.5, f"u-{place + 1}\n{outcome or 'not in scope'}", ha="center", va="center", color=ink, fontsize=9)
    tested = sum(outcome != Outcome.EXCLUDED for outcome in stated.values())
    for first, last, height, text in ((0, tested, 1.28, f"tested: {tested}"), (0, len(stated), 1.68, f"in scope: {len(stated)}")):
        axes.plot([first - 0.45, last - 0.55], [height - 0.14] * 2, color="#5b6470", linewidth=1)
        axes.text(first - 0.45, height - 0.1, text, ha="left", va="bottom", fontsize=9, color="#16212b")
    broken = sum(outcome == Outcome.VIOLATION for outcome in stated.values())
    axes.set_title(f"violations by rows tested: {broken} of {tested}", fontsize=10, color="#16212b", loc="left")
    axes.set_ylim(0, 1.95)
    axes.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    keep("numbers", buffer.getvalue())


def main() -> None:
    """Make them all."""
    draw_numbers()
    if not (REPORT / "index.html").exists():
        sys.exit("reports/demo: is not there; run make audit first")
    with tempfile.TemporaryDirectory() as folder, tab() as page:
        photograph(page, "report", REPORT / "index.html")
        photograph(page, "finding", REPORT / "retention.html", "RET-01", 900)
        photograph(page, "in-numbers", REPORT / "numbers.html", "consent", 900)
        photograph(page, "letter", letter(Path(folder)), "question-1", 900)


if __name__ == "__main__":
    main()
