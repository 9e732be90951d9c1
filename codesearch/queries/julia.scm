; Julia

(module_definition name: (identifier) @name (block) @body) @module

(function_definition (signature (call_expression . (_) @name)) (block) @body) @function
(function_definition (signature (_ (call_expression . (_) @name))) (block) @body) @function
(function_definition (signature (_ (_ (call_expression . (_) @name)))) (block) @body) @function
(function_definition (signature (identifier) @name)) @function
(macro_definition (signature (call_expression . (identifier) @name)) (block) @body) @function
; f(x) = x + 1; f(x)::T where T = x
(assignment . (call_expression . [(identifier) (field_expression) (operator)] @name) . (operator) . (_) @body) @function
(assignment . (typed_expression . (call_expression . [(identifier) (field_expression)] @name)) . (operator) . (_) @body) @function
(assignment . (where_expression . (call_expression . [(identifier) (field_expression)] @name)) . (operator) . (_) @body) @function
(assignment . (where_expression . (typed_expression . (call_expression . [(identifier) (field_expression)] @name))) . (operator) . (_) @body) @function

(struct_definition (type_head [
  (identifier) @name
  (parametrized_type_expression . (identifier) @name)
  (binary_expression . (identifier) @name)
  (binary_expression . (parametrized_type_expression . (identifier) @name))]) . (block) @body) @type
(struct_definition (type_head [
  (identifier) @name
  (parametrized_type_expression . (identifier) @name)
  (binary_expression . (identifier) @name)
  (binary_expression . (parametrized_type_expression . (identifier) @name))])) @type
(abstract_definition (type_head [
  (identifier) @name
  (parametrized_type_expression . (identifier) @name)
  (binary_expression . (identifier) @name)
  (binary_expression . (parametrized_type_expression . (identifier) @name))])) @type

(const_statement (assignment . (identifier) @name)) @constant

; @inline function f(x) ... end
(macrocall_expression (macro_argument_list (function_definition) @inner)) @extent
(macrocall_expression (macro_argument_list (assignment) @inner)) @extent
(macrocall_expression (macro_argument_list (struct_definition) @inner)) @extent

; A string right before a definition documents it.
((string_literal) @doc @text
  . [(function_definition) (macro_definition) (struct_definition) (abstract_definition) (assignment) (const_statement)
     (macrocall_expression) (module_definition) (call_expression) (identifier)])
[(line_comment) (block_comment)] @doc
