"""The data engineer's page works as it stands: from a PostgreSQL database with other names to a first verdict, in three rounds."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sys
from pathlib import Path

import pytest
from commands import heytalk_audit
from conftest import KEY

from heytalk_audit import cli

pytestmark = pytest.mark.xdist_group("postgres")

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data-engineer.md").read_text("utf-8")
#: A file, a change of a line of one, or commands with what they print.
BLOCK = re.compile(r"(?:`([\w.]+)`(, its line of `[\w.]+`)?:\n\n)?```(\w+)\n(.*?)```\n", re.S)


@pytest.fixture
def club(postgres, tmp_path, monkeypatch):
    """An empty schema for the page's database, the page's variables, and its folder as the working one."""
    import adbc_driver_postgresql.dbapi as driver

    con = driver.connect(postgres, autocommit=True)

    def execute(text):
        with con.cursor() as cursor:
            for statement in text.strip().rstrip(";").split(";\n"):
                cursor.execute(statement)

    execute("CREATE SCHEMA club;\nSET search_path TO club")
    monkeypatch.setenv("CLUB", postgres.replace("user=admin", "user=club_reader") + "&options=-csearch_path%3Dclub")
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield execute
    signal.signal(signal.SIGTERM, before)
    con.close()


def printed(command, capsys, monkeypatch):
    """What a command prints, standard error first, as `import` does."""
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as end:
        cli.main()
    shown = capsys.readouterr()
    return shown.err + shown.out, end.value.code or 0


def test_the_page_leads_to_a_verdict_in_three_rounds(club, capsys, monkeypatch):
    rounds = 0
    for name, change, language, content in BLOCK.findall(PAGE):
        if language == "console":
            command, _, expected = content.removeprefix("$ ").partition("\n")
            assert printed(command, capsys, monkeypatch)[0] == expected
            rounds += 1
        elif change:
            key, path = content.split(":")[0], Path(name)
            lines = path.read_text("utf-8").splitlines(keepends=True)
            path.write_text("".join(content if line.startswith(f"{key}:") else line for line in lines), "utf-8")
        else:
            Path(name).write_text(content, "utf-8")
            if language == "sql":
                club(content)
                if "CREATE ROLE" in content:
                    club("GRANT USAGE ON SCHEMA club TO club_reader")
    assert rounds == 3
    check, run = (line.strip() for line in PAGE.splitlines() if re.match(r"    heytalk-audit (check|run) ", line))
    assert heytalk_audit(*shlex.split(check)[1:]).returncode == 0
    done = heytalk_audit(*shlex.split(run)[1:])
    (report,) = re.findall(r"`(reports/[\w./]+)`", PAGE)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == report, done.stderr
    results = json.loads((Path(report).parent / "results.json").read_text("utf-8"))["rules"]
    rows = [f"| {r['id']} | {r['verdict']} | {r['ledger']['in_scope']} | {r['ledger']['violation']} |" for r in results]
    assert rows == [row for row in PAGE.splitlines() if row.startswith("| RET-")]
