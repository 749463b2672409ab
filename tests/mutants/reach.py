"""Which rules a definition feeds, by the names that definitions mention: read from the source, so that nothing has to run."""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from pathlib import Path

PACKAGE = "heytalk_audit"


class Reach:
    """The definitions of a package and which others each mentions; `feeds` says which rules are reached from one, the nearest first."""

    def __init__(self, root: Path):
        self.uses: dict[str, set[str]] = defaultdict(set)
        self.rules: dict[str, str] = {}
        self.constants: set[str] = set()
        for path in sorted((root / PACKAGE).rglob("*.py")):
            self._read(
                path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"),
                ast.parse(path.read_text("utf-8")),
            )
        self.users: dict[str, set[str]] = defaultdict(set)
        for user, used in self.uses.items():
            for name in used:
                self.users[name].add(user)

    def _read(self, module: str, tree: ast.Module) -> None:
        names = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
        for node in tree.body:
            for name in _defined(node):
                names[name] = f"{module}.{name}"
        for node in tree.body:
            mentions = {names[n.id] for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names}
            modules = {n.value.id: n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
            mentions |= {f"{names[m]}.{attr}" for m, attr in modules.items() if m in names}
            for name in _defined(node):
                if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                    self.constants.add(f"{module}.{name}")
                self.uses[f"{module}.{name}"] |= mentions - {f"{module}.{name}"}
                for decorator in getattr(node, "decorator_list", ()):
                    if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "rule":
                        self.rules[f"{module}.{name}"] = decorator.args[0].value

    def feeds(self, module: str, definition: str) -> list[str]:
        """The rules that a definition (of a class, the class) feeds, or where there is none, its module: those that mention it first."""
        return self._from([f"{module}.{definition.split('.')[0]}"]) or self._from([n for n in self.uses if n.rpartition(".")[0] == module])

    def readers(self, module: str, definition: str) -> list[tuple[str, str]]:
        """The functions and classes that read what a definition makes at import: those of others that are made of it, too.

        Each is a module and a name; for a statement of the module itself they are all of the module, and those that use it.
        """
        own = [n for n in self.uses if n.rpartition(".")[0] == module]
        starts = [f"{module}.{definition.split('.')[0]}"] if definition != "module" else own
        seen, waiting = set(starts), deque(starts)
        while waiting:
            name = waiting.popleft()
            if name in starts or name in self.constants:
                fresh = self.users[name] - seen
                seen |= fresh
                waiting.extend(fresh)
        return [(name.rpartition(".")[0], name.rpartition(".")[2]) for name in sorted(seen)]

    def _from(self, starts: list[str]) -> list[str]:
        """The rules that these definitions feed, the nearest first."""
        seen, waiting, rules = set(starts), deque(starts), []
        while waiting:
            name = waiting.popleft()
            if name in self.rules:
                rules.append(self.rules[name])
            fresh = sorted(self.users[name] - seen)
            seen |= set(fresh)
            waiting.extend(fresh)
        return rules


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
