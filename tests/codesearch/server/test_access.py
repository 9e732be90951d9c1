"""Tokens: what is kept of them, and when they are of use."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from codesearch.errors import InputError, SettingsError
from codesearch.server.access import Caller, Refusal, TokenFile, TokenWatch, read_expiry

needs_modes = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no file modes")


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "config" / "tokens.json")


def test_a_token_is_kept_as_its_hash(file: TokenFile) -> None:
    secret = file.add("ann", ["team/*"], None)
    assert len(secret) > 40
    text = file.path.read_text()
    assert secret not in text
    assert secret.removeprefix("codesearch_") not in text
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert TokenWatch(file).find(secret) == Caller("ann", ("team/*",))


def test_each_token_is_another(file: TokenFile) -> None:
    assert len({file.add(f"t{n}", ["*"], None) for n in range(20)}) == 20


def test_a_name_is_taken_once(file: TokenFile) -> None:
    file.add("ann", ["*"], None)
    with pytest.raises(InputError, match="revoke it first"):
        file.add("ann", ["*"], None)


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "ä", "a\n"])
def test_what_is_no_name_is_refused(file: TokenFile, name: str) -> None:
    with pytest.raises(InputError, match="no name"):
        file.add(name, ["*"], None)
    assert not file.path.exists()


@pytest.mark.parametrize("patterns", [[], [""], ["a b"], ["a\0"]])
def test_what_is_no_pattern_is_refused(file: TokenFile, patterns: list[str]) -> None:
    with pytest.raises(InputError, match="patterns"):
        file.add("ann", patterns, None)


def test_a_token_expires(file: TokenFile) -> None:
    now = [1_000.0]
    secret = file.add("ann", ["*"], read_expiry("12h", now[0]), now=now[0])
    watch = TokenWatch(file, clock=lambda: now[0])
    assert isinstance(watch.find(secret), Caller)
    now[0] += 12 * 3_600 - 1
    assert isinstance(watch.find(secret), Caller)
    now[0] += 1
    assert watch.find(secret) is Refusal.EXPIRED


def test_what_is_sent_is_missing_wrong_or_revoked(file: TokenFile) -> None:
    secret = file.add("ann", ["*"], None)
    watch = TokenWatch(file)
    assert watch.find(None) is watch.find("") is Refusal.MISSING
    assert watch.find("x") is watch.find(secret + "x") is watch.find("\udc80") is Refusal.WRONG
    file.revoke("ann")
    assert watch.find(secret) is Refusal.WRONG
    with pytest.raises(InputError, match="there is no token 'ann'"):
        file.revoke("ann")


@needs_modes
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604, 0o666])
def test_a_file_that_others_may_use_is_not_used(file: TokenFile, mode: int) -> None:
    secret = file.add("ann", ["*"], None)
    file.path.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        file.read()
    with pytest.raises(SettingsError, match="chmod 600"):
        file.add("bob", ["*"], None)
    said: list[str] = []
    watch = TokenWatch(file, complain=said.append)
    assert watch.find(secret) is Refusal.UNUSABLE
    assert watch.find(None) is Refusal.UNUSABLE
    assert len(said) == 1
    file.path.chmod(0o600)
    assert isinstance(watch.find(secret), Caller)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 1}',
        '{"version": 2, "tokens": []}',
        '{"version": 1, "tokens": [{}]}',
        '{"version": 1, "tokens": [{"name": "a", "digest": "z", "repositories": [], "created": 1, "expires": null}]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_lets_nobody_through(file: TokenFile, text: str) -> None:
    secret = file.add("ann", ["*"], None)
    file.path.write_text(text)
    with pytest.raises(SettingsError, match=r"damaged|version"):
        file.read()
    assert TokenWatch(file).find(secret) is Refusal.UNUSABLE
    with pytest.raises(SettingsError):
        file.add("bob", ["*"], None)
    assert file.path.read_text() == text


def test_two_commands_at_once_lose_nothing(file: TokenFile) -> None:
    threads = [threading.Thread(target=file.add, args=(f"t{n}", ["*"], None)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file.read()) == 12
    assert [entry.name for entry in file.path.parent.iterdir()] == ["tokens.json"]


def test_a_full_disk_changes_nothing(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.add("ann", ["*"], None)
    before = file.path.read_text()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SettingsError, match="nothing was changed"):
        file.add("bob", ["*"], None)
    assert file.path.read_text() == before
    assert [entry.name for entry in file.path.parent.iterdir()] == ["tokens.json"]


def test_when_something_ends() -> None:
    assert read_expiry("30d", 0.0) == 30 * 86_400
    assert read_expiry("2w", 0.0) == 14 * 86_400
    assert read_expiry("never", 0.0) is None
    assert read_expiry("2031-12-24", 0.0) == 1_955_836_800
    with pytest.raises(InputError, match="not in the future"):
        read_expiry("1999-01-01", 1e9)
    for text in ("", "soon", "0d", "-1d", "1y", "30 d", "99999999d"):
        with pytest.raises(InputError, match="is no time"):
            read_expiry(text, 0.0)


def test_patterns_are_of_names() -> None:
    caller = Caller("ann", ("team/*", "lib"))
    assert caller.may_see("team/app")
    assert caller.may_see("lib")
    assert not any(caller.may_see(name) for name in ("team", "teams/app", "other/team/app", "library", "LIB", ""))
    assert not Caller("", ()).may_see("lib")


def test_the_file_is_json_of_hashes(file: TokenFile) -> None:
    file.add("ann", ["*"], 2e9, now=1e9)
    (entry,) = json.loads(file.path.read_text())["tokens"]
    assert entry.keys() == {"name", "digest", "repositories", "created", "expires"}
