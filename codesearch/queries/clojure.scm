; Clojure: a definition is a list whose first symbol begins with "def"

; the body follows the parameters
((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit name: (sym_name) @name) value: (vec_lit) . value: (_) @body) @function
  (#any-of? @_def "defn" "defn-" "defmacro" "defmulti" "deftest" "definline" "defn-spec" "defspec" "defpartial" "defsc" "defui" "defnc" "defcomponent" "defendpoint" "defstyled")
  (#set! verbatim ""))
((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit name: (sym_name) @name)) @function
  (#any-of? @_def "defn" "defn-" "defmacro" "defmulti" "deftest" "definline" "defn-spec" "defspec" "defpartial" "defsc" "defui" "defnc" "defcomponent" "defendpoint" "defstyled")
  (#set! verbatim ""))
; (defmethod area :circle [...] ...)
((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit name: (sym_name) @owner) . value: (_) @name) @function
  (#eq? @_def "defmethod")
  (#set! verbatim ""))
((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit name: (sym_name) @name) value: (list_lit) @body) @type
  (#any-of? @_def "defprotocol" "defrecord" "deftype" "definterface" "extend-type" "extend-protocol")
  (#set! verbatim ""))
((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit name: (sym_name) @name)) @type
  (#any-of? @_def "defprotocol" "defrecord" "deftype" "definterface" "extend-type" "extend-protocol" "defstruct")
  (#set! verbatim ""))
; a method of a type
((list_lit
   . value: (sym_lit name: (sym_name) @_def)
   value: (list_lit . value: (sym_lit name: (sym_name) @name) . value: (vec_lit)) @method)
  (#any-of? @_def "defrecord" "deftype" "extend-type" "extend-protocol" "reify")
  (#set! verbatim ""))
((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit name: (sym_name) @name)) @constant
  (#match? @_def "^(def|ns$)")
  (#set! verbatim ""))

((list_lit . value: (sym_lit name: (sym_name) @_def) . value: (sym_lit) . value: (str_lit) @docstring @attribute . value: (_))
  (#match? @_def "^(def|ns$)"))
(comment) @doc
