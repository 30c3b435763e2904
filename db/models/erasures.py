"""Where rows of users are, and users who are being erased."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Map, Now, Str10, Str63

_SCHEMA = {"schema": "maintenance"}

Names = Annotated[list[str], mapped_column(ARRAY(Text()), server_default=text("'{}'"))]


class UserReference(Base):
    """A column that refers to a user, or to what is a user's, beyond what foreign keys tell."""

    __tablename__ = "user_references"
    __table_args__ = (
        CheckConstraint("kind IN ('key', 'name', 'path', 'mention')", name="reference_kind"),
        CheckConstraint("action IN ('delete', 'blank')", name="reference_action"),
        _SCHEMA,
    )

    schema_name: Mapped[Str63] = mapped_column(primary_key=True)
    table_name: Mapped[Str63] = mapped_column(primary_key=True)
    column_name: Mapped[Str63] = mapped_column(primary_key=True)
    kind: Mapped[Str10]
    action: Mapped[Str10]
    blanks: Mapped[list[str]] = mapped_column(ARRAY(String(63)), server_default=text("'{}'"))
    reason: Mapped[str]


class Erasure(Base):
    """A user who is being erased, or what went with one who was."""

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint(
            "finished_at IS NULL OR user_id IS NULL AND names = '{}' AND mentions = '{}'",
            name="erased",
        ),
        Index("idx_erasures_open", "user_id", unique=True, postgresql_where=text("finished_at IS NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None]
    names: Mapped[Names]
    mentions: Mapped[Names]
    done: Mapped[Names]
    counts: Mapped[Map]
    begun_at: Mapped[Now]
    finished_at: Mapped[datetime | None]
