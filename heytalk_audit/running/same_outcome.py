"""Whether two runs say the same of the data: verdicts, ledgers and exception rows, whatever code and format wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from heytalk_audit.canonical import file_sha256
from heytalk_audit.evidence.folder import exceptions_file
from heytalk_audit.evidence.inventory import PackFault
from heytalk_audit.evidence.results import results_in
from heytalk_audit.evidence.row_files import opened_reader, same_rows


def outcome_differences(old: Path, new: Path) -> Iterator[PackFault]:
    """Rules whose verdict, ledger or exception rows are not the same in two runs' folders, both verified. Raises InputError."""
    before, now = ({rule.id: rule for rule in results_in(folder, f"run {folder.name}").rules} for folder in (old, new))
    with opened_reader(old, new) as reader:
        for id in dict.fromkeys([*before, *now]):
            if id not in before or id not in now:
                yield PackFault(id, "was not evaluated then" if id not in before else "is not evaluated now")
            elif before[id].verdict != now[id].verdict:
                yield PackFault(id, f"verdict {before[id].verdict} before, {now[id].verdict} now")
            elif before[id].ledger != now[id].ledger:
                yield PackFault(id, "its ledger is another")
            else:
                files = [exceptions_file(folder, id) for folder in (old, new)]
                there = [file for file in files if file.exists()]
                if len(there) == 1 or (there and file_sha256(files[0]) != file_sha256(files[1]) and not same_rows(reader, *files)):
                    yield PackFault(id, "its exception rows are others")
