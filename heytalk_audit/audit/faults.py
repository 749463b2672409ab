"""What keeps a rule from being evaluated: something that was not delivered, a gate that failed, or a fault of the rule itself.

The first two are facts about the delivery (NOT_EVALUATED), each with a code. A fault (ERROR) is kept with its type and place, and
without its message, which may quote data.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType

import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import OverTables

#: Kinds of blocks, the first part of a block's code: `absent:support_tickets.text`, `gate:users`.
ABSENT, GATE = "absent", "gate"
WRONG_TYPE, WRONG_VALUE, NO_VALUE = "wrong_type", "wrong_value", "no_value"
#: The kind of what leaves a rule without population: a table without rows, of which the source does not say that it has none.
EMPTY = "empty"


@dataclass(frozen=True)
class Block:
    """Why a rule is not evaluated: its kind, the table or column, and a sentence for readers."""

    kind: str
    what: str
    sentence: str

    @property
    def code(self) -> str:
        """The block as the results list it."""
        return f"{self.kind}:{self.what}"


class NotEvaluated(Exception):
    """A rule needs what the snapshot does not have, or what failed a gate."""

    def __init__(self, blocks: Iterable[Block]):
        self.blocks = tuple(blocks)
        super().__init__("; ".join(dict.fromkeys(block.sentence for block in self.blocks)))


class NotAddingUp(Exception):
    """The rows of a rule do not add up: a fault of the rule, whose message quotes no data."""


@dataclass(frozen=True)
class Fault:
    """A rule's fault: the exception's type, and the file and line of the rule where it arose. `traceback` is for a developer's eyes."""

    type: str
    file: str
    line: int
    message: str | None = None
    traceback: str = field(default="", repr=False, compare=False)

    @property
    def sentence(self) -> str:
        """The fault as reports say it."""
        place = f"{self.type} at {self.file}:{self.line}"
        return f"{self.message} ({place})" if self.message else place


#: What an evidence table is called for readers that a run can do without.
IN_WORDS = {"policy_clauses": "the published policy text (policy.text)"}


def absent(names: Iterable[str]) -> NotEvaluated:
    """Tables, or columns as `table.column`, that were not delivered."""
    names = list(names)
    sentence = "not delivered: " + ", ".join(IN_WORDS.get(name, name) for name in names)
    return NotEvaluated(Block(ABSENT, name, sentence) for name in names)


def wrong_type(names: Iterable[str]) -> NotEvaluated:
    """Columns, as `table.column`, that were delivered in another type."""
    return NotEvaluated(Block(WRONG_TYPE, name, f"{name} has another type than the contract says") for name in names)


def fault_of(error: Exception, rule: OverTables) -> Fault:
    """The fault of a rule or fact: its place is the innermost line of its own room, else the function itself."""
    code = rule.build.__code__
    home = Path(code.co_filename).parent
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent == home]
    file, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else (code.co_filename, code.co_firstlineno)
    message = str(error) if isinstance(error, NotAddingUp) else None
    return Fault(type(error).__name__, Path(file).name, line, message, "".join(traceback.format_exception(error)))


def missing_column(error: Exception, tables: dict[str, ir.Table], kept: Mapping[ops.Node, ops.Node] = MappingProxyType({})) -> str | None:
    """The contract's column, as `table.column`, that one of these tables lacks and that the error is about; null where it is about none.

    The error itself names the column: nothing is searched in its text. `kept` are tables that are computed once, and what of.
    """
    name, relation = _lookup_of(error)
    if name is None or relation is None:
        return None
    sources, there = _sources(relation, kept), set(relation.schema)
    lacking = {
        table: len(set(delivered.columns) - there)
        for table, delivered in tables.items()
        if table in contract.load() and name in contract.load()[table] and name not in delivered.columns and delivered.op() in sources
    }
    # of several that lack it, the one whose rows these are: all its columns are there
    return f"{min(lacking, key=lambda table: lacking[table])}.{name}" if lacking else None


def _sources(relation: ops.Node, kept: Mapping[ops.Node, ops.Node]) -> set[ops.Node]:
    """A relation and all that it is made of, also through what is computed once."""
    sources: set[ops.Node] = set()
    waiting = [relation]
    while waiting:
        node = waiting.pop()
        new = {node, *node.find(ops.Relation)} - sources
        sources |= new
        waiting += [kept[held] for held in new if held in kept]
    return sources


def _lookup_of(error: Exception) -> tuple[str | None, ops.Node | None]:
    """The name of the column that a relation was asked for and does not have, and that relation."""
    if isinstance(error, AttributeError):
        return (error.name, error.obj.op()) if isinstance(error.obj, ir.Table) else (None, None)
    # `table["column"]` raises where a field is made: the field's own arguments name it
    frame = _innermost(error.__traceback__)
    if frame is not None and frame.tb_frame.f_code is ops.Field.__init__.__code__:
        arguments = frame.tb_frame.f_locals
        return str(arguments["name"]), arguments["rel"]
    return None, None


def _innermost(frame: TracebackType | None) -> TracebackType | None:
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame
