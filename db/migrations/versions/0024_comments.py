"""What every table, column and index that said nothing so far is for."""

import re
from pathlib import Path
from typing import Final

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

COMMENTS: Final = Path(__file__).with_suffix("")
SENTENCE: Final = re.compile(r"\bIS\s+'(?:[^']|'')*';")

# Columns that mean the same wherever they are.
MADE: Final = {
    "created_at": "When the row was made",
    "updated_at": "When the row was last changed; a trigger keeps it",
}
TABLES: Final = (
    "api_keys",
    "encryption_keys",
    "instance_health",
    "mcp_instances",
    "mcp_types",
    "organizations",
    "outbox",
    "port_allocations",
    "redeliveries",
    "service_health_status",
    "service_registry",
    "system_settings",
    "tenants",
    "user_service_instances",
    "users",
    "users_organizations",
    "gateway.api_keys",
    "gateway.circuit_breakers",
    "gateway.connection_pools",
    "gateway.enhanced_api_keys",
    "gateway.materialized_views",
    "gateway.mcp_servers",
    "gateway.performance_alerts",
    "gateway.request_queues",
    "gateway.routing_rules",
    "gateway.server_access_control",
    "gateway.server_resources",
    "gateway.server_tools",
    "gateway.sessions",
    "gateway.system_configs",
    "maintenance.data_retention_policies",
)

# An archived row is what the row was, so its columns say what those of the row say.
COPY: Final = """
DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT a.attrelid::regclass AS archive, a.attname AS name, col_description(o.attrelid, o.attnum) AS sentence
          FROM (VALUES ('mcp_instances'::regclass, 'mcp_instances_archive'::regclass),
                       ('mcp_types'::regclass, 'mcp_types_archive'::regclass)) AS pair (original, archive)
          JOIN pg_attribute o ON o.attrelid = pair.original AND o.attnum > 0 AND NOT o.attisdropped
          JOIN pg_attribute a ON a.attrelid = pair.archive AND a.attname = o.attname
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS {}', kept.archive, kept.name{});
    END LOOP;
END $$;
"""


def upgrade() -> None:
    """Comment on what has no comment yet."""
    op.execute(_repeated())
    for sentences in _written():
        op.execute(sentences)
    op.execute(COPY.format("%L", ", kept.sentence"))


def downgrade() -> None:
    """Take the comments away again."""
    op.execute(COPY.format("NULL", ""))
    for sentences in (_repeated(), *_written()):
        op.execute(SENTENCE.sub("IS NULL;", sentences))


def _repeated() -> str:
    return "\n".join(
        f"COMMENT ON COLUMN {table}.{column} IS '{sentence}';" for table in TABLES for column, sentence in MADE.items()
    )


def _written() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(COMMENTS.glob("*.sql"))]
