"""Records of the gateway and calls of shared services, counted by hours and days."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Float, Identity, Index
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Big, Now, Str10, Str50, Str63

_GATEWAY: Final = {"schema": "gateway"}


def _checks() -> tuple[CheckConstraint, CheckConstraint]:
    return (
        CheckConstraint("unit IN ('hour', 'day')", name="rollup_unit"),
        CheckConstraint(
            "entries > 0 AND errors BETWEEN 0 AND entries AND measured BETWEEN 0 AND entries", name="rollup_counts"
        ),
    )


class _Rollup:
    """What is counted of an hour or a day."""

    unit: Mapped[Str10] = mapped_column(primary_key=True, sort_order=-2)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-1)
    entries: Mapped[Big]
    errors: Mapped[Big]
    measured: Mapped[Big]
    total_ms: Mapped[float]
    p50_ms: Mapped[float | None]
    p95_ms: Mapped[float | None]
    p99_ms: Mapped[float | None]
    durations_ms: Mapped[list[float] | None] = mapped_column(ARRAY(Float(53)))
    counted_at: Mapped[Now]


class RollupMark(Base):
    """An hour of which rows came since it was counted."""

    __tablename__ = "rollup_marks"
    __table_args__ = (Index("idx_rollup_marks_hour", "table_name", "hour"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    table_name: Mapped[Str63]
    hour: Mapped[datetime]
    created_at: Mapped[Now]


class RollupHour(Base):
    """An hour that was counted."""

    __tablename__ = "rollup_hours"
    __table_args__ = (Index("idx_rollup_hours_hour", "hour"),)

    table_name: Mapped[Str63] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    counted_at: Mapped[Now]


class RequestRollup(_Rollup, Base):
    """Requests of a tenant to a server."""

    __tablename__ = "request_rollups"
    __table_args__ = (
        *_checks(),
        Index("idx_request_rollups_tenant", "tenant_id", "starts_at"),
        Index("idx_request_rollups_server", "server_id", "starts_at"),
        Index("idx_request_rollups_starts_at", "starts_at", postgresql_using="brin"),
        _GATEWAY,
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    server_id: Mapped[str] = mapped_column(primary_key=True)
    succeeded: Mapped[Big]


class RequestUser(Base):
    """Somebody who asked for something in an hour."""

    __tablename__ = "request_users"
    __table_args__ = (
        Index("idx_request_users_tenant", "tenant_id", "hour"),
        Index("idx_request_users_user", "user_id"),
        _GATEWAY,
    )

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    counted_at: Mapped[Now]


class UsageRollup(_Rollup, Base):
    """Calls of a shared service."""

    __tablename__ = "service_usage_rollups"
    __table_args__ = (
        *_checks(),
        Index("idx_service_usage_rollups_service", "service_type", "starts_at"),
        Index("idx_service_usage_rollups_starts_at", "starts_at", postgresql_using="brin"),
    )

    service_type: Mapped[Str50] = mapped_column(primary_key=True)


class MetricRollup(_Rollup, Base):
    """Samples of a server."""

    __tablename__ = "metric_rollups"
    __table_args__ = (
        *_checks(),
        Index("idx_metric_rollups_server", "server_id", "starts_at"),
        Index("idx_metric_rollups_starts_at", "starts_at", postgresql_using="brin"),
        _GATEWAY,
    )

    server_id: Mapped[str] = mapped_column(primary_key=True)
    error_rates: Mapped[Big]
    error_rate: Mapped[float | None]
