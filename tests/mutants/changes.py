"""The mutants of a module: its source with one small change each, of the kinds by which rules go wrong."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: What one operator, method or constant becomes.
COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
METHODS = {"isnull": "notnull", "notnull": "isnull", "any": "all", "all": "any", "max": "min", "min": "max", "left_join": "inner_join"}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: the module, the definition that it stands in, the line, what it does, and which of the module's changes it is."""

    path: str
    function: str
    line: int
    what: str
    number: int

    @property
    def module(self) -> str:
        """The module's dotted name."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def key(self) -> str:
        """What names it whatever moves above it: module, definition, change."""
        return f"{self.module}:{self.function}: {self.what}"


Change = tuple[str, Callable[[ast.AST], ast.AST]]


def mutants(path: Path, root: Path) -> list[Mutant]:
    """All mutants of a module."""
    name = path.relative_to(root).as_posix()
    return [
        Mutant(name, function, node.lineno, what, n)
        for n, (function, node, what, _) in enumerate(_places(ast.parse(path.read_text("utf-8"))))
    ]


def mutated(mutant: Mutant, root: Path) -> ast.Module:
    """The module's tree with that change."""
    tree = ast.parse((root / mutant.path).read_text("utf-8"))
    _, node, _, change = list(_places(tree))[mutant.number]
    replaced = change(copy.deepcopy(node))
    swap = _Swap(node, replaced)
    changed = ast.fix_missing_locations(swap.visit(tree))
    assert isinstance(changed, ast.Module)
    return changed


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.new, node) if node is self.old else self.generic_visit(node)


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str, Callable[[ast.AST], ast.AST]]]:
    """Every change that a module allows, in order: where, on which node, what it is called, and how it is done."""
    filters = _kept_by_conditions(tree)
    for function, node in _inside(tree, "module"):
        for what, change in _changes(node):
            if not (node in filters and what.startswith("no sure")):
                yield function, node, what, change


def _kept_by_conditions(tree: ast.AST) -> set[ast.AST]:
    """What filters keep rows by: a row is dropped by what is null as by what is false, so that `sure` changes nothing there."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "filter"]
    return {part for call in calls for given in call.args for part in _joined_by_and(given)}


def _joined_by_and(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield from _joined_by_and(node.left)
        yield from _joined_by_and(node.right)


def _inside(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """The nodes that run, each with the definition that it stands in: no annotations, decorators, defaults of registers or texts."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert | ast.JoinedStr):
                continue
            inner = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else ""
            own = f"{function}.{inner}".removeprefix("module.") if inner else function
            if not inner:
                yield own, child
            yield from _inside(child, own)


def _changes(node: ast.AST) -> Iterator[Change]:
    text = ast.unparse(node).replace("\n", " ")[:90] if isinstance(node, ast.expr) else ""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        new = COMPARED[type(node.ops[0])]
        yield f"{new.__name__} in {text}", lambda n: _with(n, ops=[new(), *n.ops[1:]])  # type: ignore[attr-defined]
    elif isinstance(node, ast.BinOp) and type(node.op) in COMPUTED and not _is_text(node):
        other = COMPUTED[type(node.op)]
        yield f"{other.__name__} in {text}", lambda n: _with(n, op=other())
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            yield f"left alone of {text}", lambda n: n.left  # type: ignore[attr-defined]
            yield f"right alone of {text}", lambda n: n.right  # type: ignore[attr-defined]
    elif isinstance(node, ast.BoolOp):
        either = ast.And if isinstance(node.op, ast.Or) else ast.Or
        yield f"{either.__name__} in {text}", lambda n: _with(n, op=either())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not):
        yield f"no negation in {text}", lambda n: n.operand  # type: ignore[attr-defined]
    elif isinstance(node, ast.IfExp):
        yield f"branches swapped in {text}", lambda n: _with(n, body=n.orelse, orelse=n.body)  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant) and type(node.value) in (bool, int):
        value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield f"{value} for {node.value}", lambda n: _with(n, value=value)
    elif isinstance(node, ast.List):
        yield from _of_list(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, text)


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(node))


def _of_list(node: ast.List) -> Iterator[Change]:
    """A list of calls (conditions, rows, parts) without one of them, or with two in the other order."""
    calls = [i for i, e in enumerate(node.elts) if isinstance(e, ast.Call | ast.Starred)]
    if len(calls) != len(node.elts) or len(calls) < 2:
        return
    for i, element in enumerate(node.elts):
        yield f"without {ast.unparse(element)[:80]}", lambda n, i=i: _with(n, elts=[e for j, e in enumerate(n.elts) if j != i])  # type: ignore[misc]
    for i, element in enumerate(node.elts[:-1]):
        what = f"after its next: {ast.unparse(element)[:80]}"
        yield what, lambda n, i=i: _with(n, elts=[*n.elts[:i], n.elts[i + 1], n.elts[i], *n.elts[i + 2 :]])  # type: ignore[misc]


def _of_call(node: ast.Call, text: str) -> Iterator[Change]:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if method in METHODS:
        new = METHODS[method]
        yield f"{new} for {text}", lambda n: _with(n, func=_with(n.func, attr=new))  # type: ignore[attr-defined]
    if method == "filter" and node.args:
        for i, given in enumerate(node.args):
            what = f"unfiltered by {ast.unparse(given)[:80]}"
            yield what, lambda n, i=i: n.func.value if len(n.args) == 1 else _with(n, args=[a for j, a in enumerate(n.args) if j != i])  # type: ignore
    elif method in ("distinct", "fill_null"):
        yield f"no {method} in {text}", lambda n: n.func.value  # type: ignore[attr-defined]
    elif (
        isinstance(node.func, ast.Name)
        and node.func.id in ("sure", "trim", "lower", "blank")
        and len(node.args) == 1
        and node.func.id != "blank"
    ):
        yield f"no {node.func.id} in {text}", lambda n: n.args[0]  # type: ignore[attr-defined]


def _with(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node
