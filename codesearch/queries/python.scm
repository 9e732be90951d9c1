; Python; Starlark is read with it too.

(function_definition name: (identifier) @name body: (block) @body) @function
(class_definition name: (identifier) @name body: (block) @body) @type
(assignment left: (identifier) @name right: (lambda body: (_) @body)) @function
(type_alias_statement (type) @name) @type

(decorated_definition definition: (_) @inner) @extent
(expression_statement . (assignment right: (lambda)) @inner .) @extent

(module . (comment)* . (expression_statement . [(string) (concatenated_string)] @text .) @docstring)
(function_definition body: (block . (expression_statement . [(string) (concatenated_string)] @text .) @docstring))
(class_definition body: (block . (expression_statement . [(string) (concatenated_string)] @text .) @docstring))

(decorator) @attribute
(comment) @doc
