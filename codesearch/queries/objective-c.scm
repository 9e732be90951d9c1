; Objective-C: what it adds to C

; The body begins with the first member, there being no node for it.
(class_interface . (identifier) @name [(method_declaration) (property_declaration)] @body) @type
(class_interface . (identifier) @name) @type
(class_implementation . (identifier) @name (implementation_definition) @body) @type
(class_implementation . (identifier) @name) @type
(protocol_declaration . (identifier) @name [(method_declaration) (property_declaration)] @body) @type
(protocol_declaration . (identifier) @name) @type
; typedef NS_ENUM(NSInteger, State) { ... }
(type_definition type: (macro_type_specifier name: (_) @_macro type: (_) @name)
  (#match? @_macro "^[A-Z]+_(CLOSED_)?(ENUM|OPTIONS|ERROR_ENUM)$")) @type

; The name is the first word of the selector, as it is searched for; the signature has all of it.
(method_definition (method_type) . (identifier) @name (compound_statement) @body) @method
(method_declaration (method_type) . (identifier) @name) @method.declaration
(property_declaration (struct_declaration (struct_declarator [(identifier) @name (pointer_declarator (identifier) @name)]))) @constant
