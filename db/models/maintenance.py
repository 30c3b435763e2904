"""Retention policies, what maintenance did and when, and what it detached."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.dialects.postgresql import OID
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Json, Now, Str10, Str20, Str63, Str64, Str100, Total

_SCHEMA = {"schema": "maintenance"}


class RetentionPolicy(Dated, Base):
    """How long a partitioned table keeps its rows."""

    __tablename__ = "data_retention_policies"
    __table_args__ = (
        CheckConstraint("partition_key IN ('time', 'uuid7')", name="partition_key"),
        CheckConstraint("partition_unit IN ('day', 'week', 'month')", name="partition_unit"),
        CheckConstraint("strategy IN ('detach_drop', 'detach_archive')", name="strategy"),
        CheckConstraint("units_ahead BETWEEN 1 AND 60", name="units_ahead"),
        CheckConstraint("retention_days > 0 AND grace_days >= 0", name="retention_days"),
        _SCHEMA,
    )

    schema_name: Mapped[Str63] = mapped_column(primary_key=True, server_default=text("'public'"))
    table_name: Mapped[Str63] = mapped_column(primary_key=True)
    partition_column: Mapped[Str63]
    partition_key: Mapped[Str10] = mapped_column(server_default=text("'time'"))
    partition_unit: Mapped[Str10] = mapped_column(server_default=text("'month'"))
    units_ahead: Mapped[int] = mapped_column(server_default=text("3"))
    retention_days: Mapped[int]
    strategy: Mapped[Str20] = mapped_column(server_default=text("'detach_drop'"))
    grace_days: Mapped[int] = mapped_column(server_default=text("7"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    description: Mapped[str | None]


class Run(Base):
    """One run of a maintenance task."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("bytes >= 0", name="run_bytes"),
        CheckConstraint("outcome IN ('done', 'waits', 'failed')", name="run_outcome"),
        Index("idx_runs_task_started", "task", text("started_at DESC")),
        Index("idx_runs_finished_at", "finished_at"),
        _SCHEMA,
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    task: Mapped[Str100]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    affected: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    detail: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    bytes: Mapped[Total]
    outcome: Mapped[Str10] = mapped_column(server_default=text("'done'"))


class Tick(Base):
    """The last tick of a task."""

    __tablename__ = "ticks"
    __table_args__ = (
        CheckConstraint("outcome IN ('done', 'waits', 'failed')", name="tick_outcome"),
        CheckConstraint("(outcome = 'done') = (problem IS NULL)", name="tick_problem"),
        _SCHEMA,
    )

    task: Mapped[Str100] = mapped_column(primary_key=True)
    fire_time: Mapped[datetime]
    next_fire_time: Mapped[datetime | None]
    applied_at: Mapped[Now]
    outcome: Mapped[Str10]
    problem: Mapped[str | None]
    since: Mapped[datetime]


class DetachedPartition(Base):
    """A partition that left its table."""

    __tablename__ = "detached_partitions"
    __table_args__ = (
        CheckConstraint(
            "(archived_rows IS NULL) = (archive_uri IS NULL) AND (archived_rows IS NULL) = (archive_sha256 IS NULL)"
            " AND (archived_rows IS NULL OR archived_at IS NOT NULL)",
            name="archive",
        ),
        CheckConstraint("archived_rows >= 0", name="archived_rows"),
        CheckConstraint("archive_sha256 ~ '^[0-9a-f]{64}$'", name="archive_sha256"),
        CheckConstraint("(archiver IS NULL) = (archiving_until IS NULL)", name="archiving"),
        Index(
            "idx_detached_partitions_relation",
            "relation",
            unique=True,
            postgresql_where=text("dropped_at IS NULL"),
        ),
        Index("idx_detached_partitions_dropped_at", "dropped_at", postgresql_where=text("archive_uri IS NULL")),
        _SCHEMA,
    )

    relation: Mapped[str]
    relid: Mapped[int] = mapped_column(OID, primary_key=True, autoincrement=False)
    parent: Mapped[str]
    range_from: Mapped[datetime]
    range_to: Mapped[datetime]
    needs_archive: Mapped[bool]
    detached_at: Mapped[Now] = mapped_column(primary_key=True)
    drop_after: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    archive_uri: Mapped[str | None]
    archived_rows: Mapped[int | None] = mapped_column(BigInteger)
    archive_sha256: Mapped[Str64 | None]
    estimated_rows: Mapped[int | None] = mapped_column(BigInteger)
    total_bytes: Mapped[int | None] = mapped_column(BigInteger)
    archiver: Mapped[UUID | None]
    archiving_until: Mapped[datetime | None]
    held_by: Mapped[UUID | None]
    attached_at: Mapped[datetime | None]
