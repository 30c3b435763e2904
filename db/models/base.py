"""What all tables share: names of constraints, types, and the columns that repeat."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "idx_%(table_name)s_%(column_0_N_name)s",
    "ck": "check_%(constraint_name)s",
}

Str10 = Annotated[str, mapped_column(String(10))]
Str20 = Annotated[str, mapped_column(String(20))]
Str32 = Annotated[str, mapped_column(String(32))]
Str50 = Annotated[str, mapped_column(String(50))]
Str63 = Annotated[str, mapped_column(String(63))]
Str64 = Annotated[str, mapped_column(String(64))]
Str100 = Annotated[str, mapped_column(String(100))]
Str255 = Annotated[str, mapped_column(String(255))]
Str500 = Annotated[str, mapped_column(String(500))]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
Id = Annotated[UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))]
Now = Annotated[datetime, mapped_column(server_default=text("now()"))]

# What the tables of the gateway and of shared services repeat, with the defaults that go with it.
TextId = Annotated[str, mapped_column(primary_key=True, server_default=text("(gen_random_uuid())::text"))]
Map = Annotated[dict[str, Any], mapped_column(JSONB, server_default=text("'{}'"))]
Items = Annotated[list[Any], mapped_column(JSONB, server_default=text("'[]'"))]
Yes = Annotated[bool, mapped_column(server_default=text("true"))]
No = Annotated[bool, mapped_column(server_default=text("false"))]
Zero = Annotated[int, mapped_column(server_default=text("0"))]
Total = Annotated[int, mapped_column(BigInteger, server_default=text("0"))]
Big = Annotated[int, mapped_column(BigInteger)]


class Base(DeclarativeBase):
    """Times have a zone, text has no limit of its own, and names follow one convention."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        UUID: Uuid(),
    }


class Dated:
    """When a row was made and last changed; a trigger keeps the second."""

    created_at: Mapped[Now]
    updated_at: Mapped[Now]
