"""The page that describes the house, and the list of imports beside it, say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def imports() -> ModuleType:
    """`docs/imports.py` as a module."""
    spec = importlib.util.spec_from_file_location("docs_imports", DOCS / "imports.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_of_imports_is_fresh(imports):
    assert (DOCS / "imports.txt").read_text("utf-8") == imports.listing(), "make imports"


def test_the_page_of_rooms_is_fresh(imports):
    assert (DOCS / "house.md").read_text("utf-8") == imports.house(), "make imports"


def test_every_import_points_down(imports):
    order = imports.rooms()
    assert all(order.index(a) < order.index(b) for a, b in imports.edges())


def test_the_picture_repeats_and_has_every_room(imports, tmp_path):
    for name in ("once.svg", "twice.svg"):
        imports.draw(tmp_path / name)
    picture = (tmp_path / "once.svg").read_text("utf-8")
    assert picture == (tmp_path / "twice.svg").read_text("utf-8")
    assert all(f">{room}</text>" in picture for room in imports.rooms())


def test_what_a_chain_implies_is_told_apart(imports):
    strong, every = imports.unimplied(imports.edges()), imports.edges()
    reached = {room: {room} for room in imports.rooms()}
    for room in reversed(imports.rooms()):
        reached[room].update(*(reached[b] for a, b in strong if a == room))
    assert strong < set(every) and all(b in reached[a] for a, b in every)
