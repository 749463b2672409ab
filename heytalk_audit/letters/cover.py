"""The cover letter: a Markdown template, ours or a person's own, filled with what is known of the letter. Everything in it is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from heytalk_audit.canonical import read_bounded
from heytalk_audit.errors import InputError, looked_in, nearest
from heytalk_audit.report.html import Fragment, bullets, join, paragraph, tag

#: No template is larger, in bytes.
_MOST = 100_000
_NAMED = re.compile(r"\{([a-z_]+)\}")
#: What a template may name.
NAMES = ("id", "authority", "reference", "received_on", "answer_by", "as_of", "snapshot", "questions", "answered", "not_answered")


def template_text(file: Path | None) -> str:
    """The text of a template. Raises InputError where it cannot be read, or names what no letter has."""
    if file is None:
        return files(__package__).joinpath("cover.md").read_text("utf-8")
    where = f"letter.template {file.name}"
    try:
        text = read_bounded(file, where, _MOST)
    except (OSError, ValueError) as error:
        raise InputError(where, f"cannot be read {looked_in(file)}", "name a text in Markdown") from error
    for name in _NAMED.findall(text):
        if name not in NAMES:
            raise InputError(where, f"names {{{name[:40]}}}, which no letter has", nearest(name[:40], NAMES))
    return text


def cover_letter(template: str, values: Mapping[str, str]) -> Fragment:
    """The template as HTML: headings (#, ##), paragraphs and lists (-). Values come in after its form is read: they are text."""
    blocks = re.split(r"\n\s*\n", template.strip())
    return join(*(_block([_filled(line, values) for line in block.splitlines()], block) for block in blocks if block.strip()))


def _filled(line: str, values: Mapping[str, str]) -> str:
    return _NAMED.sub(lambda name: values.get(name[1]) or "not stated", line)


def _block(lines: list[str], block: str) -> Fragment:
    if all(line.startswith("- ") for line in block.splitlines()):
        return bullets(line[2:] for line in lines)
    head = re.match(r"(#{1,2}) ", block)
    if head:
        return tag(f"h{len(head[1])}", " ".join(lines)[len(head[0]) :], **({"id": "cover"} if len(head[1]) > 1 else {}))
    return paragraph(" ".join(lines))
