"""A real browser, and a JupyterLab of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
SLIDER = ".noUi-handle"
# What stands on the page once a widget does.
WIDGET = (".bqplot.figure path.line", SLIDER)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# Without Binder's settings JupyterLab would ask the reader whether he wants news, and then a server.
SETTINGS = ROOT / "binder" / "default_setting_overrides.json"
OWN_FOLDERS = (
    "IPYTHONDIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "NBTOOLS_LESSONS",
    "NBTOOLS_RESULTS",
)
# Drawn in software, and silent towards the maker's servers.
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
]


@dataclass
class Watched:
    """A page, and what it said and asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def browser_path(driver_path: str) -> str | None:
    """$NBTOOLS_BROWSER, then the system's, then Playwright's own."""
    found = [os.environ.get("NBTOOLS_BROWSER"), *map(shutil.which, NAMES), str(MAC), driver_path]
    return next((path for path in found if path and Path(path).exists()), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless; the tests are skipped where no browser is installed."""
    with sync_playwright() as driver:
        path = browser_path(driver.chromium.executable_path)
        if path is None:
            pytest.skip("no browser: install chromium, or name one in NBTOOLS_BROWSER")
        opened = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page of 1280 × 900 whose errors and requests are kept."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    watched.page.on("console", lambda m: watched.errors.append(m.text) if m.type == "error" else None)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("request", lambda request: watched.requests.append(request.url))
    yield watched
    context.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where a person looks afterwards."""
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: the folder it shows, how long its start took (s), its address and its key."""

    folder: Path
    starting: float
    address: str
    token: str

    def url(self, name: str) -> str:
        return f"{self.address}lab/tree/{name}?token={self.token}&reset"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on copies of the notebooks, with no setting of the person who runs the tests."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns("results", ".*"))
    own = {name: str(home / name.lower()) for name in OWN_FOLDERS}
    configured = Path(own["JUPYTER_CONFIG_DIR"]) / "labconfig"
    configured.mkdir(parents=True)
    shutil.copy(SETTINGS, configured)
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={folder}",
    ]
    begin = time.monotonic()
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ | own | {"HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        found = _address(process, Path(own["JUPYTER_RUNTIME_DIR"]), home / "log")
        yield Lab(folder, time.monotonic() - begin, *found)
    finally:
        # The group, so that no kernel is left behind.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def open_widget(lab, watched):
    """A notebook of one cell, run in JupyterLab; its page once the plot stands."""

    def opened(cell: str, name: str, *, dark: bool = False, width: int = 1000, ready=WIDGET):
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=kernel)
        nbformat.write(notebook, lab.folder / name)
        page = watched.page
        page.set_default_timeout(60_000)
        page.set_viewport_size({"width": width, "height": 1100})
        page.goto(lab.url(name))
        page.wait_for_function("window.jupyterapp && jupyterapp.shell.currentWidget?.sessionContext")
        page.evaluate(
            "async () => { await jupyterapp.restored; const p = jupyterapp.shell.currentWidget;"
            " await p.context.ready; await p.sessionContext.ready; }"
        )
        if dark:
            page.evaluate(
                "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
            )
        page.evaluate("async () => await jupyterapp.commands.execute('notebook:run-all-cells')")
        for selector in ready:
            page.wait_for_selector(selector)
        time.sleep(1.0)
        return page

    return opened


def _address(process: subprocess.Popen, runtime: Path, log: Path) -> tuple[str, str]:
    """Where the server listens, once it says so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            if text := file.read_text():
                server = json.loads(text)
                return server["url"], server["token"]
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
