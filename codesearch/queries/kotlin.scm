; Kotlin

; an extension belongs to the type that it extends
(function_declaration
  [(user_type) @owner (nullable_type (user_type) @owner) (parenthesized_type) @owner] . name: (identifier) @name (function_body) @body) @method
(function_declaration name: (identifier) @name (function_body) @body) @function
(function_declaration name: (identifier) @name) @function.declaration
(secondary_constructor (block) @body (#set! name "constructor")) @method
(secondary_constructor (#set! name "constructor")) @method.declaration
; a property that computes
(property_declaration (variable_declaration . (identifier) @name) (getter (function_body (block))) @body) @function
(property_declaration (variable_declaration . (identifier) @name) (setter (function_body (block))) @body) @function
; val f = { x -> ... }
(source_file
  (property_declaration (variable_declaration . (identifier) @name) (lambda_literal) @body) @function)

(class_declaration name: (identifier) @name [(class_body) (enum_class_body)] @body) @type
(class_declaration name: (identifier) @name) @type
(object_declaration name: (identifier) @name (class_body) @body) @type
(object_declaration name: (identifier) @name) @type
(companion_object name: (identifier) @name) @scope
(companion_object) @scope
(enum_entry (identifier) @name (class_body)) @scope
(type_alias type: (identifier) @name) @type

(annotation) @attribute
(file_annotation) @attribute
[(line_comment) (block_comment)] @doc

; val Max = 3 at the top level, const val MAX = 3
(source_file (property_declaration (variable_declaration (identifier) @name)) @constant)
((property_declaration (modifiers) @_modifiers (variable_declaration (identifier) @name)) @constant
  (#match? @_modifiers "const"))
