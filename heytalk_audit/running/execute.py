"""Execute the notebooks of an audit and turn each into its pages."""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import nbformat
import papermill
import papermill.exceptions
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from rich.progress import Progress

from heytalk_audit.audit import disclosure
from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.errors import AuditFailure, InputError
from heytalk_audit.evidence import folder
from heytalk_audit.evidence.materials import NOTEBOOKS
from heytalk_audit.params import Params
from heytalk_audit.policy.chapters import CHAPTERS, FOLLOW_UP, NUMBERS, SUMMARY, ReportChapter, ReportPage
from heytalk_audit.report import page
from heytalk_audit.running.assemble import STAGED
from heytalk_audit.running.kernels import Kernels
from heytalk_audit.running.order import longest_first
from heytalk_audit.running.session import PARAMETERS_FILE
from heytalk_audit.running.share import write_share
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.budget import Budget
from heytalk_audit.vocabulary import Audience

#: What every notebook lets a run set.
PARAMETERS = {"params", "overrides"}
Step = Callable[[str], AbstractContextManager[None]]


def execute(parameters: Params, work: Path, progress: Progress, step: Step, kernels: Kernels, budget: Budget) -> None:
    """The chapters side by side, then the summary, which only reads; each becomes its pages when it is done.

    Kernels that run at the same time divide what the audit may use. Where it ends early, they end before it.
    """

    def one(chapter: ReportChapter) -> None:
        with step(chapter.notebook):
            executed = execute_notebook(chapter.notebook, progress, kernels.manager)
            _write_pages(parameters, chapter, executed, work / STAGED)

    workers = (os.cpu_count() or 1) if parameters.engine.url == "duckdb" else 1
    with quiet(), ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for batch in _batches(parameters, work):
                write_share(budget, _connections(parameters, batch, workers), work)
                # the first that fails ends the others, whichever it is
                for future in as_completed([pool.submit(one, chapter) for chapter in batch]):
                    future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.stop()
            raise


def _batches(parameters: Params, work: Path) -> list[list[ReportChapter]]:
    """The notebooks that may run at the same time, those that take longest first.

    A register of accepted exceptions stands in the evidence chapter and speaks of what the others find: then it comes after them.
    """
    profiled = json.loads((work / profile.FILE).read_text("utf-8"))
    chapters = longest_first([CHAPTERS[name] for name in CHAPTERS if name in parameters.chapters], parameters.rules, profiled)
    first, rest = [c for c in chapters if c.name == "evidence"], [c for c in chapters if c.name != "evidence"]
    # facts read more tables than any chapter: they begin first, unless they show what people made of a chapter's sample
    facts, later = ([], _of_facts(parameters)) if parameters.labels else (_of_facts(parameters), [])
    batches = [[*facts, *rest], first, later] if parameters.accepted else [[*facts, *chapters], later]
    batches.append([SUMMARY])
    return [batch for batch in batches if batch]


def _of_facts(parameters: Params) -> list[ReportChapter]:
    """The chapter of facts, where the parameters leave any."""
    return [NUMBERS] if parameters.facts else []


def _connections(parameters: Params, batch: list[ReportChapter], workers: int) -> int:
    """How many connections the kernels of a batch have open at a time; the summary opens the earlier run's snapshot beside its own."""
    if batch == [SUMMARY]:
        return 2 if parameters.previous_snapshot else 1
    return min(workers, len(batch))


@contextmanager
def quiet() -> Iterator[None]:
    """Without papermill's own warnings and log, which speak of its insides: once around all threads, whose filters are one."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def execute_notebook(
    name: str, progress: Progress, manager: type[AsyncKernelManager], parameters_file: str = PARAMETERS_FILE
) -> NotebookNode:
    """A notebook as executed in a kernel of its own, on a parameters file of the working folder. Raises InputError or AuditFailure."""
    task = progress.add_task(name, total=None)
    source = NOTEBOOKS / f"{name}.ipynb"
    _check_parameters(source)
    try:
        executed = _papermill(nbformat.read(source, as_version=4), manager, parameters_file)
    except papermill.exceptions.PapermillExecutionError as error:
        for kind in (InputError, AuditFailure):
            if error.ename == kind.__name__:
                raise kind.again(error.evalue) from None
        refuse_failure(_of_system(error))
        # the traceback may quote data: its kind is enough
        raise AuditFailure(f"notebook {name}", f"a cell failed with {error.ename}", "open it in JupyterLab and run it there") from None
    except RuntimeError as error:
        todo = "see whether the machine ran out of memory, then run it again"
        raise AuditFailure(f"notebook {name}", "its kernel was ended from outside, or did not begin", todo) from error
    progress.update(task, total=1, completed=1)
    return executed


def _of_system(error: papermill.exceptions.PapermillExecutionError) -> OSError:
    """What the system refused a cell, by its number; without one, where it refused nothing."""
    number = re.match(r"\[Errno (\d+)\]", str(error.evalue)) if error.ename == OSError.__name__ else None
    return OSError(int(number[1]), "") if number else OSError()


def _papermill(notebook: NotebookNode, manager: type[AsyncKernelManager], parameters_file: str) -> NotebookNode:
    """The notebook as executed. Papermill reads and writes nothing: it would change the folder of the whole process for each file."""
    executed: NotebookNode = papermill.execute_notebook(
        notebook,
        None,
        parameters={"params": parameters_file, "overrides": []},
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        kernel_manager_class=manager,
    )
    return executed


def _write_pages(parameters: Params, chapter: ReportChapter, executed: NotebookNode, staged: Path) -> None:
    """What is kept of an executed notebook, and the pages that it makes."""
    kept = page.normalise(executed)
    (staged / folder.NOTEBOOKS).mkdir(parents=True, exist_ok=True)
    nbformat.write(kept, staged / folder.NOTEBOOKS / f"{chapter.notebook}.ipynb")
    pages, shown = _pages_of(parameters, chapter.pages), copy.copy(kept)
    absent = {f"page-{p.name}" for p in chapter.pages if p not in pages}
    shown["cells"] = [cell for cell in kept.cells if not absent & set(cell.metadata["tags"])]
    for one, part in zip(pages, page.split(shown, [p.name for p in pages]).values(), strict=True):
        links = [{"href": p.file, "title": p.title, "current": p == one} for p in _listed(parameters)]
        title = f"{one.title} - {parameters.audit.title}"
        (staged / one.file).write_text(page.render(part, title, links, disclosure.statement_in_words(parameters.report.audience)), "utf-8")


def _listed(parameters: Params) -> list[ReportPage]:
    """All pages of the report, in the order of its navigation."""
    chapters = [CHAPTERS[name] for name in CHAPTERS if name in parameters.chapters]
    own = (p for chapter in (*_of_facts(parameters), *chapters) for p in chapter.pages)
    return [*SUMMARY.pages[:1], *own, *_pages_of(parameters, SUMMARY.further)]


def _pages_of(parameters: Params, pages: Iterable[ReportPage]) -> list[ReportPage]:
    """The pages that this run makes: nothing is followed up where no earlier run and no register of findings is named.

    Follow-up speaks of single rows and small numbers: it stays inside.
    """
    followed = parameters.report.audience == Audience.INTERNAL and bool(parameters.previous or parameters.findings)
    return [p for p in pages if p != FOLLOW_UP or followed]


def _check_parameters(source: Path) -> None:
    """Papermill only warns of a parameter that a notebook does not know: refuse."""
    declared = set(papermill.inspect_notebook(nbformat.read(source, as_version=4)))
    if declared != PARAMETERS:
        todo = "it needs one cell tagged parameters that sets params and overrides"
        raise InputError(source.name, f"its parameters are {sorted(declared)}", todo)
