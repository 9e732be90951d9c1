; SQL

(create_function (object_reference) @name (function_body) @body) @function
(create_function (object_reference) @name) @function
(create_trigger . (_) . (_) . (object_reference) @name) @function
(create_trigger (object_reference) @name) @function
(create_table (object_reference) @name (column_definitions) @body) @type
(create_table (object_reference) @name) @type
(create_view (object_reference) @name (create_query) @body) @type
(create_view (object_reference) @name) @type
(create_materialized_view (object_reference) @name) @type
(create_type (object_reference) @name) @type
(create_schema (identifier) @name) @constant
(create_sequence (object_reference) @name) @constant
(create_index column: (identifier) @name) @constant

[(comment) (marginalia)] @doc
