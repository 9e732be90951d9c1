; Bash, and what zsh and ksh share with it.

(function_definition name: (word) @name body: (_) @body) @function

(comment) @doc

; MAX=1, readonly MAX=1
(program (variable_assignment name: (variable_name) @name) @constant)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @constant)
