; C#
; A namespace is left out of the names, as Java's package is: the path says it.

(class_declaration name: (_) @name body: (_) @body) @type
(interface_declaration name: (_) @name body: (_) @body) @type
(struct_declaration name: (_) @name body: (_) @body) @type
(record_declaration name: (_) @name body: (_) @body) @type
(record_declaration name: (_) @name) @type
(enum_declaration name: (_) @name body: (_) @body) @type
(delegate_declaration name: (_) @name) @type

(method_declaration name: (_) @name body: (_) @body) @method
(method_declaration name: (_) @name) @method.declaration
(constructor_declaration name: (_) @name body: (_) @body) @method
(destructor_declaration name: (_) @name body: (_) @body) @method
(operator_declaration operator: _ @name body: (_) @body) @method
(conversion_operator_declaration type: (_) @name body: (_) @body) @method
(indexer_declaration accessors: (_) @body (#set! name "this")) @method
(indexer_declaration value: (_) @body (#set! name "this")) @method
(local_function_statement name: (_) @name body: (_) @body) @function

; a property that computes is a method, one that only stores is a field
(property_declaration name: (_) @name accessors: (accessor_list (accessor_declaration body: (_))) @body) @method
(property_declaration name: (_) @name value: (arrow_expression_clause) @body) @method.declaration

(attribute_list) @attribute
(comment) @doc

; const int Max = 3; static readonly string Name = "x";
((field_declaration (modifier) @_modifier (variable_declaration (variable_declarator name: (identifier) @name))) @constant
  (#match? @_modifier "^(const|readonly)$"))
