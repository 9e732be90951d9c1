"""Tokens, and which repositories each may see.

A token is 32 random bytes, so one SHA-256 keeps it: what makes a slow hash necessary is that people choose passwords.
The file holds digests only, is replaced in one step, and is used only if nobody else may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from codesearch.errors import InputError, SettingsError

__all__ = ["ANYBODY", "Caller", "Refusal", "Token", "TokenFile", "TokenWatch", "read_expiry"]

_PREFIX: Final = "codesearch_"
"""What every token begins with, so that a scanner of leaked secrets can be taught to find one."""

_VERSION: Final = 1
_LARGEST_FILE: Final = 1 << 22
_LOCK_SECONDS: Final = 5.0
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_PATTERN: Final = re.compile(r"[^\x00-\x20\x7f]{1,200}")
_DURATION: Final = re.compile(r"(\d{1,5})([hdw])")
_SECONDS: Final = {"h": 3_600, "d": 86_400, "w": 604_800}


class Refusal(StrEnum):
    """Why a caller is not let through. The value is the sentence that it gets."""

    MISSING = "this server needs a token: send the header  Authorization: Bearer TOKEN"
    WRONG = "this token is not known: ask whoever runs the server for one"
    EXPIRED = "this token has expired: ask whoever runs the server for a new one"
    UNUSABLE = "the server cannot read its tokens, and lets nobody through until its owner has mended the file"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they may see.

    Attributes:
        name: Of the token; "" where none is needed.
        patterns: Of the names of repositories, as the shell writes them; ``*`` matches slashes as well.
    """

    name: str
    patterns: tuple[str, ...]

    def may_see(self, repository: str) -> bool:
        """Whether a repository exists for this caller."""
        return any(fnmatchcase(repository, pattern) for pattern in self.patterns)


ANYBODY: Final = Caller("", ("*",))
"""Whoever can reach a server without tokens."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept.

    Attributes:
        name: What people call it.
        digest: SHA-256 of the token, in hexadecimal digits.
        repositories: Patterns of the names that it may see.
        created: Seconds since 1970.
        expires: Likewise; None for never.
    """

    name: str
    digest: str
    repositories: tuple[str, ...]
    created: float
    expires: float | None

    def has_expired(self, now: float) -> bool:
        """Whether it is of no use any more."""
        return self.expires is not None and now >= self.expires


def read_expiry(text: str, now: float) -> float | None:
    """Return when something ends, in seconds since 1970, from ``12h``, ``30d``, ``2w``, a date, or ``never``.

    Raises:
        InputError: The text is none of these, or lies in the past.
    """
    if text == "never":
        return None
    if found := _DURATION.fullmatch(text):
        seconds = int(found[1]) * _SECONDS[found[2]]
        if seconds:
            return now + seconds
    with suppress(ValueError):
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)  # noqa: UP017
        if day.timestamp() > now:
            return day.timestamp()
        raise InputError(f"{text} is not in the future: give a later date")
    raise InputError(f"{text[:40]!r} is no time: give 12h, 30d, 2w, a date such as 2031-12-24, or never")


class TokenFile:
    """The file of tokens.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Token, ...]:
        """Return the tokens; none where there is no file.

        Raises:
            SettingsError: The file cannot be read, others may read or write it, or it is damaged.
        """
        try:
            with self.path.open("rb") as file:
                self._check_permissions(os.fstat(file.fileno()))
                text = file.read(_LARGEST_FILE + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be read ({error.strerror}): check its owner and mode") from error
        try:
            held = json.loads(text)
            version, listed = held["version"], held["tokens"]
            if version != _VERSION:
                raise SettingsError(f"{self.path} is of version {version!r}, and this codesearch reads {_VERSION}")
            return tuple(_token_of(entry) for entry in listed)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise SettingsError(
                f"{self.path} is damaged: restore it, or delete it and make new tokens with `codesearch token add`"
            ) from error

    def _check_permissions(self, status: os.stat_result) -> None:
        if not hasattr(os, "geteuid"):
            return  # Windows keeps the profile of a user from others
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise SettingsError(
                f"{self.path} may be read or written by others (mode {mode:04o}): run  chmod 600 {self.path}"
            )
        if status.st_uid not in (os.geteuid(), 0):
            raise SettingsError(f"{self.path} belongs to another user: only its owner may run the server with it")

    def add(self, name: str, repositories: Sequence[str], expires: float | None, *, now: float | None = None) -> str:
        """Make a token and keep its digest.

        Args:
            name: What people call it.
            repositories: Patterns of the names that it may see.
            expires: Seconds since 1970; None for never.
            now: Instead of the clock.

        Returns:
            The token, which nobody can find out later.

        Raises:
            InputError: The name is taken or is none, or a pattern is none.
            SettingsError: The file cannot be used.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name[:70]!r} is no name: use up to 64 letters, digits and the signs . _ @ -")
        wrong = [pattern for pattern in repositories if not _PATTERN.fullmatch(pattern)]
        if wrong or not repositories:
            raise InputError("name the repositories by patterns without spaces, such as 'team/*' or '*'")
        secret = _PREFIX + secrets.token_urlsafe(32)
        created = time.time() if now is None else now
        with self._locked():
            tokens = self.read()
            if any(token.name == name for token in tokens):
                raise InputError(f"there is a token {name} already: revoke it first, or choose another name")
            self._write([*tokens, Token(name, _digest(secret), tuple(repositories), created, expires)])
        return secret

    def revoke(self, name: str) -> None:
        """Delete a token; a server that runs refuses it from the next request on.

        Raises:
            InputError: There is none of this name.
            SettingsError: The file cannot be used.
        """
        with self._locked():
            tokens = self.read()
            left = [token for token in tokens if token.name != name]
            if len(left) == len(tokens):
                known = ", ".join(token.name for token in tokens) or "none"
                raise InputError(f"there is no token {name[:70]!r}: there are {known}")
            self._write(left)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep another command from changing the file meanwhile.

        Raises:
            SettingsError: Another does, or the folder cannot be written to.
        """
        lock = self.path.with_name(self.path.name + ".lock")
        deadline = time.monotonic() + _LOCK_SECONDS
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                    break
                except FileExistsError:
                    if time.monotonic() > deadline:
                        raise SettingsError(
                            f"another command is changing {self.path}: try again, or delete {lock} if none is running"
                        ) from None
                    time.sleep(0.05)
        except OSError as error:
            raise SettingsError(f"{lock} cannot be written ({error.strerror}): check its folder") from error
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)

    def _write(self, tokens: Iterable[Token]) -> None:
        held = {"version": _VERSION, "tokens": [asdict(token) for token in tokens]}
        try:
            number, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)  # which is ours alone: 0600
            try:
                with os.fdopen(number, "w", encoding="utf-8") as file:
                    file.write(json.dumps(held, indent=1) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be written ({error.strerror}): nothing was changed") from error


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token_of(entry: Any) -> Token:
    """Return what an entry of the file says.

    Raises:
        KeyError: A field is missing.
        TypeError: A field is of the wrong type.
        ValueError: A field has a value that cannot be.
    """
    name, digest, patterns = entry["name"], entry["digest"], entry["repositories"]
    created, expires = entry["created"], entry["expires"]
    if not (isinstance(name, str) and isinstance(digest, str) and isinstance(patterns, list)):
        raise TypeError("name, digest or repositories")
    if not all(isinstance(pattern, str) for pattern in patterns) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("repositories or digest")
    return Token(name, digest, tuple(patterns), float(created), None if expires is None else float(expires))


class TokenWatch:
    """The tokens of a file as they are now, for a server: a file that changed is read again; any thread may ask.

    Args:
        file: That holds them.
        clock: Seconds since 1970.
        complain: Takes a sentence when the file has become unusable.
    """

    def __init__(
        self,
        file: TokenFile,
        *,
        clock: Callable[[], float] = time.time,
        complain: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._file = file
        self._clock = clock
        self._complain = complain
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._tokens: dict[str, Token] | None = {}

    def find(self, secret: str | None) -> Caller | Refusal:
        """Return who sends a token, or why nobody is let through with it."""
        with self._lock:
            tokens = self._current()
        if tokens is None:
            return Refusal.UNUSABLE
        if not secret:
            return Refusal.MISSING
        token = tokens.get(_digest(secret))  # what could be learnt from the time this takes is a digest's beginning
        if token is None:
            return Refusal.WRONG
        if token.has_expired(self._clock()):
            return Refusal.EXPIRED
        return Caller(token.name, token.repositories)

    def _current(self) -> dict[str, Token] | None:
        try:
            status = self._file.path.stat()
            seen: tuple[int, ...] = (
                status.st_ino,
                status.st_mtime_ns,
                status.st_size,
                status.st_mode,
                status.st_ctime_ns,
            )
        except OSError:
            seen = (0,)
        if seen != self._seen:
            self._seen = seen
            try:
                self._tokens = {token.digest: token for token in self._file.read()}
            except SettingsError as error:
                self._tokens = None
                self._complain(str(error))
        return self._tokens
