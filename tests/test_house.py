"""The house: periods against the forward rule, fences round the rules, metadata of every rule, one list of dependencies."""

from __future__ import annotations

import ast
import datetime as dt
import json
import random
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import ibis
import jsonschema
import nbformat
import pytest
import worlds
import yaml
from hypothesis import given
from hypothesis import strategies as st

from heytalk_audit import contract
from heytalk_audit.audit.holds import covers
from heytalk_audit.catalogue import facts_markdown, markdown
from heytalk_audit.expressions.calendar import add_months, last_start_overdue, plus_months, working_day
from heytalk_audit.expressions.strings import blank, lower, tokens, trim
from heytalk_audit.facts import FACTS
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.chapters import SUBJECTS
from heytalk_audit.policy.method import method_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "heytalk_audit"
MODULES = sorted(PACKAGE.rglob("*.py"))
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


@given(DAYS, DAYS, st.sampled_from([1, 6, 12, 24, 36, 60, 72, 120]))
def test_the_cutoff_is_the_forward_rule(start, today, months):
    assert (start <= last_start_overdue(today, months)) == (today > add_months(start, months))


def test_month_arithmetic_is_right_on_this_duckdb():
    days = [dt.date(2019, 1, 1) + dt.timedelta(days=n) for n in range(2600)]
    table = ibis.memtable({"day": days})
    engine = connect()
    for months in (1, 6, 11, 12, 60):
        found = engine.backend.to_pyarrow(table.select("day", due=plus_months(table.day, months))).to_pylist()
        assert all(row["due"] == add_months(row["day"], months) for row in found)


def test_working_days_are_counted_one_by_one():
    pick = random.Random(1)
    days = [dt.date(2024, 12, 1) + dt.timedelta(days=n) for n in range(120)]
    table, engine = ibis.memtable({"day": days}), connect()
    for holidays in ([], [dt.date(2025, 1, 1)], pick.sample(days, 12), pick.sample(days, 40)):
        for count in (1, 2, 15):
            for row in engine.backend.to_pyarrow(table.select("day", after=working_day(table.day, count, holidays))).to_pylist():
                day, left = row["day"], count
                while left:
                    day += dt.timedelta(days=1)
                    left -= day.weekday() < 5 and day not in holidays
                assert row["after"] == day


def test_every_column_of_personal_data_is_declared():
    personal = {f"{table.name}.{c.name}" for table in contract.load().values() for c in table.columns if c.category}
    assert set(load_policy().declared.columns) == personal


def test_declared_names_have_one_meaning_and_a_clause():
    policy = load_policy()
    declared = policy.declared
    assert set(declared.clauses()) <= set(policy.clauses)
    aliases = [k for vendor in declared.vendors.values() for k in vendor.alias_keys()]
    assert len(aliases) == len(set(aliases))
    for codes in (declared.fields, *declared.lists.values()):
        keys = [k for found in codes.by_key().values() for k in found]
        assert len(keys) == len(set(keys))


#: `drop` of several columns names them in an order of its own each time, and a table in memory itself: the SQL shown must be the same.
FENCED = re.compile(
    r"\bdrop\([^)]*,|\bmemtable\b|\b(interval|delta|asof_join|first|last|lookahead|sql|execute|to_pandas|to_pyarrow|pandas|duckdb|spark|pyspark)\b\s*\(|\(\?[=!<]"
)


@pytest.mark.parametrize(
    "path", sorted(path for room in ("rules", "facts") for path in (ROOT / "heytalk_audit" / room).glob("*.py")), ids=lambda p: p.name
)
def test_rules_use_no_fenced_operation(path):
    source = path.read_text("utf-8")
    assert not FENCED.search(source)
    names = {a.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import) for a in n.names}
    assert names <= {"ibis", "ibis.expr.types", "datetime"}


@pytest.mark.parametrize("id", sorted(FACTS))
def test_a_fact_is_short_annotated_and_says_what_it_counts(id):
    fact = FACTS[id]
    (function,) = ast.parse(fact.source).body
    assert function.end_lineno - function.lineno < 20
    used = {node.id for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    assert {a.arg for a in function.args.args} <= used
    assert all(a.annotation is not None for a in function.args.args) and function.returns.id == "Tally"
    assert fact.definition.endswith(".") and fact.limits and all(sentence.endswith(".") for sentence in fact.limits)


def test_every_subject_has_a_fact():
    assert tuple(FACTS) == SUBJECTS


def test_the_demo_knows_no_rule():
    for path in (ROOT / "heytalk_audit" / "demo").rglob("*.py"):
        if path.name == "audit.py":
            continue  # compares what was planted with what the audit finds
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            module = getattr(node, "module", "") or ""
            assert not module.startswith(("heytalk_audit.rules", "heytalk_audit.audit")), path.name


@pytest.mark.parametrize("id", sorted(RULES))
def test_metadata_of_every_rule(id):
    rule, policy = RULES[id], load_policy()
    assert rule.promise.endswith(".") and method_of(id, policy).tested.endswith(".")
    assert set(rule.clauses) <= set(policy.clauses)
    assert all(policy.rules[id][k] for k in ("title", "law", "dpv", "limits", "effect", "recommendation"))
    own = policy.rules[id]["frameworks"]
    assert list(own) == list(policy.frameworks) and all(ids and set(ids) <= set(policy.frameworks[key].ids) for key, ids in own.items())
    assert "complian" not in json.dumps(policy.rules[id]["effect"] + policy.rules[id]["limits"]).lower()


@pytest.mark.parametrize("id", sorted(RULES))
def test_a_rule_is_short_annotated_and_names_only_what_it_uses(id):
    (function,) = ast.parse(RULES[id].source).body
    assert function.end_lineno - function.lineno < 20
    arguments = function.args.args
    used = {node.id for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    assert {a.arg for a in arguments} <= used
    assert all(a.annotation is not None for a in arguments) and function.returns.id == "Check"


#: Rules whose verdict rests on the descriptor, on the policy's text or on columns: their cases are in test_gates.py and test_columns.py.
OF_THE_DESCRIPTOR = {"DQ-01", "DQ-02", "DQ-05", "DQ-06", "DQ-07", "COL-01"}


@pytest.mark.parametrize("id", sorted(set(RULES) - OF_THE_DESCRIPTOR))
def test_every_rule_has_cases_on_both_sides(id):
    outcomes = set()
    for case in worlds.cases():
        if case.rule == id:
            per_record = isinstance(case.then, dict) and "outcome" not in case.then
            for then in case.then.values() if per_record else [case.then]:
                outcomes.add(then if isinstance(then, str) else then["outcome"])
    assert "pass" in outcomes
    assert outcomes & {"violation", "review"}


def test_no_two_test_modules_share_a_name():
    names = sorted(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert names == sorted(set(names)), "pytest imports test modules by name"


def test_rooms_import_in_one_order():
    """The layers in pyproject.toml, and no circle among modules."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "2 kept, 0 broken" in done.stdout, done.stdout


#: What a process does to itself, and every other thread of it has to live with.
HIDDEN_STATE = re.compile(
    r"os\.environ\[[^]]*\]\s*=|os\.(putenv|chdir)\(|environ\.(update|setdefault|pop|clear)\(|contextlib\.chdir|^\s*global ", re.M
)


def test_nothing_changes_the_state_of_the_process():
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text("utf-8")
        if path.name == "forks.py":
            # a fork that becomes a kernel has a folder and an environment of its own
            source = source[: source.index("def _become_kernel")]
        assert not HIDDEN_STATE.search(source), path.name


#: Words that say that there is something, and not what.
SAY_NOTHING = {"found", "said", "told", "met", "made", "known", "asked", "given"}


def names_in(tree: ast.AST) -> set[str]:
    """The names that a module gives to what it defines: variables, functions, arguments, attributes."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.arg():
                names.add(node.arg)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case ast.Attribute(ctx=ast.Store()):
                names.add(node.attr)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_name_says_what_it_holds(path):
    assert not SAY_NOTHING & {name.strip("_") for name in names_in(ast.parse(path.read_text("utf-8")))}


#: Where one name may stand again: the helpers of rules and facts, stories of the demo, a writer for each format, a list in another markup.
AGAIN = ("rules/", "facts/", "demo/", "exports/", "handover/markdown.py")
#: Names that mean the same wherever they stand: what names are compared by (in Python and on an engine), the start of a command.
THE_SAME = {"key", "main"}


def test_no_two_public_names_mean_different_things():
    places = defaultdict(list)
    for path in MODULES:
        place = path.relative_to(PACKAGE).as_posix()
        for node in ast.parse(path.read_text("utf-8")).body if not place.startswith(AGAIN) else ():
            command = isinstance(node, ast.FunctionDef) and any("command" in ast.dump(d) for d in node.decorator_list)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not command:
                places[node.name].append(place)
    assert {name: of for name, of in places.items() if len(of) > 1 and name not in THE_SAME} == {}


def test_the_printed_catalogue_is_fresh():
    assert (ROOT / "RULES.md").read_text("utf-8") == markdown(), "make rules"
    assert (ROOT / "FACTS.md").read_text("utf-8") == facts_markdown(), "make rules"


def test_the_contract_is_one_by_the_standards_own_schema():
    schema = json.loads(next(files("open_data_contract_standard").joinpath("").rglob("*.json")).read_text("utf-8"))
    document = yaml.safe_load((ROOT / "heytalk_audit" / "contract" / "snapshot.odcs.yaml").read_text("utf-8"))
    jsonschema.validate(document, schema)
    assert len(contract.load()) == 21


def test_strings_are_compared_alike():
    values = [None, "", " \t\u3000", "\u00a0x ", "ÄB\u0130"]
    table = ibis.memtable({"s": values}, schema={"s": "string"})
    found = connect().backend.to_pyarrow(table.select(b=blank(table.s), t=trim(table.s), l=lower(table.s), k=tokens(table.s))).to_pylist()
    assert [row["b"] for row in found] == [True, True, True, False, False]
    assert [row["t"] for row in found] == [None, "", "", "x", "ÄB\u0130"]
    assert found[4]["l"] == "Äb\u0130"


def test_scope_tokens_are_whole_words():
    table = ibis.memtable({"s": ["Users ; devices", "users.email,users.phone", "subusers", "*"]})
    found = connect().backend.to_pyarrow(table.select(k=tokens(table.s))).to_pylist()
    assert [row["k"] for row in found] == [";users;devices;", ";users.email;users.phone;", ";subusers;", ";*;"]
    assert covers is not None


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_narrate_and_call(path):
    notebook = nbformat.read(path, as_version=4)
    assert any("parameters" in c.metadata.get("tags", []) for c in notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
            assert len(cell.source.splitlines()) <= 6 and "def " not in cell.source
            assert all("heytalk_audit" in line for line in cell.source.splitlines() if line.startswith(("import", "from")))


def test_one_list_of_dependencies_and_its_lock():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    locked = (ROOT / "requirements.lock").read_text("utf-8")
    names = {re.match(r"[A-Za-z0-9._-]+", d)[0].lower() for d in wanted}
    assert names <= {re.match(r"[A-Za-z0-9._-]+", line)[0].lower() for line in locked.splitlines() if "==" in line}
    assert "://" not in locked and "--hash=sha256:" in locked
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    assert conda[:2] == ["python=3.11", "pip"] and conda[2]["pip"][0] == "-r requirements.lock"
