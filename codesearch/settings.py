"""Settings: what the user configured, from two files and the environment, as one frozen record.

The user's own file, ``codesearch.toml`` in the platform's configuration directory, and the environment may
set everything. The file of the same name at the top of a repository belongs to whoever wrote the repository,
so it may only say which of its files are searched::

    [index]
    include = ["src/"]              # patterns as in .gitignore
    exclude = ["*.gen.go"]
    max_file_bytes = 1048576

    [encoder]                       # the user's file only
    model = "/path/to/a/model"      # or CODESEARCH_MODEL
    device = "auto"                 # auto, cpu, cuda, mps; or CODESEARCH_DEVICE
    threads = 0                     # 0 for one per core; or CODESEARCH_THREADS

    [storage]                       # the user's file only
    cache = "/path"                 # or CODESEARCH_CACHE

``VISUAL``, else ``EDITOR``, is what opens a file. ``NO_COLOR`` and ``TERM=dumb`` turn colours off;
``CODESEARCH_DEBUG=1`` shows the traceback of a fault.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import platformdirs

from codesearch.errors import SettingsError

__all__ = [
    "DEVICES",
    "SETTINGS",
    "Setting",
    "Settings",
    "debugging",
    "default_token_file",
    "load_settings",
    "turn_off_telemetry",
    "use_one_blas_thread",
    "user_data",
]

DEVICES: Final = ("auto", "cpu", "cuda", "mps")

_FILE: Final = "codesearch.toml"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as users write it.

    Attributes:
        table: Of ``codesearch.toml``.
        name: Its key there, and its field in :class:`Settings`.
        kind: Type of the value in TOML.
        variable: Of the environment; "" for none.
        option: Of commands; "" for none.
        meaning: One sentence, as in the guide.
    """

    table: str
    name: str
    kind: type[Any]
    variable: str
    option: str
    meaning: str


SETTINGS: Final = (
    Setting("index", "include", list, "", "--include", "index only files that match one of these patterns"),
    Setting("index", "exclude", list, "", "--exclude", "leave out files that match one of these patterns"),
    Setting("index", "max_file_bytes", int, "", "", "leave out larger files"),
    Setting("encoder", "model", str, "CODESEARCH_MODEL", "--model", "model directory, or the name of a model"),
    Setting("encoder", "device", str, "CODESEARCH_DEVICE", "--device", f"one of {', '.join(DEVICES)}"),
    Setting("encoder", "threads", int, "CODESEARCH_THREADS", "", "CPU threads of the encoder; 0 uses one per core"),
    Setting("storage", "cache", str, "CODESEARCH_CACHE", "", "folder of indexes, clones and vectors"),
)
"""What may be configured; the guide's table is made of it (docs/configuration.py)."""

_TABLES: Final[Mapping[str, Mapping[str, type[Any]]]] = {
    table: {setting.name: setting.kind for setting in SETTINGS if setting.table == table}
    for table in dict.fromkeys(setting.table for setting in SETTINGS)
}
_NO_TELEMETRY: Final = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK")
_LARGEST_FILE: Final = 1 << 16
_OF_REPOSITORY: Final = frozenset({"index"})
_VARIABLES: Final = {setting.variable: setting.name for setting in SETTINGS if setting.variable}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, resolved.

    Attributes:
        cache: Where indexes, clones and remembered vectors lie.
        include: Patterns that a file must match, if there are any.
        exclude: Patterns that a file must not match.
        max_file_bytes: Larger files are left out.
        model: Model directory or name; None for the shipped model.
        device: What computes vectors: one of `DEVICES`.
        threads: CPU threads for that; 0 for one per core.
        colour: Whether a terminal may be written to in colour (the NO_COLOR convention, no-color.org).
        can_draw: Whether a terminal can be drawn on: TERM is not "dumb".
        editor: What opens a file, a command in the shell's syntax; "" if none is set.
    """

    cache: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_file_bytes: int = 1 << 20
    model: str | None = None
    device: str = "auto"
    threads: int = 0
    colour: bool = True
    can_draw: bool = True
    editor: str = ""

    @property
    def indexes(self) -> Path:
        """Where the indexes of all repositories lie."""
        return self.cache / "indexes"

    @property
    def vector_cache(self) -> Path:
        """The database of vectors that all repositories share."""
        return self.cache / "vectors.db"


def debugging() -> bool:
    """Whether a fault is to be shown with its traceback (CODESEARCH_DEBUG=1)."""
    return bool(os.environ.get("CODESEARCH_DEBUG"))


def default_token_file() -> Path:
    """Return where the tokens of ``codesearch serve`` lie: beside the user's ``codesearch.toml``."""
    return Path(platformdirs.user_config_path("codesearch")) / "tokens.json"


def use_one_blas_thread() -> None:
    """Keep NumPy from starting threads, unless the user set their number; to be called before it is imported.

    One question is one product of a matrix and a vector, which is limited by memory: a second thread gains
    nothing, and its waiting costs three times as much as the whole search where other programs run as well.
    ONNX Runtime and PyTorch have threads of their own.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def turn_off_telemetry() -> None:
    """Keep the libraries that we load from reporting to their makers; to be called before they are imported.

    The ONNX Runtime would write an id of this machine into the home folder and look its maker's host up. Hugging Face's
    libraries would report their use. Nothing that the user set is asked: nothing leaves the machine.
    """
    os.environ.update(dict.fromkeys(_NO_TELEMETRY, "1"))


def user_data() -> Path:
    """Return the folder of what the user made and cannot get back by waiting, such as models."""
    return Path(platformdirs.user_data_path("codesearch"))


def load_settings(
    root: Path | None = None,
    *,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    user_file: Path | None = None,
) -> Settings:
    """Read the settings that hold for a repository.

    Args:
        root: Top of the repository; None for those that hold anywhere.
        overrides: Values that win over files and environment, such as those of command-line options.
        environment: Instead of the process's own.
        user_file: Instead of the one in the platform's configuration directory.

    Raises:
        SettingsError: A file is not TOML, or a value is unknown or of the wrong type; the text names it.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    user_file = user_file or Path(platformdirs.user_config_path("codesearch")) / _FILE
    values |= _read(user_file, frozenset(_TABLES), _user_text)
    if root is not None and root.is_dir():  # the root of an imported index is nowhere
        values |= _read(root / _FILE, _OF_REPOSITORY, _repository_text)
    for variable, name in _VARIABLES.items():
        if environment.get(variable):
            values[name] = environment[variable]
    values["can_draw"] = environment.get("TERM") != "dumb"
    values["colour"] = not environment.get("NO_COLOR") and values["can_draw"]
    values["editor"] = environment.get("VISUAL") or environment.get("EDITOR") or ""
    values |= overrides or {}
    return _checked(values)


def _user_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _repository_text(path: Path) -> str:
    """Read the file of a repository as its other files are read: no link is followed, no device or FIFO waited for."""
    from codesearch.sources.opening import read_regular  # imported late: most commands have no repository yet

    return read_regular(path.parent, path.name, _LARGEST_FILE).decode("utf-8")


def _read(path: Path, allowed: frozenset[str], text_of: Callable[[Path], str]) -> dict[str, Any]:
    try:
        text = text_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error}): it has to be a text file of at most {_LARGEST_FILE >> 10} KiB"
        ) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    values: dict[str, Any] = {}
    for table, content in tables.items():
        if table not in allowed:
            where = f"belongs into the user's own {_FILE}" if table in _TABLES else "is unknown"
            raise SettingsError(f"{path}: [{table}] {where}; known here: {', '.join(sorted(allowed))}")
        if not isinstance(content, dict):
            raise SettingsError(f"{path}: {table} must be a table, written [{table}]")
        for name, value in content.items():
            expected = _TABLES[table].get(name)
            if expected is None:
                raise SettingsError(f"{path}: {table}.{name} is unknown; known: {', '.join(_TABLES[table])}")
            if type(value) is not expected or (
                isinstance(value, list) and not all(isinstance(item, str) for item in value)
            ):
                kind = {list: "a list of strings", int: "a whole number", str: "a string"}[expected]
                raise SettingsError(f"{path}: {table}.{name} must be {kind}, not {value!r}")
            values[name] = value
    return values


def _checked(values: dict[str, Any]) -> Settings:
    settings = Settings(cache=Path(platformdirs.user_cache_path("codesearch")))
    for name in ("include", "exclude"):
        if name in values:
            values[name] = tuple(values[name])
    if "cache" in values:
        try:
            values["cache"] = Path(values["cache"]).expanduser().absolute()
        except RuntimeError:
            raise SettingsError(f"cache must be a folder, not {values['cache']!r}: there is no such home") from None
    if "threads" in values:
        try:
            values["threads"] = int(values["threads"])
        except ValueError:
            raise SettingsError(f"threads must be a whole number, not {values['threads']!r}") from None
    settings = replace(settings, **values)
    if settings.device not in DEVICES:
        raise SettingsError(f"device must be one of {', '.join(DEVICES)}, not {settings.device!r}")
    if settings.threads < 0:
        raise SettingsError(f"threads must be 0 or more, not {settings.threads}")
    if settings.max_file_bytes < 1:
        raise SettingsError(f"max_file_bytes must be 1 or more, not {settings.max_file_bytes}")
    return settings
