"""The table of languages: every row is usable, and every file finds its row."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from codesearch.languages import LANGUAGES, language_of, refine


@pytest.mark.parametrize(
    ("path", "first_line", "name"),
    [
        ("src/app.py", "", "python"),
        ("SRC/APP.PY", "", "python"),
        ("a.pyi", "", "python"),
        ("web/index.d.ts", "", "typescript"),
        ("web/App.tsx", "", "tsx"),
        ("web/App.jsx", "", "javascript"),
        ("a.test.mjs", "", "javascript"),
        ("views/show.html.erb", "", "html"),
        ("views/show.blade.php", "", "html"),
        ("Rakefile", "", "ruby"),
        ("lib/tasks/db.rake", "", "ruby"),
        ("Dockerfile", "", "dockerfile"),
        ("docker/Dockerfile.prod", "", "dockerfile"),
        ("Jenkinsfile.ci", "", "groovy"),
        ("Makefile", "", "make"),
        ("CMakeLists.txt", "", "cmake"),
        ("config.h.in", "", "c"),
        ("Makefile.in", "", "make"),
        (".env.example", "", "config"),
        ("page.tmpl", "", "html"),
        ("notes.txt", "", "text"),
        ("README", "", "text"),
        ("BUILD", "", "starlark"),
        ("BUILD.bazel", "", "starlark"),
        (".bashrc", "", "bash"),
        (".gitignore", "", "text"),
        ("Pipfile", "", "toml"),
        ("a.S", "", "assembly"),
        ("main.tf", "", "terraform"),
        ("schema.proto", "", "protobuf"),
        ("bin/tool", "#!/usr/bin/env python3.11", "python"),
        ("bin/tool", "#!/usr/bin/env -S FOO=1 deno run", "typescript"),
        ("bin/tool", "#! /bin/sh -e", "bash"),
        ("bin/tool", "#!/usr/local/bin/node", "javascript"),
        ("bin/tool", "#!/usr/bin/Rscript", "r"),
        ("index", "<?php echo 1;", "php"),
    ],
)
def test_language_of(path: str, first_line: str, name: str) -> None:
    language = language_of(path, first_line)
    assert language is not None
    assert language.name == name


@pytest.mark.parametrize(
    ("path", "first_line"),
    [
        ("a.png", ""),
        ("LICENSE", ""),
        ("build.log", ""),
        ("bin/tool", ""),
        ("bin/tool", "#!/usr/bin/env"),
        ("bin/tool", "#!"),
        ("bin/tool", "#!/opt/unknown"),
        ("", ""),
        (".", ""),
        ("dir.py/", ""),
    ],
)
def test_unknown(path: str, first_line: str) -> None:
    assert language_of(path, first_line) is None


@pytest.mark.parametrize(
    ("path", "source", "name"),
    [
        ("a.h", "#include <stdint.h>\nstruct a;\n", "c"),
        ("a.h", "#include <stdlib.h>\nint class_of(struct a *using);\n", "c"),
        ("a.h", "#include <vector>\n", "cpp"),
        ("a.h", "namespace a {\n", "cpp"),
        ("a.h", "template <class T>\nT f();\n", "cpp"),
        ("a.h", "class A {\n private:\n", "cpp"),
        ("a.h", "#import <UIKit/UIKit.h>\n", "objective-c"),
        ("a.c", "namespace a {\n", "c"),
        ("a.m", "function y = f(x)\n% Doubles.\ny = 2 * x;\nend\n", "matlab"),
        ("a.m", "@implementation A\n@end\n", "objective-c"),
        ("a.pl", ":- module(a, []).\n", "prolog"),
        ("a.pl", "use strict;\n", "perl"),
        ("a.fs", "module A\nlet x = 1\n", "fsharp"),
        ("a.fs", "#version 330\nvoid main() {}\n", "hlsl"),
    ],
)
def test_refine(path: str, source: str, name: str) -> None:
    language = language_of(path)
    assert language is not None
    assert refine(language, path, source).name == name


def test_a_language_that_was_said_is_not_changed() -> None:
    assert refine(LANGUAGES["python"], "a.h", "namespace a {\n").name == "python"


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_row(language: object) -> None:
    from codesearch.languages import Language

    assert isinstance(language, Language)
    assert language.suffixes or language.filenames
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in language.suffixes)
    assert all(name == name.lower() for name in (*language.filenames, *language.interpreters))
    assert bool(language.grammar) == bool(language.queries)
    for name in language.queries:
        assert (files("codesearch") / "queries" / f"{name}.scm").is_file()
    if language.landmark:
        assert re.compile(language.landmark, re.MULTILINE).groups >= 1
    if language.comment:
        re.compile(language.comment)


def test_lookup_finds_every_row() -> None:
    for language in LANGUAGES.values():
        for suffix in language.suffixes:
            assert language_of(f"some{suffix}") is language
        for filename in language.filenames:
            assert language_of(f"folder/{filename}") is language
        for interpreter in language.interpreters:
            assert language_of("tool", f"#!/usr/bin/env {interpreter}") is language


# A landmark, and the name that the window takes from it.
LANDMARKS = {
    "clojure": ("(defn- parse-line [x]", "parse-line"),
    "cmake": ("add_library(shop STATIC a.c)", "shop"),
    "css": (".card > a:hover {", ".card > a:hover"),
    "dart": ("  static Future<int> load(String x) async {", "load"),
    "dockerfile": ("FROM python:3.11 AS base", "python:3.11"),
    "erlang": ("handle_call(get, _, S) ->", "handle_call"),
    "fsharp": ("let rec fold f acc xs =", "fold"),
    "graphql": ("type Query {", "Query"),
    "groovy": ("def deploy(host) {", "deploy"),
    "julia": ("function norm(x)", "norm"),
    "make": ("install: all", "install"),
    "markdown": ("## Install ##", "Install"),
    "nix": ("  buildInputs = with pkgs;", "buildInputs"),
    "objective-c": ("- (void)close {", "close"),
    "ocaml": ("let rec fold f acc = function", "fold"),
    "perl": ("sub parse_line {", "parse_line"),
    "powershell": ("function Get-Item {", "Get-Item"),
    "protobuf": ("message Order {", "Order"),
    "r": ("norm <- function(x) {", "norm"),
    "rst": ("Install\n=======", "Install"),
    "solidity": ("    function pay() public {", "pay"),
    "sql": ("create or replace view app.totals as", "app.totals"),
    "terraform": ('resource "aws_s3_bucket" "logs" {', 'aws_s3_bucket" "logs'),
    "toml": ("[tool.ruff]", "tool.ruff"),
    "vim": ("function! s:Open(x) abort", "s:Open"),
    "vue": ('<template lang="pug">', "template"),
    "yaml": ("services:", "services"),
}


@pytest.mark.parametrize(("name", "line", "landmark"), [(name, *case) for name, case in LANDMARKS.items()])
def test_landmark(name: str, line: str, landmark: str) -> None:
    pattern = LANGUAGES[name].landmark
    assert pattern is not None
    match = re.search(pattern, f"\n{line}\n", re.MULTILINE)
    assert match is not None
    assert next(group for group in match.groups() if group).strip("\"'`{ ") == landmark
