; Dockerfile: a stage is a section

(from_instruction as: (image_alias) @name) @section
(from_instruction (image_spec) @name) @section
