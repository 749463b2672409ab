"""A server of the tests ends with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import servers

STARTS_ONE = """
import sys, time
from pathlib import Path
import servers
with servers.running(Path(sys.argv[1]), ["sh", "-c", "echo $$ > pid; exec sleep 600"]):
    time.sleep(float(sys.argv[2]))
"""


def soon(holds) -> bool:
    """Whether something comes to hold within seconds."""
    end = time.monotonic() + 30
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return bool(held)


def alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("end", [None, signal.SIGTERM, signal.SIGKILL], ids=["by itself", "terminated", "killed"])
def test_it_ends_with_its_starter_and_leaves_no_folder(end, tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    env = os.environ | {"PYTHONPATH": str(Path(servers.__file__).parent)}
    starter = subprocess.Popen([sys.executable, "-c", STARTS_ONE, str(folder), "600" if end else "0.5"], env=env, start_new_session=True)
    assert soon(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
    pid = int((folder / "pid").read_text())
    if end:
        # all of its group, as a time limit does
        os.killpg(starter.pid, end)
    starter.wait(30)
    assert soon(lambda: not alive(pid)) and soon(lambda: not folder.exists())
