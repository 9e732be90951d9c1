; Haskell: a signature and the equations below it are one function.
; The module's name is left out of the names: the path says it.

(signature name: (variable) @name) @function.declaration
(signature name: (prefix_id (operator) @name)) @function.declaration
(function name: (variable) @name match: (_) @body) @function.clause
(function name: (prefix_id (operator) @name) match: (_) @body) @function.clause
(function (infix operator: [(operator) @name (infix_id (variable) @name)]) match: (_) @body) @function.clause
(declarations (bind name: (variable) @name match: (_) @body) @function.clause)
(class_declarations (bind name: (variable) @name match: (_) @body) @function.clause)
(instance_declarations (bind name: (variable) @name match: (_) @body) @function.clause)
(declarations (bind name: (prefix_id (operator) @name) match: (_) @body) @function.clause)
(instance_declarations (bind name: (prefix_id (operator) @name) match: (_) @body) @function.clause)
(foreign_import (signature name: (variable) @name)) @function.declaration

(data_type name: (_) @name constructors: (_) @body) @type
(data_type name: (_) @name) @type
(newtype name: (_) @name constructor: (_) @body) @type
(newtype name: (_) @name) @type
(type_synonym name: (_) @name) @type
(type_family name: (_) @name) @type
(data_family name: (_) @name) @type
(class name: (_) @name declarations: (_) @body) @type
(class name: (_) @name) @type
(instance name: (_) @name declarations: (_) @body) @type
(instance name: (_) @name) @type

(pragma) @attribute
[(comment) (haddock)] @doc
