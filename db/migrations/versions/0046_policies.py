"""Legal holds, and policies for tables that grow and are not partitioned."""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_FOLDER: Final = Path(__file__).with_suffix("")
_FILES: Final = ("holds", "drop", "rows")
# As it was before there were holds.
_DROP: Final = Path(__file__).parent / "0040_calendar" / "retire.sql"


def upgrade() -> None:
    """Create the tables and what goes by them."""
    for name in _FILES:
        op.execute((_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them; nothing is held any more."""
    op.execute(_DROP.read_text(encoding="utf-8"))
    op.execute(
        """
        DELETE FROM message_contracts
         WHERE wire_name IN ('maintenance.pruning_due.v1', 'maintenance.dead_letters_due.v1');
        DROP FUNCTION maintenance.prune(integer);
        DROP INDEX maintenance.idx_detached_partitions_dropped_at;
        DROP INDEX maintenance.idx_runs_finished_at;
        DROP INDEX idx_dead_letters_settled;
        DROP INDEX idx_service_usage_quarantine_created_at;
        DROP INDEX idx_log_quarantine_created_at;
        DROP TABLE maintenance.row_policies;
        ALTER TABLE maintenance.detached_partitions DROP COLUMN held_by;
        DROP FUNCTION maintenance.hold_on_user(uuid);
        DROP FUNCTION maintenance.hold_on(oid);
        DROP FUNCTION maintenance.held_rows(oid, maintenance.legal_holds);
        DROP VIEW maintenance.all_instances;
        DROP VIEW maintenance.open_holds;
        DROP TABLE maintenance.legal_holds;
        """
    )
