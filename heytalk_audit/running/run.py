"""Run an audit: parameters in, a run folder out, whole or not at all.

Papermill executes the notebooks in fresh kernels, as many at once as there are cores; nbconvert and our own template turn them into
pages. Everything is made in a private working folder and moved into place at the end.
"""

from __future__ import annotations

from heytalk_audit.running import quick_nbformat  # noqa: F401  # isort: skip
import contextlib
import datetime as dt
import os
import shutil
import tempfile
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
from heytalk_audit.errors import InputError, nearest, printable
from heytalk_audit.evidence import custody
from heytalk_audit.evidence.folder import RESULTS, results_of
from heytalk_audit.policy.chapters import CHAPTERS, SUMMARY
from heytalk_audit.running import kernels
from heytalk_audit.running.assemble import STAGED, assemble
from heytalk_audit.running.execute import execute
from heytalk_audit.running.leaks import refuse_leaks
from heytalk_audit.running.prepare import prepare, refuse_changed_snapshots
from heytalk_audit.running.session import TRACEBACKS
from heytalk_audit.running.share import write_share
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
        order = [SNAPSHOT, *(c.notebook for c in CHAPTERS.values()), SUMMARY.notebook, FOLDER]
        return {name: self.seconds[name] for name in order if name in self.seconds} | {"in all": time.monotonic() - self.begun}


def run(
    path: Path,
    overrides: list[str],
    out: Path | None,
    allow: Iterable[str] = (),
    console: Console | None = None,
    debug: bool = False,
) -> Finished:
    """Run the audit that a parameters file describes. Unusable input raises InputError, and nothing is written.

    With `debug` the tracebacks of rules that crashed are printed, and nowhere kept: they may quote data.
    """
    console, watch = console or err, Watch()
    parameters, base = params.read_params(path, overrides), path.resolve().parent
    allowed, target = check_allow(allow), _target(path, parameters, out)
    tracebacks = console if debug else None
    with (
        _working_folder(tracebacks) as work,
        _budget(parameters, base, work) as budget,
        _progress(console) as progress,
        kernels.warm(work, [budget.folder]) as started,
    ):
        with watch.step(SNAPSHOT):
            write_share(budget, 1, work)
            prepare(parameters, base, work, progress, console)
        _log_access(parameters, base, console)
        execute(parameters, work, progress, watch.step, started, budget)
        with watch.step(FOLDER):
            assemble(parameters, base, work)
            refuse_changed_snapshots(parameters, base, work)
            refuse_leaks(parameters, base, work, work / STAGED, target)
            _publish(work / STAGED, target)
    rules = read_results(results_of(target)).rules
    return Finished(target, rules, status((rule.verdict for rule in rules), allowed), watch.total())


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


def _target(path: Path, parameters: params.Params, out: Path | None) -> Path:
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in parameters.audit.id).strip(".") or "audit"
    target = out or path.resolve().parent.parent / "reports" / name
    if target.is_file() or (target.is_dir() and any(target.iterdir()) and not (target / RESULTS).is_file()):
        raise InputError(f"--out {target.name}", "is there already and is no earlier run", "name another folder")
    return target


@contextlib.contextmanager
def _working_folder(tracebacks: Console | None) -> Iterator[Path]:
    """A private folder while the run lasts; the tracebacks that rules left in it are printed at the end, where somebody asks for them."""
    work = Path(tempfile.mkdtemp(prefix="heytalk-audit-"))
    try:
        yield work
    finally:
        if tracebacks is not None:
            _print_tracebacks(work, tracebacks)
        shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def _budget(parameters: params.Params, base: Path, work: Path) -> Iterator[Budget]:
    """What the run may use of the machine. It spills in its working folder, or in one as private within the folder that it names."""
    options = parameters.engine.duckdb(base)
    within = options.get("temp_directory", work)
    folder = Path(tempfile.mkdtemp(prefix="heytalk-audit-spill-", dir=within))
    try:
        yield budget_of(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _publish(staged: Path, target: Path) -> None:
    """Put the finished folder in place; what stood there goes only once the new one is beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.parent / f".{target.name}.{os.getpid()}.{time.monotonic_ns()}"
    old = beside.with_name(beside.name + ".old")
    shutil.copytree(staged, beside)
    if target.exists():
        os.replace(target, old)
    os.replace(beside, target)
    shutil.rmtree(old, ignore_errors=True)
