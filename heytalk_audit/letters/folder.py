"""The folder of an answered letter: page, answers, Word and PDF copies, notebook, evidence. Whole or not at all."""

from __future__ import annotations

from heytalk_audit.running import quick_nbformat  # noqa: F401  # isort: skip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console
from rich.progress import Progress

from heytalk_audit.audit import disclosure
from heytalk_audit.canonical import canonical, digest, yaml_text
from heytalk_audit.disk.placing import copy_private, move_new, refuse_present, staging
from heytalk_audit.disk.working import working_folder
from heytalk_audit.evidence import folder as names
from heytalk_audit.evidence.materials import NOTEBOOKS, materials, parameters_of
from heytalk_audit.evidence.statement import described, statement
from heytalk_audit.letters import copies, review
from heytalk_audit.letters.annex import AnnexRequest, annex_files, refuse_annex
from heytalk_audit.letters.answer import ANSWERS, LetterAnswers, read_answers
from heytalk_audit.letters.cover import template_text
from heytalk_audit.letters.parameters import LetterParams, audit_of, read_letter
from heytalk_audit.params import Params, paths
from heytalk_audit.policy import load_policy
from heytalk_audit.report import page
from heytalk_audit.running import kernels
from heytalk_audit.running.execute import execute_notebook, quiet
from heytalk_audit.running.leaks import refuse_leaks
from heytalk_audit.running.prepare import prepare, refuse_changed_snapshots
from heytalk_audit.running.session import PARAMETERS_FILE, Session
from heytalk_audit.running.share import write_share
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.budget import budget_of

NOTEBOOK = "regulator-response"
#: The letter's parameters in the working folder, with paths that hold there.
LETTER_FILE = "letter.yaml"
#: What a statement over a letter's folder says that it is.
BUILD = "urn:heytalk-audit:letter:v1"
FOOT = "Answer to a regulator's letter (no assurance). "


@dataclass(frozen=True)
class WrittenLetter:
    """An answered letter: its folder, its answers, and lines for the console on what was left out."""

    folder: Path
    answers: LetterAnswers
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Opened:
    """A letter that is being answered: its parameters, the folder that its paths begin in, and the audit's, where one is opened."""

    letter: LetterParams
    base: Path
    parameters: Params | None
    audit_base: Path


def write_letter(path: Path, out: Path | None, console: Console, annex: AnnexRequest | None = None) -> WrittenLetter:
    """Answer a letter. Unusable input raises InputError, what fails AuditFailure, and nothing is written but lines of the custody log."""
    opened = _opened(path)
    if annex is not None:
        refuse_annex(opened.letter)
    target = out or opened.base.parent / "reports" / "letters" / opened.letter.letter.id
    where = f"--out {target.name}"
    beside, annexed = (target.with_name(f"{target.name}-{what}") for what in ("review", "annex"))
    for place in (target, beside, *([annexed] if annex else [])):
        refuse_present(place, f"--out {place.name}")
    with staging(target, where) as staged, working_folder() as work, kernels.warm(work) as started:
        _prepare(opened, work, console)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress, quiet():
            executed = execute_notebook(NOTEBOOK, progress, started.manager, LETTER_FILE)
        finished = work / "folder"
        clear = _annex(opened, work, annex) if annex else {}
        answers, notes = _fill(opened, work, finished, executed, clear)
        if opened.parameters is not None:
            refuse_changed_snapshots(opened.parameters, opened.audit_base, work)
            refuse_leaks(opened.parameters, opened.audit_base, work, finished, target, _stated(opened))
        folders = [(_written_annex(work, clear), annexed)] if annex else []
        # the letter last: one that is there has what lies beside it
        folders += [(_review(opened, work, answers), beside), (finished, target)]
        for content, place in folders:
            copy_private(content, staged / place.name)
        for _, place in folders:
            move_new(staged / place.name, place, f"--out {place.name}")
    return WrittenLetter(target, answers, notes)


def _annex(opened: _Opened, work: Path, request: AnnexRequest) -> dict[str, bytes]:
    """The annex's files, by name."""
    assert opened.parameters is not None
    snapshot = opened.audit_base / opened.parameters.snapshot
    return annex_files(opened.letter, Session(work / PARAMETERS_FILE), snapshot, request)


def _written_annex(work: Path, files: Mapping[str, bytes]) -> Path:
    folder = work / "annex"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def _review(opened: _Opened, work: Path, answers: LetterAnswers) -> Path:
    """Make the review in the working folder."""
    folder = work / "review"
    folder.mkdir()
    policy = load_policy(opened.parameters.policy.name, opened.audit_base) if opened.parameters else load_policy()
    review.write_review(folder, answers, [read_answers(opened.base / earlier) for earlier in opened.letter.previous], policy)
    return folder


def _opened(path: Path) -> _Opened:
    """A letter, read and refused where it cannot be answered at all."""
    letter, base = read_letter(path), path.resolve().parent
    template_text(base / letter.letter.template if letter.letter.template else None)
    for earlier in letter.previous:
        read_answers(base / earlier)
    parameters, audit_base = audit_of(letter, base) if letter.audit else (None, base)
    return _Opened(letter, base, parameters, audit_base)


def _prepare(opened: _Opened, work: Path, console: Console) -> None:
    """Leave in the working folder what the kernel reads."""
    document = opened.letter.model_dump(mode="json", by_alias=True, exclude_none=True)
    stated = opened.letter.letter
    if stated.template:
        document["letter"]["template"] = str((opened.base / stated.template).resolve())
    document["previous"] = [str((opened.base / earlier).resolve()) for earlier in opened.letter.previous]
    if opened.parameters is None:
        document["run"] = str((opened.base / str(opened.letter.run)).resolve())
    else:
        document["audit"] = PARAMETERS_FILE
        write_share(budget_of(opened.parameters.engine.duckdb(opened.audit_base), work), 1, work)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            prepare(opened.parameters, opened.audit_base, work, progress, console)
    (work / LETTER_FILE).write_text(yaml_text(document), "utf-8")


def _fill(
    opened: _Opened, work: Path, finished: Path, executed: nbformat.NotebookNode, clear: Mapping[str, bytes]
) -> tuple[LetterAnswers, tuple[str, ...]]:
    """Make the folder within the working folder. `clear` are the annex's files, whose digests its statement has."""
    finished.mkdir()
    stated = opened.letter.letter
    content = (work / ANSWERS).read_bytes()
    answers = LetterAnswers.model_validate(json.loads(content))
    (finished / ANSWERS).write_bytes(content)
    kept = page.normalise(executed)
    (finished / names.NOTEBOOKS).mkdir()
    nbformat.write(kept, finished / names.NOTEBOOKS / f"{NOTEBOOK}.ipynb")
    title = f"Answer {stated.id} to {stated.authority}"
    note = f"{disclosure.statement_in_words(stated.audience)} SHA-256 of {ANSWERS}: {digest(content)}"
    (finished / names.INDEX).write_text(page.render(kept, title, [], note), "utf-8")
    notes = copies.write_printed(work, finished, copies.Cited.of(answers, digest(content)), title)
    (finished / names.STATEMENT).write_bytes(canonical(_statement(opened, work, finished, clear)))
    return answers, notes


def _statement(opened: _Opened, work: Path, finished: Path, clear: Mapping[str, bytes]) -> dict[str, Any]:
    """The statement over the folder: its files, the parameters without paths, what went in, and the annex beside it."""
    own = _without_paths(opened.letter)
    used = [described(f"notebook/{NOTEBOOK}.ipynb", (NOTEBOOKS / f"{NOTEBOOK}.ipynb").read_bytes())]
    used += [described(f"previous/{number}/{ANSWERS}", (opened.base / path / ANSWERS).read_bytes()) for number, path in _numbered(opened)]
    used += [described(f"annex/{name}", content) for name, content in clear.items()]
    if opened.letter.letter.template:
        used.append(described("letter/template", (opened.base / opened.letter.letter.template).read_bytes()))
    if opened.parameters is None:
        run = names.payload(opened.base / str(opened.letter.run))
        used += [described(f"run/{name}", (run / name).read_bytes()) for name in (names.STATEMENT, names.RESULTS)]
        return statement(finished, {"letter": own}, used, build=BUILD)
    policy = load_policy(opened.parameters.policy.name, opened.audit_base)
    profiled = json.loads((work / profile.FILE).read_text("utf-8"))
    used += materials(opened.parameters, opened.audit_base, policy, profiled)
    return statement(finished, parameters_of(opened.parameters, policy) | {"letter": own}, used, build=BUILD)


def _numbered(opened: _Opened) -> Iterator[tuple[int, str]]:
    return enumerate(opened.letter.previous, 1)


def _without_paths(letter: LetterParams) -> dict[str, Any]:
    document = letter.model_dump(mode="json", by_alias=True, exclude_none=True)
    for path in paths(letter):
        place = document
        for step in path.key[:-1]:
            place = place[step]
        place.pop(path.key[-1], None)
    return document


def _stated(opened: _Opened) -> Iterator[str]:
    """The texts of what people state in a letter: these are no leak."""
    yield yaml_text(opened.letter.model_dump(mode="json", by_alias=True))
    stated = opened.letter.letter
    yield template_text(opened.base / stated.template if stated.template else None)
    yield from copies.texts_of_template()
