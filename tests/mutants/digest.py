"""The digest of an expression, the same in every process: what a rule asks of an engine is the same where its digest is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

#: A rule that nothing can be built of on a world has this before what stands in its way.
BLOCKED = "blocked: "


class _Digests:
    """Digests of the nodes of expressions, each computed once. Tables of an engine count by name and schema, whichever engine it is."""

    def __init__(self) -> None:
        self._done: dict[ops.Node, bytes] = {}
        self._views: dict[int, int] = {}

    def of(self, part: Any) -> bytes:
        """The digest of a node, or of what a node holds."""
        if isinstance(part, ops.Node):
            if part not in self._done:
                self._done[part] = self._of_node(part)
            return self._done[part]
        if isinstance(part, Mapping):
            return _hash("map", *(p for k, v in part.items() for p in (self.of(k), self.of(v))))
        if isinstance(part, tuple | list):
            return _hash("list", *map(self.of, part))
        return _hash(type(part).__name__, repr(part).encode())

    def _of_node(self, node: ops.Node) -> bytes:
        if isinstance(node, ops.DatabaseTable):
            return _hash("table", node.name.encode(), repr(node.schema).encode())
        if isinstance(node, ops.InMemoryTable):
            return _hash("rows", repr(node.schema).encode(), repr(node.data.to_pyarrow(node.schema).to_pylist()).encode())
        if isinstance(node, ops.SelfReference):
            # numbered as Ibis goes along: here, as they are first read
            number = self._views.setdefault(node.identifier, len(self._views))
            return _hash("view", self.of(node.parent), str(number).encode())
        return _hash(type(node).__name__, *(self.of(part) for part in node.__args__))


def _hash(kind: str, *parts: bytes) -> bytes:
    digest = hashlib.blake2b(kind.encode(), digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def digest_of(expressions: Iterable[ir.Expr | None]) -> str:
    """One digest of several expressions, in their order."""
    digests = _Digests()
    return _hash("all", *(digests.of(e.op()) if isinstance(e, ir.Expr) else b"" for e in expressions)).hex()


def digest_of_rule(rule: Any, audit: Any) -> str:
    """The digest of all that a rule asks of the engine in this audit, without asking it.

    Equal digests are equal queries: of the rows and what they are labelled with, of their number, the figures and what is drawn.
    """
    from heytalk_audit.audit import evaluate
    from heytalk_audit.audit.faults import NotEvaluated
    from heytalk_audit.audit.present import Present

    view = audit.view()
    try:
        built = evaluate._build(rule, audit, view, Present(audit.snapshot.tables), dry=True, keep_pass=True)
        evaluate.refuse_gated(rule, audit, built.reads)
    except NotEvaluated as error:
        return BLOCKED + " ".join(sorted(block.code for block in error.blocks))
    check = built.check
    candidates = ops.DatabaseTable(name="candidates", schema=built.candidates.schema(), source=audit.snapshot.engine.backend).to_expr()
    labelled = evaluate._labelled(rule, check, candidates, audit, view)
    drawn = [check.over_time.population, check.over_time.beside] if check.over_time else []
    return digest_of([built.candidates, labelled, check.rows, check.population, *check.figures.values(), *drawn])
