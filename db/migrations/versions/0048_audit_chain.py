"""Chains of hashes that show whether somebody changed, removed or slipped in a row of an audit table."""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_HERE: Final = Path(__file__).with_suffix("")

# A table, how its rows tell whose they are, and the column that it is partitioned by.
CHAINED: Final = (
    ("gateway.audit_logs", "e.tenant_id", "timestamp"),
    ("gateway.fastmcp_audit_log", "e.tenant_id", "timestamp"),
    ("public.audit_log", "NULL::text", "created_at"),
)
TRIGGERS: Final = """
CREATE TRIGGER {name}_entered AFTER INSERT ON {table} REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION maintenance.note_entered('{tenant}', '{column}');
CREATE TRIGGER {name}_erased AFTER UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION maintenance.note_erased('{table}', '{tenant}', '{column}');
INSERT INTO maintenance.audit_entries (table_name, tenant_id, kind, row_id, row_time, row_hash)
SELECT '{table}', coalesce({tenant}, ''), 'entered', e.id, e.{column}, maintenance.audit_hash(e)
  FROM {table} e ORDER BY e.{column}, e.id;
"""
CONTRACT: Final = """
INSERT INTO message_contracts (wire_name, queue, sender)
VALUES ('maintenance.audit_seal_due.v1', 'maintenance', 'scheduler')
"""


def upgrade() -> None:
    """Create the tables and functions, and note what the audit tables hold already."""
    for part in ("tables", "hashes", "sealing"):
        op.execute((_HERE / f"{part}.sql").read_text(encoding="utf-8"))
    op.execute(CONTRACT)
    for table, tenant, column in CHAINED:
        op.execute(TRIGGERS.format(table=table, name=table.partition(".")[2], tenant=tenant, column=column))


def downgrade() -> None:
    """Drop them."""
    for table, _, _ in CHAINED:
        name = table.partition(".")[2]
        op.execute(f"DROP TRIGGER {name}_erased ON {table}; DROP TRIGGER {name}_entered ON {table}")
    op.execute(
        """
        DELETE FROM message_contracts WHERE wire_name = 'maintenance.audit_seal_due.v1';
        DROP FUNCTION maintenance.seal_audit(integer);
        DROP FUNCTION maintenance.note_erased();
        DROP FUNCTION maintenance.note_entered();
        DROP FUNCTION maintenance.audit_block_hash(maintenance.audit_blocks);
        DROP FUNCTION maintenance.audit_rows_hash(varchar[], uuid[], timestamptz[], bytea[]);
        DROP FUNCTION maintenance.audit_hash(public.audit_log);
        DROP FUNCTION maintenance.audit_hash(gateway.fastmcp_audit_log);
        DROP FUNCTION maintenance.audit_hash(gateway.audit_logs);
        DROP TABLE maintenance.audit_blocks;
        DROP TABLE maintenance.audit_entries;
        """
    )
