"""Draws which room of the package imports which, and describes each room in a line: `make imports` writes what stands beside this file.

`imports.txt` has one edge a line, `imports.svg` the picture of them, `house.md` the rooms with what their docstrings say.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import grimp
import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as Curve

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PACKAGE = "heytalk_audit"
Edge = tuple[str, str]
#: The same edges give the same bytes: ids by a fixed salt, no date, and text that stays text.
REPEATABLE = {"svg.hashsalt": PACKAGE, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
#: An import that no chain of others implies, and one that a chain implies.
STRONG, FAINT, INK = "#1f5a8a", "#b9c3cc", "#16212b"
HEAD = (
    "# The house",
    "",
    "Written by `make imports` from the code; a test fails when it is stale. A room is a folder or a module of `heytalk_audit/`.",
    "",
    "An audit goes one way: parameters, snapshot, rules, results, report, evidence. So do imports: a room imports only rooms below it in",
    "this table, whose order is that of the layers in `pyproject.toml`. `make lint` holds them to it.",
    "",
    "| Room | What it is |",
    "|---|---|",
)
FOOT = (
    "",
    "Every arrow of the picture points down. On the right stand the imports that no chain of others implies; on the left, in grey, those",
    "that a chain implies. `imports.txt` lists them all.",
    "",
    "![Which room imports which](imports.svg)",
    "",
)


def rooms() -> list[str]:
    """The rooms from top to bottom: the layers in pyproject.toml, each of which may import only what stands below it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [room.strip() for layer in layers for room in layer.split("|")]


def edges() -> list[Edge]:
    """Which room imports which, in the order of the rooms."""
    graph, order = grimp.build_graph(PACKAGE, cache_dir=None), rooms()
    pairs = {(room_of(a), room_of(b)) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)}
    return sorted(((a, b) for a, b in pairs if a and b and a != b), key=lambda edge: (order.index(edge[0]), order.index(edge[1])))


def room_of(module: str) -> str:
    """The room of a module; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def unimplied(every: list[Edge]) -> set[Edge]:
    """The edges that follow from no chain of others. In a house without circles they are one set."""
    below: dict[str, set[str]] = {room: {b for a, b in every if a == room} for room in rooms()}
    reached: dict[str, set[str]] = {}
    for room in reversed(rooms()):
        reached[room] = below[room].union(*(reached[b] for b in below[room]))
    return {(a, b) for a, b in every if not any(b in reached[other] for other in below[a] - {b})}


def listing() -> str:
    """What `imports.txt` holds: a line per edge."""
    return "".join(f"{a} -> {b}\n" for a, b in edges())


def first_line(room: str) -> str:
    """The first line of a room's docstring."""
    home = ROOT / PACKAGE / room
    source = home / "__init__.py" if home.is_dir() else home.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").partition("\n")[0]


def house() -> str:
    """What `house.md` holds: the picture, and each room in a line."""
    return "\n".join([*HEAD, *(f"| `{room}` | {first_line(room)} |" for room in rooms()), *FOOT])


def draw(path: Path) -> None:
    """The picture of the edges as SVG."""
    every, order = edges(), rooms()
    strong, height = unimplied(every), {room: len(order) - i for i, room in enumerate(order)}
    with matplotlib.rc_context(REPEATABLE):
        figure = Figure(figsize=(8.5, 10.5))
        axes = figure.subplots()
        for a, b in sorted(every, key=lambda edge: (edge in strong, edge)):
            arc(axes, height[a], height[b], right=(a, b) in strong)
        for room in order:
            axes.text(0, height[room], room, ha="center", va="center", color=INK)
        axes.set(xlim=(-9, 8), ylim=(0.3, len(order) + 0.7))
        axes.axis("off")
        figure.savefig(path, format="svg", metadata={"Date": None}, bbox_inches="tight")


def arc(axes: Axes, start: int, end: int, right: bool) -> None:
    """An arrow from one height to a lower one, beside the names: the further, the wider."""
    side = 1 if right else -1
    edge, reach = side * 1.35, side * (1.35 + 0.62 * abs(start - end) ** 0.8 + 0.4)
    # arrows leave a name a little below its middle and arrive a little above, so that the two can be told apart
    points = [(edge, start - 0.14), (reach, start - 0.14), (reach, end + 0.14), (edge, end + 0.14)]
    curve = Curve(points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
    style = {"color": STRONG if right else FAINT, "linewidth": 1.1 if right else 0.5, "zorder": 2 if right else 1}
    axes.add_patch(FancyArrowPatch(path=curve, arrowstyle="-|>", mutation_scale=8 if right else 5, **style))


def main() -> int:
    """Write the three files."""
    (DOCS / "imports.txt").write_text(listing(), "utf-8")
    (DOCS / "house.md").write_text(house(), "utf-8")
    draw(DOCS / "imports.svg")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
