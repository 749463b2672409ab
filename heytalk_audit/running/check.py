"""Check a delivery: everything that is the matter with it, at once, in the order of what it unlocks."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.unlocks import Unlock, other_blocks, unlocks, usable_columns
from heytalk_audit.contract import needs
from heytalk_audit.disk.working import working_folder
from heytalk_audit.errors import Faults, printable
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot import delivery, gate, profile
from heytalk_audit.snapshot.defects import Defect, DefectKind, NotInContract, defects_of, not_in_contract
from heytalk_audit.snapshot.delivery import DESCRIPTOR, Delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.snapshot.statements import Gap, unstated

HEADS = ("Table", "Delivered", "Rows", "Window", "Complete")


@dataclass(frozen=True)
class Checked:
    """What a check of a delivery shows.

    `tables` has a row for each table of the contract, see `HEADS`; `blocked` are why rules are not evaluated that lack nothing, by rule;
    `failed` the tables whose totals are not those that were stated, and why; `gaps` what nobody stated.
    """

    name: str
    is_sealed: bool
    tables: list[tuple[str, ...]]
    defects: list[Defect]
    strangers: list[NotInContract]
    unlocks: list[Unlock]
    blocked: dict[str, str]
    failed: dict[str, str]
    gaps: list[Gap]

    @property
    def keeps(self) -> bool:
        """Whether all that was delivered keeps the contract."""
        return self.is_sealed and not (self.strangers or self.failed or any(defect.breaks for defect in self.defects))

    @property
    def unlocked(self) -> list[str]:
        """What to deliver, or to mend, and how many rules run then, a sentence each."""
        wrong = {defect.name for defect in self.defects if defect.kind == DefectKind.TYPE}
        return [unlock_in_words(unlock, wrong, is_first=i == 0) for i, unlock in enumerate(self.unlocks)]

    @property
    def run(self) -> int:
        """How many rules can be evaluated."""
        return len(RULES) - len(self.blocked) - sum(len(unlock.rules) for unlock in self.unlocks)


def check_delivery(folder: Path) -> Checked:
    """Check the delivery in a folder, sealed or not. Raises InputError, which names all that can't be read."""
    faults = Faults()
    delivered = delivery.read_delivery(folder, descriptor=False, whole=False, faults=faults)
    is_sealed = (folder / DESCRIPTOR).exists()
    described = replace(delivered, descriptor=delivery.read_descriptor(folder) if is_sealed else {})
    with working_folder() as work, contextlib.closing(Duck(folders=[folder, work])) as duck:
        with faults.gathered():
            profiled = profile.load_or_take(described, work, duck)
        faults.refuse()
        return _checked(described, profiled, duck, work, is_sealed)


def _checked(described: Delivery, profiled: dict[str, Any], duck: Duck, work: Path, is_sealed: bool) -> Checked:
    usable = usable_columns(profiled)
    lacks = {id: of_rule.lacking(usable) for id, of_rule in needs.of_rules().items() if id in RULES}
    defects = sorted(defects_of(described, profiled, duck, work), key=lambda defect: -_weight(defect.name))
    blocked, failed = {}, {}
    if is_sealed and all(table.name in profiled for table in contract.load().values() if table.required):
        policy = load_policy()
        audit = Audit(open_snapshot(described.folder, duck, work), policy, settings_of(policy, {}))
        blocked, failed = other_blocks({id: rule for id, rule in RULES.items() if not lacks.get(id)}, audit), audit.blocked
    return Checked(
        described.folder.resolve().name,
        is_sealed,
        [_row(described, profiled, table) for table in contract.load()],
        defects,
        not_in_contract(described, profiled),
        unlocks(lacks),
        blocked,
        failed,
        unstated(described, gate.first_created(profiled)),
    )


def _weight(name: str) -> int:
    """How many rules stop without a table or column."""
    return len(needs.stops_without().get(name, ()))


def _row(described: Delivery, profiled: Mapping[str, Any], table: str) -> tuple[str, ...]:
    if table not in profiled:
        return (table, "required" if contract.load()[table].required else "no", "", "", "")
    stated = described.resource(table)
    start, end = (str(stated.get(key) or "")[:10] for key in ("window_start", "window_end"))
    window = f"{start}..{end}" if start or end else "not stated"
    complete = "yes" if stated.get("complete") is True else "not stated"
    return table, described.parts[table].format, f"{profiled[table]['rows']:,}", window, complete


def show_check(checked: Checked, console: Console) -> None:
    """Print what a check shows."""
    table = Table(*HEADS, box=None, pad_edge=False)
    for row in checked.tables:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
    if not checked.is_sealed:
        _section(console, "Not sealed yet", [delivery.how_to_seal(checked.name)])
    _section(console, "Not as the contract says", [defect_in_words(defect) for defect in checked.defects])
    _section(console, "Not in the contract", [stranger_in_words(stranger) for stranger in checked.strangers])
    _section(console, "Not what was stated", [f"{table}: {why}" for table, why in checked.failed.items()])
    _section(console, "What more would be tested", checked.unlocked)
    _section(console, "Not evaluated for another reason", [f"{rule}: {why}" for rule, why in checked.blocked.items()])
    _section(console, "Not stated", [gap.sentence.removeprefix("not given: ") for gap in checked.gaps])
    verdict = "keeps the contract" if checked.keeps else "does not keep the contract"
    console.print(
        f"\n{printable(checked.name)} {verdict}; {checked.run} of {len(RULES)} rules can be evaluated", markup=False, soft_wrap=True
    )


def _section(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print(f"\n{title}")
        for line in lines:
            console.print(f"  {printable(line)}", markup=False, soft_wrap=True)


def defect_in_words(defect: Defect) -> str:
    """A defect in a line: where, expected, instead, rows and shape."""
    rows = f", {defect.rows:,} row{'s' if defect.rows > 1 else ''}" if defect.rows else ""
    shape = f", as {defect.shape}" if defect.shape else ""
    return f"{defect.name}: expected {defect.expected}; instead: {defect.instead}{rows}{shape}"


def stranger_in_words(stranger: NotInContract) -> str:
    """What the contract does not know, in a line."""
    return f"{stranger.name}: not in the contract" + (f"; did you mean {stranger.perhaps}?" if stranger.perhaps else "")


def unlock_in_words(unlock: Unlock, wrong: Collection[str], is_first: bool) -> str:
    """What to deliver, or to mend where it is there and `wrong`, and how many rules run then."""
    parts = [("mend ", [n for n in unlock.names if n in wrong]), ("deliver ", [n for n in unlock.names if n not in wrong])]
    todo = ", ".join(verb + " and ".join(names) for verb, names in parts if names)
    rules = f"{len(unlock.rules)} {'' if is_first else 'more '}{'rule runs' if len(unlock.rules) == 1 else 'rules run'}"
    return f"{todo} and {rules}: {', '.join(unlock.rules)}"
