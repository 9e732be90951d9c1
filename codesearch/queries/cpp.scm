; What C++ has beyond C; stands before C's query, so that the patterns below win.

; void f() EXCLUDES(mutex) { ... }: a macro behind the parameters makes two definitions of one
(
  (declaration declarator: (function_declarator declarator: (qualified_identifier) @name)) @method
  .
  (function_definition !type declarator: (function_declarator declarator: (identifier) @_macro) body: (_) @body) @method
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(
  [
    (declaration declarator: (function_declarator declarator: (_) @name))
    (field_declaration declarator: (function_declarator declarator: (_) @name))
  ] @function
  .
  (function_definition !type declarator: (function_declarator declarator: (identifier) @_macro) body: (_) @body) @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
; TEST_F(ParserTest, ReadsNumbers) { ... }
(function_definition
  !type
  declarator: (function_declarator
    declarator: (identifier) @_macro
    parameters: (parameter_list
      . (parameter_declaration type: (_) @owner)
      . (parameter_declaration type: (_) @name) .))
  body: (_) @body
  (#match? @_macro "^([A-Z]+_)*[A-Z]*TEST(_[A-Z]+)*$|^(MOCK|BENCHMARK)_[A-Z_]+$")) @function

; BENCHMARK_F(Sorting, Large)(State& state) { ... }
(function_definition
  !type
  declarator: (function_declarator
    declarator: (function_declarator
      declarator: (identifier) @_macro
      parameters: (parameter_list
        . (parameter_declaration type: (_) @owner)
        . (parameter_declaration type: (_) @name) .)))
  body: (_) @body
  (#match? @_macro "^[A-Z][A-Z0-9_]+$")) @function
; BOOST_AUTO_TEST_CASE(reads_numbers) { ... }, HANDLER(name, ...) { ... }
(function_definition
  !type
  declarator: (function_declarator
    declarator: (identifier) @_macro
    parameters: (parameter_list . (parameter_declaration type: (_) @name)))
  body: (_) @body
  (#match? @_macro "^[A-Z][A-Z0-9_]+$")) @function

; Members and operators, and the qualified names of what is defined outside of its class or namespace.
(function_definition
  declarator: [
    (function_declarator declarator: [(destructor_name) (operator_name)] @name)
    (reference_declarator (function_declarator declarator: [(identifier) (field_identifier) (operator_name)] @name))
    (pointer_declarator declarator: (function_declarator declarator: (operator_name) @name))
    (operator_cast) @name
  ]
  body: (_) @body) @function
(function_definition
  declarator: [
    (function_declarator declarator: [(qualified_identifier) (template_function) (template_method)] @name)
    (reference_declarator (function_declarator declarator: (qualified_identifier) @name))
    (pointer_declarator declarator: (function_declarator declarator: (qualified_identifier) @name))
    (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (qualified_identifier) @name)))
    (qualified_identifier) @name
  ]
  body: (_) @body) @method
; a constructor whose body is a try block, = default, = delete
(function_definition !body declarator: (function_declarator declarator: (_) @name) (try_statement) @body) @function
(function_definition !body declarator: (function_declarator declarator: (_) @name)) @function.declaration
(declaration declarator: (function_declarator declarator: [(destructor_name) (operator_name)] @name)) @function.declaration
(declaration declarator: (reference_declarator (function_declarator declarator: (_) @name))) @function.declaration
(field_declaration
  declarator: [
    (function_declarator declarator: (_) @name)
    (pointer_declarator declarator: (function_declarator declarator: (_) @name))
    (reference_declarator (function_declarator declarator: (_) @name))
  ]) @method.declaration
; auto f = [](...) { ... };
(translation_unit
  (declaration
    declarator: (init_declarator declarator: (identifier) @name value: (lambda_expression body: (_) @body))) @function)

(class_specifier name: (_) @name body: (_) @body) @type
(concept_definition name: (_) @name) @type
(translation_unit (alias_declaration name: (_) @name) @type)
(declaration_list (alias_declaration name: (_) @name) @type)

(namespace_definition name: (_) @name) @scope

(template_declaration (_) @inner .) @extent
(declaration . type: (class_specifier) @inner) @extent
