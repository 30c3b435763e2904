"""What the whole life of an instance needs: deadlines, restoring, ports that are set aside."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the setting."""
    op.execute(
        """
        ALTER TABLE mcp_instances
            ADD COLUMN pending_since timestamptz NOT NULL DEFAULT now(),
            ADD COLUMN restored_at   timestamptz,
            ADD COLUMN stats_at      timestamptz;
        COMMENT ON COLUMN mcp_instances.pending_since IS
            'Since when it waits, or last waited, to be started; past mcp.start_deadline_minutes it is given up';
        COMMENT ON COLUMN mcp_instances.restored_at IS
            'When its present life was asked for; facts from before it are of an earlier life';
        COMMENT ON COLUMN mcp_instances.stats_at IS 'When the stats were taken; a newer report replaces them';
        CREATE INDEX idx_mcp_instances_pending ON mcp_instances (pending_since)
            WHERE status = 'pending' AND deleted_at IS NULL;
        COMMENT ON INDEX idx_mcp_instances_pending IS
            'For the tick that gives up what was never started: few rows wait, among all there are';

        ALTER TABLE mcp_instances_archive
            ADD COLUMN pending_since timestamptz NOT NULL DEFAULT now(),
            ADD COLUMN restored_at   timestamptz,
            ADD COLUMN stats_at      timestamptz;
        ALTER TABLE mcp_instances_archive ALTER COLUMN pending_since DROP DEFAULT;
        COMMENT ON COLUMN mcp_instances_archive.pending_since IS 'Since when it last waited to be started';
        COMMENT ON COLUMN mcp_instances_archive.restored_at IS 'When its last life was asked for';
        COMMENT ON COLUMN mcp_instances_archive.stats_at IS 'When the stats were taken';

        ALTER TABLE port_allocations
            ADD COLUMN from_range       boolean NOT NULL DEFAULT false,
            ADD COLUMN set_aside_at     timestamptz,
            ADD COLUMN set_aside_reason text,
            ADD CONSTRAINT check_set_aside CHECK (
                set_aside_at IS NULL
                OR (NOT is_available AND mcp_instance_id IS NULL AND set_aside_reason IS NOT NULL));
        UPDATE port_allocations SET from_range = true
         WHERE port BETWEEN (SELECT (value #>> '{}')::integer FROM system_settings WHERE key = 'port.range_start')
                        AND (SELECT (value #>> '{}')::integer FROM system_settings WHERE key = 'port.range_end');
        COMMENT ON COLUMN port_allocations.is_available IS
            'May be leased; a port that is not, nor leased or set aside, lost its instance and waits to be reconciled';
        COMMENT ON COLUMN port_allocations.from_range IS
            'Made from the settings port.range_start and port.range_end, and removed when they no longer have it';
        COMMENT ON COLUMN port_allocations.set_aside_at IS
            'When somebody else was found on the port; it is leased again some time after';
        COMMENT ON COLUMN port_allocations.set_aside_reason IS 'Who was found there, as the host said it';

        -- Events of one transaction keep their order.
        ALTER TABLE mcp_events ALTER COLUMN created_at SET DEFAULT clock_timestamp();

        INSERT INTO system_settings (key, value, description) VALUES
            ('mcp.start_deadline_minutes', '10', 'Minutes after which an instance that never started is given up'),
            ('port.set_aside_minutes',     '60', 'Minutes after which a port that was taken is tried again')
        ON CONFLICT (key) DO NOTHING;
        """
    )


def downgrade() -> None:
    """Remove them."""
    op.execute(
        """
        ALTER TABLE mcp_events ALTER COLUMN created_at SET DEFAULT now();
        DELETE FROM system_settings WHERE key IN ('mcp.start_deadline_minutes', 'port.set_aside_minutes');
        COMMENT ON COLUMN port_allocations.is_available IS
            'May be leased; a port that is neither available nor leased lost its instance and waits to be reconciled';
        ALTER TABLE port_allocations DROP CONSTRAINT check_set_aside,
            DROP COLUMN set_aside_at, DROP COLUMN set_aside_reason, DROP COLUMN from_range;
        ALTER TABLE mcp_instances_archive DROP COLUMN pending_since, DROP COLUMN restored_at, DROP COLUMN stats_at;
        DROP INDEX idx_mcp_instances_pending;
        ALTER TABLE mcp_instances DROP COLUMN pending_since, DROP COLUMN restored_at, DROP COLUMN stats_at;
        """
    )
