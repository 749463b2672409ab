"""The reference says what the commands and the parameters say, at any width of the terminal, and leaves none of them out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from heytalk_audit.params import Params

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference.md").read_text("utf-8")


@pytest.fixture(scope="module")
def written() -> ModuleType:
    """`docs/reference.py` as a module."""
    spec = importlib.util.spec_from_file_location("docs_reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("columns", ["20", "300"])
def test_the_reference_is_fresh_at_any_width(written, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert written.reference() == PAGE, "make reference"


def test_every_option_of_every_command_says_what_it_is(written):
    commands = dict(written.commands())
    assert re.findall(r"^### (.+)$", PAGE, re.M) == [*commands]
    assert [(words, one.name) for words, command in commands.items() for one in command.params if not one.help] == []
    assert all(command.help and command.epilog for command in commands.values())


def test_the_shipped_parameters_show_every_key(written):
    text = (ROOT / "params" / "quarterly.yaml").read_text("utf-8")
    shown = yaml.safe_load(re.sub(r"^# (?=\w+: )", "", text, flags=re.M))
    stated = [key for key, *_ in written.keys() if not key.startswith("engine.")]  # noqa: SIM118, a function of that name
    assert len(stated) > 20
    for key in stated:
        group, _, name = key.partition(".")
        assert group in shown and (not name or name in shown[group]), key
    assert set(shown) == set(Params.model_fields)
