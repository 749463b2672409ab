"""What is printed steers no terminal, whoever prints it and wherever it comes from."""

from __future__ import annotations

import ast
import csv
import io
import re
import shutil

import pytest
from commands import heytalk_audit, params
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text
from test_house import MODULES, PACKAGE

from heytalk_audit.console import Screen
from heytalk_audit.exports.recorded import line
from heytalk_audit.exports.tables import safe
from heytalk_audit.handover.markdown import escape as markdown
from heytalk_audit.report.html import escape

#: Colours, a title, a link, a cleared screen; text turned around, hidden, broken and overwritten; markup, links and emoji codes of the
#: library that prints.
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x.invalid\x1b\\link\x1b]8;;\x1b\\",
    "\x9b2J",
    "\u202egpj.exe",
    "\u2066a\u2069\u200f\u061c",
    "zero\u200bwidth\u00ad\ufeff",
    "a\rb\x08c\x7f\x00",
    "line\u2028paragraph\u2029next\x85",
    "lone \ud800 half",
    "tag \U000e0041\U000e007f",
    "[bold red]x[/bold red][/]",
    "[link=http://x.invalid]y[/link]",
    ":skull:",
]


def screen(width: int = 200, is_terminal: bool = True) -> Screen:
    return Screen(file=io.StringIO(), force_terminal=is_terminal, color_system="truecolor" if is_terminal else None, width=width)


def harmless(text: str, hostile: str, is_live: bool) -> None:
    """No character that steers, and markup is text. A line that is drawn anew goes back by itself."""
    bare = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    bare = bare.replace("\r", "") if is_live else bare
    assert all(c.isprintable() or c == "\n" for c in bare), repr(bare)
    if hostile[0] in "[:":
        assert hostile in bare
    assert "\x1b[31m" not in text and "\x1b[1;31m" not in text and "\x1b]" not in text


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
@pytest.mark.parametrize("form", ["text", "rich", "table", "rich table", "progress", "status"])
def test_whatever_prints_it_is_harmless(hostile, form):
    console = screen()
    if form in ("text", "rich"):
        console.print(hostile if form == "text" else Text(hostile), soft_wrap=True)
    elif form == "progress":
        with Progress(TextColumn("{task.description}", markup=False), BarColumn(3), console=console) as progress:
            progress.add_task(hostile, total=1)
    elif form == "status":
        with console.status(Text(hostile)):
            pass
    else:
        table = Table("Name", box=None)
        table.add_row(hostile if form == "table" else Text(hostile))
        console.print(table)
    harmless(console.file.getvalue(), hostile, form in ("progress", "status"))


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_reports_and_exports_show_what_cannot_be_seen(hostile):
    for written in (escape(hostile), line(hostile), markdown(hostile), safe(hostile)):
        assert all(c.isprintable() or c in "\n\t" for c in written), repr(written)
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe(hostile)])
    assert "\u202e" not in buffer.getvalue() and "\x1b" not in buffer.getvalue()


#: Where a stream is written that is none of a terminal: the answers to the process that starts kernels.
NO_TERMINAL = {("running/forks.py", "print")}
WRITERS = {"print", "echo", "secho", "Console", "print_exc", "print_exception", "pprint", "input"}


def writers(tree: ast.AST) -> set[str]:
    """What a module calls that could write to a terminal by itself, or read markup."""
    calls = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in WRITERS or (attribute in WRITERS and owner in ("typer", "click", "rich", "traceback", "rich.console")):
                calls.add(name or attribute)
            if owner in ("sys.stdout", "sys.stderr", "sys.stdout.buffer", "sys.stderr.buffer") and attribute.startswith("write"):
                calls.add(f"{owner}.{attribute}")
            if any(k.arg == "markup" and isinstance(k.value, ast.Constant) and k.value.value is True for k in node.keywords):
                calls.add("markup=True")
            if attribute in ("from_markup", "render_markup", "from_ansi"):
                calls.add(attribute)
    return calls


def test_only_the_console_writes_to_a_terminal():
    found = {(p.relative_to(PACKAGE).as_posix(), call) for p in MODULES for call in writers(ast.parse(p.read_text("utf-8")))}
    assert {pair for pair in found if pair[0] != "console.py"} == NO_TERMINAL


def test_a_writer_is_seen():
    source = "print(x)\ntyper.echo(x)\nsys.stdout.write(x)\nout.print(x, markup=True)\nText.from_markup(x)\nConsole()"
    assert writers(ast.parse(source)) == {"print", "echo", "sys.stdout.write", "markup=True", "from_markup", "Console"}


EVIL = "\x1b[31m\u202e[bold]x"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", EVIL],
        ["check", EVIL],
        ["verify", EVIL],
        [EVIL],
        ["run", f"--{EVIL}"],
        ["rules", EVIL],
        ["plan", "p.yaml", "-p", f"{EVIL}=1"],
        ["demo", ".", "--users", EVIL],
        ["custody", "show", EVIL],
        ["run", "p.yaml", "--allow", EVIL],
    ],
    ids=lambda a: ascii(" ".join(a)),
)
def test_what_was_typed_is_one_harmless_line(arguments, tmp_path):
    params(tmp_path, tmp_path / "nothing").rename(tmp_path / "p.yaml")
    done = heytalk_audit(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    (only,) = done.stderr.splitlines()
    assert only.startswith("error: ") and only.isprintable(), ascii(only)
    assert done.stdout == ""


def test_a_hostile_title_and_folder_are_printed_and_do_nothing(demo, tmp_path):
    folder = tmp_path / "sna[red]p\u202e\x1b[31m"
    shutil.copytree(demo, folder)
    title = "A \x1b[31mtitle\u202e[red]x"
    given = params(tmp_path, folder, audit={"id": "x\u202e", "title": title}, rules=["RET-07"])
    for arguments in (["plan", given], ["check", folder]):
        done = heytalk_audit(*arguments)
        assert done.returncode in (0, 3), done.stderr
        assert all(c.isprintable() or c == "\n" for c in done.stdout + done.stderr)
        assert "[red]" in done.stdout
