; Rust

(function_item name: (_) @name body: (block) @body) @function
(function_signature_item name: (_) @name) @function.declaration
(macro_definition name: (identifier) @name) @function

(struct_item name: (_) @name body: (_) @body) @type
(struct_item name: (_) @name) @type
(enum_item name: (_) @name body: (_) @body) @type
(union_item name: (_) @name body: (_) @body) @type
(trait_item name: (_) @name body: (_) @body) @type
(source_file (type_item name: (_) @name) @type)
(mod_item body: (declaration_list (type_item name: (_) @name) @type))

; `impl Trait for T<U>` belongs to T
(impl_item type: (generic_type type: (type_identifier) @name) body: (_) @body) @type
(impl_item type: (generic_type type: (scoped_type_identifier name: (_) @name)) body: (_) @body) @type
(impl_item type: (scoped_type_identifier name: (_) @name) body: (_) @body) @type
(impl_item type: (reference_type type: (generic_type type: (type_identifier) @name)) body: (_) @body) @type
(impl_item type: (reference_type type: (_) @name) body: (_) @body) @type
(impl_item type: (_) @name body: (_) @body) @type

(mod_item name: (identifier) @name body: (declaration_list)) @scope

(attribute_item) @attribute
[(line_comment) (block_comment)] @doc

; const MAX: u32 = 3; static NAME: &str = "x";
(const_item name: (identifier) @name) @constant
(static_item name: (identifier) @name) @constant
