; CMake

(function_def (function_command (argument_list . (argument) @name)) (body) @body) @function
(macro_def (macro_command (argument_list . (argument) @name)) (body) @body) @function

; add_library(shop STATIC ...)
((normal_command (identifier) @_command (argument_list . (argument) @name)) @constant
  (#match? @_command "^(?i:add_(executable|library|custom_target|subdirectory)|project|option|fetchcontent_declare|externalproject_add|(py|pybind11|nanobind)_add_module|cc_(library|test|binary))$")
  (#set! verbatim ""))

[(line_comment) (bracket_comment)] @doc
