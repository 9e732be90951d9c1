; Terraform and other HCL: a block is named by its labels

(config_file (body (block
  . (identifier) . (string_lit (template_literal) @owner) . (string_lit (template_literal) @name) . (block_start) (body)? @body (block_end)) @type))
(config_file (body (block
  . (identifier) @_kind . (string_lit (template_literal) @name) . (block_start) (body)? @body (block_end)) @constant
  (#any-of? @_kind "variable" "output")))
(config_file (body (block . (identifier) . (string_lit (template_literal) @name) . (block_start) (body)? @body (block_end)) @type))
(config_file (body (block . (identifier) @name . (block_start) (body)? @body (block_end)) @constant))
; of .tfvars
(config_file (body (attribute . (identifier) @name) @constant))

(comment) @doc
