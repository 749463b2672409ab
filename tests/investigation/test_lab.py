"""A case in JupyterLab, as an investigator uses it: the notebook is run whole, a person and an instant are chosen in its form."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import duckdb
import pytest
from conftest import KEY

from heytalk_audit.audit.pseudonym import pseudonym

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("case")]
#: Milliseconds that a kernel may take for an answer.
PATIENCE = 120_000
#: What is sent to a kernel before it has said who it is may be lost.
RUN_ALL = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    await context.ready;
    await context.session.kernel.info;
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""


@pytest.fixture
def lab(opened, tmp_path):
    """JupyterLab on a copy of the case: the copy, and the address that opens it."""
    folder = tmp_path / "C-7"
    shutil.copytree(opened, folder)
    options = (
        "--no-browser",
        "--allow-root",
        "--LabApp.expose_app_in_browser=True",
        "--ServerApp.port=0",
        "--IdentityProvider.token=for-this-test",
    )
    places = {"JUPYTER_RUNTIME_DIR": tmp_path / "runtime", "JUPYTER_DATA_DIR": tmp_path / "data", "HOME": tmp_path}
    environment = os.environ | {"HEYTALK_AUDIT_KEY": KEY} | {name: str(place) for name, place in places.items()}
    with (tmp_path / "log").open("w") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "heytalk_audit.cli", "lab", str(folder), *options], env=environment, stderr=log, start_new_session=True
        )
    try:
        yield folder, _address(tmp_path / "log", started)
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def _address(log, started) -> str:
    """The address that JupyterLab says it serves."""
    for _ in range(600):
        served = re.search(r"http://[a-z0-9.]+:(\d+)/lab", log.read_text("utf-8"))
        if served:
            return f"http://127.0.0.1:{served[1]}/lab/tree/investigation.ipynb?token=for-this-test"
        assert started.poll() is None, log.read_text("utf-8")
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture
def tab(browser, lab):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.elsewhere = []
    page.on("request", lambda request: page.elsewhere.append(request.url))
    page.goto(lab[1])
    yield page
    page.close()


#: The picture of a timeline in the notebook.
PICTURE = ".jp-OutputArea img[src^='data:image/svg']"
LOOK = "button:has-text('Look'):not([disabled])"


def test_a_person_is_chosen_in_the_form_and_the_instant_changed(lab, tab, demo):
    folder, _ = lab
    user = duckdb.sql(f"SELECT user_id FROM '{demo}/users.parquet' WHERE status = 'active' ORDER BY user_id DESC LIMIT 1").fetchall()[0][0]
    tab.locator(".jp-Notebook").wait_for()
    tab.wait_for_function("window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'")
    tab.evaluate(RUN_ALL)
    person = tab.get_by_placeholder("16 hex digits")
    person.wait_for()
    # cells out of sight are not drawn: what the notebook holds is asked for
    assert "complaint 4711" in tab.evaluate("JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())")
    person.fill("nobody")
    tab.locator(LOOK).click()
    tab.get_by_text("is no pseudonym").wait_for()
    person.fill(pseudonym(KEY.encode(), f"users:{user}"))
    tab.locator(LOOK).click()
    tab.locator(PICTURE).wait_for()
    before = tab.locator(PICTURE).get_attribute("src")
    # the rows in a table that can be sorted, drawn without a server elsewhere
    tab.locator(".dt-container table tbody tr").first.wait_for()
    tab.get_by_placeholder(re.compile("the snapshot's own")).fill("2025-02-01T00:00:00Z")
    tab.locator(LOOK).click()
    tab.wait_for_function(
        "([place, before]) => { const e = document.querySelector(place); return e && e.src !== before }", arg=[PICTURE, before]
    )
    lines = map(json.loads, (folder / "log.jsonl").read_text("utf-8").splitlines())
    assert [line.get("looked_at") for line in lines if line["event"] == "person"][-2:] == [None, "2025-02-01T00:00:00Z"]
    assert user not in (folder / "log.jsonl").read_text("utf-8")
    tab.get_by_role("tab", name="A group").click()
    assert tab.get_by_role("button", name="Count").bounding_box()["x"] < 1300
    elsewhere = [url for url in tab.elsewhere if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:"))]
    assert elsewhere == []
