"""Messages: to be sent, applied, put by, given up."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Id, Json, Now, Str10, Str50, Str100, Str255, Zero


class InboxEntry(Base):
    """A message that was applied or given up."""

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint("outcome IN ('applied', 'dead')", name="outcome"),
        {"postgresql_partition_by": "RANGE (message_id)"},
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    wire_name: Mapped[Str100]
    outcome: Mapped[Str10] = mapped_column(server_default=text("'applied'"))
    created_at: Mapped[Now]


class RedeliveryRow(Dated, Base):
    """A message that is not finished."""

    __tablename__ = "redeliveries"
    __table_args__ = (
        CheckConstraint("state IN ('suspect', 'retry', 'parked', 'delayed')", name="state"),
        Index("idx_redeliveries_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("idx_redeliveries_parked", "wire_name", postgresql_where=text("due_at IS NULL")),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[Str100]
    wire_name: Mapped[Str100]
    envelope: Mapped[str]
    state: Mapped[Str10]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    deliveries: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime | None]
    error: Mapped[str | None]


class DeadLetterRow(Base):
    """A message that was given up."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint("message_id"),
        Index("idx_dead_letters_created_at", text("created_at DESC"), text("id DESC")),
        Index("idx_dead_letters_reason", "reason", text("created_at DESC"), text("id DESC")),
        Index(
            "idx_dead_letters_settled",
            text("GREATEST(replayed_at, discarded_at)"),
            postgresql_where=text("GREATEST(replayed_at, discarded_at) IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    message_id: Mapped[str]
    queue: Mapped[str]
    wire_name: Mapped[str]
    reason: Mapped[Str50]
    error: Mapped[str]
    traceback: Mapped[str | None]
    payload: Mapped[str]
    redacted: Mapped[bool] = mapped_column(server_default=text("false"))
    deliveries: Mapped[int] = mapped_column(server_default=text("1"))
    host: Mapped[Str255]
    created_at: Mapped[Now]
    replayed_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]


class OutboxRow(Dated, Base):
    """A message of a service that shares the database, until the inbox has it."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, tenant_id) > 0", name="outbox_sender"),
        CheckConstraint("jsonb_typeof(payload) = 'object'", name="outbox_payload"),
        CheckConstraint("attempts >= 0", name="outbox_attempts"),
        Index("idx_outbox_queue_due", "queue", "due_at"),
        Index("idx_outbox_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index("idx_outbox_tenant_id", "tenant_id", postgresql_where=text("tenant_id IS NOT NULL")),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[Str100]
    wire_name: Mapped[Str100]
    payload: Mapped[Json]
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), server_default=text("current_app_user()")
    )
    tenant_id: Mapped[str | None] = mapped_column(
        ForeignKey("tenants.id", ondelete="CASCADE"), server_default=text("current_app_tenant()")
    )
    attempts: Mapped[Zero]
    due_at: Mapped[Now]
    sent_at: Mapped[datetime | None]


class MessageContract(Base):
    """A message that there is, and who sends it."""

    __tablename__ = "message_contracts"
    __table_args__ = (CheckConstraint("sender IN ('service', 'scheduler', 'worker')", name="contract_sender"),)

    wire_name: Mapped[Str100] = mapped_column(primary_key=True)
    queue: Mapped[Str100]
    sender: Mapped[Str10] = mapped_column(server_default=text("'service'"))
