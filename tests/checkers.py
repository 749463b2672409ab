"""The open tools that read what is written here, where `make checkers` has set them up: a test that needs one skips without it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / ".venv" / "checkers" / "bin"


def run(tool: str, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What a tool printed, and how it ended."""
    if not (FOLDER / tool).exists():
        pytest.skip(f"{tool} is not set up here: make checkers")
    return subprocess.run([str(FOLDER / tool), *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=180, check=False)


def run_script(text: str, *words: object) -> subprocess.CompletedProcess[str]:
    """A script of Python with the tools' own libraries; see `run`."""
    return run("python", "-c", text, *words)
