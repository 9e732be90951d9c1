; Zig

(function_declaration name: (identifier) @name body: (block) @body) @function
(function_declaration name: (identifier) @name) @function.declaration
(test_declaration [(string) (identifier)] @name (block) @body) @function

; const S = struct { ... }
(variable_declaration . (identifier) @name (struct_declaration "{" @body)) @type
(variable_declaration . (identifier) @name (enum_declaration "{" @body)) @type
(variable_declaration . (identifier) @name (union_declaration "{" @body)) @type
(variable_declaration . (identifier) @name (opaque_declaration "{" @body)) @type
(variable_declaration . (identifier) @name (error_set_declaration "{" @body)) @type

(comment) @doc

; const max = 1;
(source_file (variable_declaration (identifier) @name) @constant)
