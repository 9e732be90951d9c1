; R

(binary_operator
  lhs: [(identifier) (string)] @name
  rhs: (function_definition body: (_) @body)
  (#set! verbatim "")) @function
; f -> assigned to the right
(binary_operator
  lhs: (function_definition body: (_) @body)
  rhs: (identifier) @name
  (#set! verbatim "")) @function

; setMethod("area", "Circle", function(shape) { ... })
(call
  function: (identifier) @_setter
  arguments: (arguments . (argument value: (string content: (_) @name)) (argument value: (function_definition body: (_) @body)))
  (#any-of? @_setter "setGeneric" "setMethod" "setReplaceMethod" "setValidity" "test_that" "it" "describe")
  (#set! verbatim "")) @function
(call
  function: (identifier) @_setter
  arguments: (arguments . (argument value: (string content: (_) @name)))
  (#any-of? @_setter "setClass" "setRefClass" "setClassUnion")
  (#set! verbatim "")) @type
(binary_operator
  lhs: (identifier) @name
  rhs: (call function: [(identifier) (namespace_operator)] @_maker)
  (#match? @_maker "^(R6::)?(R6Class|setRefClass|setClass|new_class|ggproto)$")
  (#set! verbatim "")) @type

; push = function(x) { ... } among the members of a class
(argument
  name: (identifier) @name
  value: (function_definition body: (braced_expression) @body)
  (#set! verbatim "")) @function

(program (binary_operator lhs: (identifier) @name) @constant
  (#match? @name "^\\.?[A-Z][A-Z0-9_.]+$")
  (#set! verbatim ""))

(comment) @doc
