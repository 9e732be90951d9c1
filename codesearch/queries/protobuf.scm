; Protocol Buffers

(message (message_name) @name (message_body) @body) @type
(enum (enum_name) @name (enum_body) @body) @type
(service (service_name) @name [(rpc) (option)] @body) @type
(service (service_name) @name) @type
(rpc (rpc_name) @name) @function

(comment) @doc
