"""What is checked, by whom, and what probes found."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Id, Now, Str10, Str20, Str255, Zero

_VERDICTS: Final = (
    "verdict IN ('up', 'degraded', 'auth_required', 'restarted', "
    "'protocol_error', 'tools_missing', 'unreachable', 'timeout')"
)
_ERAS: Final = "era IN ('modern', 'legacy')"
_SUBJECT: Final = (
    "kind IN ('instance', 'process', 'service', 'server')"
    " AND (mcp_instance_id IS NOT NULL) = (kind IN ('instance', 'process'))"
    " AND (service_type IS NOT NULL) = (kind = 'service')"
    " AND (server_id IS NOT NULL) = (kind = 'server')"
    " AND (host_id IS NOT NULL) = (kind = 'process')"
)
_TIMES: Final = (
    "interval_seconds BETWEEN 1 AND 86400"
    " AND timeout_seconds BETWEEN 0.1 AND 30 AND timeout_seconds <= interval_seconds"
    " AND jitter_seconds >= 0 AND jitter_seconds < interval_seconds"
    " AND reset_seconds > 0 AND reset_limit_seconds >= reset_seconds"
)


class HealthTarget(Base):
    """What is checked: how often, when next, and what the newest check found."""

    __tablename__ = "health_targets"
    __table_args__ = (
        UniqueConstraint("mcp_instance_id", "kind"),
        UniqueConstraint("service_type"),
        UniqueConstraint("server_id"),
        CheckConstraint(_SUBJECT, name="target_subject"),
        CheckConstraint("kind <> 'instance' OR id = mcp_instance_id", name="instance_target"),
        CheckConstraint(_TIMES, name="target_times"),
        CheckConstraint("failure_threshold >= 1 AND recovery_threshold >= 2", name="target_thresholds"),
        CheckConstraint(_VERDICTS, name="verdict"),
        CheckConstraint(_ERAS, name="era"),
        CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name="breaker_state"),
        CheckConstraint(
            "next_check_reason IN ('new', 'regular', 'back_off', 'half_open', 'asked')", name="next_check_reason"
        ),
        CheckConstraint(
            "consecutive_failures >= 0 AND consecutive_successes >= 0 AND tries >= 0 AND tool_count >= 0",
            name="target_counts",
        ),
        Index("idx_health_targets_due", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
        Index(
            "idx_health_targets_failing",
            "id",
            postgresql_where=text("consecutive_failures > 0 OR breaker <> 'closed'"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[Str10]
    mcp_instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("mcp_instances.id", ondelete="CASCADE"))
    service_type: Mapped[str | None] = mapped_column(
        ForeignKey("service_registry.service_type", onupdate="CASCADE", ondelete="CASCADE")
    )
    server_id: Mapped[str | None] = mapped_column(ForeignKey("gateway.mcp_servers.id", ondelete="CASCADE"))
    host_id: Mapped[Str255 | None]
    interval_seconds: Mapped[int] = mapped_column(server_default=text("30"))
    timeout_seconds: Mapped[float] = mapped_column(server_default=text("5"))
    jitter_seconds: Mapped[float] = mapped_column(server_default=text("3"))
    failure_threshold: Mapped[int] = mapped_column(server_default=text("3"))
    recovery_threshold: Mapped[int] = mapped_column(server_default=text("2"))
    reset_seconds: Mapped[int] = mapped_column(server_default=text("60"))
    reset_limit_seconds: Mapped[int] = mapped_column(server_default=text("900"))
    verdict: Mapped[Str20 | None]
    scheduled_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    response_ms: Mapped[float | None]
    error: Mapped[str | None]
    era: Mapped[Str10 | None]
    consecutive_failures: Mapped[Zero]
    consecutive_successes: Mapped[Zero]
    last_alive_at: Mapped[datetime | None]
    last_failed_at: Mapped[datetime | None]
    breaker: Mapped[Str20] = mapped_column(server_default=text("'closed'"))
    opened_at: Mapped[datetime | None]
    tries: Mapped[Zero]
    next_check_at: Mapped[datetime | None]
    next_check_reason: Mapped[Str20] = mapped_column(server_default=text("'new'"))
    claimed_by: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    shard: Mapped[int] = mapped_column(
        server_default=text("(floor((random() * (1000000)::double precision)))::integer")
    )
    tool_count: Mapped[int | None]
    listed_at: Mapped[datetime | None]
    created_at: Mapped[Now]


class HealthCheck(Base):
    """One check of a target."""

    __tablename__ = "health_checks"
    __table_args__ = (
        CheckConstraint(_VERDICTS, name="verdict"),
        CheckConstraint(_ERAS, name="era"),
        CheckConstraint("response_ms >= 0", name="response_ms"),
        {"postgresql_partition_by": "RANGE (scheduled_at)"},
    )

    target_id: Mapped[UUID] = mapped_column(ForeignKey("health_targets.id", ondelete="CASCADE"), primary_key=True)
    scheduled_at: Mapped[datetime] = mapped_column(primary_key=True)
    verdict: Mapped[Str20]
    checked_at: Mapped[datetime]
    response_ms: Mapped[float | None]
    error: Mapped[str | None]
    era: Mapped[Str10 | None]
    created_at: Mapped[Now]


class HealthHour(Base):
    """The checks of a target in one hour, summed up."""

    __tablename__ = "health_hours"
    __table_args__ = (
        CheckConstraint(
            "alive BETWEEN 0 AND checks AND answers BETWEEN 0 AND checks AND total_ms >= 0", name="hour_counts"
        ),
        {"postgresql_partition_by": "RANGE (hour)"},
    )

    target_id: Mapped[UUID] = mapped_column(ForeignKey("health_targets.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    checks: Mapped[int]
    alive: Mapped[int]
    answers: Mapped[int]
    total_ms: Mapped[float]
    slowest_ms: Mapped[float | None]


class ProberRow(Base):
    """A worker process that checks targets."""

    __tablename__ = "probers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    host_id: Mapped[Str255 | None]
    hostname: Mapped[Str255]
    process_id: Mapped[int]
    started_at: Mapped[Now]
    seen_at: Mapped[Now]
