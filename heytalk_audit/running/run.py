"""Run an audit: parameters in, a run folder out, whole or not at all.

Papermill executes the notebooks in fresh kernels, as many at once as there are cores; nbconvert and our own template turn them into
pages. Everything is made in a private working folder and moved into place at the end.
"""

from __future__ import annotations

from heytalk_audit.running import quick_nbformat  # noqa: F401  # isort: skip
import contextlib
import datetime as dt
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from heytalk_audit import params
from heytalk_audit.audit.document import read_results
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.console import err
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import InputError, nearest, printable
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.folder import results_of
from heytalk_audit.policy.chapters import CHAPTERS, NUMBERS, SUMMARY
from heytalk_audit.running import kernels
from heytalk_audit.running.assemble import STAGED, assemble
from heytalk_audit.running.execute import execute
from heytalk_audit.running.leaks import refuse_leaks
from heytalk_audit.running.prepare import prepare, refuse_changed_snapshots
from heytalk_audit.running.session import TRACEBACKS
from heytalk_audit.running.share import write_share
from heytalk_audit.running.target import default_folder, prepared_target
from heytalk_audit.snapshot.budget import Budget, budget_of
from heytalk_audit.vocabulary import Verdict

#: Steps that are no notebooks.
SNAPSHOT, FOLDER = "snapshot", "folder"
#: Verdicts that may be let through.
OPEN_VERDICTS = tuple(verdict for verdict in Verdict if verdict.is_open)


@dataclass(frozen=True)
class Finished:
    """A finished run: its folder, the results of its rules, the exit status, and how many seconds each step took, by name.

    The seconds are for the console: nothing in the folder knows of any clock.
    """

    folder: Path
    rules: tuple[RuleResult, ...]
    status: int
    seconds: dict[str, float]


class Watch:
    """How long steps took by the clock; some run side by side."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun

    def total(self) -> dict[str, float]:
        """The steps by name, in order, and all of them together."""
        order = [SNAPSHOT, NUMBERS.notebook, *(c.notebook for c in CHAPTERS.values()), SUMMARY.notebook, FOLDER]
        return {name: self.seconds[name] for name in order if name in self.seconds} | {"in all": time.monotonic() - self.begun}


def run(
    path: Path,
    overrides: list[str],
    out: Path | None,
    allow: Iterable[str] = (),
    console: Console | None = None,
    debug: bool = False,
    replace: bool = False,
) -> Finished:
    """Run the audit that a parameters file describes. Unusable input raises InputError, what fails AuditFailure, and nothing is written.

    With `replace` an unsigned run that verifies may be replaced: see `target`. With `debug` the tracebacks of rules that crashed are
    printed, and nowhere kept: they may quote data.
    """
    console, watch = console or err, Watch()
    parameters, base = params.read_params(path, overrides), path.resolve().parent
    allowed, folder = check_allow(allow), out or default_folder(path, parameters)
    with (
        _noted() as notes,
        prepared_target(folder, replace, base / parameters.snapshot) as target,
        _working_folder(console if debug else None) as work,
        _budget(parameters, base, work) as budget,
        _progress(console) as progress,
        kernels.warm(work) as started,
    ):
        with watch.step(SNAPSHOT):
            write_share(budget, 1, work)
            prepare(parameters, base, work, progress, console)
        _log_access(parameters, base, console)
        execute(parameters, work, progress, watch.step, started, budget)
        with watch.step(FOLDER):
            assemble(parameters, base, work)
            refuse_changed_snapshots(parameters, base, work)
            refuse_leaks(parameters, base, work, work / STAGED, folder)
            warning = target.publish(work / STAGED)
        notes.append(f"{folder} was written")
    if warning:
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    rules = read_results(results_of(folder)).rules
    return Finished(folder, rules, status((rule.verdict for rule in rules), allowed), watch.total())


@contextlib.contextmanager
def _noted() -> Iterator[list[str]]:
    """What is done is noted with whatever ends the command after that."""
    notes: list[str] = []
    try:
        yield notes
    except BaseException as error:
        for note in notes:
            error.add_note(note)
        raise


def status(verdicts: Iterable[str], allowed: Collection[str] = ()) -> int:
    """The exit status of these verdicts: 1 with a FAIL, 3 with something open, else 0."""
    there = {Verdict(verdict) for verdict in verdicts}
    if Verdict.FAIL in there:
        return 1
    return 3 if any(verdict.is_open and verdict not in allowed for verdict in there) else 0


def check_allow(allow: Iterable[str]) -> list[str]:
    """The verdicts to let through; FAIL never is."""
    allowed = [word.strip() for word in allow if word.strip()]
    for word in allowed:
        if word not in OPEN_VERDICTS:
            todo = "let through only " + ", ".join(OPEN_VERDICTS) if word in list(Verdict) else nearest(word, OPEN_VERDICTS)
            raise InputError(f"--allow {word[:40]}", "is no verdict that can be let through", todo)
    return allowed


@contextlib.contextmanager
def _working_folder(tracebacks: Console | None) -> Iterator[Path]:
    """A private folder while the run lasts; the tracebacks that rules left in it are printed at the end, where somebody asks for them."""
    with working_folder() as work:
        try:
            yield work
        finally:
            if tracebacks is not None:
                _print_tracebacks(work, tracebacks)


@contextlib.contextmanager
def _budget(parameters: params.Params, base: Path, work: Path) -> Iterator[Budget]:
    """What the run may use of the machine. It spills in its working folder, or in one as private within the folder that it names."""
    options = parameters.engine.duckdb(base)
    with working_folder(Path(options.get("temp_directory", work))) as folder:
        yield budget_of(options, folder)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<32}", markup=False), BarColumn(24), TimeElapsedColumn())
    # where nobody watches, it would leave an empty line
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _log_access(parameters: params.Params, base: Path, console: Console) -> None:
    """A line in the snapshot's custody log, where it has one: outside the run, and never a reason to stop."""
    warning = custody.note_run(base / parameters.snapshot, parameters.audit.id, dt.datetime.now(dt.UTC))
    if warning:
        console.print(f"warning: {warning}", markup=False)


def _print_tracebacks(work: Path, console: Console) -> None:
    for file in sorted((work / TRACEBACKS).glob("*.txt")):
        console.print(f"{file.stem}:", markup=False)
        for line in file.read_text("utf-8").splitlines():
            console.print(printable(line), markup=False, soft_wrap=True)
