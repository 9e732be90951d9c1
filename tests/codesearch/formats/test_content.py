"""What a text is whose name does not tell: code of languages that nobody listed, prose, settings and data."""

from __future__ import annotations

import pytest

from codesearch.formats.content import judge
from codesearch.languages import language_of, may_be_text

SOURCE = {
    "nsis": (
        '!include "MUI2.nsh"\n'
        'Name "bat"\n'
        'OutFile "bat.exe"\n'
        'InstallDir "$PROGRAMFILES64\\bat"\n'
        "\n"
        'Section "Main"\n'
        '  SetOutPath "$INSTDIR"\n'
        '  File "bat.exe"\n'
        '  WriteUninstaller "$INSTDIR\\u.exe"\n'
        "SectionEnd\n"
        "\n"
        "Function .onInit\n"
        '  ReadRegStr $0 HKLM "Software\\bat" "x"\n'
        '  StrCmp $0 "" done\n'
        '  MessageBox MB_OK "found"\n'
        "  done:\n"
        "FunctionEnd\n"
    ),
    "ahk": (
        "#NoEnv\n^j::\nSend, My First Script\nreturn\n\nShowTime() {\n  FormatTime, now, , HH:mm\n  MsgBox, %now%\n}\n"
    ),
    "au3": (
        "#include <MsgBoxConstants.au3>\n"
        "Local $i = 0\n"
        "While $i <= 10\n"
        '    MsgBox($MB_SYSTEMMODAL, "", "i is " & $i)\n'
        "    $i = $i + 1\n"
        "WEnd\n"
        "\n"
        "Func Add($a, $b)\n"
        "    Return $a + $b\n"
        "EndFunc\n"
    ),
    "stan": (
        "data {\n"
        "  int<lower=0> J;\n"
        "  array[J] real y;\n"
        "}\n"
        "parameters {\n"
        "  real mu;\n"
        "}\n"
        "model {\n"
        "  y ~ normal(mu, 1);\n"
        "}\n"
    ),
    "mzn": (
        "int: n = 4;\n"
        "array[1..n] of var 1..n: q;\n"
        "\n"
        "constraint alldifferent(q);\n"
        "constraint forall(i in 1..n-1)(q[i] < q[i+1]);\n"
        "solve satisfy;\n"
    ),
    "sas": (
        "data work.class;\n"
        "  set sashelp.class;\n"
        "  if age > 12 then output;\n"
        "run;\n"
        "\n"
        "proc means data=work.class;\n"
        "  var height;\n"
        "run;\n"
    ),
    "do": (
        "clear all\n"
        'use "data.dta", clear\n'
        "gen lnwage = log(wage)\n"
        "regress lnwage age i.sex, vce(robust)\n"
        "foreach v of varlist x1-x3 {\n"
        "    replace `v' = 0 if missing(`v')\n"
        "}\n"
    ),
    "coffee": (
        "fs = require 'fs'\n"
        "\n"
        "class Reader\n"
        "  constructor: (@path) ->\n"
        "\n"
        "  read: (cb) =>\n"
        "    fs.readFile @path, (err, data) ->\n"
        "      return cb err if err\n"
        "      cb null, data\n"
    ),
    "wren": (
        "class Point {\n"
        "  construct new(x, y) {\n"
        "    _x = x\n"
        "    _y = y\n"
        "  }\n"
        "  x { _x }\n"
        "}\n"
        "var p = Point.new(1, 2)\n"
        "System.print(p.x)\n"
    ),
    "nut": (
        "function spawn(name, x)\n"
        "{\n"
        "  local e = Entities.CreateByClassname(name)\n"
        "  e.SetOrigin(Vector(x, 0, 0))\n"
        "  return e\n"
        "}\n"
    ),
    "tla": (
        "---- MODULE Counter ----\n"
        "EXTENDS Naturals\n"
        "VARIABLE x\n"
        "\n"
        "Init == x = 0\n"
        "Next == x' = x + 1\n"
        "Spec == Init /\\ [][Next]_x\n"
        "====\n"
    ),
    "als": (
        "sig Person {\n  friends: set Person\n}\nfact noSelf {\n  no p: Person | p in p.friends\n}\nrun {} for 3\n"
    ),
    "dfy": (
        "method Max(a: int, b: int) returns (m: int)\n"
        "  ensures m >= a && m >= b\n"
        "{\n"
        "  if a > b { m := a; } else { m := b; }\n"
        "}\n"
    ),
    "forth": (
        ": square ( n -- n^2 ) dup * ;\n: sum-to ( n -- s ) 0 swap 1+ 1 do i + loop ;\nvariable counter\n10 sum-to .\n"
    ),
    "factor": (
        "USING: kernel math sequences io ;\n"
        "IN: demo\n"
        "\n"
        ": fact ( n -- n! )\n"
        "    dup 1 <= [ drop 1 ] [ dup 1 - fact * ] if ;\n"
    ),
    "io": (
        "Account := Object clone do(\n"
        "  balance := 0\n"
        "  deposit := method(amount,\n"
        "    balance = balance + amount\n"
        "  )\n"
        ")\n"
    ),
    "red": (
        'Red [Title: "demo"]\n'
        "add-tax: func [price [number!] rate [number!]][\n"
        "    price * (1 + rate)\n"
        "]\n"
        "print add-tax 10 0.2\n"
    ),
    "cob": (
        "       IDENTIFICATION DIVISION.\n"
        "       PROGRAM-ID. PAYROLL.\n"
        "       DATA DIVISION.\n"
        "       WORKING-STORAGE SECTION.\n"
        "       01 WS-NAME PIC X(20).\n"
        "       PROCEDURE DIVISION.\n"
        '           MOVE "BOB" TO WS-NAME.\n'
        "           DISPLAY WS-NAME.\n"
        "           STOP RUN.\n"
    ),
    "bas": ("10 REM COUNT\n20 FOR I = 1 TO 10\n30 PRINT I\n40 NEXT I\n50 END\n"),
    "robot": (
        "*** Settings ***\n"
        "Library    SeleniumLibrary\n"
        "\n"
        "*** Test Cases ***\n"
        "Valid Login\n"
        "    Open Browser    ${URL}    chrome\n"
        "    Input Text    id:user    demo\n"
        "    Click Button    Login\n"
        "    Page Should Contain    Welcome\n"
    ),
    "rego": (
        "package authz\n"
        "\n"
        "default allow := false\n"
        "\n"
        "allow if {\n"
        '  input.method == "GET"\n'
        "  input.user == data.owner\n"
        "}\n"
    ),
    "jq": ("def addvalue(f): map(. + [f]);\n.items[] | select(.price > 10) | {name, price: (.price * 1.2)}\n"),
    "g4": ("grammar Expr;\nprog: (expr NEWLINE)* ;\nexpr: expr ('*'|'/') expr\n    | INT\n    ;\nINT: [0-9]+ ;\n"),
    "y": (
        "%{\n"
        "#include <stdio.h>\n"
        "%}\n"
        "%token NUM\n"
        "%%\n"
        "expr: expr '+' term { $$ = $1 + $3; }\n"
        "    | term\n"
        "    ;\n"
        "%%\n"
        "int main(void) { return yyparse(); }\n"
    ),
    "applescript": (
        'tell application "Finder"\n'
        "    set theFolder to choose folder\n"
        "    repeat with f in (get files of theFolder)\n"
        "        display dialog (name of f) as text\n"
        "    end repeat\n"
        "end tell\n"
    ),
    "ly": ('\\version "2.24.0"\n\\score {\n  \\relative c\' {\n    \\time 4/4\n    c4 d e f | g1\n  }\n}\n'),
    "scad": (
        "module ring(r, h) {\n"
        "  difference() {\n"
        "    cylinder(r = r, h = h);\n"
        "    cylinder(r = r - 2, h = h);\n"
        "  }\n"
        "}\n"
        "ring(10, 5);\n"
    ),
    "gms": (
        "Sets\n"
        "  i plants / seattle, san-diego /\n"
        "  j markets / new-york, chicago / ;\n"
        "Parameters\n"
        "  a(i) capacity / seattle 350, san-diego 600 / ;\n"
        "Variables x(i,j), z ;\n"
        "Equations cost, supply(i) ;\n"
        "cost .. z =e= sum((i,j), c(i,j)*x(i,j)) ;\n"
        "Model transport /all/ ;\n"
        "Solve transport using lp minimizing z ;\n"
    ),
    "mo": (
        'model Pendulum "A pendulum"\n'
        "  parameter Real L = 1;\n"
        "  Real theta(start = 0.1);\n"
        "equation\n"
        "  der(theta) = omega;\n"
        "  L * der(omega) = -9.81 * sin(theta);\n"
        "end Pendulum;\n"
    ),
    "xquery": (
        'xquery version "3.1";\n'
        "declare function local:total($o as element()) as xs:decimal {\n"
        "  sum($o/item/@price)\n"
        "};\n"
        'for $o in doc("orders.xml")//order\n'
        "where local:total($o) > 100\n"
        "return <big>{$o/@id}</big>\n"
    ),
    "pyret": (
        "fun fact(n :: Number) -> Number:\n"
        "  if n == 0: 1\n"
        "  else: n * fact(n - 1)\n"
        "  end\n"
        "end\n"
        "\n"
        "check:\n"
        "  fact(3) is 6\n"
        "end\n"
    ),
    "sieve": ('require ["fileinto"];\nif header :contains "Subject" "[list]" {\n    fileinto "lists";\n    stop;\n}\n'),
    "godot": (
        "extends Node2D\n"
        "\n"
        "var speed = 200\n"
        "\n"
        "func _process(delta):\n"
        "\tposition.x += speed * delta\n"
        "\tif position.x > 500:\n"
        "\t\tqueue_free()\n"
    ),
    "elv": (
        "use str\n"
        "\n"
        "fn greet {|name|\n"
        "  echo (str:join ' ' [hello $name])\n"
        "}\n"
        "\n"
        "set edit:completion:arg-completer[foo] = {|@args| put a b }\n"
    ),
    "apl": ("life ← {⊃1 ⍵ ∨.∧ 3 4 = +/ +⌿ ¯1 0 1 ∘.⊖ ¯1 0 1 ⌽¨ ⊂⍵}\navg ← {(+/⍵)÷≢⍵}\nsort ← {⍵[⍋⍵]}\n"),
    "invented": (
        "machine Turnstile\n"
        "  state locked\n"
        "    on coin goto unlocked\n"
        '    on push emit "beep"\n'
        "  end\n"
        "  state unlocked\n"
        "    on push goto locked\n"
        "  end\n"
        "end\n"
    ),
    "bru": ("meta {\n  name: Get user\n  type: http\n}\n\nget {\n  url: {{host}}/users/1\n  auth: bearer\n}\n"),
    "spec": (
        "Name:           restic\n"
        "Version:        0.17\n"
        "Release:        1%{?dist}\n"
        "Summary:        Backup\n"
        "\n"
        "%build\n"
        "make %{?_smp_mflags}\n"
        "\n"
        "%install\n"
        "rm -rf %{buildroot}\n"
        "install -m 755 restic %{buildroot}%{_bindir}/restic\n"
        "\n"
        "%files\n"
        "%{_bindir}/restic\n"
    ),
}
TEXT = {
    "en": (
        "This tool reads your notes and finds what you forgot.\n"
        "It was written in a week; expect bugs.\n"
        "\n"
        "Use it like this: open the folder, then type what you remember.\n"
    ),
    "de": (
        "Dieses Werkzeug sucht in Ihren Notizen.\n"
        "Es wurde in einer Woche geschrieben; Fehler sind zu erwarten.\n"
        "Bitte öffnen Sie zuerst den Ordner, dann geben Sie die Frage ein.\n"
    ),
    "ja": ("このツールはメモを検索します。\nまずフォルダを開いてください。\n次に質問を入力してください。\n"),
    "ru": (
        "Этот инструмент ищет в ваших заметках.\n"
        "Он был написан за неделю, возможны ошибки.\n"
        "Сначала откройте папку, затем введите вопрос.\n"
    ),
    "restic": (
        'Bugfix: Fix "repository already locked" error when pruning\n'
        "\n"
        "When a prune was interrupted, the lock stayed.\n"
        "This has been fixed, stale locks are removed after 30 minutes.\n"
        "\n"
        "https://github.com/restic/restic/issues/1234\n"
        "https://github.com/restic/restic/pull/2345\n"
    ),
    "license": (
        "MIT License\n"
        "\n"
        "Copyright (c) 2020 A. Person\n"
        "\n"
        "Permission is hereby granted, free of charge, to any person obtaining a copy\n"
        'of this software and associated documentation files (the "Software"), to deal\n'
        "in the Software without restriction, including without limitation the rights\n"
        "\n"
        'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR\n'
        "IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,\n"
    ),
    "todo": ("- buy milk\n- call the bank about the loan\n- write to Ann\n"),
    "wiki": (
        "= Install =\n"
        "\n"
        "First fetch the archive from the site and unpack it.\n"
        "\n"
        "== Linux ==\n"
        "\n"
        "* Run the installer as root.\n"
        "* Answer the questions that it asks.\n"
    ),
    "one": ("Not much to see here\n"),
    "texi": (
        "@node Top\n"
        "@chapter Introduction\n"
        "This manual describes the program in some detail.\n"
        "It is meant for people who write accounts in plain text.\n"
        "@section Installing\n"
        "You may install it with your package manager.\n"
    ),
    "srt": (
        "Hello there, I am the narrator of this film.\n"
        "We begin in a small town in the north.\n"
        "Nobody remembers how it started.\n"
    ),
}
CONFIG = {
    "theme": (
        "color.active=bold white\n"
        "color.alternate=on gray2\n"
        "color.blocked=white on black\n"
        "rule.precedence.color=deleted,completed\n"
    ),
    "rc": ("[user]\n    name = A\n    email = a@example.org\n[core]\n    editor = vim\n    pager = less\n"),
    "neon": ("parameters:\n  level: 5\n  paths: src\n  strict: true\n"),
}
DATA = {
    "a table": ["name,age,city\nann,3,paris\nbob,4,rome\nzoe,5,oslo\n", "id\tname\tprice\n1\tpen\t2\n2\tink\t7\n"],
    "numbers": ["1 2 3\n4 5 6\n" * 20 + "words\n", "begin\n" + "G1 X10 Y20\nG1 X11 Y21\n" * 20],
    "no words": ["1.2.3\n", "1 2 3\n4 5 6\n"],
    "encoded bytes": [
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n",
        "QUJDQUJDQUJD\nQUJDQUJD\n",
    ],
    "checksums": ["".join(f"{number:064x}  file{number}.tar.gz\n" for number in range(1, 6))],
    "records in JSON": ['{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', '{"version": 2}\n[0.1, "o", "text"]\n'],
    "JSON of more than 20,000 characters": ['{"shapes": [\n' + '{"kind": "box",\n"at": 3},\n' * 1000 + "{}]}"],
    "a log": ["".join(f"2024-05-0{n} 12:00:0{n} INFO started worker {n}\n" for n in range(1, 9))],
    "control characters": ["\x1b[31mred\x1b[0m text\n" * 5],
    "a list of words": ["".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}\n" for n in range(500))],
}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        pytest.param(language, text, id=f"{language}-{name}")
        for language, samples in (("source", SOURCE), ("text", TEXT), ("config", CONFIG))
        for name, text in samples.items()
    ],
)
def test_code_prose_and_settings_are_told_apart(language: str, text: str) -> None:
    assert judge(text).language == language
    found = language_of("a.invented", text.partition("\n")[0], text)
    assert found is not None
    assert found.name == language


@pytest.mark.parametrize(("data", "text"), [(data, text) for data, texts in DATA.items() for text in texts])
def test_data_is_named(data: str, text: str) -> None:
    assert (judge(text).language, judge(text).data) == ("", data)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ('<?xml version="1.0"?>\n<a/>\n', "xml"),
        ("<Project>\n  <Item/>\n</Project>\n", "xml"),
        ("<!DOCTYPE html>\n<html>\n</html>\n", "html"),
        ("%YAML 1.2\n---\nname: x\n", "yaml"),
        ("---\nname: x\nother: y\n", "yaml"),
        ('{\n  "indent": 4\n}\n', "json"),
        ("#compdef task\n\n_task() {\n  _arguments\n}\n", "bash"),
        ("# -*- mode: ruby -*-\nx\n", "ruby"),
        ("/* -*- C++ -*- */\nx\n", "cpp"),
        ("x\ny\n# vim: set ft=tcl :\n", "tcl"),
        ("x\n# vim:ts=4:sw=4:ft=sh\n", "bash"),
        ("#!/usr/bin/perl\nx\n", "perl"),
    ],
)
def test_what_a_text_says_of_itself_is_believed(text: str, language: str) -> None:
    assert language_of("nosuffix", text.partition("\n")[0], text) == language_of(f"a.{_SUFFIX.get(language, language)}")


_SUFFIX = {"bash": "sh", "ruby": "rb", "perl": "pl"}


@pytest.mark.parametrize(
    "path",
    ["a", "LICENSE", ".htaccess", "share/3.10.10", "x.out", "x.pt", "pendulum.mo", "rule.2", "a.expected", "a.dat"],
)
def test_a_name_that_says_nothing_is_looked_into(path: str) -> None:
    assert may_be_text(path)
    assert language_of(path, "", SOURCE["sas"]) is not None


@pytest.mark.parametrize("path", ["a.png", "a.CSV", "a.svg", "a.py.orig", "a.rs~", "a.sqlite", "key.pem", "a.po"])
def test_formats_of_data_are_not_looked_into(path: str) -> None:
    assert not may_be_text(path)
    assert language_of(path, "", SOURCE["sas"]) is None or path == "a.py.orig"


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("Gemfile-rails-7-0", "ruby"),
        ("Dockerfile_dev", "dockerfile"),
        ("Makefile.common", "make"),
        ("Dockerfile-x.y", "dockerfile"),
    ],
)
def test_a_name_of_its_own_may_go_on(path: str, language: str) -> None:
    assert getattr(language_of(path), "name", None) == language


def test_judging_takes_no_long_time() -> None:
    for text in (
        "a" * 100_000,
        "[" * 100_000,
        "<a " * 30_000,
        "a=" * 50_000,
        "`a" * 50_000,
        " \t" * 50_000 + "a",
        "- " * 50_000,
    ):
        judge(text)
