; Groovy

(class_declaration name: (_) @name body: (_) @body) @type
(interface_declaration name: (_) @name body: (_) @body) @type
(trait_declaration name: (_) @name body: (_) @body) @type
(enum_declaration name: (_) @name body: (_) @body) @type

(method_declaration name: (_) @name body: (_) @body) @function
(method_declaration name: (_) @name) @function.declaration
(constructor_declaration name: (_) @name body: (_) @body) @method
(field_declaration (variable_declarator name: (_) @name value: (closure) @body)) @function
(local_variable_declaration (variable_declarator name: (_) @name value: (closure) @body)) @function

; task cleanAll(type: Delete) { ... }
(source_file
  (expression_statement (identifier) @_task) @function
  . (expression_statement (method_invocation function: (identifier) @name))
  . (expression_statement (closure)) @body @function
  (#eq? @_task "task"))

((field_declaration (variable_declarator name: (_) @name)) @constant
  (#match? @name "^[A-Z][A-Z0-9_]+$"))

(annotation) @attribute
[(line_comment) (block_comment) (groovydoc_comment)] @doc
