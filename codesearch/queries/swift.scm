; Swift

(function_declaration name: (simple_identifier) @name body: (_) @body) @function
; operators
(function_declaration "func" . name: _ @name body: (_) @body) @function
(protocol_function_declaration name: (simple_identifier) @name) @method.declaration
(protocol_function_declaration name: _ @name) @method.declaration
(init_declaration body: (_) @body (#set! name "init")) @method
(init_declaration (#set! name "init")) @method.declaration
(deinit_declaration body: (_) @body (#set! name "deinit")) @method
(subscript_declaration (computed_property) @body (#set! name "subscript")) @method
(property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)
  computed_value: (computed_property) @body (#match? @body "\n")) @function
(property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)
  computed_value: (computed_property) @body) @function.declaration
; let f = { ... }
(source_file
  (property_declaration
    name: (pattern bound_identifier: (simple_identifier) @name) value: (lambda_literal) @body) @function)

(class_declaration name: (type_identifier) @name body: (_) @body) @type
(class_declaration name: (user_type) @name body: (_) @body) @type
(protocol_declaration name: (_) @name body: (_) @body) @type
(typealias_declaration name: (type_identifier) @name) @type
(macro_declaration (simple_identifier) @name) @function

(attribute) @attribute
[(comment) (multiline_comment)] @doc

; let maxCount = 3 at the top level, static let maxCount = 3
(source_file (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @constant)
((property_declaration (modifiers) @_modifiers name: (pattern bound_identifier: (simple_identifier) @name)) @constant
  (#match? @_modifiers "static"))
