"""Where a run's folder is put: beside nothing, or in the place of an unsigned run that verifies, where somebody asks for that.

Nothing but a run that verifies is ever removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.disk.placing import copy_private, exchange, move_new, refuse_links, staging
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import RESULTS, SIGNATURE, STATEMENT, payload
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.params import Params
from heytalk_audit.vocabulary import Audience

#: What staged runs are called within the folder beside their target.
_NEW = "run"


@dataclass(frozen=True)
class Target:
    """The place of a run's folder; `replace`: an unsigned run that verifies may go from there; `staged`: a private folder beside it."""

    folder: Path
    replace: bool
    staged: Path

    def publish(self, finished: Path) -> str | None:
        """Put a finished folder in its place, in one step. Returns what stays beside it of what was there, null where nothing does."""
        new = self.staged / _NEW
        copy_private(finished, new)
        # it may have changed while the audit ran
        if not refuse_what_is_there(self.folder, self.replace):
            move_new(new, self.folder, _where(self.folder))
            return None
        before = exchange(new, self.folder)
        if _is_replaceable(before):
            shutil.rmtree(before)
            return None
        kept = self.folder.with_name(f"{self.folder.name}.{os.urandom(4).hex()}.before")
        os.rename(before, kept)
        return f"{self.folder.name} was changed while it was replaced: what was there is now {kept.name}"


@contextlib.contextmanager
def prepared_target(folder: Path, replace: bool, snapshot: Path) -> Iterator[Target]:
    """The target of a run, as long as the run lasts. Raises InputError, before any work, where the run could not be put there."""
    refuse_links(folder, _where(folder))
    if folder.resolve().is_relative_to(snapshot.resolve()):
        raise InputError(_where(folder), "lies in the snapshot", "name a folder outside: a snapshot is never changed")
    refuse_what_is_there(folder, replace)
    with staging(folder, _where(folder)) as staged:
        yield Target(folder, replace, staged)


def default_folder(path: Path, parameters: Params) -> Path:
    """The folder of a run whose caller names none: by the audit's id, and for readers outside by these as well."""
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in parameters.audit.id).strip(".") or "audit"
    audience = parameters.report.audience
    return path.resolve().parent.parent / "reports" / (name if audience == Audience.INTERNAL else f"{name}-{audience}")


def refuse_what_is_there(folder: Path, replace: bool) -> bool:
    """Raise InputError for a place that a run may not take. Returns whether a run is there that may go."""
    where = _where(folder)
    if not os.path.lexists(folder) or (folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())):
        return False
    if not folder.is_dir() or not _looks_like_run(folder):
        raise InputError(where, "is there already and is no earlier run", "name another folder")
    if (folder / SIGNATURE).exists():
        raise InputError(where, "is a run that was signed, and such a run is never replaced", "name another folder")
    if not _is_replaceable(folder):
        raise InputError(where, "is a run that does not verify, so that it is not replaced", f"move it away: mv {folder} {folder}.old")
    if not replace:
        raise InputError(where, "is an earlier run", "give --replace to have it replaced, or name another folder")
    return True


def _looks_like_run(folder: Path) -> bool:
    """Whether a folder is a run's own, and neither a bag of one nor anything else that has a file of one of its names."""
    return payload(folder) == folder and (folder / RESULTS).is_file() and (folder / STATEMENT).is_file()


def _is_replaceable(folder: Path) -> bool:
    """Whether a folder is an unsigned run that verifies: every file of it is one that a run wrote, and as it was written."""
    verified = verify_pack(folder)
    return not verified.faults and verified.signer is None and not (folder / SIGNATURE).exists()


def _where(folder: Path) -> str:
    return f"--out {folder.name}"
