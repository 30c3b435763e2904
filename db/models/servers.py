"""The gateway's servers and what they offer."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import (
    Base,
    Big,
    Dated,
    Items,
    Map,
    No,
    Str20,
    Str50,
    Str100,
    Str255,
    Str500,
    TextId,
    Total,
)

_SCHEMA: Final = {"schema": "gateway"}
_SERVER: Final = "gateway.mcp_servers.id"


class Server(Dated, Base):
    """An MCP server that the gateway routes to."""

    __tablename__ = "mcp_servers"
    __table_args__ = (
        CheckConstraint("transport_type = 'stdio' OR endpoint_url ~ '^(https?|wss?)://[^ ]+$'", name="valid_url"),
        CheckConstraint("timeout_ms > 0", name="positive_timeout"),
        CheckConstraint("expires_at > created_at", name="valid_date_range"),
        CheckConstraint("status IN ('active', 'inactive', 'maintenance')", name="server_status"),
        CheckConstraint(
            "health_status IN ('HEALTHY', 'UNHEALTHY', 'DEGRADED', 'UNKNOWN', 'MAINTENANCE')", name="health_status"
        ),
        CheckConstraint(
            "transport_type IN ('http', 'websocket', 'stdio', 'sse', 'streamable_http')", name="transport_type"
        ),
        CheckConstraint("success_rate BETWEEN 0 AND 100", name="success_rate"),
        Index("idx_mcp_servers_tenant_id", "tenant_id"),
        Index("idx_mcp_servers_tenant_status", "tenant_id", "health_status"),
        Index("idx_mcp_servers_tenant_id_status", "tenant_id", "status"),
        Index("idx_mcp_servers_active", "tenant_id", postgresql_where=text("status = 'active'")),
        Index("idx_mcp_servers_endpoint_transport", "endpoint_url", "transport_type"),
        Index(
            "idx_mcp_servers_health_check_time",
            "last_health_check",
            postgresql_where=text("last_health_check IS NOT NULL"),
        ),
        Index(
            "idx_mcp_servers_performance",
            "avg_response_time",
            "success_rate",
            postgresql_where=text("avg_response_time IS NOT NULL"),
        ),
        Index(
            "idx_servers_discovery_composite",
            "health_status",
            "transport_type",
            "avg_response_time",
            postgresql_where=text("health_status IN ('HEALTHY', 'DEGRADED')"),
        ),
        Index("idx_mcp_servers_config", "configuration", postgresql_using="gin"),
        Index(
            "idx_mcp_servers_search",
            # As the catalog writes it, for Alembic compares the words.
            text("to_tsvector('english'::regconfig, (name::text || ' '::text) || COALESCE(description, ''::text))"),
            postgresql_using="gin",
        ),
        Index("idx_mcp_servers_created_by", "created_by", postgresql_where=text("created_by IS NOT NULL")),
        Index(
            "idx_mcp_servers_tenant_id_name",
            "tenant_id",
            "name",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "unique_active_server",
            "tenant_id",
            "endpoint_url",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status = 'active' AND deleted_at IS NULL"),
        ),
        _SCHEMA,
    )

    id: Mapped[TextId]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[Str255]
    description: Mapped[str | None]
    version: Mapped[Str50] = mapped_column(server_default=text("'1.0.0'"))
    endpoint_url: Mapped[Str500]
    transport_type: Mapped[Str20] = mapped_column(server_default=text("'http'"))
    status: Mapped[Str20] = mapped_column(server_default=text("'inactive'"))
    health_status: Mapped[Str20] = mapped_column(server_default=text("'UNKNOWN'"))
    is_public: Mapped[No]
    capabilities: Mapped[Map]
    tags: Mapped[Items]
    configuration: Mapped[Map]
    metadata_: Mapped[Map] = mapped_column("metadata")
    health_metadata: Mapped[Map]
    timeout_ms: Mapped[int] = mapped_column(server_default=text("30000"))
    last_health_check: Mapped[datetime | None]
    avg_response_time: Mapped[float | None]
    success_rate: Mapped[float | None]
    active_connections: Mapped[int | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    registered_at: Mapped[datetime | None]
    discovered_at: Mapped[datetime | None]


class ServerTool(Dated, Base):
    """A tool that a server lists."""

    __tablename__ = "server_tools"
    __table_args__ = (
        UniqueConstraint("server_id", "name"),
        CheckConstraint("total_calls >= 0 AND success_count >= 0 AND error_count >= 0", name="call_counts"),
        Index("idx_server_tools_name_server", "name", "server_id"),
        Index("idx_server_tools_usage_stats", "total_calls", "success_count", postgresql_where=text("total_calls > 0")),
        Index(
            "idx_tools_discovery_performance",
            "name",
            "success_count",
            "avg_execution_time",
            "server_id",
            postgresql_where=text("total_calls > 0"),
        ),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    name: Mapped[Str255]
    description: Mapped[str | None]
    tool_schema: Mapped[Map]
    tags: Mapped[Items]
    total_calls: Mapped[Total]
    success_count: Mapped[Total]
    error_count: Mapped[Total]
    avg_execution_time: Mapped[float | None]


class ServerResource(Dated, Base):
    """A resource that a server lists."""

    __tablename__ = "server_resources"
    __table_args__ = (
        UniqueConstraint("server_id", "uri_template"),
        CheckConstraint("total_accesses >= 0 AND avg_size_bytes >= 0", name="access_counts"),
        Index("idx_server_resources_uri_server", "uri_template", "server_id"),
        Index("idx_server_resources_mime_type", "mime_type", postgresql_where=text("mime_type IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    uri_template: Mapped[Str500]
    name: Mapped[Str255 | None]
    description: Mapped[str | None]
    mime_type: Mapped[Str100 | None]
    total_accesses: Mapped[Total]
    avg_size_bytes: Mapped[Big | None]
