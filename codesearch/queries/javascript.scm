; What JavaScript writes otherwise than TypeScript.

; handle = () => ...
(field_definition
  property: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method

; handle = debounce(() => { ... }, 100)
(field_definition
  property: (_) @name
  value: (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body)] @_value))
  (#match? @_value "\n")) @method
