"""A command line that no command takes: one line that says where, what, and what to do, with the nearest there is."""

from __future__ import annotations

import re

import pytest
from commands import heytalk_audit
from typer.main import get_command

from heytalk_audit.cli import app
from heytalk_audit.errors import InputError


def leaves(command, path=()):
    """Every command, with the words that name it."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


COMMANDS = dict(leaves(get_command(app)))


def refusal(*arguments: str) -> str:
    with pytest.raises(InputError) as refused:
        get_command(app).main(list(arguments), prog_name="heytalk-audit", standalone_mode=False)
    assert re.fullmatch(r"[^\n]+?: [^\n]+; [^\n]+", str(refused.value))
    return str(refused.value)


#: What JupyterLab takes, it alone knows.
PASSES_ON = [path for path, command in COMMANDS.items() if command.context_settings.get("ignore_unknown_options")]


@pytest.mark.parametrize("path", [path for path in COMMANDS if path not in PASSES_ON], ids=" ".join)
def test_no_command_takes_what_it_does_not_know(path):
    """Of every command: an option that there is none of, arguments too many or missing, and options without their value."""
    command = COMMANDS[path]
    required = [p for p in command.params if p.required]
    assert refusal(*path, "--hepl") == f"heytalk-audit {' '.join(path)} --hepl: is an unknown option; did you mean '--help'?"
    if required:
        said = refusal(*path)
        assert said.startswith(f"heytalk-audit {' '.join(path)}: is given no ") and "; write heytalk-audit" in said
    for option in (p for p in command.params if p.param_type_name == "option"):
        name = max(option.opts, key=len)
        said = refusal(*path, f"{name}=x") if option.is_flag else refusal(*path, name)
        assert said.startswith(f"heytalk-audit {' '.join(path)} {name}: "), said
    positional = [p for p in command.params if p.param_type_name == "argument"]
    if path != ("lab",) and all(p.nargs == 1 for p in positional):
        given = [word for p in required if p.param_type_name == "option" for word in (max(p.opts, key=len), "1999")]
        assert "extra argument" in refusal(*path, *["x"] * (len(positional) + 1), *given)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["chek", "x"], "heytalk-audit chek: is an unknown command; did you mean 'check'?"),
        (["key", "nw"], "heytalk-audit key nw: is an unknown command; did you mean 'new'?"),
        (["--hlp"], "heytalk-audit --hlp: is an unknown option; did you mean '--help'?"),
        (["contract", "--format", "htm"], "heytalk-audit contract --format htm: is unknown; did you mean 'html'?"),
        (["contract", "--format", "x"], "heytalk-audit contract --format x: is unknown; known are html, json-schema, md, sql"),
        (["contract", "--format", "sql", "--dialect", "mysq"], "--dialect mysq: is unknown; did you mean 'mysql'?"),
        (["demo", "d", "--users", "5"], "heytalk-audit demo --users: input should be greater than or equal to 300; mend the value"),
        (["seal"], "heytalk-audit seal: is given no FOLDER; write heytalk-audit seal FOLDER"),
        (["holidays", "ES"], "heytalk-audit holidays: is given no --year; write heytalk-audit holidays REGION --year ..."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_line_names_the_nearest(arguments, line):
    assert refusal(*arguments) == line


@pytest.mark.parametrize("hostile", ["--\x1b[31mred", "\u202egnp.exe", "[red]x[/red]", "a\nb", "'; x. Did you mean 'y'"], ids=ascii)
def test_what_was_typed_is_shown_harmless_and_cut(hostile):
    for arguments in ([hostile * 50], ["check", "--" + hostile * 50], ["contract", "--format", hostile * 50]):
        said = refusal(*arguments)
        assert said.isprintable() and len(said) < 500


def test_it_is_one_line_and_status_2(tmp_path):
    done = heytalk_audit("check", "--requst", "letter.md", "data", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "error: heytalk-audit check --requst: is an unknown option; did you mean '--request'?\n"
    # help is no error of use, and is asked for without words where nothing else is said
    assert "Usage: heytalk-audit" in heytalk_audit("check", "--help").stdout
    assert heytalk_audit().returncode == 2


@pytest.mark.parametrize("command", [["check"], ["seal", "--as-of", "2025-03-31T12:00:00Z"], ["seal"]], ids=" ".join)
def test_a_folder_that_is_no_snapshot(command, tmp_path):
    def line(name: str) -> str:
        done = heytalk_audit(command[0], tmp_path / name, *command[1:])
        assert done.returncode == 2 and done.stdout == "", done
        return done.stderr.removeprefix("error: ").rstrip("\n")

    (tmp_path / "file.csv").write_text("a\n1\n")
    for name, what in (("file.csv", "is a file"), ("nowhere", f"does not exist in {tmp_path}")):
        assert line(name) == f"snapshot {name}: {what}; name the folder that holds the tables and datapackage.json"
    (tmp_path / "junk").mkdir()
    if command == ["seal"]:
        assert "no descriptor says its instant yet" in line("junk")
        return
    nothing = "snapshot junk: holds no table of the contract; "
    deliver = "deliver users.parquet or users.csv, and the tables that heytalk-audit contract lists"
    assert line("junk") == nothing + deliver
    (tmp_path / "junk" / "notes.txt").write_text("x")
    (tmp_path / "junk" / "pictures").mkdir()
    assert line("junk") == nothing + deliver
    (tmp_path / "junk" / "user.csv").write_text("id\n1\n")
    assert line("junk") == nothing + "is user.csv the table users? Rename it, or " + deliver
