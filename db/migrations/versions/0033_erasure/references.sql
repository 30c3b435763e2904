CREATE TABLE maintenance.user_references (
    schema_name varchar(63)   NOT NULL,
    table_name  varchar(63)   NOT NULL,
    column_name varchar(63)   NOT NULL,
    kind        varchar(10)   NOT NULL,
    action      varchar(10)   NOT NULL,
    blanks      varchar(63)[] NOT NULL DEFAULT '{}',
    reason      text          NOT NULL,
    CONSTRAINT pk_user_references PRIMARY KEY (schema_name, table_name, column_name),
    CONSTRAINT check_reference_kind CHECK (kind IN ('key', 'name', 'path', 'mention')),
    CONSTRAINT check_reference_action CHECK (action IN ('delete', 'blank'))
);
COMMENT ON TABLE maintenance.user_references IS
    'What of a user the foreign keys do not tell; only the owner writes here, so a worker cannot erase what is not the user''s';
COMMENT ON COLUMN maintenance.user_references.schema_name IS 'Schema of the table';
COMMENT ON COLUMN maintenance.user_references.table_name IS 'The table';
COMMENT ON COLUMN maintenance.user_references.column_name IS 'The column that refers to the user, or to what was the user''s';
COMMENT ON COLUMN maintenance.user_references.kind IS
    'key: a foreign key that forgets; name: it is an id or an address of the user or of what was the user''s; path: one is a part of it, between slashes; mention: one may be in it';
COMMENT ON COLUMN maintenance.user_references.action IS
    'delete: the row goes; blank: the row stays as a record, without the column and those in blanks';
COMMENT ON COLUMN maintenance.user_references.blanks IS 'Further columns that tell of the user in such a row';
COMMENT ON COLUMN maintenance.user_references.reason IS 'Why';
GRANT SELECT ON maintenance.user_references TO mcp_worker, mcp_reader;

INSERT INTO maintenance.user_references (schema_name, table_name, column_name, kind, action, blanks, reason) VALUES
    ('public', 'audit_log', 'user_id', 'key', 'blank', '{ip_address}', 'What was done stays on record; who did it does not'),
    ('public', 'audit_log', 'record_id', 'path', 'blank', '{old_data,new_data,ip_address}', 'Changes of the user''s own rows hold what the rows held'),
    ('public', 'audit_log', 'old_data', 'mention', 'blank', '{new_data}', 'Changes of other rows may name the user'),
    ('public', 'audit_log', 'new_data', 'mention', 'blank', '{old_data}', 'Changes of other rows may name the user'),
    ('public', 'mcp_events', 'user_id', 'key', 'blank', '{ip_address,user_agent}', 'What a user did to somebody else''s instance is the instance''s history'),
    ('public', 'mcp_events_archive', 'user_id', 'name', 'blank', '{ip_address,user_agent}', 'The same, in the archive, which keeps no foreign key'),
    ('public', 'port_allocations', 'mcp_instance_id', 'key', 'blank', '{}', 'The port is the host''s'),
    ('public', 'mcp_instances', 'api_key_id', 'key', 'blank', '{}', 'The instance goes by its own user'),
    ('public', 'log_quarantine', 'mcp_instance_id', 'name', 'delete', '{}', 'Lines of an instance that came when it was gone'),
    ('public', 'log_quarantine', 'payload', 'mention', 'delete', '{}', 'Lines of nobody that name the user'),
    ('public', 'service_usage_quarantine', 'instance_id', 'name', 'delete', '{}', 'Uses of a share that could not be counted'),
    ('maintenance', 'runs', 'detail', 'mention', 'blank', '{}', 'What maintenance found may name users'),
    ('gateway', 'mcp_servers', 'created_by', 'key', 'blank', '{}', 'The server is the tenant''s'),
    ('gateway', 'audit_logs', 'user_id', 'name', 'blank', '{ip_address,user_agent,details,error_message}', 'What was done stays on record; who did it does not'),
    ('gateway', 'audit_logs', 'resource_id', 'name', 'blank', '{details,error_message}', 'What others did to what was the user''s'),
    ('gateway', 'audit_logs', 'details', 'mention', 'blank', '{error_message}', 'What others did may name the user'),
    ('gateway', 'request_logs', 'user_id', 'name', 'blank', '{ip_address,query_params,headers,request_metadata,error_message}', 'Requests count for the tenant; who sent them does not'),
    ('gateway', 'fastmcp_audit_log', 'user_id', 'name', 'blank', '{user_roles,params,error_message}', 'Calls count for the tenant; whose they were does not');

CREATE TABLE maintenance.erasures (
    id          uuid        NOT NULL,
    user_id     uuid,
    names       text[]      NOT NULL DEFAULT '{}',
    mentions    text[]      NOT NULL DEFAULT '{}',
    done        text[]      NOT NULL DEFAULT '{}',
    counts      jsonb       NOT NULL DEFAULT '{}',
    begun_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT pk_erasures PRIMARY KEY (id),
    CONSTRAINT check_erased CHECK (finished_at IS NULL OR user_id IS NULL AND names = '{}' AND mentions = '{}')
);
CREATE UNIQUE INDEX idx_erasures_open ON maintenance.erasures (user_id) WHERE finished_at IS NULL;
COMMENT ON TABLE maintenance.erasures IS 'Users who are being erased, and how many rows went with those who were; nobody is named any more then';
COMMENT ON COLUMN maintenance.erasures.id IS 'The message that asked for it, or an id of its own';
COMMENT ON COLUMN maintenance.erasures.user_id IS 'Who is being erased; NULL once it is done';
COMMENT ON COLUMN maintenance.erasures.names IS 'Ids and addresses of the user and of what was the user''s, until it is done';
COMMENT ON COLUMN maintenance.erasures.mentions IS 'The same as they would stand in texts, until it is done';
COMMENT ON COLUMN maintenance.erasures.done IS 'Which relations and columns are through';
COMMENT ON COLUMN maintenance.erasures.counts IS 'Rows that were deleted or blanked, by table';
COMMENT ON COLUMN maintenance.erasures.begun_at IS 'When the user was switched off';
COMMENT ON COLUMN maintenance.erasures.finished_at IS 'When nothing was left';
COMMENT ON INDEX maintenance.idx_erasures_open IS 'A user is erased once at a time';
GRANT SELECT ON maintenance.erasures TO mcp_worker;
GRANT SELECT (id, counts, begun_at, finished_at) ON maintenance.erasures TO mcp_reader;
