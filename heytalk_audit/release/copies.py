"""Copies of a run are searched before they are published: they may say what the run says, and nothing more of anybody.

The run itself was searched when it was made. So a copy needs no snapshot to be searched: an address, a telephone number or a name that
stands in no file of the run has no business in it. Where the snapshot is named as well, the copy is searched as a run is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from heytalk_audit.disk.working import working_folder
from heytalk_audit.release.candidates import TABLE, Candidates
from heytalk_audit.release.forms import Form
from heytalk_audit.release.own import Own, own
from heytalk_audit.release.search import Leak, hits_of, sources_of
from heytalk_audit.release.withheld import withhold
from heytalk_audit.snapshot import delivery, profile
from heytalk_audit.snapshot.duck import Duck

#: What is compared with the run where no snapshot is at hand: exports have identifiers of their own.
_COMPARED = (Form.EMAIL, Form.IP, Form.PHONE, Form.NAME)
#: Files of which less is: a PDF breaks words and rows, and a bill of materials names what is installed.
_LESS = {"%.pdf": (Form.PHONE, Form.NAME), "%.cdx.json": (Form.NAME,)}


def refuse_leaks_in_copy(
    staged: Path, files: Sequence[Path], target: Path, run: Path, stated: Sequence[str], snapshot: Path | None = None
) -> None:
    """Raise AuditFailure, and withhold the finished copy, where its `files` hold what the run, in its own folder, may not publish.

    `stated` are the texts that people stated to the run, and what it says of itself.
    """
    folders = [staged, run, *filter(None, [snapshot])]
    with working_folder() as work, contextlib.closing(Duck({"temp_directory": str(work)}, [*folders, work])) as duck:
        con, words = duck.backend.con, own().with_texts(stated)
        forms = _searched(con, staged, files, words)
        hits = _beyond(con, run, words) if snapshot is None else _of_snapshot(duck, snapshot, work, forms)
    if hits:
        raise withhold(staged, target, hits)


def _searched(con: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[Path], words: Own) -> set[Form]:
    candidates = Candidates(con, words)
    candidates.add(folder, files)
    candidates.finish()
    return candidates.forms()


def _of_snapshot(duck: Duck, snapshot: Path, work: Path, forms: set[Form]) -> list[Leak]:
    delivered = delivery.read_delivery(snapshot)
    tables = sources_of(profile.take(delivered, work, duck), profile.take_unknown(delivered, work, duck))
    return hits_of(duck.backend.con, tables, forms)


def _beyond(con: duckdb.DuckDBPyConnection, run: Path, words: Own) -> list[Leak]:
    """What a copy holds beyond its run, which is only looked through where there is anything to compare."""
    less = " OR ".join(f"(file LIKE '{file}' AND form IN ({_listed(forms)}))" for file, forms in _LESS.items())
    con.execute(f"CREATE OR REPLACE TABLE copied AS FROM {TABLE} WHERE form IN ({_listed(_COMPARED)}) AND NOT ({less})")
    if not con.execute("SELECT count(*) FROM copied").fetchall()[0][0]:
        return []
    _searched(con, run, sorted(file for file in run.rglob("*") if file.is_file()), words)
    rows = con.execute(f"SELECT DISTINCT file, form FROM copied ANTI JOIN {TABLE} USING (form, value) ORDER BY ALL").fetchall()
    return [Leak(file, f"no file of the run ({form})") for file, form in rows]


def _listed(forms: tuple[Form, ...]) -> str:
    return ", ".join(f"'{form}'" for form in forms)
