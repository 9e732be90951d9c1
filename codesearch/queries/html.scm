; HTML: what has an id or a name, and headings

((element
   (start_tag (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @name)))) @section
  (#eq? @_attribute "id"))
((element
   (start_tag (tag_name) @_tag (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @name)))) @section
  (#eq? @_attribute "name")
  (#any-of? @_tag "form" "fieldset" "slot" "template" "map" "a"))
((element (start_tag (tag_name) @_tag) . (text) @name) @section
  (#match? @_tag "^[hH][1-6]$"))
