; Perl

; package Shop::Order; holds until the next one
(package_statement (package_name) @name body: (block) @body) @type
(source_file (package_statement (package_name) @name !body) @scope.rest)

(function_definition name: (identifier) @name body: (block) @body) @function

(use_constant_statement constant: (identifier) @name) @constant

[(comments) (pod_statement)] @doc
