; PowerShell

(function_statement (function_name) @name (script_block) @body) @function
(function_statement (function_name) @name) @function
(class_method_definition (simple_name) @name (script_block) @body) @method
(class_statement . (simple_name) @name [(class_property_definition) (class_method_definition)] @body) @type
(class_statement . (simple_name) @name) @type
(enum_statement . (simple_name) @name . (enum_member) @body) @type
(enum_statement . (simple_name) @name) @type

; help stands above a function or at the top of its body
((comment) @docstring . (script_block) (#match? @docstring "^<#"))
(script_block . (comment) @docstring (#match? @docstring "^<#"))
(comment) @doc
