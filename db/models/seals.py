"""Chains of hashes over the audit tables."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, LargeBinary, String, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Big, Now, Str10, Str63

_SCHEMA = {"schema": "maintenance"}

Hash = Annotated[bytes, mapped_column(LargeBinary)]


class AuditMark(Base):
    """A row of an audit table that waits to be sealed."""

    __tablename__ = "audit_entries"
    __table_args__ = (CheckConstraint("kind IN ('entered', 'erased', 'restored')", name="entry_kind"), _SCHEMA)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    table_name: Mapped[Str63]
    tenant_id: Mapped[str]
    kind: Mapped[Str10]
    row_id: Mapped[UUID]
    row_time: Mapped[datetime]
    row_hash: Mapped[Hash]
    created_at: Mapped[Now]


class AuditBlock(Base):
    """Rows of an audit table that were sealed together, and the block before."""

    __tablename__ = "audit_blocks"
    __table_args__ = (
        CheckConstraint("entries > 0 AND erased BETWEEN 0 AND entries", name="block_entries"),
        CheckConstraint("num_nonnulls(kinds, row_ids, row_times, row_hashes) IN (0, 4)", name="block_rows"),
        Index(
            "idx_audit_blocks_rows",
            "table_name",
            "row_from",
            "row_to",
            postgresql_where=text("row_ids IS NOT NULL"),
        ),
        _SCHEMA,
    )

    table_name: Mapped[Str63] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True)
    entries: Mapped[int]
    erased: Mapped[int]
    row_from: Mapped[datetime]
    row_to: Mapped[datetime]
    kinds: Mapped[list[str] | None] = mapped_column(ARRAY(String(10)))
    row_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid()))
    row_times: Mapped[list[datetime] | None] = mapped_column(ARRAY(DateTime(timezone=True)))
    row_hashes: Mapped[list[bytes] | None] = mapped_column(ARRAY(LargeBinary()))
    rows_hash: Mapped[Hash]
    previous_hash: Mapped[Hash]
    hash: Mapped[Hash]
    created_at: Mapped[Now]
