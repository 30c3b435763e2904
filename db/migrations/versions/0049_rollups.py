"""Requests, calls of shared services and samples of servers, counted by hours and days."""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_HERE: Final = Path(__file__).with_suffix("")

# A table, and the column that it is partitioned by.
COUNTED: Final = (
    ("gateway.request_logs", "request_time"),
    ("public.service_usage_analytics", "timestamp"),
    ("gateway.server_metrics", "timestamp"),
)
ROLLUPS: Final = ("gateway.request_rollups", "service_usage_rollups", "gateway.metric_rollups")
# What is there is counted by the first ticks.
TRIGGER: Final = """
CREATE TRIGGER {name}_counted AFTER INSERT ON {table} REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION maintenance.mark_hours('{column}');
INSERT INTO rollup_marks (table_name, hour)
SELECT DISTINCT '{table}', date_trunc('hour', e.{column}, 'UTC') FROM {table} e;
"""
CONTRACT: Final = """
INSERT INTO message_contracts (wire_name, queue, sender)
VALUES ('maintenance.rollups_due.v1', 'maintenance', 'scheduler')
"""


def upgrade() -> None:
    """Create the tables and functions, mark what there is, and let the summaries read what is counted."""
    op.execute((_HERE / "tables.sql").read_text(encoding="utf-8"))
    for table in ROLLUPS:
        op.execute((_HERE / "measures.sql").read_text(encoding="utf-8").format(table=table))
    op.execute((_HERE / "counting.sql").read_text(encoding="utf-8"))
    for table, column in COUNTED:
        op.execute(TRIGGER.format(table=table, name=table.partition(".")[2], column=column))
    op.execute((_HERE / "answers.sql").read_text(encoding="utf-8"))
    op.execute(CONTRACT)
    op.execute(
        """
        COMMENT ON COLUMN gateway.mcp_servers.avg_response_time IS
            'Milliseconds; of the last day''s requests, or of its checks while there were none';
        COMMENT ON COLUMN gateway.mcp_servers.success_rate IS
            'Per cent; of the last day''s requests, or of its checks while there were none';
        """
    )


def downgrade() -> None:
    """Let the summaries read rows only, and drop what was counted."""
    op.execute((_HERE / "answers_before.sql").read_text(encoding="utf-8"))
    for table, _ in COUNTED:
        op.execute(f"DROP TRIGGER {table.partition('.')[2]}_counted ON {table}")
    op.execute(
        """
        COMMENT ON COLUMN gateway.mcp_servers.avg_response_time IS 'Milliseconds';
        COMMENT ON COLUMN gateway.mcp_servers.success_rate IS 'Per cent';
        DELETE FROM message_contracts WHERE wire_name = 'maintenance.rollups_due.v1';
        DELETE FROM maintenance.user_references WHERE table_name = 'request_users';
        DROP FUNCTION counted_spans(text, timestamptz);
        DROP FUNCTION maintenance.roll_up(text, integer);
        DROP FUNCTION maintenance.count_samples(timestamptz[]);
        DROP FUNCTION maintenance.count_uses(timestamptz[]);
        DROP FUNCTION maintenance.count_requests(timestamptz[]);
        DROP FUNCTION maintenance.count_days(regclass, text, timestamptz[]);
        DROP FUNCTION maintenance.mark_hours();
        DROP TABLE gateway.metric_rollups;
        DROP TABLE service_usage_rollups;
        DROP TABLE gateway.request_users;
        DROP TABLE gateway.request_rollups;
        DROP TABLE rollup_hours;
        DROP TABLE rollup_marks;
        """
    )
