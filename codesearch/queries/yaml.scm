; YAML: a key is the name of what stands below it

(block_mapping_pair key: (_) @name) @section.nested
