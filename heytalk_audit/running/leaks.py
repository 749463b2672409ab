"""A finished run is searched for values of the snapshot before it is published."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from heytalk_audit.canonical import yaml_text
from heytalk_audit.params import Params, Role, paths
from heytalk_audit.policy import load_policy
from heytalk_audit.release.candidates import Candidates
from heytalk_audit.release.own import own
from heytalk_audit.release.search import hits_of, sources_of
from heytalk_audit.release.withheld import withhold
from heytalk_audit.running.share import read_share
from heytalk_audit.snapshot import profile
from heytalk_audit.snapshot.duck import Duck


def refuse_leaks(parameters: Params, base: Path, work: Path, staged: Path, target: Path, stated: Iterable[str] = ()) -> None:
    """Raise AuditFailure where a file of the finished folder holds an address, number, identifier or name that the snapshot has.

    The folder is withheld then, see `withheld`. What parameters, registers and the policy say is no leak: it was stated for the report.
    Nor is what further texts say that are `stated`.
    """
    described = (json.loads((work / name).read_text("utf-8")) for name in (profile.FILE, profile.UNKNOWN_FILE) if (work / name).exists())
    with contextlib.closing(Duck(read_share(work), [base / parameters.snapshot, work])) as duck:
        con = duck.backend.con
        candidates = Candidates(con, own().with_texts([*_stated(parameters, base), *stated]))
        candidates.add(staged, sorted(file for file in staged.rglob("*") if file.is_file()))
        candidates.finish()
        hits = hits_of(con, sources_of(*described), candidates.forms())
    if hits:
        raise withhold(staged, target, hits)


def _stated(parameters: Params, base: Path) -> Iterator[str]:
    """The texts of what people state to the audit. Labels are none: they quote what users wrote."""
    yield yaml_text(parameters.model_dump(mode="json"))
    for path in paths(parameters):
        if path.role in (Role.REGISTER, Role.POLICY_TEXT):
            yield from ((base / value).read_text("utf-8", "replace") for value in path.values)
    yield from (file.read_text("utf-8", "replace") for file in load_policy(parameters.policy.name, base).files)
