; Solidity

(contract_declaration name: (_) @name body: (_) @body) @type
(interface_declaration name: (_) @name body: (_) @body) @type
(library_declaration name: (_) @name body: (_) @body) @type
(struct_declaration name: (_) @name body: (_) @body) @type
(enum_declaration name: (_) @name body: (_) @body) @type

(function_definition name: (_) @name body: (_) @body) @function
(function_definition name: (_) @name) @function.declaration
(modifier_definition name: (_) @name body: (_) @body) @function
(constructor_definition body: (_) @body (#set! name "constructor")) @method
(fallback_receive_definition "receive" body: (_) @body (#set! name "receive")) @method
(fallback_receive_definition "fallback" body: (_) @body (#set! name "fallback")) @method

(event_definition name: (_) @name) @constant
(error_declaration name: (_) @name) @constant
(constant_variable_declaration name: (_) @name) @constant
((state_variable_declaration name: (_) @name) @constant)

(comment) @doc
