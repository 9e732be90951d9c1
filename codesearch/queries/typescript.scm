; What TypeScript (and TSX) has beyond JavaScript.

(abstract_class_declaration name: (_) @name body: (_) @body) @type
(interface_declaration name: (_) @name body: (_) @body) @type
(enum_declaration name: (_) @name body: (_) @body) @type
(type_alias_declaration name: (_) @name) @type
(internal_module name: (_) @name) @scope
(module name: (_) @name) @scope

(public_field_definition
  name: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method

; Overloads stand right before their implementation, and are one function with it.
(function_signature name: (_) @name) @function.declaration
(method_signature name: (_) @name) @method.declaration
(abstract_method_signature name: (_) @name) @method.declaration

(ambient_declaration (_) @inner) @extent
(expression_statement . (internal_module) @inner .) @extent

; handle = debounce(() => { ... }, 100)
(public_field_definition
  name: (_) @name
  value: (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body)] @_value))
  (#match? @_value "\n")) @method
