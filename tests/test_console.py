"""What a person meets at the console: help with an example, a rule in words, paths that begin where they are, a table that fits."""

from __future__ import annotations

import io
import shlex

import pytest
import typer.main
import yaml
from rule_results import EMPTY, rule_result

from heytalk_audit import console, params
from heytalk_audit.catalogue import show_rule
from heytalk_audit.cli import app
from heytalk_audit.errors import InputError
from heytalk_audit.params import Role


def commands(group, names=()):
    """Every command below a group, with the words that call it."""
    for name, command in group.commands.items():
        yield from commands(command, (*names, name)) if hasattr(command, "commands") else [((*names, name), command)]


ALL = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("names", "command"), ALL, ids=[" ".join(names) for names, _ in ALL])
def test_the_help_of_a_command_ends_with_an_example_that_works(names, command):
    program, *words = shlex.split(command.epilog.removeprefix("Example: "))
    assert program == "heytalk-audit" and tuple(words[: len(names)]) == names
    command.make_context(names[-1], words[len(names) :])  # raises where an option or argument is none


def printed(show) -> str:
    screen = console.Screen(file=io.StringIO(), width=80)
    show(screen)
    return screen.file.getvalue()


def test_a_rule_is_shown_in_words_and_its_sql_when_asked():
    words = printed(lambda screen: show_rule("ret-07", screen))
    assert all(
        head in words for head in ("How it is tested", "Reasons", "Clauses", "Law (to be confirmed by counsel)", "What it does not show")
    )
    assert "SELECT" not in words and "def " not in words
    with_sql = printed(lambda screen: show_rule("RET-07", screen, sql=True))
    assert with_sql.startswith(words.rstrip("\n")) and "SELECT" in with_sql and "def " in with_sql


def parameters(folder, **more):
    file = folder / "params" / "p.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({"audit": {"id": "x"}, "snapshot": "../data", **more}), "utf-8")
    return file


def test_paths_of_the_command_line_begin_where_it_runs(tmp_path, monkeypatch):
    file = parameters(tmp_path, accepted="accepted.yaml")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    given = ["labels=[a.csv, ../b.csv]", "previous=old", "policy={name: heytalk, text: policy.txt}", "decisions=/elsewhere/d.yaml"]
    read = params.read_params(file, given)
    assert read.labels == [f"{here}/a.csv", f"{here}/../b.csv"] and read.previous == f"{here}/old"
    assert read.policy.name == "heytalk" and read.policy.text == f"{here}/policy.txt"
    assert read.decisions == "/elsewhere/d.yaml"
    assert (read.snapshot, read.accepted) == ("../data", "accepted.yaml")  # those of the file begin in its own folder
    (here / "own.yaml").write_text("", "utf-8")
    assert params.read_params(file, ["policy.name=own.yaml"]).policy.name == f"{here}/own.yaml"


def test_every_path_is_known_by_its_key():
    marked = params.path_keys()
    read = params.check({"audit": {"id": "x"}, "snapshot": "s"}, "x")
    assert {path.key: path.role for path in params.paths(read)} == marked
    assert marked[("snapshot",)] == Role.SNAPSHOT and ("policy", "text") in marked and ("signing", "key") in marked


def test_a_file_that_is_not_there_is_said_with_its_folder(tmp_path):
    with pytest.raises(InputError, match=rf"no such file in {tmp_path}/params;"):
        params.read_params(tmp_path / "params" / "none.yaml")


@pytest.mark.parametrize("width", [80, 100, 132, 200])
def test_the_table_of_verdicts_keeps_rule_and_severity(width, monkeypatch):
    screen = console.Screen(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(console, "out", screen)
    ledger = EMPTY["ledger"] | {"in_scope": 123_456_789, "violation": 12_345_678}
    reason = "not delivered: " + "a_very_long_table_name " * 20
    rules = [rule_result(id="SEN-06L", severity="critical", verdict="NOT_EVALUATED", reason=reason, ledger=ledger)]
    console.print_verdicts(rules)
    head, line = screen.file.getvalue().rstrip("\n").split("\n")
    assert line.split()[:3] == ["SEN-06L", "NOT_EVALUATED", "critical"] and len(line.rstrip()) <= width and "not delivered" in line
    assert ("123,456,789" in line) == ("Scope" in head)
    assert width < 132 or "Exempt" in head


def test_a_table_for_a_file_has_every_column(monkeypatch):
    screen = console.Screen(file=io.StringIO(), width=40)
    monkeypatch.setattr(console, "out", screen)
    wide = console.Screen(file=io.StringIO(), width=console.WIDE)
    monkeypatch.setattr(console, "wide", lambda: wide)
    console.print_verdicts([rule_result(id="RET-01")])
    assert "Exempt" in wide.file.getvalue() and screen.file.getvalue() == ""
