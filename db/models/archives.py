"""Where dedicated instances and types go when shared services have taken their place."""

from typing import Final

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Index, Table, text
from sqlalchemy.schema import SchemaItem

from db.models.base import Base
from db.models.instances import Instance, InstanceEvent, McpType, User
from db.models.keys import ApiKey, EncryptionKey
from db.models.services import Service

# A column with a foreign key has no type before its target is known.
TARGETS: Final = (ApiKey, EncryptionKey, McpType, Service, User)


def _archive_of(model: type[Base], *constraints: SchemaItem) -> Table:
    """Give a table with the same columns, tied to others by these constraints alone."""
    return Table(
        f"{model.__tablename__}_archive",
        Base.metadata,
        *(Column(c.name, c.type, nullable=c.nullable, primary_key=c.primary_key) for c in model.__table__.columns),
        Column("archived_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        *constraints,
    )


InstanceArchive: Final = _archive_of(Instance, ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"))
McpTypeArchive: Final = _archive_of(McpType)
ApiKeyArchive: Final = _archive_of(
    ApiKey,
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["encryption_key_id"], ["encryption_keys.usable_id"]),
)
InstanceEventArchive: Final = _archive_of(
    InstanceEvent,
    ForeignKeyConstraint(["mcp_instance_id"], ["mcp_instances_archive.id"], ondelete="CASCADE"),
)

Index("idx_mcp_instances_archive_user_id", InstanceArchive.c.user_id)
Index("idx_api_keys_archive_encryption_key_id", ApiKeyArchive.c.encryption_key_id, ApiKeyArchive.c.id)
Index("idx_api_keys_archive_user_id", ApiKeyArchive.c.user_id)
Index(
    "idx_mcp_events_archive_instance",
    InstanceEventArchive.c.mcp_instance_id,
    InstanceEventArchive.c.created_at.desc(),
)
