; Go

(function_declaration name: (identifier) @name body: (block) @body) @function
(method_declaration
  receiver: (parameter_list
    (parameter_declaration
      type: [
        (type_identifier) @owner
        (pointer_type (type_identifier) @owner)
        (generic_type type: (type_identifier) @owner)
        (pointer_type (generic_type type: (type_identifier) @owner))
      ]))
  name: (field_identifier) @name
  body: (block) @body) @method
; implemented in assembly
(function_declaration name: (identifier) @name !body) @function.declaration

(type_spec name: (type_identifier) @name type: (struct_type (field_declaration_list) @body)) @type
(type_spec name: (type_identifier) @name type: (interface_type "{" @body)) @type
(type_spec name: (type_identifier) @name) @type
(type_alias name: (type_identifier) @name) @type
(method_elem name: (field_identifier) @name) @method.declaration

; var f = func() { ... }
(source_file
  (var_declaration
    (var_spec name: (identifier) @name value: (expression_list . (func_literal body: (block) @body) .))) @function)

; `type T struct` is one definition; of `type ( ... )` each spec is.
(type_declaration . "type" . [(type_spec) (type_alias)] @inner .) @extent

(comment) @doc

; const Max = 3, var ErrGone = errors.New("gone"), alone or in brackets
(source_file (const_declaration . (const_spec name: (identifier) @name) .) @constant)
(source_file (const_declaration (const_spec name: (identifier) @name) @constant))
(source_file (var_declaration . (var_spec name: (identifier) @name) .) @constant)
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @constant)))
