"""What is installed and released: metadata, versions, groups of dependencies, linters, workflows, promises."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hatchling import build
from hatchling.builders.sdist import SdistBuilder
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import codesearch

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, Any] = PROJECT["dependency-groups"]
PUBLIC_EXTRAS = {"datasets", "gpu", "hnswlib", "server", "train", "eval"}


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """What the wheel says of itself."""
    folder = tmp_path_factory.mktemp("metadata")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        name = build.prepare_metadata_for_build_wheel(str(folder))
    return message_from_string((folder / name / "METADATA").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    specification = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


# --- the wheel ----------------------------------------------------------------------------------------------


def test_what_only_tests_and_linters_need_is_no_extra(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == PUBLIC_EXTRAS
    required = {canonicalize_name(Requirement(line).name) for line in metadata.get_all("Requires-Dist", [])}
    for_users = {canonicalize_name(name) for name in ("psutil", "pyte")}  # which evaluation needs as well
    tools = {canonicalize_name(Requirement(one).name) for one in resolve_dependency_groups(GROUPS, "dev", "release")}
    assert not (required & tools) - for_users
    assert "typer" in required


def test_the_project_has_addresses_in_one_place(metadata: Message) -> None:
    addresses = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL", []))
    assert addresses.keys() >= {"Homepage", "Documentation", "Changelog", "Source", "Issues"}
    assert all(re.fullmatch(r"https://[\w.-]+/\S*", address) for address in addresses.values())
    placeholders = [address for address in addresses.values() if address.split("/")[2].endswith(".example")]
    assert placeholders in ([], list(addresses.values())), "some are placeholders, and others are not"


def test_the_pythons_that_are_named_are_those_that_the_workflow_tests(metadata: Message) -> None:
    classifiers = metadata.get_all("Classifier", [])
    named = [line.split(" :: ")[-1] for line in classifiers if re.search(r":: Python :: 3\.\d+$", line)]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert named == matrix["python"]
    assert metadata["Requires-Python"] == f">={named[0]}"
    assert {os.partition("-")[0] for os in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_an_upper_bound_has_a_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    bounded = [number for number, line in enumerate(lines) if re.match(r'\s+"[\w.-]+[^"#]*(<|==|~=)', line)]
    assert [lines[number] for number in bounded if not lines[number - 1].lstrip().startswith("#")] == []


def test_a_start_imports_no_pydantic() -> None:
    """The reason for the upper bound of typer; where this holds with a newer one, raise the bound."""
    code = (
        "import sys\nfrom codesearch.cli.app import app\ntry:\n    app(['version'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', 'typer' in sys.modules, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED True False"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not in Git, which knows what belongs to the project")
def test_the_sdist_holds_what_git_knows_and_nothing_else() -> None:
    """hatchling heeds the .gitignore at the top alone."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    known = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    held = {Path(file.relative_path).as_posix() for file in SdistBuilder(str(ROOT)).recurse_included_files()}
    assert held == known
    assert not [name for name in held if "node_modules" in name]


# --- versions -----------------------------------------------------------------------------------------------


def test_the_version_is_that_of_the_newest_section_of_the_changelog(metadata: Message) -> None:
    sections = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "Unreleased"
    numbered = [re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d", section) for section in sections[1:]]
    assert all(numbered), sections
    assert numbered[0] is not None
    assert numbered[0][1] == codesearch.__version__ == metadata["Version"]


# --- groups of dependencies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_resolves_to_different_packages_with_lower_bounds(group: str) -> None:
    requirements = [Requirement(line) for line in resolve_dependency_groups(GROUPS, group)]
    names = [canonicalize_name(one.name) for one in requirements]
    assert requirements
    assert len(set(names)) == len(names)
    assert [str(one) for one in requirements if ">=" not in str(one.specifier)] == []


def test_a_requirement_is_the_same_wherever_it_is_named() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    named: dict[str, set[str]] = {}
    everywhere = [
        PROJECT["project"]["dependencies"],
        *extras.values(),
        *(resolve_dependency_groups(GROUPS, g) for g in GROUPS),
    ]
    for line in (line for lines in everywhere for line in lines):
        one = Requirement(line)
        named.setdefault(canonicalize_name(one.name), set()).add(str(one.specifier))
    assert {name: found for name, found in named.items() if len(found) > 1} == {}


def test_the_group_of_tests_brings_the_neovim_that_the_plugin_is_tested_with() -> None:
    """Its tests would be skipped, and nobody would know."""
    assert shutil.which("nvim", path=str(Path(sys.prefix) / ("Scripts" if sys.platform == "win32" else "bin")))


# --- linters and workflows ----------------------------------------------------------------------------------


def hooks() -> Iterator[dict[str, Any]]:
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]:
        yield from repository["hooks"]


def test_before_a_commit_the_same_linters_run_as_in_the_tests(dev: ModuleType) -> None:
    assert {hook["entry"] for hook in hooks()} == {f"python3 dev.py lint {linter}" for linter in dev.LINTERS}
    assert dev.LINTERS.keys() >= {"ruff", "ruff-format", "mypy", "codespell"}


def test_a_linter_that_there_is_not_is_refused() -> None:
    """Before anything is installed or run: so parsing is tried without either."""
    command = [sys.executable, str(ROOT / "dev.py"), "lint", "ruff", "rough"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no 'rough', but ruff, ruff-format, mypy" in done.stderr


def test_the_linters_are_in_their_group(dev: ModuleType) -> None:
    group = {canonicalize_name(Requirement(line).name) for line in resolve_dependency_groups(GROUPS, "lint")}
    modules = {canonicalize_name(str(command[0]).removesuffix("_lib")) for command in dev.LINTERS.values()}
    assert modules <= group


def test_a_misspelling_is_found_and_british_spelling_is_none(tmp_path: Path) -> None:
    codespell = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml")]
    (tmp_path / "a.md").write_text("The colour of a licence, analysed and normalised.\n")
    assert subprocess.run([*codespell, "a.md"], cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "a.md").write_text("This is teh repositry.\n")  # codespell:ignore
    found = subprocess.run([*codespell, "a.md"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode
    assert "teh ==> the" in found.stdout  # codespell:ignore
    assert "repositry ==> repository" in found.stdout  # codespell:ignore


def test_there_are_workflows() -> None:
    assert {file.name for file in WORKFLOWS} == {"release.yml", "test.yml"}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_calls_what_a_person_would_call(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    told = subprocess.run(
        [sys.executable, ROOT / "dev.py", "--help"], capture_output=True, text=True, check=True
    ).stdout
    known = re.search(r"\{([\w,]+)\}", told)
    assert known is not None
    for job in yaml.safe_load(text)["jobs"].values():
        lines = [step.get("run", "") for step in job["steps"]]
        called = [match[1] for line in lines if (match := re.fullmatch(r"python dev\.py (\w+)", line))]
        assert len(called) == 1, "each job runs one command of dev.py"
        assert called[0] in known[1].split(",")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    # What others wrote is named by its content, which nobody can exchange.
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_that_never_ran_says_so(file: Path) -> None:
    """Remove this, and what docs/design/releasing.md says of it, when they have run."""
    assert file.read_text(encoding="utf-8").startswith("# Not run yet:")


# --- security -----------------------------------------------------------------------------------------------


def promises() -> list[tuple[str, str]]:
    """Each promise with each test that is named beside it."""
    rows = re.findall(r"^\| ([^|]+\.) \| (.*) \|$", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE)
    return [(promise, test) for promise, tests in rows for test in re.findall(r"`([^`]+)`", tests) or [""]]


def test_there_are_promises() -> None:
    assert len(promises()) > 20


@pytest.mark.parametrize(("promise", "test"), promises())
def test_a_promise_names_a_test_that_exists(promise: str, test: str) -> None:
    file, _, name = test.partition("::")
    source = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {re.escape(name)}\(", source, re.MULTILINE), f"{promise} {test}"
