"""The command line as its users call it: another process, another folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import KEY

ROOT = Path(__file__).resolve().parents[1]


def heytalk_audit(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Run a command; its output is text."""
    command = [sys.executable, "-m", "heytalk_audit.cli", *map(str, arguments)]
    given = {k: v for k, v in os.environ.items() if k != "HEYTALK_AUDIT_KEY"} | {"HEYTALK_AUDIT_KEY": KEY} | (env or {})
    return subprocess.run(command, env=given, cwd=cwd, capture_output=True, text=True, timeout=400, check=False)


def params(folder: Path, snapshot: Path, **more: object) -> Path:
    """A parameters file for a snapshot."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"audit": {"id": "test", "title": "A test"}, "snapshot": os.path.relpath(snapshot, folder)} | more
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def run(snapshot: Path, out: Path, *arguments: object, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess:
    """`heytalk-audit run` on a snapshot."""
    given = params(out.parent / f"{out.name}-params", snapshot, **more)
    return heytalk_audit("run", given, "--out", out, *arguments, env=env)


def refused(done, out: Path, hint: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert hint in lines[0]
    assert re.match(r"error: .+: .+; .+", lines[0])
    assert not out.exists()
