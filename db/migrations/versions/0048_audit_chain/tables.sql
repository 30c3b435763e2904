CREATE TABLE maintenance.audit_entries (
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    table_name varchar(63) NOT NULL,
    tenant_id  text        NOT NULL,
    kind       varchar(10) NOT NULL,
    row_id     uuid        NOT NULL,
    row_time   timestamptz NOT NULL,
    row_hash   bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_entries PRIMARY KEY (id),
    CONSTRAINT check_entry_kind CHECK (kind IN ('entered', 'erased'))
);
COMMENT ON TABLE maintenance.audit_entries IS 'Rows of the audit tables that wait to be sealed into the chain of their tenant';
COMMENT ON COLUMN maintenance.audit_entries.id IS 'The order in which they are sealed';
COMMENT ON COLUMN maintenance.audit_entries.table_name IS 'The audit table, with its schema';
COMMENT ON COLUMN maintenance.audit_entries.tenant_id IS 'Whose chain it is; empty for what belongs to no tenant';
COMMENT ON COLUMN maintenance.audit_entries.kind IS 'entered: the row is new; erased: what it said of a user was taken out';
COMMENT ON COLUMN maintenance.audit_entries.row_id IS 'The row';
COMMENT ON COLUMN maintenance.audit_entries.row_time IS 'By which the table is partitioned';
COMMENT ON COLUMN maintenance.audit_entries.row_hash IS 'SHA-256 of what the row says';
COMMENT ON COLUMN maintenance.audit_entries.created_at IS 'When it was entered or erased';

CREATE TABLE maintenance.audit_blocks (
    table_name    varchar(63)   NOT NULL,
    tenant_id     text          NOT NULL,
    number        bigint        NOT NULL,
    entries       integer       NOT NULL,
    erased        integer       NOT NULL,
    row_from      timestamptz   NOT NULL,
    row_to        timestamptz   NOT NULL,
    kinds         varchar(10)[],
    row_ids       uuid[],
    row_times     timestamptz[],
    row_hashes    bytea[],
    rows_hash     bytea         NOT NULL,
    previous_hash bytea         NOT NULL,
    hash          bytea         NOT NULL,
    created_at    timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT pk_audit_blocks PRIMARY KEY (table_name, tenant_id, number),
    CONSTRAINT check_block_entries CHECK (entries > 0 AND erased BETWEEN 0 AND entries),
    CONSTRAINT check_block_rows CHECK (num_nonnulls(kinds, row_ids, row_times, row_hashes) IN (0, 4))
);
CREATE INDEX idx_audit_blocks_rows ON maintenance.audit_blocks (table_name, row_from, row_to) WHERE row_ids IS NOT NULL;
COMMENT ON TABLE maintenance.audit_blocks IS
    'The chains that show whether an audit table was tampered with, one for each table and tenant; only the owner writes here';
COMMENT ON COLUMN maintenance.audit_blocks.table_name IS 'The audit table, with its schema';
COMMENT ON COLUMN maintenance.audit_blocks.tenant_id IS 'Whose chain it is; empty for what belongs to no tenant';
COMMENT ON COLUMN maintenance.audit_blocks.number IS 'Counts from 1 without a gap';
COMMENT ON COLUMN maintenance.audit_blocks.entries IS 'How many rows were entered or erased';
COMMENT ON COLUMN maintenance.audit_blocks.erased IS 'How many of them were erased';
COMMENT ON COLUMN maintenance.audit_blocks.row_from IS 'The oldest time of its rows';
COMMENT ON COLUMN maintenance.audit_blocks.row_to IS 'The newest time of its rows';
COMMENT ON COLUMN maintenance.audit_blocks.kinds IS 'Of each entry; the four lists go when retention has taken the rows';
COMMENT ON COLUMN maintenance.audit_blocks.row_ids IS 'The row of each entry';
COMMENT ON COLUMN maintenance.audit_blocks.row_times IS 'The time of each entry''s row';
COMMENT ON COLUMN maintenance.audit_blocks.row_hashes IS 'SHA-256 of what each entry''s row said';
COMMENT ON COLUMN maintenance.audit_blocks.rows_hash IS 'SHA-256 of the four lists';
COMMENT ON COLUMN maintenance.audit_blocks.previous_hash IS 'The hash of the block before; empty for the first';
COMMENT ON COLUMN maintenance.audit_blocks.hash IS 'SHA-256 of all the other columns: kept elsewhere, it proves what came before';
COMMENT ON COLUMN maintenance.audit_blocks.created_at IS 'When it was sealed';
COMMENT ON INDEX maintenance.idx_audit_blocks_rows IS 'What was sealed of a day';

GRANT SELECT ON maintenance.audit_entries, maintenance.audit_blocks TO mcp_worker;
