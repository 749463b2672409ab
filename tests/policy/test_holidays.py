"""Public holidays for the parameters: real ones, in order, as YAML; an unknown region is refused in one line."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest
import yaml

from heytalk_audit.errors import InputError
from heytalk_audit.policy.holidays import lines


def days(region, *years):
    return yaml.safe_load("\n".join(lines(region, years)))


def test_a_country_a_part_of_one_and_two_years():
    spain = days("ES", 2025, 2024)
    assert spain == sorted(spain) and {day.year for day in spain} == {2024, 2025}
    assert {dt.date(2025, 1, 6), dt.date(2025, 12, 25)} <= set(spain)
    assert dt.date(2025, 3, 31) in days("US-CA", 2025) and dt.date(2025, 3, 31) not in days("US", 2025)
    assert dt.date(2025, 4, 21) in days("GB-ENG", 2025) and dt.date(2025, 4, 21) not in days("GB-SCT", 2025)
    assert days("UK", 2025) == days("GB", 2025)
    assert dt.date(2025, 10, 29) in days("tr", 2025) and dt.date(2025, 1, 29) in days("CN", 2025)


def test_names_are_comments():
    assert "- 2025-01-06  # Epiphany" in lines("ES", [2025])


@pytest.mark.parametrize(
    ("region", "hint"), [("EX", "did you mean"), ("US-CC", "did you mean 'US-"), ("", "known are"), ("EEA", "name one")]
)
def test_an_unknown_region_is_refused(region, hint):
    with pytest.raises(InputError, match=hint):
        lines(region, [2025])


def test_the_command():
    call = [sys.executable, "-m", "heytalk_audit.cli", "holidays"]
    done = subprocess.run([*call, "TR", "--year", "2025"], capture_output=True, text=True)
    assert done.returncode == 0 and yaml.safe_load(done.stdout) == days("TR", 2025)
    done = subprocess.run([*call, "XX", "--year", "2025"], capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    done = subprocess.run([*call, "TR"], capture_output=True, text=True)
    assert done.returncode == 2


def test_nothing_else_imports_the_library():
    code = "import sys, heytalk_audit.cli, heytalk_audit.running.run, heytalk_audit.rules; print('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
