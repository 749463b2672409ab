"""Run an audit: parameters in, a run folder out, whole or not at all.

Papermill executes the notebooks in fresh kernels, as many at once as there are cores; nbconvert and our own template turn them into
pages. Everything is made in a private working folder and moved into place at the end.
"""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import papermill.exceptions
import yaml
from papermill.iorw import local_file_io_cwd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from heytalk_audit import (
    accepted,
    attestations,
    chain,
    counterfactual,
    custody,
    delivery,
    evidence,
    findings,
    inputs,
    kernels,
    notebook,
    params,
    previous,
    profile,
    replay,
    results,
    review,
    signing,
)
from heytalk_audit.audit import VERDICTS, Audit
from heytalk_audit.chapters import CHAPTERS, FOLLOW_UP, SUMMARY, Chapter, Page
from heytalk_audit.engine import check_url, connect
from heytalk_audit.errors import InputError, nearest
from heytalk_audit.inputs import NOTEBOOKS
from heytalk_audit.periods import Clock
from heytalk_audit.policy import load
from heytalk_audit.report import page as pages
from heytalk_audit.report import suppress
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import open_snapshot

#: Steps that are no notebooks.
SNAPSHOT, FOLDER = "snapshot", "folder"
#: Where the folder is made, within the working folder.
STAGED = "run"
OPEN_VERDICTS = ("REVIEW", "NOT_EVALUATED", "NO_POPULATION", "ERROR")


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its folder, its results, the exit status, and how many seconds each step took, by name.

    The seconds are for the console: nothing in the folder knows of any clock.
    """

    folder: Path
    audit: dict[str, Any]
    rules: list[dict[str, Any]]
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


def run(path: Path, overrides: list[str], out: Path | None, allow: Iterable[str] = (), console: Console | None = None) -> Outcome:
    """Run the audit that a parameters file describes. Unusable input raises InputError, and nothing is written."""
    console, watch = console or Console(stderr=True), Watch()
    given = params.read(path, overrides)
    allowed = check_allow(allow)
    target = _target(path, given, out)
    work = Path(tempfile.mkdtemp(prefix="heytalk-audit-"))
    os.environ[notebook.WORK] = str(work)
    try:
        with _progress(console) as progress, kernels.warm() as manager:
            with watch.step(SNAPSHOT):
                _prepare(given, path.resolve().parent, work, progress, console)
            _log_access(given, path.resolve().parent, console)
            _execute(given, work, progress, watch, manager)
        with watch.step(FOLDER):
            _assemble(given, path.resolve().parent, work)
            _attest(given, path.resolve().parent, work)
            _sign(given, path.resolve().parent, work / STAGED)
            _publish(work / STAGED, target)
        audit = json.loads((target / "results.json").read_text("utf-8"))
        exit_status = status([r["verdict"] for r in audit["rules"]], allowed)
        return Outcome(target, audit["audit"], audit["rules"], exit_status, watch.total())
    finally:
        os.environ.pop(notebook.WORK, None)
        shutil.rmtree(work, ignore_errors=True)


def status(verdicts: list[str], allowed: Iterable[str] = ()) -> int:
    """The exit status of these verdicts: 1 with a FAIL, 3 with something open, else 0."""
    if "FAIL" in verdicts:
        return 1
    return 3 if any(v in OPEN_VERDICTS and v not in allowed for v in verdicts) else 0


def check_allow(allow: Iterable[str]) -> list[str]:
    """The verdicts to let through; FAIL never is."""
    allowed = [v.strip() for v in allow if v.strip()]
    for verdict in allowed:
        if verdict not in OPEN_VERDICTS:
            todo = nearest(verdict, OPEN_VERDICTS) if verdict not in VERDICTS else "let through only " + ", ".join(OPEN_VERDICTS)
            raise InputError(f"--allow {verdict[:40]}", "is no verdict that can be let through", todo)
    return allowed


def _target(path: Path, given: params.Params, out: Path | None) -> Path:
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in given.audit.id).strip(".") or "audit"
    target = out or path.resolve().parent.parent / "reports" / name
    if target.is_file() or (target.is_dir() and any(target.iterdir()) and not (target / "results.json").is_file()):
        raise InputError(f"--out {target.name}", "is there already and is no earlier run", "name another folder")
    return target


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<32}"), BarColumn(24), TimeElapsedColumn())
    # where nobody watches, it would leave an empty line
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _prepare(given: params.Params, base: Path, work: Path, progress: Progress, console: Console) -> None:
    """Refuse what can't be used, and profile the snapshot, before any notebook begins."""
    policy = load(given.policy.name, base)
    settings = params.settings_of(policy, given.settings)
    _check_rules(given)
    if given.policy.text:
        notebook.read_text(base / given.policy.text)
    review.read_labels(base / name for name in given.labels)
    entries = accepted.read(base / given.accepted) if given.accepted else []
    answered = findings.read(base / given.findings) if given.findings else []
    earlier = previous.previous(base / given.previous) if given.previous else None
    if given.previous_snapshot and earlier is None:
        raise InputError("parameters previous_snapshot", "stands without previous", "name the run that was made from it")
    key = notebook.engagement_key(given.report.key_env)
    if len(key) < 32:
        console.print(f"warning: the key in {given.report.key_env} is shorter than 32 bytes")
    if given.signing.key:
        signing.load_key(base / given.signing.key, params.passphrase(given.signing))
    check_url(given.engine.url)
    if given.engine.url == "duckdb":
        connect(given.engine.url, given.engine.options)
    found = delivery.read(base / given.snapshot)
    if given.attestations:
        attestations.read(base / given.attestations, policy, Clock(found.as_of, settings["audit_tz"]).today)
    task = progress.add_task("Checking the snapshot", total=len(found.parts))
    taken = profile.take(found, work, lambda table: progress.update(task, advance=1, description=f"Checking {table}"))
    progress.update(task, completed=len(found.parts), description="Checked the snapshot")
    (work / "profile.json").write_text(json.dumps(taken), "utf-8")
    if answered or any(entry.scope.segment for entry in entries):
        audit = Audit(open_snapshot(base / given.snapshot, connect("duckdb"), work), policy, settings)
        accepted.refuse_unknown_segments(base / (given.accepted or ""), entries, audit)
        findings.refuse_unknown_reasons(base / (given.findings or ""), answered, audit)
    if given.previous_snapshot:
        counterfactual.open_old(base / given.previous_snapshot, earlier, work / chain.EARLIER)
    resolved = given.model_dump(mode="json")
    resolved["snapshot"] = str((base / given.snapshot).resolve())
    for name in ("accepted", "attestations", "findings", "previous", "previous_snapshot"):
        resolved[name] = str((base / getattr(given, name)).resolve()) if getattr(given, name) else None
    resolved["labels"] = [str((base / name).resolve()) for name in given.labels]
    if given.policy.text:
        resolved["policy"]["text"] = str((base / given.policy.text).resolve())
    if (base / given.policy.name).exists():
        resolved["policy"]["name"] = str((base / given.policy.name).resolve())
    (work / "params.yaml").write_text(yaml.safe_dump(resolved, allow_unicode=True), "utf-8")


def _log_access(given: params.Params, base: Path, console: Console) -> None:
    """A line in the snapshot's custody log, where it has one: outside the run, and never a reason to stop."""
    warning = custody.note_run(base / given.snapshot, given.audit.id, dt.datetime.now(dt.UTC))
    if warning:
        console.print(f"warning: {warning}", markup=False)


def _check_rules(given: params.Params) -> None:
    for rule in given.rules:
        if rule not in RULES:
            raise InputError(f"rules {str(rule)[:40]}", "unknown rule", nearest(str(rule), RULES))
    chosen = [r for chapter in given.chapters for r in notebook.rules_of(chapter, given.rules)]
    left = [r for r in given.rules if r not in chosen]
    if left:
        raise InputError(f"rules {left[0]}", "belongs to none of the chapters", "add its chapter, or leave it out")
    if not chosen:
        raise InputError("chapters", "hold no rule", f"choose of {', '.join(CHAPTERS)}")


def _execute(given: params.Params, work: Path, progress: Progress, watch: Watch, manager: type | None = None) -> None:
    """The chapters side by side, then the summary, which only reads; each becomes its pages when it is done.

    A register of accepted exceptions stands in the evidence chapter and speaks of what the others find: then it comes after them.
    """
    chapters = [c for name, c in CHAPTERS.items() if name in given.chapters]
    first, rest = [c for c in chapters if c.name == "evidence"], [c for c in chapters if c.name != "evidence"]
    local = given.engine.url == "duckdb"

    def one(chapter: Chapter) -> None:
        with watch.step(chapter.notebook):
            _execute_one(chapter.notebook, work, progress, manager)
            _write_pages(given, chapter, work)

    # papermill would change the folder of the whole process for each notebook: side by side they would leave it in the wrong one
    # papermill keeps a folder of its own too, and puts back what it found: found by all alike, it is the same for the next run
    with contextlib.chdir(work), local_file_io_cwd(), ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) if local else 1) as pool:
        for batch in (rest, first, [SUMMARY]) if given.accepted else (chapters, [SUMMARY]):
            list(pool.map(one, batch))


def _execute_one(name: str, work: Path, progress: Progress, manager: type | None) -> None:
    task = progress.add_task(name, total=None)
    source, target = NOTEBOOKS / f"{name}.ipynb", work / "executed" / f"{name}.ipynb"
    target.parent.mkdir(exist_ok=True)
    _check_parameters(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("papermill").setLevel(logging.ERROR)
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters={"params": "params.yaml"},
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                extra_arguments=["--IPKernelApp.log_level=40"],
                **({"kernel_manager_class": manager} if manager else {}),
            )
        except papermill.exceptions.PapermillExecutionError as error:
            if error.ename == InputError.__name__:
                raise InputError.again(error.evalue) from None
            # the traceback may quote data: its kind and place are enough
            raise InputError(f"notebook {name}", f"a cell failed with {error.ename}", "open it in JupyterLab and run it there") from None
    progress.update(task, total=1, completed=1)


def _write_pages(given: params.Params, chapter: Chapter, work: Path) -> None:
    """What is kept of an executed notebook, and the pages that it makes."""
    chapters = [c for name, c in CHAPTERS.items() if name in given.chapters]
    listed = [*SUMMARY.pages[:1], *(page for c in chapters for page in c.pages), *_made(given, SUMMARY.further)]
    kept = pages.normalise(nbformat.read(work / "executed" / f"{chapter.notebook}.ipynb", as_version=4))
    (work / STAGED / "notebooks").mkdir(parents=True, exist_ok=True)
    nbformat.write(kept, work / STAGED / "notebooks" / f"{chapter.notebook}.ipynb")
    made, shown = _made(given, chapter.pages), copy.copy(kept)
    left_out = {f"page-{p.name}" for p in chapter.pages if p not in made}
    shown["cells"] = [cell for cell in kept.cells if not left_out & set(cell.metadata["tags"])]
    for page, part in zip(made, pages.split(shown, [p.name for p in made]).values(), strict=True):
        links = [{"href": p.file, "title": p.title, "current": p == page} for p in listed]
        title = f"{page.title} - {given.audit.title}"
        (work / STAGED / page.file).write_text(pages.render(part, title, links, suppress.said(given.report.audience)), "utf-8")


def _made(given: params.Params, all_pages: Iterable[Page]) -> list[Page]:
    """The pages that this run makes: nothing is followed up where no earlier run and no register of findings is named.

    Follow-up speaks of single rows and small numbers: it stays inside.
    """
    followed = given.report.audience == "internal" and bool(given.previous or given.findings)
    return [p for p in all_pages if p != FOLLOW_UP or followed]


def _check_parameters(source: Path) -> None:
    """Papermill only warns of a parameter that a notebook does not know: refuse."""
    known = papermill.inspect_notebook(str(source))
    if set(known) != {"params"}:
        raise InputError(source.name, f"its parameters are {sorted(known)}", "it needs one cell tagged parameters that sets params")


def _assemble(given: params.Params, base: Path, work: Path) -> None:
    """The rest of the run's folder: results and exceptions."""
    staged, chapters = work / STAGED, [c for name, c in CHAPTERS.items() if name in given.chapters]
    rules = [r for c in chapters for r in notebook.rules_of(c.name, given.rules)]
    audit = json.loads((work / "audit.json").read_text("utf-8"))
    limit = params.settings_of(load(given.policy.name, base), given.settings)["unknown_limit"]
    found = [json.loads((work / "results" / f"{r}.json").read_text("utf-8")) for r in rules]
    found = [suppress.of_rule(r, given.report.audience, limit) for r in found]
    also = {
        name: json.loads((work / f"{name}.json").read_text("utf-8")) for name in ("areas", "clauses", "findings", "follow_up", "register")
    }
    (staged / "exceptions").mkdir(parents=True)
    _keep_inputs(given, base, staged)
    (staged / "results.json").write_bytes(results.canonical({"audit": audit, "rules": found} | also))
    if given.report.audience == "internal" and (work / previous.CARRIED_FILE).exists():
        shutil.copyfile(work / previous.CARRIED_FILE, staged / previous.CARRIED_FILE)
    for rule in rules:
        target = staged / "exceptions" / f"{rule}.parquet"
        if given.report.audience == "internal":
            shutil.copyfile(work / "exceptions" / f"{rule}.parquet", target)
        else:
            results.write_exceptions(results.EXCEPTIONS.empty_table(), target)


def _keep_inputs(given: params.Params, base: Path, staged: Path) -> None:
    """What a replay needs and may be shown: the parameters without paths, and the registers and policy that they name."""
    kept = staged / replay.PARAMETERS
    kept.parent.mkdir(parents=True)
    asked = given.model_dump(mode="json", exclude={"signing"} | params.unset(given))
    asked |= {"snapshot": "snapshot", "labels": ["given"] if given.labels else []}
    asked |= {name: "given" if getattr(given, name) else None for name in ("previous", "previous_snapshot")}
    for name in ("accepted", "attestations", "findings"):
        if getattr(given, name):
            # a register names records, people and caps: it stays inside
            asked[name] = f"{name}.yaml" if given.report.audience == "internal" else "given"
            if given.report.audience == "internal":
                shutil.copyfile(base / getattr(given, name), kept.with_name(f"{name}.yaml"))
    policy = load(given.policy.name, base)
    asked["policy"] = {"name": given.policy.name, "text": "given" if given.policy.text else None}
    if (base / given.policy.name).exists():
        asked["policy"]["name"] = "policy"
        for file in policy.files:
            kept.with_name("policy").mkdir(exist_ok=True)
            shutil.copyfile(file, kept.with_name("policy") / ("policy.yaml" if file == policy.files[0] else file.name))
    kept.write_text(yaml.safe_dump(asked, allow_unicode=True), "utf-8")


def _sign(given: params.Params, base: Path, staged: Path) -> None:
    """A detached signature over the statement, where a key is configured."""
    if given.signing.key:
        key = signing.load_key(base / given.signing.key, params.passphrase(given.signing))
        (staged / evidence.SIGNATURE).write_bytes(signing.sign((staged / evidence.NAME).read_bytes(), key))


def _attest(given: params.Params, base: Path, work: Path) -> None:
    """The statement over the finished folder. Paths are left out of it: what they led to is named by its digest."""
    policy, staged = load(given.policy.name, base), work / STAGED
    used = inputs.materials(given, base, policy, json.loads((work / "profile.json").read_text("utf-8")))
    (staged / evidence.NAME).write_bytes(results.canonical(evidence.statement(staged, inputs.asked(given, policy), used)))


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
