"""The audit trail of sensitive changes."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Id, Now, Str20, Str100


class AuditEntry(Base):
    """A change of a row, as it was and as it became."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("action IN ('INSERT', 'UPDATE', 'DELETE')", name="action"),
        CheckConstraint("num_nonnulls(old_data, new_data) > 0", name="data"),
        Index("idx_audit_log_table_record", "table_name", "record_id"),
        Index("idx_audit_log_created_at", text("created_at DESC")),
        Index("idx_audit_log_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[Id]
    table_name: Mapped[Str100]
    record_id: Mapped[str]
    action: Mapped[Str20]
    old_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    new_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    ip_address: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[Now] = mapped_column(primary_key=True)
