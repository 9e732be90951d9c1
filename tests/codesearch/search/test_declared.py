"""The exact name of an enum member, a field or a second constant finds the line that defines it, in any language.

Each row is a file of definitions, a file that uses what it defines (three times, which by words is worth more), and the
names with the lines that define them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import codesearch
from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk
from codesearch.search.declared import best_declarations, name_asked

WriteTree = Callable[[Path, Mapping[str, str]], Path]

# Suffix: definitions, uses ("{0}" is the name), names with their lines.
LANGUAGES: dict[str, tuple[str, str, str]] = {
    "rs": (
        (
            "pub const MAX_RETRY: u32 = 5;\n"
            "lazy_static! {\n"
            "    static ref CACHE_TABLE: u8 = 1;\n"
            "}\n"
            "thread_local! {\n"
            "    static LOCAL_DEPTH: u8 = 1;\n"
            "}\n"
            "enum Color { RedTone, GreenTone(u8) }\n"
            "bitflags! {\n"
            "    struct OpenFlags: u32 {\n"
            "        const READ_BIT = 1;\n"
            "    }\n"
            "}\n"
        ),
        ("fn max_retry_reached(n: u32) -> bool {{ n > {0} && {0} > 1 }}\n"),
        "MAX_RETRY:1 CACHE_TABLE:3 LOCAL_DEPTH:6 RedTone:8 GreenTone:8 READ_BIT:11",
    ),
    "c": (
        (
            "#define MAX_RETRY 5\n"
            "#define SQUARE_OF(x) ((x)*(x))\n"
            "enum color { RED_TONE, GREEN_TONE = 2 };\n"
            "typedef int (*handler_fn)(int);\n"
            "int big_table[] = { 1, 2 };\n"
            "struct point_s { int horizontal_pos; };\n"
        ),
        ("int use_it(int n) {{ return n > {0} && {0}; }}\nint again(void) {{ return {0}; }}\n"),
        "MAX_RETRY:1 SQUARE_OF:2 RED_TONE:3 GREEN_TONE:3 handler_fn:4 big_table:5",
    ),
    "ts": (
        (
            "export const MAX_RETRY = 5, MIN_RETRY = 1;\n"
            "declare const APP_VERSION: string;\n"
            'export enum Color { RedTone = "r", GreenTone = "g" }\n'
            "export class Lim { static UPPER_LIMIT = 3; readonly lowerLimit = 1 }\n"
            "export const { alphaKey, betaKey } = keys;\n"
            "export type Handler = (x: number) => void;\n"
        ),
        ("export function useIt(n) {{ return n > {0} && {0}; }}\nexport const again = () => {0};\n"),
        "MAX_RETRY:1 MIN_RETRY:1 APP_VERSION:2 RedTone:3 GreenTone:3 UPPER_LIMIT:4 lowerLimit:4 alphaKey:5 Handler:6",
    ),
    "py": (
        (
            "MAX_RETRY: int = 5\n"
            "ALPHA_KEY, BETA_KEY = 1, 2\n"
            "class Color(Enum):\n"
            "    RED_TONE = 1\n"
            "    GREEN_TONE = 2\n"
            "Handler = Callable[[int], None]\n"
            "if X:\n"
            "    COND_VALUE = 1\n"
            "else:\n"
            "    COND_VALUE = 2\n"
            "try:\n"
            "    import json as fast_json\n"
            "except ImportError:\n"
            "    HAVE_JSON = False\n"
            'UserId = NewType("UserId", int)\n'
        ),
        ("def use_it(n):\n    return n > {0} and {0}\n\ndef again():\n    return {0}\n"),
        "MAX_RETRY:1 ALPHA_KEY:2 BETA_KEY:2 RED_TONE:4 GREEN_TONE:5 Handler:6 COND_VALUE:8 HAVE_JSON:14 UserId:15",
    ),
    "php": (
        (
            "<?php\n"
            "const MAX_RETRY = 5;\n"
            'define("OTHER_LIMIT", 3);\n'
            'enum Suit: string { case HeartSuit = "H"; }\n'
            "class A { const LOW_LIMIT = 1; public int $sizeValue = 2; }\n"
        ),
        ("<?php\nfunction use_it($n) {{ return $n > {0} && {0}; }}\nfunction again() {{ return {0}; }}\n"),
        "MAX_RETRY:2 OTHER_LIMIT:3 HeartSuit:4 LOW_LIMIT:5 sizeValue:5",
    ),
    "java": (
        (
            "class A {\n"
            "  static final int MAX_RETRY = 5;\n"
            "  enum Color { RED_TONE, GREEN_TONE }\n"
            "  int lowA = 1, lowB = 2;\n"
            "}\n"
            "@interface Marker { }\n"
            "record PointRec(int xPos, int yPos) { }\n"
        ),
        (
            "class U {{\n"
            "  boolean useIt(int n) {{ return n > {0} && {0} > 1; }}\n"
            "  Object again() {{ return {0}; }}\n"
            "}}\n"
        ),
        "MAX_RETRY:2 RED_TONE:3 GREEN_TONE:3 lowB:4 Marker:6 PointRec:7",
    ),
    "cs": (
        (
            "class A {\n"
            "  public const int MaxRetry = 5;\n"
            "  public int SizeValue { get; set; }\n"
            "}\n"
            "enum Color { RedTone, GreenTone }\n"
            "delegate void OnDone(int x);\n"
        ),
        ("class U {{\n  bool UseIt(int n) {{ return n > {0} && {0} > 1; }}\n  object Again() {{ return {0}; }}\n}}\n"),
        "MaxRetry:2 SizeValue:3 RedTone:5 OnDone:6",
    ),
    "rb": (
        (
            "MAX_RETRY = 5\n"
            "module M\n"
            "  LOW_LIMIT = 3\n"
            "  attr_reader :size_value\n"
            "  alias_method :new_name, :old_name\n"
            "  scope :active_ones, -> { where(a: 1) }\n"
            "end\n"
            "$global_flag = 1\n"
        ),
        ("def use_it(n)\n  n > {0} && {0}\nend\n\ndef again\n  {0}\nend\n"),
        "MAX_RETRY:1 LOW_LIMIT:3 size_value:4 new_name:5 active_ones:6 $global_flag:8",
    ),
    "go": (
        (
            "package a\n"
            "\n"
            "const (\n"
            "\tMaxRetry = 5\n"
            "\tFirstOne, SecondOne = 1, 2\n"
            ")\n"
            "\n"
            "var LoneVar, PairVar = 1, 2\n"
            "\n"
            "type Handler func(int)\n"
            "type Alias = Handler\n"
        ),
        ("package a\n\nfunc useIt(n int) bool {{ return n > {0} && {0} > 1 }}\n\nfunc again() int {{ return {0} }}\n"),
        "MaxRetry:4 FirstOne:5 SecondOne:5 LoneVar:8 PairVar:8 Handler:10 Alias:11",
    ),
    "kt": (
        (
            "const val MAX_RETRY = 5\n"
            "object O {\n"
            "  const val INNER_LIMIT = 2\n"
            "}\n"
            "enum class Color { RED_TONE, GREEN_TONE }\n"
            "typealias Handler = (Int) -> Unit\n"
            "val (firstPart, secondPart) = pair\n"
        ),
        ("fun useIt(n: Int) = n > {0} && {0} > 1\n\nfun again() = {0}\n"),
        "MAX_RETRY:1 INNER_LIMIT:3 RED_TONE:5 Handler:6 firstPart:7",
    ),
    "swift": (
        (
            "let maxRetry = 5\n"
            "enum Color { case redTone, greenTone }\n"
            "typealias Handler = (Int) -> Void\n"
            "struct S { static let lowLimit = 1 }\n"
        ),
        ("func useIt(n: Int) -> Bool {{ return n > {0} && {0} > 1 }}\n\nfunc again() -> Int {{ return {0} }}\n"),
        "maxRetry:1 redTone:2 greenTone:2 Handler:3 lowLimit:4",
    ),
    "lua": (
        ("local MAX_RETRY = 5\nM.LOW_LIMIT = 3\nGLOBAL_ONE = 1\nlocal first_part, second_part = 1, 2\n"),
        ("function use_it(n)\n  return n > {0} and {0}\nend\n\nfunction again()\n  return {0}\nend\n"),
        "MAX_RETRY:1 LOW_LIMIT:2 GLOBAL_ONE:3 second_part:4",
    ),
    "ex": (
        (
            "defmodule A do\n"
            "  @max_retry 5\n"
            "  @type handler_t :: integer\n"
            "  defstruct [:size_value]\n"
            "  @callback do_thing(integer) :: atom\n"
            "  defdelegate fetch_it(a), to: B\n"
            "  defguard is_small(x) when x < 3\n"
            "end\n"
        ),
        ("defmodule U do\n  def use_it(n), do: n > {0} && {0}\n  def again, do: {0}\nend\n"),
        "max_retry:2 handler_t:3 do_thing:5 fetch_it:6 is_small:7",
    ),
    "jl": (
        ("const MAX_RETRY = 5\n@enum Color red_tone green_tone\nLOW_LIMIT = 3\nHandler = Function\n"),
        ("function use_it(n)\n  n > {0} && {0}\nend\n\nagain() = {0}\n"),
        "MAX_RETRY:1 Color:2 red_tone:2 LOW_LIMIT:3",
    ),
    "R": (
        ('MAX_RETRY <- 5\nlow_limit = 3\nassign("other_limit", 3)\n'),
        ("use_it <- function(n) {{\n  n > {0} && {0}\n}}\n\nagain <- function() {0}\n"),
        "MAX_RETRY:1 low_limit:2",
    ),
    "pl": (
        (
            "use constant MAX_RETRY => 5;\n"
            "use constant { ALPHA_KEY => 1, BETA_KEY => 2 };\n"
            "our $LOW_LIMIT = 3;\n"
            "my %big_table = (a => 1);\n"
            'has size_value => (is => "ro");\n'
        ),
        ("sub use_it {{\n  my $n = shift;\n  return $n > {0} && {0};\n}}\n\nsub again {{ return {0} }}\n"),
        "MAX_RETRY:1 ALPHA_KEY:2 BETA_KEY:2 LOW_LIMIT:3 big_table:4 size_value:5",
    ),
    "ps1": (
        (
            "$MaxRetry = 5\n"
            "Set-Variable -Name LowLimit -Value 3 -Option Constant\n"
            "enum Color { RedTone; GreenTone }\n"
            "$script:BigTable = @{}\n"
        ),
        ("function Use-It($n) {{\n  return $n -gt ${0} -and ${0}\n}}\n\nfunction Again {{ ${0} }}\n"),
        "MaxRetry:1 LowLimit:2 RedTone:3 BigTable:4",
    ),
    "m": (
        (
            'NSString *const kName = @"x";\n'
            "typedef NS_ENUM(NSInteger, Color) { ColorRed, ColorGreen };\n"
            "@interface A\n"
            "@property int sizeValue;\n"
            "@end\n"
            "#define MAX_RETRY 5\n"
        ),
        ("int useIt(int n) {{ return n > {0} && {0}; }}\n\nint again(void) {{ return {0}; }}\n"),
        "kName:1 Color:2 ColorGreen:2 sizeValue:4 MAX_RETRY:6",
    ),
    "hpp": (
        (
            "constexpr int kMaxRetry = 5;\n"
            "using Handler = std::function<void(int)>;\n"
            "enum class Color { RedTone, GreenTone };\n"
            'namespace a { const char* const kPath = "p"; }\n'
            "#define SQUARE_OF(x) ((x)*(x))\n"
            "struct S { static constexpr int kLow = 1; int field_one = 2; };\n"
        ),
        ("inline bool use_it(int n) {{ return n > {0} && {0}; }}\n\ninline int again() {{ return {0}; }}\n"),
        "kMaxRetry:1 Handler:2 RedTone:3 kPath:4 SQUARE_OF:5 kLow:6 field_one:6",
    ),
    "dart": (
        (
            "const maxRetry = 5;\n"
            "enum Color { redTone, greenTone }\n"
            "typedef Handler = void Function(int);\n"
            "class A { static const lowLimit = 1; final int sizeValue; }\n"
            "int first = 1, second_one = 2;\n"
        ),
        ("bool useIt(int n) {{ return n > {0} && {0} > 1; }}\n\nint again() {{ return {0}; }}\n"),
        "maxRetry:1 redTone:2 Handler:3 lowLimit:4 sizeValue:4 second_one:5",
    ),
    "scala": (
        (
            "object A {\n"
            "  val MaxRetry = 5\n"
            "  type Handler = Int => Unit\n"
            "  lazy val lowLimit = 1\n"
            "  val (firstPart, secondPart) = pair\n"
            "}\n"
            "enum Color { case RedTone, GreenTone }\n"
            "case object LoneObject\n"
        ),
        ("object U {{\n  def useIt(n: Int) = n > {0} && {0} > 1\n  def again = {0}\n}}\n"),
        "MaxRetry:2 Handler:3 lowLimit:4 secondPart:5 RedTone:7 LoneObject:8",
    ),
    "hs": (
        (
            "module A where\n"
            "maxRetry :: Int\n"
            "maxRetry = 5\n"
            "type Handler = Int -> IO ()\n"
            "data Color = RedTone | GreenTone { sizeValue :: Int }\n"
            "newtype Wrap = MkWrap Int\n"
        ),
        ("module U where\nuseIt :: Int -> Bool\nuseIt n = n > {0} && {0} > 1\n\nagain = {0}\n"),
        "maxRetry:2 Handler:4 RedTone:5 GreenTone:5 sizeValue:5 MkWrap:6",
    ),
    "ml": (
        (
            "let max_retry = 5\n"
            "type color = RedTone | GreenTone of int\n"
            "exception Bad_thing of string\n"
            "type point = { x_pos : int }\n"
        ),
        ("let use_it n = n > {0} && {0} > 1\n\nlet again () = {0}\n"),
        "max_retry:1 RedTone:2 GreenTone:2 Bad_thing:3 x_pos:4",
    ),
    "clj": (
        (
            "(def max-retry 5)\n"
            "(defonce state-atom (atom {}))\n"
            "(defmulti area-of :shape)\n"
            "(defrecord Point [x-pos])\n"
            "(s/def ::size-value int?)\n"
            "(declare later-fn)\n"
        ),
        ("(defn use-it [n] (and (> n {0}) {0}))\n\n(defn again [] {0})\n"),
        "max-retry:1 state-atom:2 area-of:3 Point:4 size-value:5",
    ),
    "sol": (
        (
            "uint256 constant MAX_FEE = 5;\n"
            "contract A {\n"
            "  uint256 public constant LOW_LIMIT = 3;\n"
            "  event PaidOut(address a);\n"
            "  error BadThing();\n"
            "  enum Color { RedTone, GreenTone }\n"
            "  mapping(address => uint) public balanceOf;\n"
            "}\n"
        ),
        (
            "contract U {{\n"
            "  function useIt(uint n) public returns (bool) {{ return n > {0}; }}\n"
            "  function again() public {{ emit {0}(); }}\n"
            "}}\n"
        ),
        "MAX_FEE:1 LOW_LIMIT:3 PaidOut:4 BadThing:5 RedTone:6 balanceOf:7",
    ),
    "proto": (
        (
            'syntax = "proto3";\n'
            "enum Color { RED_TONE = 0; }\n"
            "message Mess { int32 max_retry = 1; oneof kind_of { string a = 2; } }\n"
            "service Serv { rpc DoThing(Mess) returns (Mess); }\n"
        ),
        ("message Other {{ {0} used = 1; }}\nmessage Again {{ {0} used_too = 1; }}\n"),
        "RED_TONE:2 Mess:3 max_retry:3 DoThing:4",
    ),
    "graphql": (
        (
            "enum Color { RED_TONE GREEN_TONE }\n"
            "input PointIn { xPos: Int }\n"
            "type Query { findThing(id: ID): String }\n"
            "scalar DateTimeX\n"
        ),
        ("type Other {{ used: {0} }}\n\ntype Again {{ used: {0} }}\n"),
        "RED_TONE:1 PointIn:2 xPos:2 findThing:3 DateTimeX:4",
    ),
    "tf": (
        (
            'variable "max_retry" {\n'
            "  default = 5\n"
            "}\n"
            "locals {\n"
            "  low_limit = 3\n"
            "}\n"
            'resource "aws_s3_bucket" "log_bucket" {\n'
            "}\n"
        ),
        ('output "u" {{\n  value = {0}\n}}\n\noutput "v" {{\n  value = {0}\n}}\n'),
        "max_retry:1 low_limit:5 log_bucket:7",
    ),
    "cmake": (
        ('set(MAX_RETRY 5)\noption(WITH_EXTRA "x" ON)\nadd_library(core_lib a.c)\nmacro(do_thing a)\nendmacro()\n'),
        ('message("${{{0}}}")\nif({0})\n  message({0})\nendif()\n'),
        "MAX_RETRY:1 WITH_EXTRA:2 core_lib:3 do_thing:4",
    ),
    "mk": (
        ("MAX_RETRY := 5\nLOW_LIMIT ?= 3\nall: dep\n\techo $(MAX_RETRY)\n.PHONY: all\ndefine big_block\nx\nendef\n"),
        ("use: x\n\techo $({0}) $({0})\nagain:\n\techo $({0})\n"),
        "MAX_RETRY:1 LOW_LIMIT:2 big_block:6",
    ),
    "scss": (
        (
            ":root { --max-width: 3px; }\n"
            "$low-limit: 3;\n"
            "@mixin do-thing { a: b }\n"
            ".my-class { color: red }\n"
            "@function calc-it($x) { @return $x }\n"
        ),
        (".use {{ width: var({0}); @include {0}; }}\n.again {{ height: {0} }}\n"),
        "--max-width:1 $low-limit:2 do-thing:3 my-class:4 calc-it:5",
    ),
    "sh": (
        ('MAX_RETRY=5\nreadonly LOW_LIMIT=3\ndeclare -A BIG_TABLE=([a]=1)\nalias do_thing="x"\n: "${DEF_VALUE:=3}"\n'),
        ('use_it() {{\n  echo "${0}" "${0}"\n}}\n\nagain() {{ echo "${0}"; }}\n'),
        "MAX_RETRY:1 LOW_LIMIT:2 BIG_TABLE:3 do_thing:4 DEF_VALUE:5",
    ),
    "zig": (
        (
            "pub const max_retry = 5;\n"
            "const Color = enum { red_tone, green_tone };\n"
            "var counter_value: u32 = 0;\n"
            "const Bad = error{ThingFailed};\n"
        ),
        ("fn useIt(n: u32) bool {{ return n > {0} and {0} > 1; }}\n\nfn again() u32 {{ return {0}; }}\n"),
        "max_retry:1 Color:2 red_tone:2 counter_value:3 ThingFailed:4",
    ),
    "sql": (
        (
            "CREATE TABLE users (id int, max_retry int);\n"
            "CREATE INDEX ix_users ON users(id);\n"
            "CREATE TYPE color AS ENUM ('red_tone');\n"
        ),
        ("SELECT {0} FROM users WHERE {0} > 1;\n\nUPDATE users SET id = 1 WHERE {0} = 2;\n"),
        "max_retry:1 ix_users:2 red_tone:3",
    ),
    "vue": (
        (
            "<script setup>\n"
            "const MAX_RETRY = 5\n"
            "const props = defineProps({ sizeValue: Number })\n"
            "const { alphaKey } = useX()\n"
            "</script>\n"
        ),
        (
            "<script>\n"
            "export function useIt(n) {{ return n > {0} && {0} }}\n"
            "export function again() {{ return {0} }}\n"
            "</script>\n"
        ),
        "MAX_RETRY:2 alphaKey:4",
    ),
    "yaml": (
        ("max_retry: 5\nservices:\n  log_bucket:\n    image: x\nanchors: &my_anchor\n  a: 1\n"),
        ('use: "{0} and {0}"\nagain: "{0}"\n'),
        "max_retry:1 log_bucket:3",
    ),
    "js": (
        (
            "const MAX_RETRY = 5, MIN_RETRY = 1;\n"
            "module.exports.EXPORTED_ONE = 3;\n"
            "exports.OTHER_ONE = 4;\n"
            "window.GLOBAL_ONE = 1;\n"
            "const KEYS = Object.freeze({ ALPHA_KEY: 1 });\n"
            "let later_one;\n"
            "var old_one = 3;\n"
        ),
        ("function useIt(n) {{ return n > {0} && {0}; }}\nfunction again() {{ return {0}; }}\n"),
        "MAX_RETRY:1 MIN_RETRY:1 EXPORTED_ONE:2 OTHER_ONE:3 GLOBAL_ONE:4 KEYS:5 ALPHA_KEY:5 later_one:6 old_one:7",
    ),
    "odin": (
        ("package main\n\nMAX_RETRY :: 5\n\nColor :: enum { Red_Tone, Green_Tone }\n\nglobal_one : int = 3\n"),
        (
            "package main\n"
            "\n"
            "use_it :: proc(n: int) -> bool {{\n"
            "\treturn n > {0} && {0} > 1\n"
            "}}\n"
            "\n"
            "again :: proc() -> int {{\n"
            "\treturn {0}\n"
            "}}\n"
        ),
        "MAX_RETRY:3 Color:5 Red_Tone:5 global_one:7",
    ),
    "f90": (
        ("module consts\n  integer, parameter :: MAX_RETRY = 5\n  real :: low_limit = 3.0\nend module\n"),
        (
            "logical function use_it(n)\n"
            "  use_it = n > {0} .and. {0} > 1\n"
            "end function\n"
            "\n"
            "integer function again()\n"
            "  again = {0}\n"
            "end function\n"
        ),
        "MAX_RETRY:2 low_limit:3",
    ),
    "nim": (
        ("const MaxRetry = 5\ntype Color = enum redTone, greenTone\nvar globalOne = 3\n"),
        ("proc useIt(n: int): bool =\n  n > {0} and {0} > 1\n\nproc again(): int =\n  {0}\n"),
        "MaxRetry:1 redTone:2 globalOne:3",
    ),
    "erl": (
        ("-module(a).\n-define(MAX_RETRY, 5).\n-record(point, {x_pos}).\n-type handler() :: integer().\n"),
        ("-module(u).\nuse_it(N) -> N > ?{0} andalso ?{0} > 1.\n\nagain() -> ?{0}.\n"),
        "MAX_RETRY:2 point:3 handler:4",
    ),
    "fs": (
        ("module A\nlet maxRetry = 5\n[<Literal>]\nlet LowLimit = 3\ntype Color = RedTone | GreenTone\n"),
        ("module U\nlet useIt n = n > {0} && {0} > 1\n\nlet again () = {0}\n"),
        "maxRetry:2 LowLimit:4 RedTone:5",
    ),
}
CASES = [
    pytest.param(suffix, *named.rsplit(":", 1), id=f"{suffix}-{named}")
    for suffix, (_, _, names) in LANGUAGES.items()
    for named in names.split()
]


def chunks_of(path: str, source: str) -> list[Chunk]:
    language = language_of(path, "", source)
    assert language is not None
    return extract(path, source, language)


@pytest.mark.parametrize(("suffix", "name", "line"), CASES)
def test_the_line_that_defines_a_name_is_told_from_those_that_use_it(suffix: str, name: str, line: str) -> None:
    definitions, uses, _ = LANGUAGES[suffix]
    asked = name_asked(name)
    used = name.lstrip("$") if suffix in ("ps1", "sh") else name
    found = [*chunks_of(f"defs.{suffix}", definitions), *chunks_of(f"use.{suffix}", uses.format(used))]
    if any(chunk.name == asked for chunk in found):  # found by its name
        (chunk,) = {
            chunk.path: chunk for chunk in found if chunk.name == asked and chunk.path.startswith("defs")
        }.values()
        assert chunk.span.start <= int(line) <= chunk.span.end
        return
    declared = best_declarations({(0, number): chunk for number, chunk in enumerate(found)}, asked)
    assert declared, "nothing was taken for a definition"
    assert {(found[number].path, seen.line) for (_, number), seen in declared.items()} == {
        (f"defs.{suffix}", int(line))
    }


@pytest.mark.parametrize(
    "source",
    [
        "def f(n):\n    return LIMIT\n",
        "def f(n):\n    if n == LIMIT:\n        print(LIMIT)\n",
        "# LIMIT = 3 is what it was\nx = LIMIT\n",
        "class A(LIMIT):\n    pass\n",
        "from a import LIMIT\nfrom b import x, LIMIT\n",
        "other.LIMITS = 1\nLIMIT_2 = 1\nx.LIMIT == 3\n",
        "print(f(x, LIMIT))\nf(x)[LIMIT]\n",
    ],
)
def test_what_only_uses_a_name_defines_nothing(source: str) -> None:
    assert best_declarations({(0, n): chunk for n, chunk in enumerate(chunks_of("a.py", source))}, "LIMIT") == {}


@pytest.mark.parametrize(
    ("question", "name"),
    [("RED_TONE", "RED_TONE"), ("$x_y", "x_y"), ("--max-width", "max-width"), ("two words", ""), ("a.b", ""), ("", "")],
)
def test_a_question_that_is_one_name(question: str, name: str) -> None:
    assert name_asked(question) == name


def test_a_member_that_many_files_use_is_found_first(tmp_path: Path, write_tree: WriteTree) -> None:
    users = {f"use{n}.py": f"def use_{n}(x):\n    return x == RED_TONE and RED_TONE\n" for n in range(150)}
    members = "".join(f"    TONE_{n} = {n}\n" for n in range(60))
    root = write_tree(tmp_path / "r", {**users, "defs.py": f"class Tone(Enum):\n{members}    RED_TONE = 99\n"})
    with codesearch.open(root, model="hashing", index_dir=tmp_path / "indexes") as index:
        first = index.search("RED_TONE", limit=3)[0]
    assert (first.path, first.line, first.name) == ("defs.py", 62, "Tone")
