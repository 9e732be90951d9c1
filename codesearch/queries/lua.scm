; Lua

; A function without a statement has no body: each pattern comes with and without one.
(function_declaration name: [(identifier) (dot_index_expression)] @name body: (_) @body) @function
(function_declaration name: (method_index_expression) @name body: (_) @body) @method
(function_declaration name: [(identifier) (dot_index_expression)] @name) @function
(function_declaration name: (method_index_expression) @name) @method
; f = function() ... end; M.f = function() ... end
(assignment_statement
  (variable_list . name: (_) @name .)
  (expression_list . value: (function_definition body: (_) @body) .)) @function
(assignment_statement
  (variable_list . name: (_) @name .)
  (expression_list . value: (function_definition) .)) @function
; { f = function() ... end }
; A function of one line there is mostly a setting, and stays where it is set.
(field name: [(identifier) (string)] @name value: (function_definition body: (_) @body) @_value
  (#match? @_value "\n")) @function
(field name: [(identifier) (string)] @name value: (function_definition)) @function.declaration

(assignment_statement
  (variable_list . name: (_) @name .)
  (expression_list . value: (table_constructor) .)) @scope
(field name: [(identifier) (string)] @name value: (table_constructor)) @scope

(variable_declaration (assignment_statement) @inner) @extent

(comment) @doc

; MAX = 1, local MAX = 1
((chunk (assignment_statement (variable_list . name: (identifier) @name .)) @constant) (#match? @name "^_*[A-Z][A-Z0-9_]+$"))
((chunk (variable_declaration (assignment_statement (variable_list . name: (identifier) @name .))) @constant)
  (#match? @name "^_*[A-Z][A-Z0-9_]+$"))
