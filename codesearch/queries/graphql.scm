; GraphQL: a description is a part of what it describes, and is read as the comment above it

(object_type_definition "type" @type (name) @name (fields_definition) @body @type)
(interface_type_definition "interface" @type (name) @name (fields_definition) @body @type)
(input_object_type_definition "input" @type (name) @name (input_fields_definition) @type)
(enum_type_definition "enum" @type (name) @name (enum_values_definition) @body @type)
(union_type_definition "union" @type (name) @name (union_member_types) @type)
(scalar_type_definition "scalar" @constant (name) @name @constant)
(directive_definition "directive" @constant (name) @name (directive_locations) @constant)
(object_type_extension (name) @name) @type
(interface_type_extension (name) @name) @type
(input_object_type_extension (name) @name) @type
(enum_type_extension (name) @name) @type
(operation_definition (operation_type) (name) @name (selection_set) @body) @function
(fragment_definition (fragment_name) @name (selection_set) @body) @function

(description) @doc @text
(comment) @doc
