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

; MAX = 3, Name = Union[...]; of a class only what is written as a constant, and of an enumeration nothing
((module (expression_statement (assignment left: (identifier) @name) .) @constant) (#match? @name "^_*[A-Z]"))
((class_definition
  superclasses: (argument_list)? @_bases
  body: (block (expression_statement (assignment left: (identifier) @name) .) @constant))
  (#match? @name "^_*[A-Z][A-Z0-9_]+$")
  (#not-match? @_bases "Enum|Flag|Choices"))
