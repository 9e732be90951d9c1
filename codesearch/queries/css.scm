; CSS and SCSS

(rule_set (selectors) @name) @section
(mixin_statement (name) @name) @section
(function_statement (name) @name) @section
(keyframes_statement (keyframes_name) @name) @section
(media_statement . (_) @name) @section
