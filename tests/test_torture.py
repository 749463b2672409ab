"""The attacks of `make torture`, for two minutes: all hold, and each kind tries something."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "torture" / "run.py"


@pytest.mark.xdist_group("torture")
def test_everything_holds_for_two_minutes():
    done = subprocess.run([sys.executable, str(PROGRAM), "--minutes", "2", "--seed", "11"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    tried = {kind: int(count.replace(",", "")) for kind, count in re.findall(r"^(\w+): ([\d,]+) tried", done.stdout, re.M)}
    assert list(tried) == ["values", "packs", "flips", "canaries", "kills"] and all(tried.values()), done.stdout
