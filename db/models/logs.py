"""Lines that instances printed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Id, Json, Now, Str10, Str50


class LogLine(Base):
    """One line of an instance."""

    __tablename__ = "mcp_logs"
    __table_args__ = (
        CheckConstraint("level IN ('debug', 'info', 'warn', 'error')", name="level"),
        CheckConstraint("source IN ('process', 'system', 'api')", name="source"),
        Index("idx_mcp_logs_instance_timestamp", "mcp_instance_id", text("timestamp DESC")),
        Index("idx_mcp_logs_timestamp", text("timestamp DESC")),
        Index("idx_mcp_logs_level", "level", postgresql_where=text("level IN ('warn', 'error')")),
        {"postgresql_partition_by": "RANGE (timestamp)"},
    )

    id: Mapped[Id]
    mcp_instance_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_instances.id", ondelete="CASCADE"))
    timestamp: Mapped[datetime] = mapped_column(primary_key=True, server_default=text("now()"))
    level: Mapped[Str10] = mapped_column(server_default=text("'info'"))
    source: Mapped[Str50] = mapped_column(server_default=text("'process'"))
    message: Mapped[str]
    metadata_: Mapped[Json] = mapped_column("metadata", server_default=text("'{}'"))
    created_at: Mapped[Now]


class QuarantinedLine(Base):
    """A line that could not be stored."""

    __tablename__ = "log_quarantine"
    __table_args__ = (
        Index("idx_log_quarantine_instance", "mcp_instance_id", "created_at"),
        Index("idx_log_quarantine_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    mcp_instance_id: Mapped[UUID | None]
    reason: Mapped[Str50]
    payload: Mapped[Json]
    created_at: Mapped[Now]
    message_id: Mapped[UUID | None]
    line_number: Mapped[int | None]
