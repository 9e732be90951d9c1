; C, and what C++ shares with it.

; The name lies below as many declarators as the return type has stars.
(function_definition
  declarator: [
    (function_declarator declarator: [(identifier) (field_identifier)] @name)
    (pointer_declarator declarator: (function_declarator declarator: [(identifier) (field_identifier)] @name))
    (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: [(identifier) (field_identifier)] @name)))
    (pointer_declarator declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))))
    ; a function that returns a function pointer
    (function_declarator declarator: (parenthesized_declarator (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))))
    ; a name in parentheses, so that no macro of that name is expanded
    (function_declarator declarator: (parenthesized_declarator (identifier) @name))
  ]
  body: (compound_statement) @body) @function

; a prototype
(declaration
  declarator: [
    (function_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))
    (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))
  ]) @function.declaration

; SYSCALL_DEFINE3(read, ...) { ... }, TEST_CASE("reads") { ... }: a macro that makes a function of its first argument
(translation_unit
  (expression_statement
    (call_expression
      function: (identifier) @_macro
      arguments: (argument_list . [(identifier) (string_literal)] @name))
    (MISSING ";")) @function
  .
  (compound_statement) @body @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(translation_unit
  (function_definition
    type: (type_identifier) @_macro
    declarator: (parenthesized_declarator (identifier) @name)
    body: (_) @body) @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(preproc_ifdef
  (expression_statement
    (call_expression
      function: (identifier) @_macro
      arguments: (argument_list . [(identifier) (string_literal)] @name))
    (MISSING ";")) @function
  .
  (compound_statement) @body @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(preproc_ifdef
  (function_definition
    type: (type_identifier) @_macro
    declarator: (parenthesized_declarator (identifier) @name)
    body: (_) @body) @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(preproc_if
  (expression_statement
    (call_expression
      function: (identifier) @_macro
      arguments: (argument_list . [(identifier) (string_literal)] @name))
    (MISSING ";")) @function
  .
  (compound_statement) @body @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(preproc_if
  (function_definition
    type: (type_identifier) @_macro
    declarator: (parenthesized_declarator (identifier) @name)
    body: (_) @body) @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(declaration_list
  (expression_statement
    (call_expression
      function: (identifier) @_macro
      arguments: (argument_list . [(identifier) (string_literal)] @name))
    (MISSING ";")) @function
  .
  (compound_statement) @body @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))
(declaration_list
  (function_definition
    type: (type_identifier) @_macro
    declarator: (parenthesized_declarator (identifier) @name)
    body: (_) @body) @function
  (#match? @_macro "^[A-Z][A-Z0-9_]+$"))

; a macro with parameters: a function where it is longer than its line
(preproc_function_def name: (identifier) @name value: (preproc_arg) @body (#match? @body "\n")) @function
(preproc_function_def name: (identifier) @name) @function.declaration

(type_definition
  type: [
    (struct_specifier body: (_) @body)
    (union_specifier body: (_) @body)
    (enum_specifier body: (_) @body)
  ]
  declarator: (type_identifier) @name) @type
(type_definition
  type: [
    (struct_specifier body: (_) @body)
    (union_specifier body: (_) @body)
    (enum_specifier body: (_) @body)
  ]
  declarator: (pointer_declarator declarator: (type_identifier) @name)) @type
(struct_specifier name: (_) @name body: (_) @body) @type
(union_specifier name: (_) @name body: (_) @body) @type
(enum_specifier name: (_) @name body: (_) @body) @type

; the attributes of `struct s {...} x = ...;` and the semicolon are the definition's
(declaration . type: [(struct_specifier) (union_specifier) (enum_specifier)] @inner) @extent

(attribute_declaration) @attribute
(comment) @doc

; #define MAX 3, typedef int id; static int table[] = {...}; int counter;
(preproc_def name: (identifier) @name value: (preproc_arg)) @constant
(type_definition declarator: [
  (type_identifier) @name
  (pointer_declarator declarator: (type_identifier) @name)
  (function_declarator declarator: (parenthesized_declarator (pointer_declarator declarator: (type_identifier) @name)))
]) @constant
(declaration
  declarator: (init_declarator declarator: [
    (identifier) @name
    (array_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (array_declarator declarator: (identifier) @name))
  ])) @constant
(translation_unit (declaration declarator: (identifier) @name) @constant)
