; Java

(class_declaration name: (identifier) @name body: (_) @body) @type
(interface_declaration name: (identifier) @name body: (_) @body) @type
(enum_declaration name: (identifier) @name body: (_) @body) @type
(record_declaration name: (identifier) @name body: (_) @body) @type
(annotation_type_declaration name: (identifier) @name body: (_) @body) @type
(enum_constant name: (identifier) @name body: (class_body)) @scope

(method_declaration name: (identifier) @name body: (block) @body) @method
(constructor_declaration name: (identifier) @name body: (_) @body) @method
(compact_constructor_declaration name: (identifier) @name body: (_) @body) @method
(method_declaration name: (identifier) @name !body) @method.declaration
(annotation_type_element_declaration name: (identifier) @name) @method.declaration

[(marker_annotation) (annotation)] @attribute
[(line_comment) (block_comment)] @doc

; static final int MAX = 3;
((field_declaration (modifiers) @_modifiers declarator: (variable_declarator name: (identifier) @name)) @constant
  (#match? @_modifiers "static") (#match? @_modifiers "final"))
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @constant
