"""The page in Debian's Chromium, over real code, and what it is built of."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.codesearch.server.serving import Serving, make_repositories, serving

ROOT = Path(__file__).parent.parent.parent.parent
STATIC = ROOT / "codesearch" / "server" / "static"
SOURCES = ROOT / "page"
CHROMIUM = shutil.which("chromium")
AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="needs Chromium (Debian: apt install chromium) and the package playwright",
)
needs_modules = pytest.mark.skipif(
    shutil.which("node") is None or not (SOURCES / "node_modules").exists(),
    reason="needs Node and its packages: npm ci --ignore-scripts in page/",
)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

IMAGE = "<img src=x onerror=window.pwned=1>"
HOSTILE = 'evil"><svg/onload=window.pwned=1>'
HOSTILE_FILES = {
    f"{IMAGE}.py": 'def greet_the_visitor(name):\n    """Greet </script><script>window.pwned=1</script> kindly."""\n'
    f"    return '{IMAGE}' + \"javascript:window.pwned=1\"\n",
    "bidi.py": "def check_the_access(level):\n    # \u202e reversed \u2066\n    return level  # \x1b[31m\n",
}


# --- what it is built of ------------------------------------------------------------------------------------


@needs_modules
def test_the_page_is_what_its_sources_give(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=SOURCES, check=True, capture_output=True)
    built = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert built.keys() == {file.name for file in STATIC.iterdir()}
    stale = [name for name, content in built.items() if content != (STATIC / name).read_bytes()]
    assert stale == [], "run `npm run build` in page/, and commit what it made"


@needs_modules
def test_its_types_hold() -> None:
    done = subprocess.run(["npm", "run", "--silent", "check"], cwd=SOURCES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_records_are_those_of_the_api() -> None:
    specification = importlib.util.spec_from_file_location("page_records", SOURCES / "records.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert module.FILE.read_text("utf-8") == module.typescript(), "run `python page/records.py`"


def test_it_is_small() -> None:
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in STATIC.iterdir()) < 30_000


def test_it_loads_nothing_from_elsewhere() -> None:
    index = (STATIC / "index.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="([^"]*)"', index) == ["/icon.svg", "/page.css", "/page.js"]
    assert "style=" not in index
    assert not re.search(r"https?:", (STATIC / "page.css").read_text("utf-8"))
    addresses = set(re.findall(r"https?://[^\s\"'`]+", (STATIC / "page.js").read_text("utf-8")))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), "but names of XML"


def test_nothing_becomes_markup() -> None:
    for file in (SOURCES / "src").glob("*.ts*"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", file.read_text()
        )


def test_its_packages_are_pinned() -> None:
    package = json.loads((SOURCES / "package.json").read_text("utf-8"))
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    locked = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert all("resolved" not in entry for entry in locked.values())
    assert all(entry.get("integrity") for name, entry in locked.items() if name)


# --- in the browser -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Code of this project, and a repository that means harm."""
    code: dict[str, str] = {}
    for folder in ("codesearch/search", "codesearch/mcp", "codesearch/sources", "tests/codesearch/search"):
        for file in sorted((ROOT / folder).glob("*.py")):
            code[file.relative_to(ROOT).as_posix()] = file.read_text("utf-8")
    for file in sorted((ROOT / "lsp" / "vscode" / "src").glob("*.ts")):
        code[file.relative_to(ROOT).as_posix()] = file.read_text("utf-8")
    return make_repositories(tmp_path_factory.mktemp("page"), {"team/project": code, HOSTILE: HOSTILE_FILES})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, roots: dict[str, Path]) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("served"), roots) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, roots: dict[str, Path]) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("guarded"), roots, guarded=True, dense=False) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


Open = Callable[..., Any]


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Open a page in a profile of its own; fails if it complains, or asks another host."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(server: Serving, address: str = "", *, context: Any = None, quiet: bool = True, **options: Any) -> Any:
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(server.url) else complaints.append(f"asked {r.url}"))
        if quiet:
            page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.goto(f"{server.url}/{address}")
        holds(page, "document.readyState === 'complete'")
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.pwned") is None
        context.close()
    assert complaints == []


def ask(page: Any, question: str) -> None:
    """Type a question, and wait for the full answer to it."""
    page.fill(".box", question)
    settled(page)


def holds(page: Any, expression: str) -> None:
    """Wait until an expression holds; Playwright's own way evaluates text in the page, which its policy forbids."""
    deadline = time.monotonic() + 30
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"it never came to {expression}"
        page.wait_for_timeout(30)


def settled(page: Any) -> None:
    """Wait until the box has its full answer and nothing changes: a question waits a moment before it is sent."""
    answered = "!document.querySelector('.busy.on') && !document.querySelector('.said').textContent.endsWith('…')"
    deadline, quiet = time.monotonic() + 60, 0
    before: tuple[Any, ...] = ()
    while quiet < 12:
        page.wait_for_timeout(50)
        now = (page.evaluate(answered), page.url, names(page), page.locator(".list .error").count())
        quiet, before = (quiet + 1 if now == before and now[0] else 0), now
        assert time.monotonic() < deadline, "the page never came to rest"


def names(page: Any) -> list[str]:
    return list(page.locator(".result .name").all_text_contents())


@needs_browser
def test_results_come_as_one_types(server: Serving, visit: Open) -> None:
    page = visit(server)
    assert page.evaluate("document.activeElement.className") == "box"
    page.keyboard.type("read filters of a question", delay=30)
    settled(page)
    assert "read_filters" in names(page)[:3]
    assert page.locator(".result .line.telling").count() > 0
    assert page.locator(".result .t-keyword").count() > 0
    assert "#q=read+filters+of+a+question" in page.url
    assert page.input_value(".box") == "read filters of a question"


@needs_browser
def test_the_last_question_wins(server: Serving, visit: Open) -> None:
    page = visit(server)
    bodies: list[str] = []
    page.on("requestfinished", lambda request: bodies.append(request.post_data or ""))
    for question in ("json_text", "resolve a symbolic link", "read_filters"):
        page.fill(".box", question)
        page.wait_for_timeout(140)
    settled(page)
    assert names(page)[0] in ("read_filters", "_Reading", "FilteredQuestion")
    ask(page, "Sandbox.locate")
    assert names(page)[0] == "Sandbox.locate"


@needs_browser
def test_filters_as_chips_and_as_words(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "open a file")
    before = names(page)
    page.click("summary:has-text('Language')")
    page.get_by_role("checkbox", name="typescript").check()
    page.keyboard.press("Escape")
    page.wait_for_selector(".chip:has-text('typescript')")
    settled(page)
    assert "lang=typescript" in page.url
    assert set(page.locator(".result .language").all_text_contents()) == {"typescript"}
    page.click(".chip")
    settled(page)
    assert names(page) == before
    ask(page, "open a file lang:typescript")
    assert set(page.locator(".result .language").all_text_contents()) == {"typescript"}
    ask(page, "open a file")
    page.select_option(".tests select", "only")
    settled(page)
    assert all("test" in path for path in page.locator(".result .where .path").all_text_contents())
    page.click("summary:has-text('Path')")
    page.keyboard.press("Tab")
    page.keyboard.type("nowhere/")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip:has-text('nowhere/')")
    settled(page)
    assert names(page) == []
    page.click("text=Search without filters")
    settled(page)
    assert names(page) == before


@needs_browser
def test_a_repository_is_chosen(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "greet the visitor")
    page.click("summary:has-text('Repository')")
    page.get_by_role("checkbox", name="team/project").check()
    page.wait_for_selector(".chip:has-text('team/project')")
    settled(page)
    assert set(page.locator(".result .repository").all_text_contents()) == {"team/project"}


@needs_browser
def test_all_of_it_by_keys(server: Serving, visit: Open) -> None:
    page = visit(server)
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    ask(page, "read filters of a question")
    found = names(page)

    def selected() -> str:
        return str(page.locator(".result[aria-current] .name").text_content())

    assert selected() == found[0]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert selected() == found[1]
    page.keyboard.press("Enter")
    page.wait_for_selector(".file .line.current")
    assert "open=" in page.url
    page.keyboard.press("ArrowDown")  # the file follows the selection
    assert selected() == found[2]
    page.keyboard.press("Escape")
    page.wait_for_selector(".preview", state="detached")
    assert page.evaluate("document.activeElement.className") == "box"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert selected() == found[3]
    page.keyboard.press("k")
    page.keyboard.press("w")
    assert page.locator("table.reasons").count() == 1
    page.keyboard.press("w")
    assert page.locator("table.reasons").count() == 0
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.className") == "box"
    page.keyboard.type("x/?y")  # which are letters there
    assert page.input_value(".box") == "x/?y"


@needs_browser
def test_why_a_result_is_where_it_is(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "read filters of a question")
    page.click("text=Why here >> nth=0")
    values = [float(text) for text in page.locator(".reasons .value").all_text_contents()]
    assert sum(values) == pytest.approx(float(page.locator(".reasons caption").text_content().split()[-1]), abs=0.02)
    assert all(page.locator(".reasons .meaning").all_text_contents())


@needs_browser
def test_code_like_a_result(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "read filters of a question")
    first = names(page)[0]
    page.click("text=Similar >> nth=0")
    page.wait_for_selector(".like")
    settled(page)
    assert "like=" in page.url
    assert names(page)
    assert first not in names(page)[:1]
    page.go_back()
    settled(page)
    assert names(page)[0] == first


@needs_browser
def test_a_link_leads_to_the_same_line(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "read filters of a question")
    page.click(".result h2 a >> nth=0")
    page.wait_for_selector(".file .line.current")
    assert page.locator(".file .line.within").count() > 1
    page.locator(".file .line.current ~ .line a.number").nth(2).click()
    line = page.locator(".file .line.current").get_attribute("data-line")
    address = page.url
    other = visit(server, address.partition("/#")[2] and f"#{address.partition('#')[2]}")
    other.wait_for_selector(f".file .line.current[data-line='{line}']")
    settled(other)
    assert names(other) == names(page)
    assert other.locator(f".file [data-line='{line}']").is_visible()
    box = other.locator(f".file [data-line='{line}']").bounding_box()
    assert 0 < box["y"] < 800
    page.go_back()
    holds(page, f"document.querySelector('.file .line.current')?.dataset.line !== '{line}'")


@needs_browser
def test_symbols_of_a_file(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "read filters of a question")
    page.click(".result h2 a >> nth=0")
    page.wait_for_selector(".tools select option:nth-child(2)", state="attached")
    options = page.locator(".tools select option").all_text_contents()
    number = next(n for n, text in enumerate(options) if text.startswith("read_filters "))
    page.select_option(".tools select", index=number)
    line = options[number].split()[-1]
    page.wait_for_selector(f".file .line.current[data-line='{line}']")
    assert "def read_filters" in page.locator(".file .line.current").text_content()


@needs_browser
def test_more_results_follow(server: Serving, visit: Open) -> None:
    page = visit(server)
    ask(page, "path of a file")
    assert page.locator(".result").count() == 20
    page.click("button.more")
    holds(page, "document.querySelectorAll('.result').length > 20")
    keys = page.locator(".result h2 a").evaluate_all("all => all.map((one) => one.href)")
    assert len(keys) == len(set(keys))


@needs_browser
def test_an_error_says_what_to_do(server: Serving, visit: Open) -> None:
    page = visit(server, quiet=False)
    ask(page, "read filters")
    page.context.set_offline(True)
    page.fill(".box", "another question")
    page.wait_for_selector(".list .error:has-text('does not answer')")
    page.context.set_offline(False)
    page.click("text=Try again")
    page.wait_for_selector(".list .error", state="detached")
    settled(page)
    assert names(page)
    page.fill(".box", "parse lang:klingon")
    page.wait_for_selector(".list .error:has-text('klingon')")
    ask(page, "parse")
    assert page.locator(".list .error").count() == 0


@needs_browser
def test_nothing_found_says_why(server: Serving, visit: Open) -> None:
    page = visit(server)
    page.fill(".box", "lang:haskell parse")
    settled(page)
    assert names(page) == []
    assert page.locator(".list .notice").first.text_content()


@needs_browser
def test_the_start_shows_what_was_asked_before(server: Serving, visit: Open) -> None:
    page = visit(server)
    assert "pieces, in 2 repositories" in page.locator(".lead").text_content()
    ask(page, "read filters of a question")
    page.keyboard.press("Enter")
    page.wait_for_selector(".preview")
    other = visit(server, context=page.context)
    assert other.locator(".questions .link").all_text_contents() == ["read filters of a question"]
    other.click(".questions .link")
    settled(other)
    assert other.input_value(".box") == "read filters of a question"
    third = visit(server, context=page.context)
    third.click("text=Forget these")
    assert third.locator(".questions .link").count() == 3
    assert third.evaluate("localStorage.getItem('codesearch.questions')") is None


@needs_browser
def test_two_tabs_do_not_disturb_each_other(server: Serving, visit: Open) -> None:
    one = visit(server)
    two = visit(server, context=one.context)
    one.fill(".box", "Sandbox.locate")
    two.fill(".box", "read_filters")
    settled(one)
    settled(two)
    assert names(one)[0] == "Sandbox.locate"
    assert names(two)[0] == "read_filters"
    one.click("button.icon >> nth=0")
    holds(two, "document.documentElement.dataset.theme === 'light'")
    assert "q=Sandbox.locate" in one.url
    assert "q=read_filters" in two.url


@needs_browser
def test_progress_while_indexing(server: Serving, visit: Open) -> None:
    page = visit(server)

    def encoding(route: Any) -> None:
        held = route.fetch().json()
        held["repositories"][1] |= {"stage": "encoding", "doing": "encoding", "done": 30, "total": 90}
        route.fulfill(json=held)

    page.route("**/v1/repositories", encoding)
    page.reload()
    page.wait_for_selector(".progress:has-text('encoding 30 of 90')")
    assert page.get_by_role("progressbar").get_attribute("value") == "30"
    page.unroute("**/v1/repositories")
    page.wait_for_selector(".progress", state="detached")  # it looks by itself


@needs_browser
def test_a_token_is_asked_for_and_decides(guarded: Serving, visit: Open) -> None:
    token = guarded.file.add("page", ["team/*"], None)
    page = visit(guarded, quiet=False)
    page.wait_for_selector("form.token")
    assert page.locator("form.token .error").count() == 0
    page.fill("form.token input", "codesearch_wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("form.token .error:has-text('not known')")
    page.fill("form.token input", token)
    page.keyboard.press("Enter")
    ask(page, "greet the visitor")
    assert page.locator("summary:has-text('Repository')").count() == 0  # there is one
    assert "greet_the_visitor" not in names(page)
    other = visit(guarded, context=page.context, quiet=False)
    ask(other, "read_filters")
    assert token not in page.url
    guarded.file.revoke("page")
    page.fill(".box", "another question")
    page.wait_for_selector("form.token .error:has-text('not known')")


@needs_browser
def test_one_signs_out_of_all_tabs(guarded: Serving, visit: Open) -> None:
    token = guarded.file.add("out", ["*"], None)
    page = visit(guarded, quiet=False)
    page.fill("form.token input", token)
    page.keyboard.press("Enter")
    page.wait_for_selector(".lead")
    other = visit(guarded, context=page.context, quiet=False)
    other.wait_for_selector(".lead")
    page.click("text=Sign out")
    page.wait_for_selector("form.token")
    other.wait_for_selector("form.token")
    assert page.evaluate("localStorage.getItem('codesearch.token')") is None
    guarded.file.revoke("out")


@needs_browser
@pytest.mark.parametrize(
    "question", ["greet the visitor", "check the access", IMAGE, '"><script>window.pwned=1</script>']
)
def test_what_is_hostile_is_only_text(server: Serving, visit: Open, question: str) -> None:
    page = visit(server)
    ask(page, question)
    for number in range(min(3, page.locator(".result").count())):
        page.locator(".result h2 a").nth(number).click()
        page.wait_for_selector(".file .line")
        page.locator("text=Why here").nth(number).click()
    assert page.evaluate("document.querySelectorAll('img, script:not([src]), svg, iframe, object').length") == 0
    assert page.evaluate("window.pwned") is None
    if question == "greet the visitor":
        shown = page.locator(".list").inner_text()
        assert IMAGE in shown
        assert HOSTILE in shown
        assert "</script><script>window.pwned=1</script>" in page.locator(".list .code").all_inner_texts()[0]
    if question == "check the access":
        assert not re.search("[\u202e\u2066\x1b]", page.content())
    again = visit(server, f"#{page.url.partition('#')[2]}")  # by its link
    again.wait_for_selector(".file .line")


@needs_browser
@pytest.mark.parametrize(
    "address", ["#q=%00", "#open=x", "#open=1:99999:a/b", "#like=1:3:a/b/c", "#lang=klingon&q=a", "#%"]
)
def test_a_link_that_is_none_does_no_harm(server: Serving, visit: Open, address: str) -> None:
    page = visit(server, address, quiet=False)
    page.wait_for_timeout(700)
    ask(page, "read_filters") if "klingon" not in address else page.wait_for_selector(".list .error")
    assert page.locator(".box").is_visible()


LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}, "has_touch": True},
}


@needs_browser
@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci --ignore-scripts in page/")
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(server: Serving, guarded: Serving, visit: Open, look: str) -> None:
    page = visit(server, **LOOKS[look])

    def examine(page: Any, what: str) -> None:
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
        assert told == [], what

    page.wait_for_selector(".lead")
    examine(page, "the start")
    ask(page, "read filters of a question")
    page.click("text=Why here >> nth=0")
    examine(page, "results")
    page.click("summary:has-text('Language')")
    examine(page, "a menu")
    page.get_by_role("checkbox", name="python").check()
    page.wait_for_selector(".chip")
    page.keyboard.press("Escape")
    settled(page)
    page.click(".result h2 a >> nth=0")
    page.wait_for_selector(".file .line.current")
    examine(page, "a file")
    if look == "phone":
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click("[aria-label='Close the file']")
    page.click("[aria-label='Keys and filters']")
    examine(page, "the table of keys")
    form = visit(guarded, quiet=False, **LOOKS[look])
    form.wait_for_selector("form.token")
    examine(form, "the form")


@needs_browser
def test_nothing_is_wider_than_a_phone(server: Serving, visit: Open) -> None:
    page = visit(server, viewport={"width": 360, "height": 740})
    ask(page, "read filters of a question")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click(".result h2 a >> nth=0")
    page.wait_for_selector(".file .line.current")
    assert not page.locator(".box").is_visible()
    page.click("[aria-label='Close the file']")
    page.wait_for_selector(".box")
