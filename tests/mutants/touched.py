"""Which definitions of the package run while something is done: those of some rooms are imported so that each says when it runs."""

from __future__ import annotations

import ast
import functools
import gc
import importlib.abc
import importlib.util
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: What the functions of these rooms call first.
SAYS = "_definition_runs"


class Touched(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports these rooms so, and collects definitions as `module:name`, named as `changes.Mutant` names them."""

    def __init__(self, root: Path, rooms: tuple[str, ...]):
        self._root, self._rooms = root, tuple(f"heytalk_audit.{room}" for room in rooms)
        self._ran: set[str] = set()

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        """A module of these rooms."""
        if not name.startswith(self._rooms):
            return None
        folder = self._root / name.replace(".", "/")
        inner = [str(folder)] if folder.is_dir() else None
        file = folder / "__init__.py" if inner else folder.with_suffix(".py")
        return importlib.util.spec_from_file_location(name, file, loader=self, submodule_search_locations=inner)

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        """As usual."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module, its functions changed to say that they run."""
        file = Path(str(module.__file__))
        tree = ast.fix_missing_locations(_Saying(module.__name__).visit(ast.parse(file.read_text("utf-8"))))
        module.__dict__[SAYS] = self._ran.add
        exec(compile(tree, str(file), "exec"), module.__dict__)

    @contextmanager
    def names(self) -> Iterator[set[str]]:
        """The names of what runs within, filled at its end. What is kept of calls before is forgotten, so that it runs again."""
        _forget()
        self._ran.clear()
        names: set[str] = set()
        try:
            yield names
        finally:
            names |= self._ran


class _Saying(ast.NodeTransformer):
    def __init__(self, module: str):
        self._module, self._within = module, ""

    def _inside(self, name: str, node: ast.AST) -> ast.AST:
        before, self._within = self._within, f"{self._within}.{name}".removeprefix(".")
        changed = self.generic_visit(node)
        self._within = before
        return changed

    def _call(self, name: str) -> ast.Call:
        within = f"{self._within}.{name}".strip(".")
        return ast.Call(ast.Name(SAYS, ast.Load()), [ast.Constant(f"{self._module}:{within}")], [])

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """What is defined in a class has its name before its own."""
        return self._inside(node.name, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """The call goes below the docstring."""
        says = ast.Expr(self._call(node.name))
        self._inside(node.name, node)
        node.body.insert(int(ast.get_docstring(node) is not None), says)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """The last of two values is that of the lambda."""
        self.generic_visit(node)
        both = ast.Tuple([self._call(""), node.body], ast.Load())
        node.body = ast.Subscript(both, ast.Constant(1), ast.Load())
        return node


def _forget() -> None:
    """Empty the caches of the package's functions."""
    for cached in _caches():
        cached()


@functools.cache
def _caches() -> list[Callable[[], None]]:
    kind = functools._lru_cache_wrapper
    cached = [o for o in gc.get_objects() if isinstance(o, kind)]
    return [o.cache_clear for o in cached if str(getattr(o, "__module__", "")).startswith("heytalk_audit.")]
