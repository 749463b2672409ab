"""The case's notebook in JupyterLab, driven in Chromium: run all, choose a person, see the timeline, choose another instant."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request

import duckdb
import pytest
from commands import ROOT, wait_for
from conftest import KEY

from heytalk_audit.audit.pseudonym import pseudonym

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("case")]
TOKEN = "a-token-of-this-test"


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def lab(opened, tmp_path):
    """The address of JupyterLab on a copy of the case, started as a person starts it, with options of JupyterLab's own."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed")
    copy, port = tmp_path / "C-7", _free_port()
    shutil.copytree(opened, copy)
    command = [sys.executable, "-m", "heytalk_audit.cli", "lab", str(copy), "--no-browser", f"--port={port}"]
    command += [f"--IdentityProvider.token={TOKEN}", "--allow-root"]
    own = {"HEYTALK_AUDIT_KEY": KEY, "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)
    address = f"http://127.0.0.1:{port}"

    def is_up():
        try:
            return urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=2).status == 200
        except OSError:
            return False

    try:
        wait_for(is_up, 120)
        yield address, copy
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def test_a_person_is_chosen_in_jupyterlab(lab, demo):
    from playwright.sync_api import sync_playwright

    address, copy = lab
    rows = f"SELECT user_id FROM '{demo}/users.parquet' WHERE status = 'active' AND NOT is_test ORDER BY user_id LIMIT 1"
    person = pseudonym(KEY.encode(), f"users:{duckdb.sql(rows).fetchall()[0][0]}")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.set_default_timeout(180_000)
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{address}/lab/tree/investigation.ipynb?token={TOKEN}")
        tab.locator(".jp-Notebook .jp-Cell").first.wait_for()
        tab.locator("[data-command='notebook:restart-run-all'], [title^='Restart the kernel and run all cells']").first.click()
        tab.locator(".jp-Dialog .jp-mod-accept").click()
        tab.locator(".jp-Notebook").get_by_text("complaint 4711").wait_for()
        fields = tab.locator(".jp-OutputArea-output input[type=text]")
        fields.first.wait_for()
        fields.nth(0).fill(person)
        tab.get_by_role("button", name="Look", exact=True).click()
        picture = tab.locator(".jp-OutputArea-output img[alt*='events from']")
        picture.first.wait_for()
        now = picture.first.get_attribute("alt")
        fields.nth(1).fill("2024-12-01T00:00:00Z")
        tab.get_by_role("button", name="Look", exact=True).click()
        tab.wait_for_function("old => [...document.querySelectorAll(\"img[alt*='events from']\")].some(i => i.alt !== old)", arg=now)
        tab.get_by_text("known only at the snapshot's instant").first.wait_for()
        assert tab.get_by_text("get notified about official Jupyter news").count() == 0
        browser.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    logged = [json.loads(line) for line in (copy / "log.jsonl").read_text("utf-8").splitlines()]
    assert [entry.get("looked_at") for entry in logged if entry.get("subject") == person][-2:] == [None, "2024-12-01T00:00:00Z"]
