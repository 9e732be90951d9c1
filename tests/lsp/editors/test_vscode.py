"""VS Code (as code-server) in headless Chromium, with the packaged extension; driven by keys and clicks alone.

Needs code-server on the PATH or in CODE_SERVER, Chromium, Playwright for Python, and lsp/vscode/codesearch.vsix.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.lsp.editors.places import ANSWER, FILE, QUESTION, TOP, Place

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

EXTENSION = TOP / "lsp" / "vscode"
PATIENCE_MS = 60_000


def code_server() -> list[str]:
    command = os.environ.get("CODE_SERVER") or shutil.which("code-server")
    if not command:
        pytest.skip("no code-server on the PATH or in CODE_SERVER")
    return shlex.split(command)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on the PATH")
    code_server()
    if not (EXTENSION / "codesearch.vsix").exists():
        pytest.skip("the extension is not packaged: npm ci && npm run package in lsp/vscode")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def workbench(browser: Browser, place: Place, folder: Path, **settings: Any) -> Iterator[Page]:
    """Open the repository in VS Code with the extension installed."""
    user = folder / "data" / "User"
    user.mkdir(parents=True)
    calm = {"workbench.startupEditor": "none", "telemetry.telemetryLevel": "off"}
    (user / "settings.json").write_text(json.dumps(calm | settings), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = ["--user-data-dir", str(folder / "data"), "--extensions-dir", str(folder / "extensions")]
    vsix = str(EXTENSION / "codesearch.vsix")
    environment = dict(place.environment)
    subprocess.run(
        [*code_server(), *folders, "--install-extension", vsix], env=environment, check=True, capture_output=True
    )
    options = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-workspace-trust"]
    serving = subprocess.Popen(
        [*code_server(), *folders, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(address)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}?folder={quote(str(place.root))}")
        page.locator(".statusbar-item", has_text="Codesearch").wait_for()
        try:
            yield page
        except Exception:
            page.screenshot(path=folder / "failed.png")
            raise
        page.close()
    finally:
        serving.terminate()
        serving.wait(20)


def wait_for(address: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"nothing answers at {address}")


@pytest.fixture(autouse=True)
def picture_of_failure(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Leave a picture of what was on the screen when a test failed in its temporary folder."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed and "opened" in request.fixturenames:
        request.getfixturevalue("opened").screenshot(path=tmp_path / "failed.png")


@pytest.fixture(scope="module")
def opened(browser: Browser, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with workbench(browser, place, tmp_path_factory.mktemp("vscode")) as page:
        page.locator(".statusbar-item [class*=codicon-search]").wait_for()
        yield page


def run_command(page: Page, title: str) -> None:
    """Choose a command in the palette."""
    page.keyboard.press("F1")
    box = page.locator(".quick-input-widget input.input")
    box.wait_for()
    box.fill(f">{title}")
    page.locator(".quick-input-list .monaco-list-row", has_text=title).first.wait_for()
    page.keyboard.press("Enter")


def ask(page: Page, question: str) -> None:
    """Open the box from the palette, and type."""
    run_command(page, "Codesearch: Ask in Plain Words")
    page.locator(".quick-input-titlebar", has_text="Codesearch").wait_for()
    page.keyboard.type(question, delay=15)


def choose(page: Page, text: str) -> None:
    """Go down to the result that holds a text, and press return."""
    page.locator(".quick-input-list .monaco-list-row", has_text=text).first.wait_for()
    for _ in range(20):
        focused = page.locator(".quick-input-list .monaco-list-row.focused")
        if focused.count() and text in (focused.first.text_content() or ""):
            break
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(50)
    page.keyboard.press("Enter")


def expect_cursor(page: Page, file: str, line: int) -> None:
    page.locator(".tab.active", has_text=Path(file).name).wait_for()
    page.locator(".statusbar-item", has_text=re.compile(rf"Ln {line}, ")).wait_for()


def leave_box(page: Page) -> None:
    page.keyboard.press("Escape")
    page.locator(".quick-input-widget").wait_for(state="hidden")
    page.wait_for_timeout(500)  # the editor that was shown before comes back


def close_editors(page: Page) -> None:
    leave_box(page)
    run_command(page, "View: Close All Editors")
    page.locator(".tab").first.wait_for(state="detached")


def test_a_typed_question_leads_to_the_line(opened: Page, place: Place) -> None:
    ask(opened, QUESTION)
    choose(opened, ANSWER)
    expect_cursor(opened, FILE, place.line_of(f"def {ANSWER}"))


def test_the_selected_result_is_previewed_and_escape_goes_back(opened: Page, place: Place) -> None:
    close_editors(opened)
    opened.keyboard.press("Control+k")
    opened.keyboard.press("q")
    opened.locator(".quick-input-titlebar", has_text="Codesearch").wait_for()
    opened.keyboard.type(f"{QUESTION} kind:method", delay=15)
    opened.locator(".tab.active", has_text="text_document.py").wait_for()
    opened.keyboard.press("Escape")
    opened.locator(".tab").first.wait_for(state="detached")


def test_results_stay_in_their_view(opened: Page) -> None:
    ask(opened, QUESTION)
    opened.locator(".quick-input-list .monaco-list-row", has_text=ANSWER).first.wait_for()
    opened.locator(".quick-input-titlebar .codicon-list-unordered").click()
    opened.locator(".tree-explorer-viewlet-tree-view .monaco-list-row", has_text=ANSWER).first.wait_for()


def test_similar_code_from_the_context_menu(opened: Page, place: Place) -> None:
    ask(opened, QUESTION)
    choose(opened, ANSWER)
    expect_cursor(opened, FILE, place.line_of(f"def {ANSWER}"))
    opened.wait_for_timeout(1000)  # whatever still settles in the editor would close the menu
    place_of_cursor = opened.locator(".editor-instance .cursor").first.bounding_box()
    assert place_of_cursor is not None
    opened.mouse.click(place_of_cursor["x"] + 4, place_of_cursor["y"] + 4, button="right")
    entry = opened.get_by_role("menuitem", name="Find Similar Code")
    entry.wait_for()
    opened.wait_for_timeout(500)  # VS Code takes a click right after the menu opened for the one that opened it
    entry.click()
    opened.locator(".quick-input-titlebar", has_text="similar to").wait_for()
    opened.locator(".quick-input-list .monaco-list-row").first.wait_for()
    leave_box(opened)


# VS Code passes on what stands before the first blank, and nothing else.
@pytest.mark.parametrize("question", [QUESTION.replace(" ", "_"), ANSWER], ids=["question", "name"])
def test_plain_workspace_symbol(opened: Page, place: Place, question: str) -> None:
    close_editors(opened)
    opened.keyboard.press("F1")
    box = opened.locator(".quick-input-widget input.input")
    box.wait_for()
    box.fill(f"#{question}")
    choose(opened, ANSWER)
    expect_cursor(opened, FILE, place.line_of(f"def {ANSWER}"))


def test_a_missing_program_is_said_with_what_to_do(browser: Browser, place: Place, tmp_path: Path) -> None:
    with workbench(browser, place, tmp_path, **{"codesearch.server.path": "/no/such/codesearch"}) as page:
        said = page.locator(".notification-toast", has_text="/no/such/codesearch")
        said.wait_for()
        said.get_by_role("button", name="Open Settings").wait_for()
