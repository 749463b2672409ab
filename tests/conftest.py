"""What every test stands on: small worlds, and one demo that is audited once."""

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from _pytest.nodeid import coerce_node_id

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])

#: Groups of tests that take minutes, the longest first: they begin first, so that none is left when all else is done.
LONGEST = ("cluster", "duckdb", "run", "case", "spark-0", "spark-1", "spark", "monotony")
#: What signals do in this process: a command that is run here leaves them ignored, and what is started then would inherit that.
SIGNALS = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
KEY = "a-key-for-tests-which-is-long-enough-for-anybody"


# expressions are many small objects in no cycles: a fifth of the suite's time went into looking for some among them
gc.set_threshold(100_000, 50, 100)


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="also what takes long: Spark in every world of cases and of second readings")


def pytest_collection_modifyitems(config, items):
    """What takes long waits to be asked for, and tests of one `xdist_group` go to one process.

    pytest-xdist 3.8 tells its scheduler by writing a test's `_nodeid`, which pytest 9.2 no longer reads.
    """
    if not config.getoption("thorough"):
        waiting = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=waiting)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    if not config.getoption("loadgroup", False):
        return
    items.sort(key=_turn)
    for item in items:
        if groups := _groups(item):
            item._id = coerce_node_id(f"{item.nodeid}@{'_'.join(groups)}")


def _groups(item):
    return sorted(mark.args[0] for mark in item.iter_markers("xdist_group"))


def _turn(item):
    """Where a test stands among all: the longest groups, the other groups, the rest."""
    groups = _groups(item)
    return min((LONGEST.index(g) for g in groups if g in LONGEST), default=len(LONGEST) + (not groups))


@pytest.fixture(autouse=True)
def _signals():
    """Each test begins and ends with the signals of the process as they were."""
    _signals_as_before()
    yield
    _signals_as_before()


def _signals_as_before():
    for signum, handler in SIGNALS.items():
        if signal.getsignal(signum) != handler:
            signal.signal(signum, handler)


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder that all workers share, made once each: `shared(name, make)`."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if worker_id != "master" else root

    def once(name, make):
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = root / name
            if not folder.exists():
                make(folder)
            return folder

    return once


@pytest.fixture(scope="session")
def demo(shared):
    """A small demo snapshot."""
    from heytalk_audit.demo import write_demo

    return shared("demo", lambda folder: write_demo(folder, users=400))


@pytest.fixture(scope="session")
def audited(shared, demo):
    """The run's folder of an audit of the small demo."""
    from commands import run

    def make(folder):
        assert run(demo, folder).returncode == 1

    return shared("audited", make)


@pytest.fixture(scope="session")
def opened(shared, demo):
    """The folder of a case on the small demo, opened as the investigator's tutorial opens it."""
    from commands import heytalk_audit, params
    from tutorial import commands_of

    def make(folder):
        places = {"cases/C-7": folder, "params/quarterly.yaml": params(folder.parent / "case-params", demo)}
        done = heytalk_audit(*(places.get(word, word) for word in commands_of("investigator.md")[0]))
        assert done.returncode == 0, done.stderr

    return shared("case", make)


@pytest.fixture
def case(opened, monkeypatch):
    """The case, with the engagement key at hand."""
    from heytalk_audit.investigation.case_file import open_case

    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    return open_case(opened)


@pytest.fixture(scope="session")
def spark():
    """Spark on this machine, one for all tests of a process."""
    pytest.importorskip("pyspark", reason="pyspark is not installed (make test EXTRAS=spark)")
    if shutil.which("java") is None:
        pytest.skip("no Java runtime")
    from heytalk_audit.snapshot.engines import connect

    return connect("local[2]", {"spark.sql.shuffle.partitions": "2", "spark.default.parallelism": "2", "spark.driver.memory": "2g"})


@pytest.fixture(scope="session")
def postgres():
    """The address of a PostgreSQL server of the tests' own, in a folder of its own. Tests that use it are of one `xdist_group`."""
    import servers

    pytest.importorskip("adbc_driver_postgresql", reason="adbc-driver-postgresql is not installed")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name.split(".")[0]))
    programs = next((p for p in (*reversed(places), Path(shutil.which("initdb") or "/none").parent) if (p / "initdb").exists()), None)
    if programs is None:
        pytest.skip("no PostgreSQL server (apt-get install postgresql)")
    # not among pytest's folders, which only their owner may enter: PostgreSQL does not run as root
    folder = Path(tempfile.mkdtemp(prefix="heytalk-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    start = (
        f"{programs}/initdb -D data -A trust --no-sync -U admin --locale=C.UTF-8 && exec {programs}/postgres -D data -k {folder} -h '' -F"
    )
    with servers.running(folder, ["sh", "-c", start], "postgres"):
        ready = [programs / "pg_isready", "-h", folder, "-U", "admin", "-d", "postgres"]
        end = time.monotonic() + 90
        while subprocess.run(ready, capture_output=True, check=False).returncode:
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"postgresql:///postgres?host={folder}&user=admin"


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window, of a module's own."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()
