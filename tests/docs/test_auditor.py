"""The auditor's page works as it stands: a quarter from the sealed snapshot to a signed run, on the small demo."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import xlsxwriter
import yaml
from commands import heytalk_audit, params
from tutorial import Command, lines_of, text_of

from heytalk_audit.handover.owners import ANSWERS, FIXED, SHEET

pytestmark = pytest.mark.xdist_group("tutorials")
PAGE = "auditor.md"
SNAPSHOT, EARLIER, RUN, EARLIER_RUN = "data/demo/2025-Q1", "data/demo/2024-Q4", "reports/2025-Q1", "reports/2024-Q4"
#: The page's runs are of all rules. Here one has been made of them all, and is made again of these.
SOME = {"chapters": ["retention"], "rules": ["RET-01"]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory, demo, audited) -> Path:
    """The page's folder as it is after its first runs: both quarters are the small demo, and both runs its one audit."""
    folder = tmp_path_factory.mktemp("auditor")
    for name in (SNAPSHOT, EARLIER):
        shutil.copytree(demo, folder / name)
    for name in (RUN, EARLIER_RUN):
        shutil.copytree(audited, folder / name)
    params(folder / "params", folder / SNAPSHOT, **SOME).rename(folder / "params" / "quarterly.yaml")
    (folder / "data/demo/params").mkdir()
    (folder / "data/demo/params/2025-Q1.accepted.yaml").write_text("accepted: []\n", "utf-8")
    return folder


def fill_in_decisions(folder: Path) -> None:
    """What two people write into the register of decisions: of one rule, the others are left out."""
    file = folder / "decisions.yaml"
    entries = [entry for entry in yaml.safe_load(file.read_text("utf-8"))["decisions"] if entry["rule"] in SOME["rules"]]
    people = {"decided_by": "Tomas Lindqvist", "confirmed_by": "Ines Marquez", "decided_on": "2025-04-02"}
    decided = [entry | people | {"decision": "no_breach", "ground": "The board has ordered it."} for entry in entries[:1]]
    assert decided
    file.write_text(yaml.safe_dump({"decisions": decided}), "utf-8")


def name_owners(folder: Path) -> None:
    """What the auditor writes into the register of findings."""
    file = folder / "findings.yaml"
    entries = yaml.safe_load(file.read_text("utf-8"))["findings"]
    entries = [entry | {"owner": "Ann Okoro"} for entry in entries if entry["key"].partition(":")[0] in SOME["rules"]]
    assert entries
    file.write_text(yaml.safe_dump({"findings": entries}), "utf-8")


def answer(folder: Path) -> None:
    """What the owner writes into the workbook."""
    titles = [*FIXED, *ANSWERS]
    entries = yaml.safe_load((folder / "findings.yaml").read_text("utf-8"))["findings"]
    with xlsxwriter.Workbook(folder / "owners" / "01-ann-okoro.xlsx") as book:
        sheet = book.add_worksheet(SHEET)
        for column, title in enumerate(titles):
            sheet.write_string(0, column, title)
        for n, entry in enumerate(entries, 1):
            for title, text in {"Key": entry["key"], "Due": entry["due"], "Response": "agree", "Status": "open"}.items():
                sheet.write_string(n, titles.index(title), text)


#: Commands that end otherwise on the small demo: its values break the contract on purpose.
OTHERWISE = {"check": 3}
#: What people do after a command, by the command's words.
BY_HAND = {
    "decide": fill_in_decisions,
    "findings": name_owners,
    "owners": answer,
}


def is_left_out(command: Command) -> bool:
    """The first runs are made; to search texts takes a minute (tests/audit/test_sampling.py); the reviewer's signature replays."""
    first = command.is_own and command.words[1] == "run" and "--replace" not in command.words
    return first or "queue.csv" in command.words or command.words[1] == "replay"


#: Options that a command goes without here: the texts' labels, and the earlier snapshot, over which rules are evaluated again for causes.
COSTLY = re.compile(r"--(labels|previous-snapshot)|(labels|previous_snapshot)=.*")


def without_what_is_costly(words: list[str]) -> list[str]:
    """A command's words without these options and their values; an override goes with the `-p` before it."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if not COSTLY.fullmatch(word):
            kept.append(word)
        elif word.startswith("--"):
            next(rest)
        else:
            kept.pop()
    return kept


@pytest.fixture(scope="module")
def followed(desk) -> list[str]:
    """What each command of the page printed, in order, after people did their part."""
    printed = []
    for command in lines_of(PAGE):
        if is_left_out(command):
            continue
        if command.is_own:
            done = heytalk_audit(*without_what_is_costly(command.words[1:]), cwd=desk)
        else:
            done = subprocess.run(["sh", "-c", command.line], cwd=desk, capture_output=True, text=True, check=False)
        name = command.words[1] if command.is_own else command.line
        assert done.returncode == OTHERWISE.get(name, command.status), (command.line, done.stdout, done.stderr)
        BY_HAND.get(name, lambda folder: None)(desk)
        printed.append(done.stdout + done.stderr)
    return printed


def test_the_quarter_ends_with_two_signatures_over_a_run_that_was_recomputed(desk, followed):
    roles = {file.stem for file in (desk / f"{RUN}.sign-off").glob("*.json")}
    assert roles == {"preparer", "reviewer"} and (desk / f"{RUN}.sign-off" / "cover.html").exists()
    reviewer = json.loads((desk / f"{RUN}.sign-off" / "reviewer.json").read_text("utf-8"))
    assert reviewer["replayed"] and any("signed by ann" in text for text in followed)
    assert (desk / SNAPSHOT).exists()


def test_what_people_said_is_in_the_report(desk, followed):
    results = json.loads((desk / RUN / "results.json").read_text("utf-8"))
    rules = {rule["id"]: rule for rule in results["rules"]}
    assert set(rules) == set(SOME["rules"])
    assert any(rule["decided"] for rule in rules.values()) and results["follow_up"]
    assert {finding["owner"] for finding in results["findings"]} == {"Ann Okoro"}


def test_the_pages_that_it_tells_to_read_have_the_headings_that_it_names(audited):
    """Those of steps 5 and 11, in italics."""
    page = text_of(PAGE)
    named = re.findall(r"\*([A-Z][\w ,]+)\*", page.split("## 5. ")[1].split("## 6. ")[0])
    shown = (audited / "index.html").read_text("utf-8") + (audited / "retention.html").read_text("utf-8")
    assert len(named) > 10 and [heading for heading in named if f">{heading}</h" not in shown] == []
