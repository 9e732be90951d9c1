; Dart: a signature and its body are neighbours

; members of a type
((method_signature (function_signature name: (_) @name)) @method . (function_body) @body @method)
((method_signature (getter_signature name: (_) @name)) @method . (function_body) @body @method)
((method_signature (setter_signature name: (_) @name)) @method . (function_body) @body @method)
((method_signature (operator_signature (binary_operator) @name)) @method . (function_body) @body @method)
((method_signature (constructor_signature . name: (identifier) . name: (identifier) @name)) @method . (function_body) @body @method)
((method_signature (constructor_signature . name: (identifier) @name)) @method . (function_body) @body @method)
((method_signature (factory_constructor_signature . (identifier) . (identifier) @name)) @method . (function_body) @body @method)
((method_signature (factory_constructor_signature . (identifier) @name)) @method . (function_body) @body @method)
(declaration (function_signature name: (_) @name)) @method.declaration
(declaration (getter_signature name: (_) @name)) @method.declaration
(declaration (setter_signature name: (_) @name)) @method.declaration
(declaration (constructor_signature . name: (identifier) . name: (identifier) @name)) @method.declaration
(declaration (constructor_signature . name: (identifier) @name)) @method.declaration

((function_signature name: (_) @name) @function . (function_body) @body @function)
((getter_signature name: (_) @name) @function . (function_body) @body @function)
((setter_signature name: (_) @name) @function . (function_body) @body @function)

(class_definition name: (_) @name body: (_) @body) @type
(mixin_declaration (mixin) . (identifier) @name (class_body) @body) @type
(extension_declaration name: (_) @name body: (_) @body) @type
(extension_declaration class: (_) @name body: (_) @body) @type
(extension_type_declaration (identifier) @name) @type
(enum_declaration name: (_) @name body: (_) @body) @type
(type_alias . (type_identifier) @name) @constant

(program (static_final_declaration_list . (static_final_declaration . (identifier) @name)) @constant)
(declaration (static_final_declaration_list . (static_final_declaration . (identifier) @name))) @constant

(annotation) @attribute
[(comment) (documentation_comment)] @doc
