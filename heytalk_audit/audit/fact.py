"""A fact: what is, where a rule says what is wrong. Tables in, a small aggregate out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

from heytalk_audit.audit.check import SPECIAL

#: The people and the rows of a part, as its counts: test accounts are left out before, and blank ids are nobody's.
PEOPLE, ROWS = _.user_id.nunique(), _.count()
#: What a total counts, unless a fact says otherwise.
OF_PEOPLE = "people"


@dataclass(frozen=True)
class TablePart:
    """Things that are counted alike. `rows` has a row for each, with the person whom it is about in `user_id` where there is one.

    `by` names the columns of `rows` that it is split by, so that each thing falls into one row of the table. `counts` are numbers of people
    or rows, as aggregates of the rows that fall into one; `shows` are other aggregates of these, as the oldest day. `within` names for a
    count the one of which it is a part. `name` is short, and `title` a phrase. `order` are values of dimensions in the order in which they
    stand, before others; `own` are dimensions in words of the audit or its registers, which may be long.
    """

    rows: ir.Table
    by: Sequence[str]
    counts: Mapping[str, Deferred] = field(default_factory=lambda: {OF_PEOPLE: PEOPLE})
    shows: Mapping[str, Deferred] = field(default_factory=dict)
    within: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    title: str = ""
    order: Sequence[str] = ()
    own: Sequence[str] = ()


@dataclass(frozen=True)
class Tally:
    """What a fact makes of its tables: the rows `of` which the total is, and the parts of its table.

    The total is the number of distinct people in `of`, or that of its rows where `counts` says that other things are counted.
    """

    of: ir.Table
    parts: Sequence[TablePart]
    counts: str = OF_PEOPLE


@dataclass(frozen=True)
class Fact:
    """A fact as written: `build` makes its tally from the tables that its arguments name.

    `optional` are tables that it reads as empty where they were not delivered, and says so. `looks_in` are columns, as `table.column`:
    where none of them holds a value in any row of its table, the fact is not evaluated. `limits` are sentences on what it does not show.
    """

    id: str
    title: str
    build: Callable[..., Tally]
    limits: tuple[str, ...]
    optional: tuple[str, ...] = ()
    looks_in: tuple[str, ...] = ()

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return tuple(inspect.signature(self.build).parameters)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables that it names."""
        return tuple(a for a in self.arguments if a not in SPECIAL)

    @property
    def family(self) -> str:
        """What a gate knows it by: facts are of no family of rules."""
        return ""

    @cached_property
    def definition(self) -> str:
        """What is counted, in sentences: the docstring, as one paragraph."""
        return " ".join(inspect.cleandoc(self.build.__doc__ or "").split())

    @cached_property
    def source(self) -> str:
        """Its source, as the report shows it."""
        return inspect.getsource(self.build)


FACTS: dict[str, Fact] = {}

Build = Callable[..., Tally]


def fact(
    id: str, *, title: str, limits: Sequence[str], optional: Sequence[str] = (), looks_in: Sequence[str] = ()
) -> Callable[[Build], Build]:
    """Register a function as a fact: its arguments are the tables it needs, its docstring the definition in words."""

    def register(build: Build) -> Build:
        if id in FACTS and FACTS[id].build.__qualname__ != build.__qualname__:
            raise ValueError(f"the fact {id} is defined twice")
        FACTS[id] = Fact(id, title, build, tuple(limits), tuple(optional), tuple(looks_in))
        return build

    return register
