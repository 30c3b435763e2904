"""Room in the quarantine for a line that fits no contract: it may not even say whose it is."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say where a line came from, and let it have no instance."""
    op.execute(
        """
        ALTER TABLE log_quarantine
            ALTER COLUMN mcp_instance_id DROP NOT NULL,
            ADD COLUMN message_id uuid,
            ADD COLUMN line_number integer;
        COMMENT ON COLUMN log_quarantine.mcp_instance_id IS
            'As the line says; no foreign key, for this is where unknown instances go. Empty if it says none';
        COMMENT ON COLUMN log_quarantine.message_id IS 'The message that the line came in';
        COMMENT ON COLUMN log_quarantine.line_number IS 'Its place in that message, from 1';
        COMMENT ON COLUMN log_quarantine.payload IS
            'The whole line; of one that does not fit the contract as much as is kept, and the problem';
        """
    )


def downgrade() -> None:
    """Forget the lines that older code could not have put here, and where the others came from."""
    op.execute(
        """
        DELETE FROM log_quarantine WHERE mcp_instance_id IS NULL;
        ALTER TABLE log_quarantine
            DROP COLUMN line_number,
            DROP COLUMN message_id,
            ALTER COLUMN mcp_instance_id SET NOT NULL;
        COMMENT ON COLUMN log_quarantine.mcp_instance_id IS
            'As the line says; no foreign key, for this is where unknown instances go';
        COMMENT ON COLUMN log_quarantine.payload IS 'The whole line';
        """
    )
