"""The table of languages: which file is what, and how it is read.

A language with a grammar needs one row here and one file ``queries/<name>.scm``; a
language without one needs only a row. Nothing here reads a file or loads a grammar.

How a file's language is found, first answer wins:

1. its whole name (``Makefile``, ``.bashrc``);
2. its longest known suffix (``.html.erb`` before ``.erb``);
3. its name up to the first dot, if that ends in "file" (``Dockerfile.prod``);
4. the interpreter that its first line names.

Some suffixes are shared between languages (``.h``, ``.m``). `language_of` answers with the most
likely one, and `refine` looks into the text: a header is C unless a line of it begins with
something that only C++ or Objective-C has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LANGUAGES", "Language", "language_of", "refine"]


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table.

    Attributes:
        name: What ``--lang`` takes and results show.
        suffixes: File name endings, lower-case, with their dot.
        filenames: Whole file names, lower-case. One in ``file`` also matches with any ending: ``Dockerfile.prod``.
        interpreters: Program names of a ``#!`` line, without version digits.
        grammar: The grammar's wheel as ``module`` or ``module:function`` (default function
            ``language``), or None where there is none and the text is cut into windows.
        queries: Names of the files in ``queries/`` that together are the language's query.
        landmark: For text without a grammar: a multi-line regular expression whose matches begin a
            section (a heading, a table, a target); its first group is the section's name.
        comment: For text without a grammar: what a comment line begins with. Comment lines right
            above a landmark belong to its section.
    """

    name: str
    suffixes: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    grammar: str | None = None
    queries: tuple[str, ...] = ()
    landmark: str | None = None
    comment: str | None = None


# What a definition looks like in languages that write ``keyword name``; the indentation is free.
_KEYWORDS = r"^[ \t]*(?:[a-z]+[ \t]+)*?(?:{})[ \t]+([\w.:$#'\"-]+)"

_WITH_GRAMMAR = (
    Language(
        "bash",
        suffixes=(".sh", ".bash", ".zsh", ".ksh", ".bats", ".ebuild", ".eclass"),
        filenames=(
            ".bashrc", ".bash_profile", ".bash_aliases", ".bash_logout", ".profile", ".zshrc", ".zshenv",
            ".zprofile", ".envrc", "pkgbuild", "apkbuild", "configure.ac",
        ),
        interpreters=("sh", "bash", "zsh", "ksh", "dash", "ash", "bats"),
        grammar="tree_sitter_bash",
        queries=("bash",),
    ),
    Language("c", suffixes=(".c", ".h"), grammar="tree_sitter_c", queries=("c",)),
    Language(
        "cpp",
        suffixes=(
            ".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".tpp", ".inl", ".tcc",
            ".cu", ".cuh", ".ino", ".cppm", ".ixx",
        ),
        grammar="tree_sitter_cpp",
        queries=("cpp", "c"),
    ),
    Language("csharp", suffixes=(".cs", ".csx"), grammar="tree_sitter_c_sharp", queries=("csharp",)),
    Language(
        "elixir",
        suffixes=(".ex", ".exs"),
        interpreters=("elixir",),
        grammar="tree_sitter_elixir",
        queries=("elixir",),
    ),
    Language("go", suffixes=(".go",), grammar="tree_sitter_go", queries=("go",)),
    Language(
        "haskell",
        suffixes=(".hs", ".hs-boot", ".hsc"),
        interpreters=("runhaskell", "runghc"),
        grammar="tree_sitter_haskell",
        queries=("haskell",),
    ),
    Language("java", suffixes=(".java", ".jav"), grammar="tree_sitter_java", queries=("java",)),
    Language(
        "javascript",
        suffixes=(".js", ".jsx", ".mjs", ".cjs", ".es6", ".es"),
        filenames=("jakefile",),
        interpreters=("node", "nodejs", "bun"),
        grammar="tree_sitter_javascript",
        queries=("ecmascript", "javascript"),
    ),
    Language(
        "kotlin",
        suffixes=(".kt", ".kts"),
        interpreters=("kotlin",),
        grammar="tree_sitter_kotlin",
        queries=("kotlin",),
    ),
    Language(
        "lua",
        suffixes=(".lua", ".rockspec", ".luau"),
        filenames=(".luacheckrc",),
        interpreters=("lua", "luajit", "texlua"),
        grammar="tree_sitter_lua",
        queries=("lua",),
    ),
    Language(
        "php",
        suffixes=(".php", ".phtml", ".php3", ".php4", ".php5", ".php7", ".phps", ".module"),
        interpreters=("php",),
        grammar="tree_sitter_php:language_php",
        queries=("php",),
    ),
    Language(
        "python",
        suffixes=(".py", ".pyi", ".pyw", ".wsgi", ".gyp", ".gypi"),
        filenames=("sconstruct", "sconscript", "wscript", ".pythonrc"),
        interpreters=("python", "pypy", "ipython", "uv"),
        grammar="tree_sitter_python",
        queries=("python",),
    ),
    Language(
        "ruby",
        suffixes=(".rb", ".rake", ".gemspec", ".ru", ".podspec", ".thor", ".jbuilder", ".rabl", ".cr"),
        filenames=(
            "rakefile", "gemfile", "guardfile", "capfile", "vagrantfile", "podfile", "fastfile", "appfile",
            "brewfile", "berksfile", "thorfile", "dangerfile", "puppetfile", ".irbrc", ".pryrc",
        ),
        interpreters=("ruby", "jruby", "rake"),
        grammar="tree_sitter_ruby",
        queries=("ruby",),
    ),
    Language(
        "rust",
        suffixes=(".rs",),
        interpreters=("rust-script",),
        grammar="tree_sitter_rust",
        queries=("rust",),
    ),
    Language(
        "scala",
        suffixes=(".scala", ".sc", ".sbt", ".mill"),
        interpreters=("scala",),
        grammar="tree_sitter_scala",
        queries=("scala",),
    ),
    Language(
        "starlark",  # a subset of Python's syntax
        suffixes=(".bzl", ".bazel", ".star"),
        filenames=("build", "workspace", "buck", "tiltfile"),
        grammar="tree_sitter_python",
        queries=("python",),
    ),
    Language(
        "swift",
        suffixes=(".swift",),
        interpreters=("swift",),
        grammar="tree_sitter_swift",
        queries=("swift",),
    ),
    Language(
        "tsx",
        suffixes=(".tsx",),
        grammar="tree_sitter_typescript:language_tsx",
        queries=("ecmascript", "typescript"),
    ),
    Language(
        "typescript",
        suffixes=(".ts", ".mts", ".cts"),
        interpreters=("deno", "ts-node", "tsx"),
        grammar="tree_sitter_typescript:language_typescript",
        queries=("ecmascript", "typescript"),
    ),
    Language("zig", suffixes=(".zig", ".zon"), grammar="tree_sitter_zig", queries=("zig",)),
)

_WITHOUT_GRAMMAR = (
    Language("ada", suffixes=(".adb", ".ads"), landmark=_KEYWORDS.format("procedure|function|package|task")),
    Language("assembly", suffixes=(".s", ".asm", ".nasm", ".S"), landmark=r"^([A-Za-z_]\w*):", comment=r"[;#@/]"),
    Language("awk", suffixes=(".awk",), interpreters=("awk", "gawk", "mawk"), landmark=_KEYWORDS.format("function"), comment="#"),
    Language("batch", suffixes=(".bat", ".cmd"), landmark=r"^:(\w+)", comment=r"(?i:rem\b|::)"),
    Language("clojure", suffixes=(".clj", ".cljs", ".cljc", ".edn", ".bb"), interpreters=("bb", "clojure"), landmark=r"^\((?:[\w.-]+/)?(?:def[\w-]*|ns)[ \t]+(?:\^\S+[ \t]+)*([^\s()]+)", comment=";"),
    Language("cmake", suffixes=(".cmake",), filenames=("cmakelists.txt",), landmark=r"(?i)^[ \t]*(?:function|macro|add_executable|add_library|add_custom_target)[ \t]*\([ \t]*([^\s)]+)", comment="#"),
    Language("commonlisp", suffixes=(".lisp", ".lsp", ".cl", ".asd"), interpreters=("sbcl",), landmark=r"^\((?:def[\w-]*)[ \t]+([^\s()]+)", comment=";"),
    Language("config", suffixes=(".ini", ".cfg", ".conf", ".cnf", ".properties", ".service", ".timer", ".socket", ".desktop", ".env", ".editorconfig"), filenames=(".editorconfig", ".gitconfig", ".gitattributes", ".gitmodules", ".npmrc", ".env", ".flake8", ".pylintrc", ".coveragerc", "setup.cfg", "pip.conf", "nginx.conf"), landmark=r"^\[([^\]\n]+)\]", comment="[#;]"),
    Language("crontab", filenames=("crontab",), comment="#"),
    Language("css", suffixes=(".css", ".scss", ".sass", ".less", ".styl", ".pcss"), landmark=r"^[ \t]*(?:@(?:mixin|function|media|keyframes|layer)[ \t]+)?([^\s{};/*@][^{};\n]*|[\w-]+[^{};\n]*)\{"),
    Language("cython", suffixes=(".pyx", ".pxd", ".pxi"), landmark=r"^[ \t]*(?:async[ \t]+)?(?:def|class|cdef|cpdef)[ \t]+(?:[\w\[\], *]+[ \t*])??(\w+)[ \t]*[(:]", comment="[#@]"),
    Language("d", suffixes=(".d", ".di"), landmark=_KEYWORDS.format("class|struct|interface|enum|template|void|int|bool|string|auto"), comment="//"),
    Language("dart", suffixes=(".dart",), landmark=r"^[ \t]{0,2}(?:(?:abstract|sealed|base|final|static|external|override)[ \t]+)*(?:(?:class|mixin|extension|enum|typedef)[ \t]+|[\w<>?,\[\] ]+?[ \t]+)(\w+)[^;=\n]*\{", comment=r"//|@"),
    Language("dockerfile", suffixes=(".dockerfile", ".containerfile"), filenames=("dockerfile", "containerfile"), landmark=r"(?i)^FROM[ \t]+(\S+)", comment="#"),
    Language("elm", suffixes=(".elm",), landmark=r"^(?:type(?:[ \t]+alias)?[ \t]+)?([A-Za-z]\w*)[ \t]*(?::|=|[a-z].*=)", comment="--|\\{-"),
    Language("emacs-lisp", suffixes=(".el",), filenames=(".emacs",), interpreters=("emacs",), landmark=r"^\((?:cl-)?(?:def[\w-]*)[ \t]+([^\s()]+)", comment=";"),
    Language("erlang", suffixes=(".erl", ".hrl", ".escript", ".app.src"), filenames=("rebar.config",), interpreters=("escript",), landmark=r"^(?:-(?:spec|type|record|callback)[ \t]*\(?)?([a-z]\w*)[ \t]*[(,]", comment="%"),
    Language("fennel", suffixes=(".fnl",), landmark=r"^\((?:fn|lambda|macro|local)[ \t]+([^\s()\[]+)", comment=";"),
    Language("fish", suffixes=(".fish",), interpreters=("fish",), landmark=_KEYWORDS.format("function"), comment="#"),
    Language("forth", suffixes=(".fth", ".4th", ".forth"), landmark=r"^:[ \t]+(\S+)", comment=r"\\|\("),
    Language("fortran", suffixes=(".f", ".for", ".f77", ".f90", ".f95", ".f03", ".f08"), landmark=r"(?i)^[ \t]*(?!end)(?:[\w()*=]+[ \t]+)*?(?:subroutine|function|module|program|type)[ \t]+(?:::[ \t]*)?(\w+)", comment="[!cC*]"),
    Language("fsharp", suffixes=(".fs", ".fsx", ".fsi"), interpreters=("fsharpi",), landmark=r"^[ \t]{0,4}(?:let|type|module|namespace|member|and|static[ \t]+member|abstract)[ \t]+(?:(?:rec|inline|private|internal|public|mutable)[ \t]+)*(?:\w+\.)?(\w+)", comment=r"//|\["),
    Language("gdscript", suffixes=(".gd",), landmark=_KEYWORDS.format("func|class|class_name|signal"), comment="#"),
    Language("gherkin", suffixes=(".feature",), landmark=r"^[ \t]*(?:Feature|Scenario(?: Outline)?|Rule|Background):[ \t]*(.*)", comment="[#@]"),
    Language("gleam", suffixes=(".gleam",), landmark=_KEYWORDS.format("fn|type|const"), comment="//"),
    Language("go-module", suffixes=(".mod", ".work"), filenames=("go.mod", "go.work")),
    Language("graphql", suffixes=(".graphql", ".gql", ".graphqls"), landmark=r"^(?:extend[ \t]+)?(?:type|input|enum|interface|union|scalar|query|mutation|subscription|fragment|directive)[ \t]+(@?\w+)", comment='[#"]'),
    Language("groovy", suffixes=(".groovy", ".gradle", ".gvy", ".nf"), filenames=("jenkinsfile",), interpreters=("groovy", "nextflow"), landmark=r"^[ \t]*(?:(?:public|private|protected|static|final|abstract|def)[ \t]+)*(?:class|interface|trait|enum|task|def|void|stage|process|workflow|\w+(?=[ \t]+\w+[ \t]*\([^)\n]*\)[ \t]*\{))[ \t(]+['\"]?(\w[\w ]*)", comment=r"//|/\*|\*|@"),
    Language("haxe", suffixes=(".hx",), landmark=_KEYWORDS.format("class|function|enum|interface|typedef|abstract"), comment=r"//|/\*|\*|@"),
    Language("hlsl", suffixes=(".hlsl", ".fx", ".glsl", ".vert", ".frag", ".geom", ".comp", ".metal", ".wgsl", ".shader"), landmark=r"^(?:[\w<>\[\]]+[ \t]+)+(\w+)[ \t]*\([^;\n]*$", comment=r"//|/\*|\*"),
    Language("html", suffixes=(".html", ".htm", ".xhtml", ".html.erb", ".erb", ".ejs", ".hbs", ".handlebars", ".mustache", ".njk", ".j2", ".jinja", ".jinja2", ".twig", ".liquid", ".haml", ".pug", ".jade", ".slim", ".blade.php", ".cshtml", ".razor", ".aspx", ".jsp", ".ftl", ".heex", ".leex", ".eex", ".tmpl", ".gohtml", ".astro"), landmark=r"(?i)^[ \t]*<(?:template|script|style|section|form|head|body|main|nav|table|h[1-6])\b[^>\n]*?(?:id|name)=[\"']([^\"'\n]+)", comment="<!--"),
    Language("idris", suffixes=(".idr", ".agda", ".lean", ".lagda"), landmark=r"^(?:(?:def|theorem|lemma|structure|inductive|data|record|class|instance)[ \t]+)?(\w[\w'.]*)[ \t]*(?::|where)", comment="--"),
    Language("json", suffixes=(".json", ".jsonc", ".json5", ".jsonld", ".geojson", ".webmanifest"), filenames=(".babelrc", ".eslintrc", ".prettierrc", ".swcrc", "composer.lock")),
    Language("jsonnet", suffixes=(".jsonnet", ".libsonnet", ".cue", ".dhall"), landmark=r"^[ \t]*(?:local[ \t]+|#)?(\w+)[ \t]*(?:\([^)\n]*\))?[ \t]*(?:=|::?)", comment="//|#"),
    Language("julia", suffixes=(".jl",), interpreters=("julia",), landmark=r"^[ \t]*(?:(?:mutable[ \t]+)?(?:function|macro|struct|module|abstract[ \t]+type)[ \t]+([\w.!:]+)|(\w[\w.!]*)\([^=\n]*\)[ \t]*=[^=])", comment='#|"""|@'),
    Language("just", filenames=("justfile", ".justfile"), suffixes=(".just",), landmark=r"^@?([\w-]+)[^:=\n]*:(?!=)", comment="[#\\[]"),
    Language("kconfig", filenames=("kconfig",), landmark=r"^[ \t]*(?:menu)?config[ \t]+(\w+)", comment="#"),
    Language("latex", suffixes=(".tex", ".ltx", ".sty", ".cls", ".bib"), landmark=r"^[ \t]*(?:\\(?:part|chapter|(?:sub)*section|newcommand|newenvironment)\*?\{\\?|@\w+\{)([^}\n,]+)", comment="%"),
    Language("linker-script", suffixes=(".ld", ".lds"), comment=r"/\*"),
    Language("make", suffixes=(".mk", ".mak", ".make"), filenames=("makefile", "gnumakefile", "bsdmakefile", "makefile.am", "makefile.in"), interpreters=("make",), landmark=r"^(?:define[ \t]+)?([\w.%/$(){}-]+)[^:=\n]*:(?![=:])", comment="#"),
    Language("markdown", suffixes=(".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"), landmark=r"^(?:#{1,6}[ \t]+(.+?)[ \t#]*$|(\S.*)\n(?:={3,}|-{3,})[ \t]*$)"),
    Language("matlab", suffixes=(".matlab",), landmark=r"^[ \t]*(?:function[ \t]+(?:[^=\n]*=[ \t]*)?|classdef[ \t]+)(\w[\w.]*)", comment="%"),
    Language("meson", filenames=("meson.build", "meson_options.txt", "meson.options"), landmark=r"^(\w+)[ \t]*=[ \t]*(?:executable|library|shared_library|static_library|custom_target)", comment="#"),
    Language("mermaid", suffixes=(".mmd", ".mermaid", ".puml", ".plantuml", ".dot", ".gv")),
    Language("mojo", suffixes=(".mojo",), landmark=_KEYWORDS.format("fn|def|struct|trait|class"), comment="[#@]"),
    Language("nim", suffixes=(".nim", ".nims", ".nimble"), landmark=_KEYWORDS.format("proc|func|method|iterator|macro|template|converter"), comment="#"),
    Language("ninja", suffixes=(".ninja", ".gn", ".gni"), landmark=r"^(?:rule|build|template|executable|source_set|static_library)[ \t(\"]+([\w./-]+)", comment="#"),
    Language("nix", suffixes=(".nix",), landmark=r"^[ \t]{0,4}([\w.-]+)[ \t]*=[ \t]*(?:\{|rec|let|with|[\w.]+:|stdenv|mk\w+|$)", comment="#"),
    Language("objective-c", suffixes=(".m", ".mm"), landmark=r"^(?:@(?:interface|implementation|protocol)[ \t]+(\w+)|[-+][ \t]*\([^)\n]*\)[ \t]*(\w+)|(?:[\w*]+[ \t*]+)+(\w+)[ \t]*\([^;\n]*\{)", comment=r"//|/\*|\*"),
    Language("ocaml", suffixes=(".ml", ".mli", ".mll", ".mly", ".re", ".rei"), filenames=("dune", "dune-project"), interpreters=("ocaml",), landmark=r"^[ \t]{0,2}(?:let|and|type|module|val|exception|class|external)[ \t]+(?:(?:rec|nonrec|type)[ \t]+)*(?:(?:'\w+|\([^)\n]*\))[ \t]+)?(\w[\w']*)", comment=r"\(\*"),
    Language("opencl", suffixes=(".opencl",), landmark=_KEYWORDS.format("kernel|__kernel"), comment="//"),
    Language("pascal", suffixes=(".pas", ".dpr", ".lpr", ".pp.pas"), landmark=r"(?i)^[ \t]*(?:class[ \t]+)?(?:procedure|function|constructor|destructor|unit|program)[ \t]+([\w.]+)", comment=r"//|\{|\(\*"),
    Language("perl", suffixes=(".pl", ".pm", ".pod", ".psgi", ".xs", ".plx"), filenames=("cpanfile", "makefile.pl", "build.pl"), interpreters=("perl",), landmark=r"^[ \t]*(?:sub|package)[ \t]+([\w:]+)|^=head\d[ \t]+(.+)", comment="#"),
    Language("pkl", suffixes=(".pkl",), landmark=_KEYWORDS.format("class|function|typealias"), comment="//"),
    Language("powershell", suffixes=(".ps1", ".psm1", ".psd1"), interpreters=("pwsh", "powershell"), landmark=r"(?i)^[ \t]*(?:function|filter|class|enum|workflow)[ \t]+([\w:-]+)", comment="#|<#"),
    Language("prisma", suffixes=(".prisma",), landmark=r"^(?:model|enum|type|datasource|generator|view)[ \t]+(\w+)", comment="//"),
    Language("prolog", suffixes=(".prolog", ".plt"), interpreters=("swipl",), landmark=r"^([a-z]\w*)\(.*?(?::-|-->|\.$)", comment="%"),
    Language("protobuf", suffixes=(".proto", ".thrift", ".capnp", ".fbs", ".avdl"), landmark=r"^[ \t]*(?:message|service|enum|rpc|struct|exception|union|table|interface|extend)[ \t]+(\w+)", comment=r"//|/\*|\*|#"),
    Language("puppet", suffixes=(".pp",), landmark=r"^(?:class|define|node)[ \t]+([\w:]+)", comment="#"),
    Language("purescript", suffixes=(".purs",), landmark=r"^(?:(?:data|newtype|type|class|instance|foreign[ \t]+import)[ \t]+)?(\w[\w']*)[ \t]*::", comment="--"),
    Language("qml", suffixes=(".qml",), landmark=r"^[ \t]*(?:function[ \t]+)(\w+)", comment=r"//|/\*|\*"),
    Language("r", suffixes=(".r",), filenames=(".rprofile",), interpreters=("Rscript", "r"), landmark=r"^[ \t]*[`'\"]?([\w.<\-\[\]%+]+?)[`'\"]?[ \t]*(?:<-|=)[ \t]*(?:function|R6Class|setRefClass|reactive)\b|^set(?:Method|Generic|Class)\([ \t]*['\"]([^'\"]+)", comment="#"),
    Language("racket", suffixes=(".rkt", ".scm", ".ss", ".sls", ".sld", ".janet"), interpreters=("racket", "guile"), landmark=r"^[(\[](?:define[\w/*-]*|struct|module|defn?)[ \t]+\(?([^\s()]+)", comment=";"),
    Language("rescript", suffixes=(".res", ".resi"), landmark=r"^[ \t]*(?:let|type|module|external)[ \t]+(?:rec[ \t]+)?(\w+)", comment=r"//|/\*|\*|@"),
    Language("rst", suffixes=(".rst", ".rest"), landmark=r"^(?:([^\s\W].*)\n(?:={3,}|-{3,}|~{3,}|\^{3,}|\*{3,}|\+{3,}|#{3,}|\"{3,}|'{3,})[ \t]*$|\.\.[ \t]+(?:\w+:)?(?:function|class|method|module|option|attribute)::[ \t]+(.+))"),
    Language("sed", suffixes=(".sed",), interpreters=("sed",)),
    Language("smalltalk", suffixes=(".st",), landmark=r"^([A-Z]\w*(?: class)?[ \t]*>>[ \t]*\S+)"),
    Language("solidity", suffixes=(".sol", ".vy", ".yul"), landmark=r"^[ \t]*(?:abstract[ \t]+)?(?:contract|interface|library|function|modifier|event|error|struct|enum|constructor|def)\b[ \t]*(\w*)", comment=r"//|/\*|\*|@"),
    Language("sql", suffixes=(".sql", ".ddl", ".dml", ".psql", ".pgsql", ".plsql", ".pks", ".pkb", ".hql", ".cql", ".kql"), landmark=r"(?i)^[ \t]*(?:create|alter|drop)[ \t]+(?:or[ \t]+(?:replace|alter)[ \t]+)?(?:[a-z]+[ \t]+)*?(?:table|view|function|procedure|trigger|index|type|schema|database|sequence|package|policy|extension)[ \t]+(?:body[ \t]+)?(?:concurrently[ \t]+)?(?:if[ \t]+(?:not[ \t]+)?exists[ \t]+)?([\w.\"`\[\]]+)|^--[ \t]*name:[ \t]*([\w-]+)", comment=r"--|/\*|\*"),
    Language("standard-ml", suffixes=(".sml", ".sig", ".fun"), landmark=r"^[ \t]{0,4}(?:fun|val|structure|signature|functor|datatype|type)[ \t]+([\w']+)", comment=r"\(\*"),
    Language("svelte", suffixes=(".svelte",), landmark=r"^[ \t]*(?:<(script|style)\b|(?:export[ \t]+)?(?:async[ \t]+)?function[ \t]+(\w+)|(?:export[ \t]+)?const[ \t]+(\w+)[ \t]*=[ \t]*(?:async[ \t]*)?(?:\(|\w+[ \t]*=>))", comment=r"//|/\*|\*|<!--"),
    Language("systemverilog", suffixes=(".sv", ".svh", ".v", ".vh", ".vhd", ".vhdl"), landmark=r"(?i)^[ \t]*(?:virtual[ \t]+)?(?:module|interface|package|class|task|function|entity|architecture|process)[ \t]+(?:automatic[ \t]+)?(?:[\w\[\]:]+[ \t]+)??(\w+)", comment="//|--"),
    Language("tcl", suffixes=(".tcl", ".tk", ".exp"), interpreters=("tclsh", "wish", "expect"), landmark=r"^[ \t]*(?:proc|oo::class[ \t]+create|namespace[ \t]+eval|method)[ \t]+(\S+)", comment="#"),
    Language("terraform", suffixes=(".tf", ".tfvars", ".hcl", ".nomad", ".bicep"), landmark=r"^(?:resource|data|module|variable|output|provider|locals|terraform|job|source|build|param)\b[ \t]*([^{\n=]*)", comment=r"#|//|@"),
    Language("text", suffixes=(".txt", ".text", ".adoc", ".asciidoc", ".org", ".textile", ".log.md", ".pod6", ".1", ".3", ".5", ".7", ".8", ".man"), filenames=("readme", "changelog", "changes", "news", "todo", "authors", "contributors", "maintainers", "contributing", "install", "hacking", "history", "notes", "codeowners", "procfile", "requirements.txt", ".gitignore", ".dockerignore", ".npmignore"), landmark=r"^(?:={1,6}|\*{1,6})[ \t]+(.+)$"),
    Language("toml", suffixes=(".toml",), filenames=("pipfile", "cargo.lock"), landmark=r"^\[{1,2}([^\]\n]+)\]", comment="#"),
    Language("typespec", suffixes=(".tsp", ".smithy"), landmark=_KEYWORDS.format("model|interface|op|enum|union|structure|service|operation|resource"), comment=r"//|@"),
    Language("typst", suffixes=(".typ",), landmark=r"^(?:=+[ \t]+(.+)|#let[ \t]+(\w+))", comment="//"),
    Language("vala", suffixes=(".vala", ".vapi"), landmark=_KEYWORDS.format("class|interface|struct|enum|void|int|bool|string"), comment=r"//|/\*|\*|\["),
    Language("vim", suffixes=(".vim", ".vimrc"), filenames=(".vimrc", "vimrc", ".gvimrc", "_vimrc"), landmark=r"^[ \t]*(?:export[ \t]+)?(?:def|fu(?:n|nc|nct|ncti|nctio|nction)?|command|augroup)!?[ \t]+([\w:#.<>-]+)", comment='"|#'),
    Language("visual-basic", suffixes=(".vb", ".vbs", ".bas", ".frm", ".vba"), landmark=r"(?i)^[ \t]*(?!end)(?:\w+[ \t]+)*?(?:sub|function|class|module|property|structure|interface|enum)[ \t]+(?:get[ \t]+|set[ \t]+|let[ \t]+)?(\w+)", comment="'"),
    Language("vue", suffixes=(".vue",), landmark=r"^[ \t]*(?:<(template|script|style)\b|(?:export[ \t]+)?(?:async[ \t]+)?function[ \t]+(\w+)|(?:export[ \t]+)?const[ \t]+(\w+)[ \t]*=[ \t]*(?:async[ \t]*)?(?:\(|\w+[ \t]*=>)|[ \t]{2,4}(?:async[ \t]+)?(\w+)[ \t]*\([^)\n]*\)[ \t]*\{)", comment=r"//|/\*|\*|<!--"),
    Language("wasm-text", suffixes=(".wat", ".wast", ".wit"), landmark=r"^[ \t]*\(?(?:func|module|interface|world|record)[ \t]+(\$?[\w-]+)", comment=r";;|//"),
    Language("xml", suffixes=(".xml", ".xsd", ".xsl", ".xslt", ".wsdl", ".plist", ".xaml", ".axaml", ".csproj", ".fsproj", ".vbproj", ".props", ".targets", ".nuspec", ".resx", ".storyboard", ".xib", ".ui", ".rss", ".dtd", ".pom"), landmark=r"^[ \t]*<(?:[\w-]+:)?\w[\w.-]*\b[^>\n]*?\b(?:name|id|key|Name|Id|Include)=\"([^\"\n]+)\"[^/>\n]*>[ \t]*$", comment="<!--"),
    Language("yaml", suffixes=(".yaml", ".yml", ".eyaml", ".cff"), filenames=(".clang-format", ".clang-tidy", ".yamllint", ".gemrc"), landmark=r"^[\"']?([\w./-]+)[\"']?:", comment="#"),
    Language("yang", suffixes=(".yang",), landmark=r"^[ \t]*(?:module|container|list|grouping|rpc)[ \t]+(\S+)"),
)

# Suffixes that several languages share: the first regular expression that is found decides, else the
# row that lists the suffix. Each looks for a line that is common in the one language and impossible or
# rare in the other; a header with none of them is read well enough as C by either grammar.
_OBJECTIVE_C = r"(?m)^[ \t]*(?:#import\b|@(?:interface|implementation|protocol|class|import|end)\b)"
_CPP = (
    r"(?m)^[ \t]*(?:class[ \t]+\w[\w:]*[^;\n]*$|(?:inline[ \t]+)?namespace\b|template[ \t]*<|using[ \t]+\w|"
    r"(?:public|private|protected)[ \t]*:|static_assert\b|constexpr\b|enum[ \t]+class\b|explicit\b|virtual[ \t]|"
    r"#[ \t]*include[ \t]*<(?:c?(?:string|vector|map|memory|utility|functional|algorithm|iostream|stdint)|"
    r"cstdlib|cstring|cstddef|type_traits|string_view|optional|array|set|deque|list)>)"
)
_AMBIGUOUS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = MappingProxyType(
    {
        ".h": ((re.compile(_OBJECTIVE_C), "objective-c"), (re.compile(_CPP), "cpp")),
        ".m": ((re.compile(r"(?m)^[ \t]*(?:function\b|classdef\b|%|end[ \t]*$)"), "matlab"),),
        ".pl": ((re.compile(r"(?m)^:-[ \t]"), "prolog"),),
        ".fs": ((re.compile(r"(?m)^[ \t]*(?:#version\b|void[ \t]+main[ \t]*\(|uniform[ \t])"), "hlsl"),),
        ".cls": ((re.compile(r"(?m)^(?:VERSION[ \t]|Attribute[ \t]VB_)"), "visual-basic"),),
        ".module": ((re.compile(r"\A(?!\s*<\?)"), "text"),),
        ".re": ((re.compile(r"\A(?!(?s:.*?)\b(?:let|type|module|open)\b)"), "text"),),
    }
)

# Characters that are looked at to tell such languages apart: a header's tell-tale lines come early.
_REFINE_CHARACTERS = 65_536

LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {row.name: row for row in sorted(_WITH_GRAMMAR + _WITHOUT_GRAMMAR, key=lambda row: row.name)}
)
"""Every language that is searched, by name."""


def _by_key(keys: Iterable[tuple[str, Language]]) -> dict[str, Language]:
    table: dict[str, Language] = {}
    for key, language in keys:
        if table.setdefault(key, language) is not language:
            raise ValueError(f"{key!r} belongs to both {table[key].name} and {language.name}")
    return table


_BY_FILENAME = _by_key((name, row) for row in LANGUAGES.values() for name in row.filenames)
_BY_SUFFIX = _by_key((suffix.lower(), row) for row in LANGUAGES.values() for suffix in set(row.suffixes))
_BY_INTERPRETER = _by_key((name.lower(), row) for row in LANGUAGES.values() for name in row.interpreters)

_SHEBANG = re.compile(r"^#!\s*(?P<program>\S+)(?P<arguments>.*)")


def language_of(path: str, first_line: str = "") -> Language | None:
    """The language of a file, from its name and, where that says nothing, its first line.

    Args:
        path: POSIX path, or just the file's name.
        first_line: The file's first line; "" is fine for a file whose name says enough.

    Returns:
        The row of `LANGUAGES`, or None for a file that is not searched: an unknown suffix and no
        ``#!`` line that names a known interpreter.
    """
    name = path.rpartition("/")[2].lower()
    found = _BY_FILENAME.get(name) or _by_suffix(name)
    if found is not None:
        return found
    stem = name.partition(".")[0]
    if stem.endswith("file") and (found := _BY_FILENAME.get(stem)) is not None:
        return found
    return _by_shebang(first_line)


def refine(language: Language, path: str, source: str) -> Language:
    """The language of a file whose suffix several languages share, from its text.

    ``.h`` is C, unless a line begins with what only C++ has (``namespace``, ``template <``,
    ``class X {``, an access specifier, a C++ standard header, ...) or only Objective-C has.

    Args:
        language: What `language_of` said.
        path: POSIX path, or just the file's name.
        source: The file's text; only its beginning is looked at.

    Returns:
        `language` itself where the suffix leaves no doubt.
    """
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    rules = _AMBIGUOUS.get(suffix, ())
    if not rules or _BY_SUFFIX.get(suffix) is not language:
        return language
    beginning = source[:_REFINE_CHARACTERS]
    return next((LANGUAGES[name] for pattern, name in rules if pattern.search(beginning)), language)


def _by_suffix(name: str) -> Language | None:
    """Look up the longest suffix first: of ``a.html.erb`` first ``.html.erb``, then ``.erb``."""
    dot = name.find(".", 1)
    while dot != -1:
        if (found := _BY_SUFFIX.get(name[dot:])) is not None:
            return found
        dot = name.find(".", dot + 1)
    return None


def _by_shebang(first_line: str) -> Language | None:
    if first_line.startswith("<?php"):
        return LANGUAGES["php"]
    shebang = _SHEBANG.match(first_line)
    if shebang is None:
        return None
    program = shebang["program"].rpartition("/")[2]
    if program == "env":  # "env -S deno run", "env FOO=1 python3": the first word that is a program
        words = (word for word in shebang["arguments"].split() if not word.startswith("-") and "=" not in word)
        program = next(words, "").rpartition("/")[2]
    return _BY_INTERPRETER.get(program.rstrip("0123456789.-").lower())
