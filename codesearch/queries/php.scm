; PHP

(function_definition name: (name) @name body: (_) @body) @function
(class_declaration name: (name) @name body: (_) @body) @type
(interface_declaration name: (name) @name body: (_) @body) @type
(trait_declaration name: (name) @name body: (_) @body) @type
(enum_declaration name: (name) @name body: (_) @body) @type

(method_declaration name: (name) @name body: (_) @body) @method
(method_declaration name: (name) @name !body) @method.declaration

; $f = function () { ... }; $f = fn () => ...
(expression_statement
  (assignment_expression
    left: (variable_name (name) @name)
    right: [(anonymous_function body: (_) @body) (arrow_function body: (_) @body)])) @function

(attribute_list) @attribute
(comment) @doc

; const MAX = 3; define('MAX', 3);
(const_declaration (const_element (name) @name)) @constant
((expression_statement
  (function_call_expression
    function: (name) @_define
    arguments: (arguments . (argument (string (string_content) @name))))) @constant
  (#eq? @_define "define"))
