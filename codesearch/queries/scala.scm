; Scala 2 and 3

(function_definition name: (_) @name body: (_) @body) @function
(function_declaration name: (_) @name) @function.declaration
; val f = (x: Int) => ...
(compilation_unit (val_definition pattern: (identifier) @name value: (lambda_expression) @body) @function)
(template_body (val_definition pattern: (identifier) @name value: (lambda_expression) @body) @function)

(class_definition name: (_) @name body: (_) @body) @type
(class_definition name: (_) @name) @type
(object_definition name: (_) @name body: (_) @body) @type
(object_definition name: (_) @name) @type
(trait_definition name: (_) @name body: (_) @body) @type
(trait_definition name: (_) @name) @type
(enum_definition name: (_) @name body: (_) @body) @type
(given_definition name: (_) @name body: (_) @body) @type
(type_definition name: (_) @name) @type
(package_object name: (_) @name body: (_) @body) @type

(annotation) @attribute
[(comment) (block_comment)] @doc

; val Max = 3
((val_definition pattern: (identifier) @name) @constant (#match? @name "^[A-Z]"))
