"""What is kept by order of a court, and how long tables that are not partitioned keep their rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, String, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Id, Now, Str64, Str255, Yes

_SCHEMA = {"schema": "maintenance"}


class LegalHold(Base):
    """An order to keep what is a tenant's or an instance's."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        CheckConstraint("num_nonnulls(tenant_id, instance_id) = 1", name="held"),
        CheckConstraint("btrim(reason) <> '' AND btrim(asked_by) <> ''", name="hold_reason"),
        CheckConstraint("until > since", name="hold_until"),
        CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name="released"),
        _SCHEMA,
    )

    id: Mapped[Id]
    tenant_id: Mapped[Str64 | None]
    instance_id: Mapped[UUID | None]
    reason: Mapped[str]
    asked_by: Mapped[Str255]
    since: Mapped[Now]
    until: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[Str255 | None]


class RowPolicy(Dated, Base):
    """How long a table that is not partitioned keeps its rows."""

    __tablename__ = "row_policies"
    __table_args__ = (CheckConstraint("keep_days BETWEEN 1 AND 36500", name="keep_days"), _SCHEMA)

    table_name: Mapped[str] = mapped_column(String(127), primary_key=True)
    age: Mapped[str]
    condition: Mapped[str] = mapped_column(server_default=text("'true'"))
    keep_days: Mapped[int]
    is_active: Mapped[Yes]
    description: Mapped[str]
