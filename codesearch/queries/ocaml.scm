; OCaml

; The first binding has the keyword with it, and the comment above that; "and" begins the others.
(value_definition "let" @function . (let_binding pattern: [(value_name) @name (parenthesized_operator (_) @name)] (parameter) body: (_) @body) @function)
(value_definition "let" @function . (let_binding pattern: (value_name) @name body: [(fun_expression) (function_expression)] @body) @function)
(value_definition (let_binding) (let_binding pattern: [(value_name) @name (parenthesized_operator (_) @name)] (parameter) body: (_) @body) @function)
(value_definition (let_binding) (let_binding pattern: (value_name) @name body: [(fun_expression) (function_expression)] @body) @function)
(method_definition (method_name) @name body: (_) @body) @method
(external (value_name) @name) @function
; of an interface
(value_specification (value_name) @name) @function.declaration

(module_definition . (module_binding (module_name) @name body: (structure) @body)) @module
(module_definition . (module_binding (module_name) @name body: (functor (structure) @body))) @module
(module_binding (module_name) @name body: (structure) @body) @module
(module_binding (module_name) @name module_type: (signature) @body) @module
(module_type_definition (module_type_name) @name body: (_) @body) @module
(class_definition . (class_binding (class_name) @name body: (_) @body)) @type
(class_type_definition (class_type_binding (class_type_name) @name body: (_) @body)) @type
(type_definition "type" @type . (type_binding name: (_) @name body: (_) @body) @type)
(type_definition "type" @type . (type_binding name: (_) @name) @type)
(type_definition (type_binding) (type_binding name: (_) @name body: (_) @body) @type)
(type_definition (type_binding) (type_binding name: (_) @name) @type)
(exception_definition (constructor_declaration . (constructor_name) @name)) @constant

((compilation_unit (value_definition . (let_binding pattern: (value_name) @name)) @constant)
  (#not-match? @name "^_"))
((structure (value_definition . (let_binding pattern: (value_name) @name)) @constant)
  (#not-match? @name "^_"))

[(attribute) (item_attribute)] @attribute
(comment) @doc
