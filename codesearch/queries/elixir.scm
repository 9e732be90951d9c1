; Elixir: definitions are calls of macros, so that each pattern names the macros it means.

; def f(a) do ... end; def f(a) when a > 1 do ... end; def f do ... end
(call
  target: (identifier) @_def
  (arguments . [
    (call target: (identifier) @name (arguments) @parameters)
    (binary_operator left: (call target: (identifier) @name (arguments) @parameters) operator: "when")
  ])
  (do_block) @body
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop" "defn" "defnp")) @function.clause
(call
  target: (identifier) @_def
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (identifier) @name operator: "when")
    (binary_operator operator: _ @name)
    (unary_operator operator: _ @name)
  ])
  (do_block) @body
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop" "defn" "defnp")) @function.clause

; def f(a), do: a
(call
  target: (identifier) @_def
  (arguments . [
    (call target: (identifier) @name (arguments) @parameters)
    (binary_operator left: (call target: (identifier) @name (arguments) @parameters) operator: "when")
  ] (keywords) @body)
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop" "defn" "defnp" "defdelegate")) @function.clause
(call
  target: (identifier) @_def
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (identifier) @name operator: "when")
    (binary_operator operator: _ @name)
    (unary_operator operator: _ @name)
  ] (keywords) @body)
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop" "defn" "defnp" "defdelegate")) @function.clause

; defguard is_x(a) when ...
(call
  target: (identifier) @_def
  (arguments . (binary_operator left: (call target: (identifier) @name) operator: "when"))
  (#any-of? @_def "defguard" "defguardp")) @function
; a head without a body: default arguments, or a protocol's function
(call
  target: (identifier) @_def
  (arguments . [
    (call target: (identifier) @name (arguments) @parameters)
    (identifier) @name
  ] .)
  (#any-of? @_def "def" "defp" "defmacro" "defmacrop")) @function.declaration
; @callback f(a) :: b
(unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_callback
    (arguments . (binary_operator left: (call target: (identifier) @name) operator: "::")))
  (#any-of? @_callback "callback" "macrocallback")) @function.declaration
; @type t :: ...
(unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_type
    (arguments . (binary_operator left: [(identifier) @name (call target: (identifier) @name)] operator: "::")))
  (#any-of? @_type "type" "typep" "opaque")) @type.declaration

(call
  target: (identifier) @_module
  (arguments . (alias) @name)
  (do_block) @body
  (#any-of? @_module "defmodule" "defprotocol")) @module
; defimpl P, for: T is the module P.T
(call
  target: (identifier) @_impl
  (arguments . (alias) @owner (keywords (pair value: (alias) @name)))
  (do_block) @body
  (#eq? @_impl "defimpl")) @module
(call
  target: (identifier) @_impl
  (arguments . (alias) @name)
  (do_block) @body
  (#eq? @_impl "defimpl")) @module

(unary_operator
  operator: "@"
  operand: (call target: (identifier) @_doc (arguments . [(string) (sigil)] @text .))
  (#any-of? @_doc "doc" "typedoc")) @doc
(unary_operator
  operator: "@"
  operand: (call target: (identifier) @_doc (arguments . [(string) (sigil)] @text .))
  (#eq? @_doc "moduledoc")) @docstring
(unary_operator
  operator: "@"
  operand: (call target: (identifier) @_attribute)
  (#any-of? @_attribute "doc" "typedoc" "spec" "impl" "deprecated" "since" "dialyzer" "decorate" "tag")) @attribute

(comment) @doc
