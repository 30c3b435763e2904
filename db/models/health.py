"""What probes found."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Now, Str10, Str20

_VERDICTS: Final = (
    "verdict IN ('up', 'degraded', 'auth_required', 'restarted', "
    "'protocol_error', 'tools_missing', 'unreachable', 'timeout')"
)
_ERAS: Final = "era IN ('modern', 'legacy')"


class HealthCheck(Base):
    """One check of an instance."""

    __tablename__ = "health_checks"
    __table_args__ = (
        CheckConstraint(_VERDICTS, name="verdict"),
        CheckConstraint(_ERAS, name="era"),
        CheckConstraint("response_ms >= 0", name="response_ms"),
        {"postgresql_partition_by": "RANGE (scheduled_at)"},
    )

    mcp_instance_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_instances.id", ondelete="CASCADE"), primary_key=True)
    scheduled_at: Mapped[datetime] = mapped_column(primary_key=True)
    verdict: Mapped[Str20]
    checked_at: Mapped[datetime]
    response_ms: Mapped[float | None]
    error: Mapped[str | None]
    era: Mapped[Str10 | None]
    created_at: Mapped[Now]


class InstanceHealth(Dated, Base):
    """The verdict of the newest check of an instance."""

    __tablename__ = "instance_health"
    __table_args__ = (
        CheckConstraint(_VERDICTS, name="verdict"),
        CheckConstraint(_ERAS, name="era"),
        CheckConstraint("consecutive_failures >= 0", name="consecutive_failures"),
        Index("idx_instance_health_failing", "consecutive_failures", postgresql_where=text("consecutive_failures > 0")),
    )

    mcp_instance_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_instances.id", ondelete="CASCADE"), primary_key=True)
    verdict: Mapped[Str20]
    scheduled_at: Mapped[datetime]
    checked_at: Mapped[datetime]
    response_ms: Mapped[float | None]
    error: Mapped[str | None]
    era: Mapped[Str10 | None]
    consecutive_failures: Mapped[int] = mapped_column(server_default=text("0"))
    last_alive_at: Mapped[datetime | None]
