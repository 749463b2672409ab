"""What keeps a rule from being evaluated is told apart: something that was not delivered, a failed gate, a fault of the rule itself."""

from __future__ import annotations

import importlib.util
import json
import textwrap
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import evaluate, lacking
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.results import summarise
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Severity, Verdict

TICKET = {
    "support_tickets": [{"opened_at": "2024-01-01T10:00:00Z", "user_id": "u", "text": "my secret is hunter2"}],
    "users": [{"user_id": "u"}],
}
SOURCE = '''
    from heytalk_audit.audit.check import Check, violation
    from heytalk_audit.expressions.strings import blank


    def column_mistyped(support_tickets, policy):
        """A promise."""
        t = support_tickets
        return Check(t, [violation("old", blank(t.context))])


    def column_mistyped_in_brackets(support_tickets, policy):
        t = support_tickets
        return Check(t, [violation("old", blank(t["context"]))])


    def period_mistyped(support_tickets, policy):
        t = support_tickets
        return Check(t, [violation("old", policy.over(t.opened_at, "trafic"))])


    def text_read(support_tickets, policy):
        t = support_tickets
        return Check(t, [violation("old", blank(t.text))])


    def text_read_in_brackets(support_tickets, policy):
        t = support_tickets
        return Check(t, [violation("old", blank(t["text"]))])


    def text_read_in_a_selection(support_tickets, policy):
        t = support_tickets.select("ticket_id", "user_id", "text")
        return Check(t, [violation("old", blank(t.text))])


    def text_of_people(support_tickets, users, policy):
        t = support_tickets
        return Check(t, [violation("old", blank(users.text))])


    def value_unreadable(support_tickets, policy):
        t = support_tickets
        return Check(t, [violation("old", t.text.cast("int64") > 1)])
'''


@pytest.fixture(scope="module")
def module(tmp_path_factory) -> ModuleType:
    """A file of rules, some of which are faulty."""
    path = tmp_path_factory.mktemp("rules") / "faulty.py"
    path.write_text(textwrap.dedent(SOURCE).lstrip(), "utf-8")
    spec = importlib.util.spec_from_file_location("faulty", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rule(module: ModuleType, name: str) -> Rule:
    return Rule("RET-91", Severity.LOW, (), "policy", getattr(module, name))


def line_of(module: ModuleType, text: str) -> int:
    lines = Path(module.__file__).read_text("utf-8").splitlines()
    return 1 + next(n for n, line in enumerate(lines) if text in line)


def audit(folder: Path, *, without: tuple[str, ...] = ()) -> Audit:
    """An audit of a ticket, delivered without these of its columns."""
    worlds.deliver(folder, worlds.tables_of([worlds.Case("", "", TICKET, None, 0, alone=True)]))
    file = folder / "support_tickets.parquet"
    pq.write_table(pq.read_table(file).drop_columns(list(without)), file)
    policy = load_policy()
    return Audit(open_snapshot(folder, connect()), policy, settings_of(policy, {}))


@pytest.mark.parametrize(
    ("name", "fault", "line"),
    [
        ("column_mistyped", "AttributeError", "t.context"),
        ("column_mistyped_in_brackets", "IbisTypeError", 't["context"]'),
        ("period_mistyped", "KeyError", '"trafic"'),
        ("text_of_people", "AttributeError", "users.text"),  # tickets have no text either, but that is not what was asked for
    ],
)
def test_a_mistyped_name_is_an_error_with_its_place(name, fault, line, module, tmp_path):
    # the column whose name is part of the mistyped one is absent, and is not what the rule stumbled over
    found = evaluate(rule(module, name), audit(tmp_path / "s", without=("text",)))
    number = line_of(module, line)
    assert (found.verdict, found.reason) == (Verdict.ERROR, f"{fault} at faulty.py:{number}")
    assert (found.fault.type, found.fault.file, found.fault.line) == (fault, "faulty.py", number)
    assert found.blocked_by == () and "Traceback" in found.fault.traceback


@pytest.mark.parametrize("name", ["text_read", "text_read_in_brackets", "text_read_in_a_selection"])
def test_an_absent_column_is_named(name, module, tmp_path):
    opened = audit(tmp_path / "s", without=("text",))
    found = evaluate(rule(module, name), opened)
    assert (found.verdict, found.reason) == (Verdict.NOT_EVALUATED, "not delivered: support_tickets.text")
    assert found.blocked_by == ("absent:support_tickets.text",) and found.fault is None
    assert lacking(rule(module, name), opened) == "not delivered: support_tickets.text"
    assert evaluate(rule(module, name), audit(tmp_path / "whole")).verdict == Verdict.PASS


def test_what_an_engine_refuses_quotes_no_value(module, tmp_path):
    opened = audit(tmp_path / "s")
    found = evaluate(rule(module, "value_unreadable"), opened)
    assert found.verdict == Verdict.ERROR
    assert found.reason == f"ConversionException at faulty.py:{line_of(module, 'def value_unreadable')}"
    result = json.dumps(summarise(found, opened, key_pads(b"a key of more than thirty-two bytes", opened.snapshot.engine)).plain())
    assert "hunter2" not in result and "Traceback" not in result
    assert "hunter2" in found.fault.traceback  # for a developer who asks for it


def test_a_fault_is_raised_where_that_is_asked_for(module, tmp_path):
    with pytest.raises(KeyError, match="trafic"):
        evaluate(rule(module, "period_mistyped"), audit(tmp_path / "s"), raises=True)


def test_an_absent_table_is_named_by_a_code(tmp_path):
    worlds.deliver(tmp_path / "s", worlds.tables_of([]), absent=["purge_log"])
    policy = load_policy()
    found = evaluate(RULES["RET-15"], Audit(open_snapshot(tmp_path / "s", connect()), policy, settings_of(policy, {})))
    assert (found.verdict, found.blocked_by) == (Verdict.NOT_EVALUATED, ("absent:purge_log",))


def test_an_absent_text_of_the_policy_is_a_code_and_a_sentence(tmp_path):
    found = evaluate(RULES["DQ-07"], audit(tmp_path / "s"))
    assert found.blocked_by == ("absent:policy_clauses",)
    assert found.reason == "not delivered: the published policy text (policy.text)"
