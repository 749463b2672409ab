"""Pack a run's folder as a BagIt bag, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from heytalk_audit.disk.placing import copy_private, keep_private, move_new, staging
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.bag import bag_tags
from heytalk_audit.evidence.folder import PAYLOAD, STATEMENT, stated_in
from heytalk_audit.evidence.inventory import inventory
from heytalk_audit.evidence.statement import read_statement
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.release.copies import refuse_leaks_in_copy


def write_bag(run: Path, bag: Path) -> int:
    """Make a BagIt bag whose payload is a run's folder; returns how many files it holds. Whole, or not at all. Raises InputError."""
    where = f"pack {bag.name}"
    if os.path.lexists(bag):
        raise InputError(where, "is there already", "name another folder")
    if (run / PAYLOAD).is_dir() or not (run / STATEMENT).is_file():
        raise InputError(f"pack {run.name}", "is no run's folder", "name the folder that run wrote")
    faults = verify_pack(run).faults
    if faults:
        raise InputError(f"pack {run.name}", f"is not as it was written ({faults[0]})", "run the audit again")
    with staging(bag, where) as staged:
        built = staged / "bag"
        copy_private(run, built / PAYLOAD)
        files = inventory(built).files
        tags = bag_tags(read_statement((run / STATEMENT).read_bytes()), files)
        for name, content in tags.items():
            (built / name).write_bytes(content)
        refuse_leaks_in_copy(built, [built / name for name in tags], bag, run, stated_in(run))
        keep_private(built)
        move_new(built, bag, where)
    return len(files) + len(tags)
