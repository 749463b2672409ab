"""What a mapping may ask of a source: one SELECT, which reads tables of that source and computes. Checked here before the source sees it.

The source is asked to hold to it as well (see `sources`): nothing rests on this alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from heytalk_audit.canonical import parse_yaml
from heytalk_audit.errors import InputError

#: How many characters a SELECT may have.
LONGEST = 100_000
#: What a SELECT is made of, beside functions and operators. What is not here is refused, whatever it may be.
_PARTS = (
    *(
        exp.Select,
        exp.SetOperation,
        exp.Subquery,
        exp.From,
        exp.Where,
        exp.Join,
        exp.Group,
        exp.Having,
        exp.Qualify,
        exp.Order,
        exp.Ordered,
    ),
    *(
        exp.Limit,
        exp.Offset,
        exp.Fetch,
        exp.With,
        exp.CTE,
        exp.Table,
        exp.TableAlias,
        exp.Column,
        exp.Identifier,
        exp.Star,
        exp.Alias,
        exp.Aliases,
    ),
    *(exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Tuple, exp.Distinct, exp.Window, exp.WindowSpec, exp.DataType, exp.DataTypeParam),
    *(exp.Interval, exp.IntervalSpan, exp.Var, exp.Between, exp.In, exp.Any, exp.All, exp.Bracket, exp.Slice, exp.Lambda, exp.Filter),
    *(
        exp.WithinGroup,
        exp.Lateral,
        exp.Values,
        exp.AtTimeZone,
        exp.FromTimeZone,
        exp.JSONPath,
        exp.JSONPathPart,
        exp.Kwarg,
        exp.IgnoreNulls,
    ),
    *(exp.RespectNulls, exp.PropertyEQ, exp.National, exp.HexString, exp.ByteString, exp.ColumnDef, exp.Rollup, exp.Cube, exp.GroupingSets),
)
# it repeats what it can't parse, and in a SELECT there may be values
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
_OPERATORS = (exp.Binary, exp.Unary, exp.Predicate)


#: The name of each function that sqlglot knows, in every dialect the same.
_NAMES: dict[type[exp.Expression], str] = {kind: kind.sql_names()[0] for kind in exp.ALL_FUNCTIONS}


@dataclass(frozen=True)
class Select:
    """A SELECT that may run: its text, what it reads as (schema or empty, name), which names (in small letters) stand for parts of itself,
    and all names in it."""

    text: str
    tables: tuple[tuple[str, str], ...]
    local: frozenset[str]
    names: frozenset[str]
    has_star: bool


@cache
def allowed_functions(dialect: str) -> frozenset[str]:
    """Names of the functions that a SELECT may call in a dialect."""
    lists = parse_yaml(files(__package__).joinpath("functions.yaml").read_text("utf-8"))
    return frozenset(name for key in ("everywhere", dialect) for line in lists.get(key, ()) for name in line.split())


def parse_select(where: str, text: str, dialect: str) -> Select:
    """The SELECT in a dialect of sqlglot. Raises InputError, which quotes no text of it but names of functions."""
    if len(text) > LONGEST:
        raise InputError(where, f"is longer than {LONGEST:,} characters", "shorten the SELECT")
    if "/*" in text or "\0" in text:
        # some databases execute what stands in such comments, or nest them
        raise InputError(where, "holds a comment of the form /* */", "drop the comment")
    try:
        statements = [s for s in sqlglot.parse(text, read=dialect) if s is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        raise InputError(where, f"is no SELECT that can be read as SQL of {dialect}", "mend the SELECT") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise InputError(where, "is not one SELECT", "give one SELECT and nothing else")
    (tree,) = statements
    refused = next(_refusals(tree, dialect), None)
    if refused:
        raise InputError(where, refused, "give one SELECT that only reads tables of the source")
    tables = ((t.db, t.name) for t in tree.find_all(exp.Table) if isinstance(t.this, exp.Identifier))
    return Select(
        text=text.strip().rstrip(";"),
        tables=tuple(dict.fromkeys(tables)),
        local=frozenset(cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)),
        names=frozenset(node.name for node in tree.find_all(exp.Identifier)),
        has_star=tree.find(exp.Star) is not None,
    )


def _refusals(tree: exp.Expression, dialect: str) -> Iterator[str]:
    """What a SELECT has that it may not have."""
    for node in tree.walk():
        match node:
            case exp.Func():
                name = (node.name if isinstance(node, exp.Anonymous) else _NAMES.get(type(node), "")).lower()
                if name not in allowed_functions(dialect):
                    yield (
                        f"calls {name[:60]}, which is not among the functions that an import may call"
                        if name.isidentifier()
                        else "calls a function"
                    )
                if isinstance(node, exp.Cast) and _is_catalogue_type(node.to):
                    yield "has a CAST to a type of the database's own"
            case exp.Table():
                if not isinstance(node.this, exp.Identifier | exp.Func):
                    yield "reads what is no table"
                elif node.catalog:
                    yield "names another database"
            case exp.Dot() if not isinstance(node.expression, exp.Func):
                continue
            case exp.Operator() | exp.Dot():
                yield "calls a function or an operator by its schema"
            case _ if not isinstance(node, (*_PARTS, *_OPERATORS)):
                yield f"has a part that an import does not allow ({type(node).__name__})"


def _is_catalogue_type(kind: exp.Expression) -> bool:
    """Whether a type is one that the database looks up in its own catalogue: a table's name, or somebody's own type."""
    return type(kind) not in (exp.DataType, exp.Interval) or kind.this == exp.DataType.Type.USERDEFINED
