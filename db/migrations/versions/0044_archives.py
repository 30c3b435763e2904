"""What an archive is written from and compared with, page by page, and who is writing one."""

from typing import Final

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

LEASE: Final = """
ALTER TABLE maintenance.detached_partitions
    ADD COLUMN archiver    uuid,
    ADD COLUMN archiving_until timestamptz,
    ADD CONSTRAINT check_archiving CHECK ((archiver IS NULL) = (archiving_until IS NULL));
COMMENT ON COLUMN maintenance.detached_partitions.archiver IS 'Who writes its archive';
COMMENT ON COLUMN maintenance.detached_partitions.archiving_until IS
    'Until then nobody else begins to; who writes says again and again that it goes on';

CREATE FUNCTION maintenance.lease_archive(p_relation text, p_holder uuid, p_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    UPDATE maintenance.detached_partitions d
       SET archiver = p_holder, archiving_until = now() + make_interval(secs => least(p_seconds, 3600))
     WHERE d.relation = p_relation AND d.dropped_at IS NULL AND d.archived_rows IS NULL
       AND (d.archiver IS NULL OR d.archiver = p_holder OR d.archiving_until < now());
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION maintenance.lease_archive(text, uuid, integer) IS
    'Lets one at a time write the archive of a detached partition, for some seconds; false if it is another''s turn';
"""

# The text of a value depends on settings, so both functions bring their own.
SPELLING: Final = """SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' SET xmloption = 'content'"""
# By blocks, so that no transaction lasts as long as the whole partition does, and each part is found at once.
READING: Final = """
CREATE FUNCTION maintenance.page(p_relation text, p_columns text[], p_from bigint, p_to bigint) RETURNS SETOF text[]
LANGUAGE plpgsql STABLE {spelling} AS $$
DECLARE
    told text;
BEGIN
    SELECT string_agg(format('t.%I::text', name), ', ' ORDER BY place) INTO told
      FROM unnest(p_columns) WITH ORDINALITY AS c (name, place);
    RETURN QUERY EXECUTE format(
        'SELECT ARRAY[%s]::text[] FROM ONLY %s t WHERE t.ctid >= ''(%s,0)''::tid AND t.ctid < ''(%s,0)''::tid',
        told, p_relation::regclass, p_from, p_to);
END $$;
COMMENT ON FUNCTION maintenance.page(text, text[], bigint, bigint) IS
    'The rows of some blocks of a relation, each value as text that is read back as the same';

CREATE FUNCTION maintenance.tally(p_relation text, p_columns text[], p_from bigint, p_to bigint,
                                  OUT rows bigint, OUT total numeric)
LANGUAGE plpgsql STABLE {spelling} AS $$
DECLARE
    told text;
BEGIN
    SELECT string_agg(format('coalesce(length(t.%1$I::text) || '':'' || t.%1$I::text, ''-'')', name), ' || '
                      ORDER BY place)
      INTO told FROM unnest(p_columns) WITH ORDINALITY AS c (name, place);
    EXECUTE format(
        'SELECT count(*), coalesce(sum((''x'' || encode(substring(sha256(convert_to(%s, ''UTF8'')) FOR 8), ''hex''))'
        '::bit(64)::bigint), 0) FROM ONLY %s t WHERE t.ctid >= ''(%s,0)''::tid AND t.ctid < ''(%s,0)''::tid',
        told, p_relation::regclass, p_from, p_to) INTO rows, total;
END $$;
COMMENT ON FUNCTION maintenance.tally(text, text[], bigint, bigint) IS
    'How many rows some blocks of a relation have, and the sum of their digests, the same in whatever order they are';
"""

RIGHTS: Final = """
INSERT INTO message_contracts (wire_name, queue, sender)
VALUES ('maintenance.archive_due.v1', 'maintenance', 'scheduler');
REVOKE EXECUTE ON FUNCTION maintenance.lease_archive(text, uuid, integer),
    maintenance.page(text, text[], bigint, bigint), maintenance.tally(text, text[], bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.lease_archive(text, uuid, integer),
    maintenance.page(text, text[], bigint, bigint), maintenance.tally(text, text[], bigint, bigint) TO mcp_worker;
"""


def upgrade() -> None:
    """Create the columns and the functions."""
    for statements in (LEASE, READING, RIGHTS):
        op.execute(statements.replace("{spelling}", SPELLING))


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DELETE FROM message_contracts WHERE wire_name = 'maintenance.archive_due.v1';
        DROP FUNCTION maintenance.tally(text, text[], bigint, bigint);
        DROP FUNCTION maintenance.page(text, text[], bigint, bigint);
        DROP FUNCTION maintenance.lease_archive(text, uuid, integer);
        ALTER TABLE maintenance.detached_partitions DROP COLUMN archiving_until, DROP COLUMN archiver;
        """
    )
