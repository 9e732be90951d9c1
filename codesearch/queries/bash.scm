; Bash, and what zsh and ksh share with it.

(function_definition name: (word) @name body: (_) @body) @function

(comment) @doc
