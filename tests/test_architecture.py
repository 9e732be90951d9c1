"""The rules of the house (ARCHITECTURE.md, "Invariants"), each a test."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "codesearch": ROOT / "codesearch",
    "codesearch_lsp": ROOT / "lsp" / "codesearch_lsp",
    "codesearch_train": ROOT / "train" / "codesearch_train",
    "codesearch_eval": ROOT / "eval" / "codesearch_eval",
}

# Outside library -> the only places, relative to the top, that may import it.
OWNERS = {
    "tree_sitter": ("codesearch/extraction/",),
    "semble_grammars": ("codesearch/extraction/",),
    "tantivy": ("codesearch/index/lexical.py",),
    "hnswlib": ("codesearch/index/graphs.py",),
    "usearch": ("codesearch/index/graphs.py",),
    "onnxruntime": ("codesearch/encoders/onnx.py", "train/", "eval/codesearch_eval/performance/throughput.py"),
    "torch": ("codesearch/encoders/torch.py", "codesearch/encoders/transformer.py", "train/", "eval/"),
    "git": ("codesearch/sources/clones.py",),
    "pathspec": ("codesearch/sources/patterns.py",),
    "filelock": ("codesearch/index/storage.py",),
    "Stemmer": ("codesearch/words.py",),
    "pygments": ("codesearch/present/highlighting.py",),
    "rich": ("codesearch/cli/console.py", "train/codesearch_train/cli.py", "eval/codesearch_eval/cli.py"),
    "typer": (
        "codesearch/cli/",
        "train/codesearch_train/cli.py",
        "eval/codesearch_eval/",
    ),
    "mcp": ("codesearch/mcp/server.py",),
    "pygls": ("lsp/codesearch_lsp/",),
    "lsprotocol": ("lsp/codesearch_lsp/",),
    "prompt_toolkit": ("codesearch/picker/",),
    "watchfiles": ("codesearch/upkeep/watching.py",),
    "starlette": ("codesearch/server/",),
    "uvicorn": ("codesearch/server/listener.py",),
    "prometheus_client": ("codesearch/server/metrics.py",),
}

# Package -> its folders, each with the other folders that it may know.
FOLDERS = {
    "codesearch_train": {
        "corpus": set(),
        "kernels": set(),
        "network": {"kernels"},
        "loop": {"corpus", "network"},
        "rounding": set(),
        "graph": {"rounding"},
        "export": {"corpus", "graph", "rounding"},
    },
    "codesearch_eval": {
        "repositories": set(),
        "performance": set(),
        "agents": {"repositories"},
        "encoder": {"repositories"},
    },
}
# Modules beside the folders that know all of them.
ABOVE_FOLDERS = {"cli", "tune", "charts", "__main__"}

MAY_PRINT = (
    "codesearch/cli/",
    "train/codesearch_train/cli.py",
    "eval/codesearch_eval/",
)


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


ALL_FILES = [file for folder in PACKAGES.values() for file in python_files(folder)]


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names of the modules that are imported anywhere, but for type checking only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (name for child in node.orelse for name in imports(child))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield node.module or ""
        else:
            yield from imports(node)


def test_there_are_files_to_check() -> None:
    assert len(python_files(PACKAGES["codesearch"])) > 20


@pytest.mark.parametrize("package", PACKAGES)
def test_the_library_imports_no_sibling_and_siblings_import_only_the_library(package: str) -> None:
    foreign = PACKAGES.keys() - {package, "codesearch"}
    for file in python_files(PACKAGES[package]):
        for name in imports(tree_of(file)):
            assert name.partition(".")[0] not in foreign, f"{name_of(file)} imports {name}"


@pytest.mark.parametrize("package", FOLDERS)
def test_folders_know_each_other_in_one_direction(package: str) -> None:
    folders = FOLDERS[package]
    assert {file.parent.name for file in python_files(PACKAGES[package])} - {package} == folders.keys()
    for file in python_files(PACKAGES[package]):
        folder = file.parent.name
        if folder == package and file.stem in ABOVE_FOLDERS:
            continue
        known = {name.split(".")[1] for name in imports(tree_of(file)) if name.startswith(f"{package}.")}
        strangers = (known & folders.keys()) - folders.get(folder, set()) - {folder}
        assert not strangers, f"{name_of(file)} knows {strangers}"
        assert not known & ABOVE_FOLDERS, f"{name_of(file)} knows a module above it"


@pytest.mark.parametrize("folder", [f"{package}/{folder}" for package in FOLDERS for folder in FOLDERS[package]])
def test_a_folder_lists_its_modules_each_with_a_few_words(folder: str) -> None:
    package, _, name = folder.partition("/")
    text = ast.get_docstring(tree_of(PACKAGES[package] / name / "__init__.py")) or ""
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("    ") and len(line.split()) > 1]
    assert sorted(listed) == sorted(
        file.name for file in (PACKAGES[package] / name).glob("*.py") if file.name != "__init__.py"
    )


def test_a_function_of_many_arguments_takes_a_record() -> None:
    """Commands do: each of their arguments is an option."""
    for package in FOLDERS:
        for file in python_files(PACKAGES[package]):
            for node in ast.walk(tree_of(file)):
                if isinstance(node, ast.FunctionDef) and not any(
                    "command" in ast.unparse(d) for d in node.decorator_list
                ):
                    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                    assert len(arguments) < 14, f"{name_of(file)}:{node.lineno} takes {len(arguments)}"


def test_an_index_knows_nothing_of_searching_it_or_of_its_upkeep() -> None:
    for file in python_files(ROOT / "codesearch" / "index"):
        tree = tree_of(file)
        named = {*imports(tree), *(node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))}
        above = [name for name in named if str(name).startswith(("codesearch.search", "codesearch.upkeep"))]
        assert not above, f"{name_of(file)} imports {above}"


KNOWS: dict[str, frozenset[str]] = {
    room: frozenset(known.split())
    for room, known in {
        "records": "",
        "errors": "",
        "words": "",
        "processes": "",
        "formats": "",
        "languages": "errors formats",
        "sources": "errors formats languages records",
        "settings": "errors sources",
        "extraction": "formats languages processes records",
        "encoders": "errors processes records settings",
        "index": "encoders errors extraction languages processes records sources words",
        "search.ranking": "errors languages records search words",
        "search": "encoders errors index languages records search.ranking sources words",
        "present": "records search.ranking",
        "portable": "errors index languages records sources",
        "upkeep": "encoders errors index languages portable present processes records search settings sources",
        "duplicates": "errors index present records search search.ranking",
        "picker": "errors present records search upkeep",
        "mcp": "encoders errors index languages present records search settings sources upkeep",
        "server": "encoders errors index languages present records search search.ranking settings sources upkeep",
        "api": "encoders errors index languages records search settings upkeep",
        "cli": "api duplicates encoders errors index languages mcp picker portable present processes records search "
        "server settings sources upkeep",
        "__main__": "cli",
        "__init__": "",
    }.items()
}
"""Which rooms of the library each of its rooms may know, from the ground up."""

_ONE = frozenset({"search", "search.ranking"})
"""Ranking looks at candidates, and the pipeline calls ranking: two folders, and one room."""


def room_of(parts: tuple[str, ...]) -> str:
    if parts[:2] == ("search", "ranking"):
        return "search.ranking"
    return parts[0].removesuffix(".py")


def test_rooms_know_those_below_them_only() -> None:
    library = PACKAGES["codesearch"]
    seen: dict[str, set[str]] = {room: set() for room in KNOWS}
    for file in python_files(library):
        room = room_of(file.relative_to(library).parts)
        for name in imports(tree_of(file)):
            package, *parts = name.split(".")
            if package == "codesearch" and parts and room_of(tuple(parts)) != room:
                seen[room].add(room_of(tuple(parts)))
                assert room_of(tuple(parts)) in KNOWS[room], f"{name_of(file)} imports {name}"
    below: list[str] = []
    for room, known in KNOWS.items():
        assert known <= {*below, *_ONE}, f"{room} knows a room above it"
        below.append(room)
    unused = {room: KNOWS[room] - known for room, known in seen.items() if KNOWS[room] - known - {"api"}}
    assert not unused, "the table says more than is so"


def test_the_front_door_has_few_things_beside_it() -> None:
    assert len(list(PACKAGES["codesearch"].glob("*.py"))) <= 9


@pytest.mark.parametrize("library", OWNERS)
def test_an_outside_library_has_one_owner(library: str) -> None:
    users = {name_of(f) for f in ALL_FILES if library in {i.partition(".")[0] for i in imports(tree_of(f))}}
    strangers = {user for user in users if not user.startswith(OWNERS[library])}
    assert not strangers, f"{library} belongs to {OWNERS[library]}"


def test_the_grammars_are_loaded_by_extraction_only() -> None:
    for file in ALL_FILES:
        if not name_of(file).startswith("codesearch/extraction/"):
            assert not any(name.startswith("tree_sitter") for name in imports(tree_of(file))), name_of(file)


@pytest.mark.parametrize("command", ["import codesearch", "from codesearch.cli.app import app; app(['--help'])"])
def test_what_is_heavy_is_loaded_late(command: str) -> None:
    heavy = (
        "torch transformers onnxruntime tokenizers tantivy tree_sitter rich.progress git mcp pygls ray hnswlib usearch"
    )
    heavy += " semble_grammars starlette uvicorn prometheus_client codesearch.server"
    check = f"import sys\ntry:\n    {command}\nexcept SystemExit:\n    pass\n"
    check += f"print('LOADED', [name for name in {heavy.split()!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


WRITES = {"mkdir", "unlink", "rmdir", "rmtree", "rename", "touch", "write_text", "write_bytes", "makedirs"}


def test_only_storage_writes_into_an_index_directory() -> None:
    for file in python_files(ROOT / "codesearch" / "index"):
        if file.name in ("storage.py", "vector_cache.py"):  # the cache lies beside the indexes, not in one
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in WRITES, f"{name_of(file)}:{node.lineno} writes"


def test_only_settings_reads_the_environment() -> None:
    for file in python_files(ROOT / "codesearch"):
        # Git is started with the environment of the process, changed where Git would ask or lock.
        if name_of(file) in ("codesearch/settings.py", "codesearch/sources/git_configuration.py"):
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("environ", "getenv", "environb"), f"{name_of(file)}:{node.lineno}"


WIRE = "lsp/codesearch_lsp/wire.py"
CONVERTS = {"from_fs_path", "to_fs_path", "url2pathname", "pathname2url", "quote", "unquote", "urlparse", "urlsplit"}
CONVERTS |= {"as_uri", "from_uri", "client_num_units", "position_from_client_units", "position_to_client_units"}


def test_the_language_server_converts_uris_and_positions_in_one_module() -> None:
    for file in python_files(PACKAGES["codesearch_lsp"]):
        tree = tree_of(file)
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert bool(used & CONVERTS) == (name_of(file) == WIRE), f"{name_of(file)} uses {used & CONVERTS}"
        added = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in ("utf-16", "utf-16-le")]
        assert not added, f"{name_of(file)} names an encoding of positions"
        made = [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Range"]
        assert not made or name_of(file) == WIRE, f"{name_of(file)} makes {made}"


def test_the_library_names_its_language_server_in_one_place() -> None:
    named = {name_of(f) for f in python_files(PACKAGES["codesearch"]) if "codesearch_lsp" in f.read_text("utf-8")}
    assert named == {"codesearch/cli/commands/lsp.py"}


def test_only_the_command_lines_print() -> None:
    for file in ALL_FILES:
        if name_of(file).startswith(MAY_PRINT):
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "typer.echo", "sys.stdout.write", "sys.stderr.write"), (
                    f"{name_of(file)}:{node.lineno} prints"
                )


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "common", "shared", "helpers", "helper", "misc"}
    assert not [name_of(file) for file in ALL_FILES if file.stem in drawers or file.parent.name in drawers]


def test_folders_of_packages_are_not_packages_themselves() -> None:
    assert not [folder for folder in ("lsp", "train", "eval") if (ROOT / folder / "__init__.py").exists()]


def test_the_wheel_holds_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    present = {name_of(folder) for folder in PACKAGES.values() if list(folder.glob("*.py"))}
    assert present <= listed


def test_weights_fit_into_the_wheel() -> None:
    size = sum(file.stat().st_size for file in (ROOT / "codesearch" / "models").rglob("*") if file.is_file())
    assert size <= 80_000_000
