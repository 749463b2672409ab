"""Names of tables, columns, files and folders, and what people state, are text wherever they are shown: they steer and break nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds
import yaml
from commands import heytalk_audit
from markdown_it import MarkdownIt

from heytalk_audit.contract import sql
from heytalk_audit.handover.request import request_letter
from heytalk_audit.running.check import check_delivery

HOSTILE = [
    "<script>alert(1)<",
    "<img src=x onerror=alert(1)>",
    "[red]x[bold]",
    "\x1b[31m\x1b]0;t\x07",
    "\u202egnp.exe\u2066",
    "a|b`c`*d*_e_",
    "\"'; DROP TABLE users; --",
    "``` sql",
    "# head",
    "1. one",
    "- item",
    "> quote",
    "line\nbreak\rcarriage\u2028separator",
    "![x](javascript:alert(1))",
    "[x]: y",
    "http:e.example www.e.example a@e.example",
    "&lt;&#x3c;",
    "$(id) `id` ;id",
    "\\",
    "{{x}} {% x %} ${x} %s %(x)s",
]
#: What a letter is made of: nothing else may come of a name.
MADE_OF = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence", "bullet_list_open", "bullet_list_close"),
    *("list_item_open", "list_item_close", "text", "softbreak"),
    *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
}


def shown(text: str) -> str:
    """A name as it may be shown: on one line, without what can't be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def delivered(folder: Path) -> Path:
    """A delivery that has every hostile string as the name of a file, of a column in CSV and of one in Parquet, and in its descriptor."""
    tables = worlds.tables_of([worlds.Case("", "", {"users": [{"user_id": "u1"}], "devices": [{"user_id": "u1"}]}, None, 0, alone=True)])
    worlds.deliver(folder, tables, absent=[name for name in tables if name not in ("users", "devices", "consents")])
    for number, text in enumerate(HOSTILE):
        (folder / f"{text.replace('/', '')}.csv").write_text("a\n1\n", "utf-8") if number % 2 else (folder / text).mkdir()
    table = pq.read_table(folder / "devices.parquet")
    for text in HOSTILE:
        table = table.append_column(text, pa.array(["x"]))
    pq.write_table(table, folder / "devices.parquet")
    (folder / "users.parquet").unlink()
    lines = io.StringIO()
    heads = [text for text in HOSTILE if "\n" not in text]
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows([["user_id", "status", *heads], ["u1", "gone", *["x"] * len(heads)]])
    (folder / "users.csv").write_text(lines.getvalue(), "utf-8")
    (folder / "datapackage.json").unlink()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    name = "s [1]*?;$(id) <b>#|`x`\u202e\x1b[31m"
    return delivered(tmp_path_factory.mktemp("hostile") / name)


def test_check_shows_them_as_text(folder):
    done = heytalk_audit("check", folder)
    assert done.returncode == 3 and done.stderr == ""
    assert all(line.isprintable() for line in done.stdout.split("\n"))
    assert re.search(r"^users +csv +1 ", done.stdout, re.M)
    seen = " ".join(done.stdout.replace("\ufffd", " ").split())
    assert [text for text in HOSTILE if shown(text) not in seen] == []
    # what it says to type is one word to a shell, whatever the folder's name
    assert re.search(r"heytalk-audit seal 's \[1\]\*\?;\$\(id\) <b>#\|`x`.* --as-of INSTANT", done.stdout)


def test_the_letter_has_them_as_text_and_nothing_comes_of_them(folder):
    letter = request_letter(check_delivery(folder), "postgres")
    tokens = MarkdownIt("commonmark").enable("table").parse(letter)
    every = [*tokens, *(child for token in tokens for child in token.children or ())]
    assert {token.type for token in every} - {"text_special"} <= MADE_OF
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings[1:] == [
        *("What was delivered", "Not as the contract says", "Not in the contract: rename it, or leave it out"),
        *("What more would be tested", "Not stated"),
    ]
    text = " ".join(" ".join("".join(c.content for c in token.children or ()).replace("\ufffd", " ").split()) for token in tokens)
    assert [name for name in HOSTILE if shown(name) not in text] == []
    assert {token.info for token in tokens if token.type == "fence"} == {"sql"}
    words = " ".join(token.content for token in tokens if token.type == "fence")
    assert not any(name in words for name in ("<script", "DROP", "e.example", "javascript", "gnp"))


def test_what_is_stated_is_kept_as_it_is_and_seen_in_the_descriptor(tmp_path):
    rows = worlds.tables_of([worlds.Case("", "", {"users": [{"user_id": "u1"}]}, None, 0, alone=True)])
    folder = worlds.deliver(tmp_path / "s", rows)
    for text in HOSTILE:
        done = heytalk_audit("seal", folder, "--producer", text, "--source-system", text)
        assert done.returncode == 0 and all(line.isprintable() for line in done.stdout.split("\n")), done.stderr
        written = (folder / "datapackage.json").read_text("utf-8")
        assert all(c.isprintable() or c == "\n" for c in written)
        assert json.loads(written)["producer"] == json.loads(written)["source_system"] == text
    for option in ("--window", "--complete", "--as-of", "--extracted-at", "--totals"):
        for text in HOSTILE:
            done = heytalk_audit("seal", folder, option, text)
            assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and done.stderr.rstrip("\n").isprintable(), done


def test_a_mapping_with_them_is_refused_in_printable_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    with sqlite3.connect("s.sqlite") as con:
        for number, text in enumerate(HOSTILE):
            con.execute(f"CREATE TABLE {quoted(f'{text}{number}')} ({quoted(text)} TEXT, user_id TEXT)")
    con.close()
    columns = [f"SELECT user_id, {quoted(t)} FROM {quoted(f'{t}{n}')}" for n, t in enumerate(HOSTILE)]
    nowhere = [f"SELECT user_id FROM {quoted(text)}" for text in HOSTILE]
    of_tables = [{"users": select} for select in (*columns, *nowhere)]
    of_keys = [{text: "SELECT 1 AS user_id"} for text in HOSTILE]
    for number, tables in enumerate([*of_tables, *of_keys]):
        document = {"source": {"sqlite": "s.sqlite"}, "as_of": "2025-03-31T12:00:00Z", "tables": tables}
        Path("m.yaml").write_text(yaml.safe_dump(document, allow_unicode=False), "utf-8")
        done = heytalk_audit("import", "m.yaml", "out")
        assert done.returncode == 2 and done.stdout == "", (number, done)
        assert all(line.isprintable() for line in done.stderr.split("\n")) and not Path("out").exists()


def test_a_name_that_is_no_utf_8_is_one_line(tmp_path):
    bad = os.fsdecode(b"f\xff")
    folder = worlds.deliver(tmp_path / "s", worlds.tables_of([]))
    for arguments in (["check", tmp_path / bad], ["seal", folder, "--producer", bad], ["contract", "--dialect", bad], [bad]):
        done = heytalk_audit(*arguments)
        assert done.returncode == 2 and re.fullmatch(r"error: heytalk-audit, argument \d: is no text in UTF-8; .+\n", done.stderr), done
    (folder / f"{bad}.csv").write_text("a\n1\n")
    done = heytalk_audit("check", folder)
    assert done.returncode == 2 and done.stderr.endswith(": has a name that is no UTF-8; rename it\n")
    (tmp_path / bad).mkdir()
    (folder / f"{bad}.csv").unlink()
    folder.rename(tmp_path / bad / "s")
    done = heytalk_audit("check", "s", cwd=tmp_path / bad)
    assert done.returncode == 2 and done.stderr == "error: snapshot s: lies in a folder whose name is no UTF-8; rename that\n"


def test_no_name_of_the_contract_needs_quotes():
    """The SQL of a letter is of the contract's names, in the database's quotes."""
    for dialect in sql.DIALECTS:
        assert re.fullmatch(r'[`"]\w+[`"]', sql._name("user_id", dialect))
