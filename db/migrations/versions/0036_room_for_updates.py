"""Room for a second version of every instance on its page: each is updated all the time, all at once."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Leave half of each new page free, so that an update of a column without an index writes no index."""
    op.execute("ALTER TABLE mcp_instances SET (fillfactor = 50)")


def downgrade() -> None:
    """Fill pages as before."""
    op.execute("ALTER TABLE mcp_instances SET (fillfactor = 85)")
