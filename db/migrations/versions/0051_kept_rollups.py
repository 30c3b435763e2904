"""What is counted goes by policies, follows archives that come back, and answers the view of performance."""

import re
from pathlib import Path
from typing import Final

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_FOLDER: Final = Path(__file__).with_suffix("")
_COUNTING: Final = _FOLDER.parent / "0049_rollups" / "counting.sql"
_REPORTS: Final = _FOLDER.parent / "0022_reports.py"
_TRIGGERS: Final = "ALTER TABLE maintenance.row_policies {} TRIGGER row_policies_kept"
_TOLD: Final = """     WHERE s.id = met.server_id
       AND (s.avg_response_time, s.success_rate) IS DISTINCT FROM (met.response_ms, met.success::double precision);
"""
# A check may hold a server and want another: who counts waits for none, and what is left out is told next time.
_TELL: Final = """     WHERE s.id = met.server_id
       AND s.id = ANY (ARRAY(
           SELECT free.id FROM gateway.mcp_servers free
            WHERE free.id = met.server_id
              AND (free.avg_response_time, free.success_rate)
                  IS DISTINCT FROM (met.response_ms, met.success::double precision)
              FOR NO KEY UPDATE SKIP LOCKED));
"""


def upgrade() -> None:
    """Count by what is retired, wait for no server, keep hours and days for their time."""
    op.execute(_text(_FOLDER / "counting.sql"))
    op.execute(_function("count_requests").replace(_TOLD, _TELL))
    # What a migration enters nobody changed.
    op.execute(_TRIGGERS.format("DISABLE"))
    op.execute(_text(_FOLDER / "keeping.sql"))
    op.execute(_TRIGGERS.format("ENABLE"))
    op.execute(_text(_FOLDER / "answers.sql"))


def downgrade() -> None:
    """Keep all that is counted for ever, as before."""
    view = re.search(r"CREATE VIEW performance_monitoring.*?;", _text(_REPORTS), re.DOTALL)
    if view:
        op.execute(view[0].replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))
    op.execute(_TRIGGERS.format("DISABLE"))
    op.execute(
        """
        DELETE FROM maintenance.row_policies
         WHERE table_name IN ('gateway.metric_rollups', 'gateway.request_rollups', 'gateway.request_users',
                              'public.rollup_hours', 'public.service_usage_rollups')
        """
    )
    op.execute(_TRIGGERS.format("ENABLE"))
    op.execute(_function("count_requests"))
    op.execute(_function("roll_up"))
    op.execute(
        """
        DROP TRIGGER request_logs_forgotten ON gateway.request_logs;
        DROP FUNCTION maintenance.mark_forgotten();
        DROP INDEX idx_rollup_hours_hour;
        DROP INDEX idx_service_usage_rollups_starts_at;
        DROP INDEX gateway.idx_metric_rollups_starts_at;
        DROP INDEX gateway.idx_request_rollups_starts_at;
        """
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _function(name: str) -> str:
    """Give a function of the counting as it was made."""
    text = _text(_COUNTING)
    begins = text.index(f"CREATE FUNCTION maintenance.{name}(")
    made = text[begins : text.index("END $$;", begins) + len("END $$;")]
    return made.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
