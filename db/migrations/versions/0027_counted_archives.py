"""What must be archived is dropped only when its archive was counted against it."""

from typing import Final

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE maintenance.detached_partitions
    ADD COLUMN archive_uri    text,
    ADD COLUMN archived_rows  bigint,
    ADD COLUMN archive_sha256 varchar(64),
    ADD CONSTRAINT check_archive CHECK (
        (archived_rows IS NULL) = (archive_uri IS NULL) AND (archived_rows IS NULL) = (archive_sha256 IS NULL)
        AND (archived_rows IS NULL OR archived_at IS NOT NULL)),
    ADD CONSTRAINT check_archived_rows CHECK (archived_rows >= 0),
    ADD CONSTRAINT check_archive_sha256 CHECK (archive_sha256 ~ '^[0-9a-f]{64}$');
COMMENT ON COLUMN maintenance.detached_partitions.archive_uri IS 'Where the archive is';
COMMENT ON COLUMN maintenance.detached_partitions.archived_rows IS
    'How many rows the archive has: counted against the partition when it was marked';
COMMENT ON COLUMN maintenance.detached_partitions.archive_sha256 IS 'What the archive is checked with when it is read';
"""

MARK = """
CREATE FUNCTION maintenance.mark_archived(p_relation text, p_uri text, p_rows bigint, p_sha256 text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    kept  maintenance.detached_partitions;
    held  bigint;
BEGIN
    SELECT * INTO kept FROM maintenance.detached_partitions d
     WHERE d.relation = p_relation AND d.dropped_at IS NULL FOR UPDATE;
    -- Only the very relation that was detached: not a namesake, and not one that was attached again.
    IF NOT FOUND OR NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = kept.relid AND c.oid = to_regclass(kept.relation)
           AND n.nspname = 'archive' AND NOT c.relispartition
    ) THEN
        RAISE EXCEPTION '% is not a partition that was detached', p_relation USING ERRCODE = 'undefined_table';
    END IF;
    -- Rows could still vanish through a foreign key that cascades, after they were counted.
    IF EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = kept.relid AND k.contype = 'f') THEN
        RAISE EXCEPTION '% still has foreign keys: the next step of retention frees it of them', p_relation
            USING ERRCODE = 'data_exception';
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', kept.relid::regclass);
    EXECUTE format('SELECT count(*) FROM %s', kept.relid::regclass) INTO held;
    IF held IS DISTINCT FROM p_rows THEN
        RAISE EXCEPTION '% has % rows and its archive %: archive it again', p_relation, held, p_rows
            USING ERRCODE = 'data_exception';
    END IF;
    IF kept.archived_rows IS NOT NULL AND kept.archive_sha256 = p_sha256 AND kept.archive_uri = p_uri THEN
        RETURN false;
    END IF;
    UPDATE maintenance.detached_partitions d
       SET archived_at = now(), archive_uri = p_uri, archived_rows = p_rows, archive_sha256 = p_sha256
     WHERE d.relid = kept.relid AND d.detached_at = kept.detached_at;
    RETURN true;
END $$;
COMMENT ON FUNCTION maintenance.mark_archived(text, text, bigint, text) IS
    'Remembers where a detached partition is archived, if the archive has as many rows; false if it was remembered';
REVOKE EXECUTE ON FUNCTION maintenance.mark_archived(text, text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.mark_archived(text, text, bigint, text) TO mcp_worker;
"""

DROP: Final = """
CREATE OR REPLACE FUNCTION maintenance.drop_detached() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    due    record;
    intact boolean;
BEGIN
    FOR due IN
        SELECT d.relation, d.relid, d.detached_at FROM maintenance.detached_partitions d
         WHERE {condition}
         ORDER BY d.drop_after, d.relation FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            -- Only the very relation that was detached: not a namesake, and not one that was attached again.
            SELECT count(*) = 1 INTO intact FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = due.relid AND c.oid = to_regclass(due.relation)
               AND n.nspname = 'archive' AND NOT c.relispartition;
            IF intact THEN
                EXECUTE format('DROP TABLE %s', due.relid::regclass);
            END IF;
            UPDATE maintenance.detached_partitions d SET dropped_at = now()
             WHERE d.relid = due.relid AND d.detached_at = due.detached_at;
            IF intact THEN
                RETURN due.relation;
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RETURN NULL;
END $$;
"""
# What the policy said when the partition was detached counts, and what it says now.
COUNTED: Final = """d.dropped_at IS NULL AND d.drop_after <= now()
           AND (d.archived_rows IS NOT NULL OR NOT d.needs_archive AND NOT EXISTS (
                SELECT FROM maintenance.data_retention_policies p
                 WHERE format('%I.%I', p.schema_name, p.table_name) = d.parent AND p.strategy = 'detach_archive'))"""
MARKED: Final = (
    """d.dropped_at IS NULL AND d.drop_after <= now() AND (NOT d.needs_archive OR d.archived_at IS NOT NULL)"""
)


def upgrade() -> None:
    """Create the columns and the function, and have dropping ask for both."""
    op.execute(COLUMNS)
    op.execute(MARK)
    op.execute(DROP.replace("{condition}", COUNTED))


def downgrade() -> None:
    """Undo that; an archive that was marked stays marked."""
    op.execute(DROP.replace("{condition}", MARKED))
    op.execute(
        """
        DROP FUNCTION maintenance.mark_archived(text, text, bigint, text);
        ALTER TABLE maintenance.detached_partitions
            DROP COLUMN archive_sha256, DROP COLUMN archived_rows, DROP COLUMN archive_uri;
        """
    )
