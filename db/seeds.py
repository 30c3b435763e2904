"""Rows that a new system needs before anybody can use it."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from db.connect import admin_engine
from db.errors import DatabaseError, DataRefused, translate
from db.roles import OWNER

_ADD_USER = text(
    """
    INSERT INTO users (id, email, name) VALUES (:user_id, :email, :name)
    ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, is_active = true, deleted_at = NULL
    RETURNING xmax = 0
    """
)


def add_user(url: str, *, user_id: UUID, email: str, name: str) -> bool:
    """Make sure that an active user of this id, address and name exists; True if it is new."""
    engine = admin_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL ROLE {OWNER}")
            return bool(connection.scalar(_ADD_USER, {"user_id": user_id, "email": email, "name": name}))
    except SQLAlchemyError as error:
        translated = translate(error) or DatabaseError(str(error))
        if isinstance(translated, DataRefused) and translated.constraint == "idx_users_email":
            raise DatabaseError(f"Another user has the address {email}: choose another, or that user's id.") from None
        raise translated from None
    finally:
        engine.dispose()
