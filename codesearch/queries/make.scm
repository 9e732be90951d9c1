; Make

((rule (targets . (_) @name) (recipe) @body) @function
  (#not-match? @name "^\\.[A-Z_]+$")
  (#set! verbatim ""))
((rule (targets . (_) @name)) @function
  (#not-match? @name "^\\.[A-Z_]+$")
  (#set! verbatim ""))
(define_directive name: (_) @name (#set! verbatim "")) @function
(makefile (variable_assignment name: (_) @name) @constant (#set! verbatim ""))

(comment) @doc
