; Ruby

(method name: (_) @name body: (_) @body) @function
(method name: (_) @name) @function
(singleton_method object: (self) name: (_) @name body: (_) @body) @method
(singleton_method object: (self) name: (_) @name) @method
(singleton_method object: (_) @owner name: (_) @name body: (_) @body) @method
(singleton_method object: (_) @owner name: (_) @name) @method
; define_method(:name) { ... }
(call
  method: (identifier) @_define
  arguments: (argument_list . [(simple_symbol) (string)] @name)
  block: (_ body: (_) @body)
  (#any-of? @_define "define_method" "define_singleton_method")) @method

(class name: (_) @name body: (_) @body) @type
(class name: (_) @name) @type
(module name: (_) @name body: (_) @body) @type
(module name: (_) @name) @type
(singleton_class) @scope
; Point = Struct.new(:x) do ... end
(assignment
  left: (constant) @name
  right: (call receiver: (constant) @_class method: (identifier) @_new block: (_ body: (_) @body))
  (#any-of? @_class "Struct" "Class" "Module" "Data")
  (#any-of? @_new "new" "define")) @type

; private def f
(call arguments: (argument_list . (method) @inner .)) @extent

(comment) @doc

; MAX = 3
(assignment left: (constant) @name) @constant
