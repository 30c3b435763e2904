"""An index of live instances by their expiry, for the tick that ends them."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index; by idx_mcp_instances_expires_at the tick would read all that ever expired."""
    op.execute(
        """
        CREATE INDEX idx_mcp_instances_expiry_due ON mcp_instances (expires_at)
            WHERE deleted_at IS NULL AND status IN ('pending', 'running');
        COMMENT ON INDEX idx_mcp_instances_expiry_due IS
            'For the tick that ends live instances, which are few among those that have ended';
        """
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX idx_mcp_instances_expiry_due")
