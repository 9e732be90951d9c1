; What JavaScript and TypeScript have in common.

(function_declaration name: (_) @name body: (_) @body) @function
(generator_function_declaration name: (_) @name body: (_) @body) @function
(class_declaration name: (_) @name body: (_) @body) @type
(method_definition name: (_) @name body: (_) @body) @method

; const f = () => ...; const f = function () { ... }
(lexical_declaration
  (variable_declarator name: (identifier) @name
    value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])) @function
(variable_declaration
  (variable_declarator name: (identifier) @name
    value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])) @function
; const f = memo(() => ...): wrappers whose result is the function that they are given
(lexical_declaration
  (variable_declarator name: (identifier) @name
    value: (call_expression
      function: [(identifier) (member_expression)] @_wrapper
      arguments: (arguments . [(arrow_function body: (_) @body) (function_expression body: (_) @body)])))
  (#match? @_wrapper "^(React\\.)?(memo|forwardRef|useCallback|observer|debounce|throttle|once|memoize|curry|asyncHandler|catchAsync|cache|withSpan)$")) @function
; const f = createAsyncThunk("f", (id) => load(id)): the same in whatever place, of makers by their names
(lexical_declaration
  (variable_declarator name: (identifier) @name
    value: (call_expression
      function: [(identifier) (member_expression)] @_maker
      arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body)])))
  (#match? @_maker "(^|\\.)(create[A-Z][A-Za-z]*|define([A-Z][A-Za-z]*)?|with[A-Z][A-Za-z]*|wrap[A-Za-z]*)$")) @function
; const f = createAsyncThunk("f", async () => { ... }), memo(forwardRef((props) => { ... })): at the top level the
; result of any call that is given a function of some lines is a function of its name, unless the call is known to call it
(program (lexical_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(program (variable_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(export_statement declaration: (lexical_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(export_statement declaration: (variable_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(program (expression_statement
    (assignment_expression
      left: (member_expression object: (_) @_object property: (property_identifier) @name)
      right: (call_expression function: (_) @_callee arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))) @function
  (#match? @_object "^((module\\.)?exports|this|self|window|globalThis|global)$")
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(export_statement value: (call_expression function: (_) @_callee arguments: (arguments [(arrow_function body: (_) @body) (function_expression !name body: (_) @body) (generator_function body: (_) @body)] @_value))
  (#set! name "default")
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n")) @function
(program (lexical_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(program (variable_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(export_statement declaration: (lexical_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(export_statement declaration: (variable_declaration
    (variable_declarator name: (identifier) @name
      value: (call_expression function: (_) @_callee arguments: (arguments (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))))) @function
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(program (expression_statement
    (assignment_expression
      left: (member_expression object: (_) @_object property: (property_identifier) @name)
      right: (call_expression function: (_) @_callee arguments: (arguments (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value)))))) @function
  (#match? @_object "^((module\\.)?exports|this|self|window|globalThis|global)$")
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n"))
(export_statement value: (call_expression function: (_) @_callee arguments: (arguments (call_expression arguments: (arguments [(arrow_function body: (_) @body) (function_expression !name body: (_) @body) (generator_function body: (_) @body)] @_value))))
  (#set! name "default")
  (#not-match? @_callee "(^|\\.)(map|flatMap|filter|reduce|reduceRight|forEach|some|every|find|findIndex|sort|then|catch|finally|from|setTimeout|setInterval|replace|assign|Promise|require)$")
  (#match? @_value "\n")) @function
; const C = class { ... }
(lexical_declaration (variable_declarator name: (identifier) @name value: (class body: (_) @body))) @type
(variable_declaration (variable_declarator name: (identifier) @name value: (class body: (_) @body))) @type

; exports.f = function () { ... }; module.exports.f = () => ...; this.f = ...; window.f = ...
(expression_statement
  (assignment_expression
    left: (member_expression object: (_) @_object property: (property_identifier) @name)
    right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])
  (#match? @_object "^((module\\.)?exports|this|self|window|globalThis|global)$")
  (#not-match? @name "^(exports|prototype)$")) @function
; X.prototype.f = function () { ... }
(expression_statement
  (assignment_expression
    left: (member_expression
      object: (member_expression object: (_) @owner property: (property_identifier) @_prototype)
      property: (property_identifier) @name)
    right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])
  (#eq? @_prototype "prototype")) @method
; module.exports = function f() { ... }
(expression_statement
  (assignment_expression
    left: (member_expression object: (_) @_module property: (property_identifier) @_exports)
    right: [(function_expression name: (_) @name body: (_) @body) (generator_function name: (_) @name body: (_) @body)])
  (#eq? @_exports "exports")) @function
(expression_statement
  (assignment_expression
    left: (member_expression object: (_) @_module property: (property_identifier) @_exports)
    right: (class name: (_) @name body: (_) @body))
  (#eq? @_exports "exports")) @type
(expression_statement
  (assignment_expression
    left: (member_expression object: (_) @_module property: (property_identifier) @name)
    right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])
  (#eq? @name "exports")) @function
; app.f = function () { ... }
(expression_statement
  (assignment_expression
    left: (member_expression
      object: [(identifier) (member_expression object: (identifier) property: (property_identifier))] @owner
      property: (property_identifier) @name)
    right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])
  (#not-match? @owner "^((module\\.)?exports|this|self|window|globalThis|global)$|\\.prototype$")) @method
; f = function () { ... }
(expression_statement
  (assignment_expression
    left: (identifier) @name
    right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)])) @function
; (function f() { ... })
(function_expression name: (identifier) @name body: (_) @body) @function

; export default () => ...; export default class { ... }
(export_statement
  value: [(arrow_function body: (_) @body) (function_expression !name body: (_) @body) (generator_function !name body: (_) @body)]
  (#set! name "default")) @function
(export_statement value: (class body: (_) @body) (#set! name "default")) @type

; Object literals: methods, and the objects that lend them their names.
; A function of one line there is mostly a setting (`{ key: () => 1 }`), and stays where it is set.
(pair
  key: [(property_identifier) (string)] @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)] @_value
  (#match? @_value "\n")) @method
(pair
  key: [(property_identifier) (string)] @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method.declaration
(variable_declarator name: (identifier) @name value: (object)) @scope
; const store = defineStore("main", { ... })
(variable_declarator name: (identifier) @name value: (call_expression arguments: (arguments (object)))) @scope
; Object.assign(X.prototype, { ... })
(call_expression
  function: (member_expression property: (property_identifier) @_assign)
  arguments: (arguments . (member_expression object: (_) @name property: (property_identifier) @_prototype) (object))
  (#eq? @_assign "assign")
  (#eq? @_prototype "prototype")) @scope
(pair key: [(property_identifier) (string)] @name value: (object)) @scope
(assignment_expression left: (identifier) @name right: (object)) @scope
(assignment_expression
  left: (member_expression object: (_) @owner property: (property_identifier) @_prototype) right: (object)
  (#eq? @_prototype "prototype")) @scope
(assignment_expression
  left: (member_expression property: (property_identifier) @name) right: (object)
  (#not-match? @name "^(exports|prototype)$")) @scope

; const LIMIT = 3; export const limit = 3
(program (lexical_declaration . (variable_declarator name: (identifier) @name value: (_) @_value) .) @constant
  (#match? @name "^_*[A-Z]")
  (#not-match? @_value "^(await )?(require|import)\\b"))
(program (variable_declaration . (variable_declarator name: (identifier) @name value: (_) @_value) .) @constant
  (#match? @name "^_*[A-Z]")
  (#not-match? @_value "^(await )?(require|import)\\b"))
(export_statement declaration: (lexical_declaration . (variable_declarator name: (identifier) @name value: (_) @_value) .) @constant
  (#not-match? @_value "^(await )?(require|import)\\b"))
(export_statement declaration: (variable_declaration . (variable_declarator name: (identifier) @name value: (_) @_value) .) @constant
  (#not-match? @_value "^(await )?(require|import)\\b"))

(export_statement declaration: (_) @inner) @extent

(decorator) @attribute
(comment) @doc
