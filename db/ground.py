"""Whether a database is ours to migrate: looked at before anything is changed, so that a refusal leaves no trace."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, text

from db import roles
from db.errors import MigrationRefused
from db.models import Base

_SCHEMAS: Final = ("gateway", "maintenance", "partitions", "archive")
_VERSIONS: Final = "public.alembic_version"
_MAY_CHANGE: Final = text(
    """
    SELECT r.rolsuper OR pg_has_role(current_user, d.datdba, 'MEMBER')
           OR coalesce(pg_has_role(current_user, o.oid, 'MEMBER')
                       AND has_database_privilege(o.oid, d.oid, 'CREATE'), false) AS is_enough,
           pg_get_userbyid(d.datdba) AS owner
      FROM pg_database d JOIN pg_roles r ON r.rolname = current_user
      LEFT JOIN pg_roles o ON o.rolname = :owner
     WHERE d.datname = current_database()
    """
)
_FOREIGN: Final = text(
    """
    SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname || '.' || c.relname = ANY (:names) AND pg_get_userbyid(c.relowner) <> :owner ORDER BY 1
    """
)
_FOREIGN_SCHEMAS: Final = text(
    "SELECT nspname FROM pg_namespace WHERE nspname = ANY (:names) AND pg_get_userbyid(nspowner) <> :owner ORDER BY 1"
)
_OURS: Final = text(
    "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname || '.' || c.relname = ANY (:names))"
)
_MAY_READ: Final = text("SELECT coalesce(has_table_privilege(to_regclass('public.alembic_version'), 'SELECT'), false)")
_REVISIONS: Final = text("SELECT version_num FROM public.alembic_version ORDER BY 1")
_RESTORE: Final = "restore a whole dump, or an earlier one"


def check(connection: Connection, *, known: Collection[str], head: str) -> None:
    """Raise MigrationRefused unless this login may change this database and everything in the way is ours and whole."""
    _refuse_stranger(connection)
    _refuse_foreign(connection)
    _refuse_revision(connection, known, head)


def unknown_revision(found: str, head: str) -> str:
    """Say that the schema is of newer code than this."""
    return f"The schema is at revision {found}, which this code, made for {head}, does not know: deploy the newer code."


def several_revisions(found: Collection[str]) -> str:
    """Say that the schema has been tampered with."""
    return f"The schema says that it is at several revisions at once ({', '.join(found)}): {_RESTORE}."


def _refuse_stranger(connection: Connection) -> None:
    may = connection.execute(_MAY_CHANGE, {"owner": roles.OWNER}).one()
    if not may.is_enough:
        raise MigrationRefused(
            f"This login may not change this database, which belongs to {may.owner}: use a superuser, "
            "or a login with CREATEROLE that owns the database."
        )


def _refuse_foreign(connection: Connection) -> None:
    wanted = {"names": [*_tables(), _VERSIONS], "owner": roles.OWNER}
    if foreign := connection.scalars(_FOREIGN, wanted).all():
        raise _in_the_way("tables", foreign)
    wanted["names"] = list(_SCHEMAS)
    if foreign := connection.scalars(_FOREIGN_SCHEMAS, wanted).all():
        raise _in_the_way("schemas", foreign)


def _refuse_revision(connection: Connection, known: Collection[str], head: str) -> None:
    # Who is not yet a member of the owner may not read it; then the migration itself stumbles over it.
    found = connection.scalars(_REVISIONS).all() if connection.scalar(_MAY_READ) else []
    if len(found) > 1:
        raise MigrationRefused(several_revisions(found))
    if found and found[0] not in known:
        raise MigrationRefused(unknown_revision(found[0], head))
    if not found and connection.scalar(_OURS, {"names": _tables()}):
        raise MigrationRefused(
            f"The database has tables of ours but does not say at which revision they are: {_RESTORE}."
        )


def _tables() -> list[str]:
    return [f"{table.schema or 'public'}.{table.name}" for table in Base.metadata.tables.values()]


def _in_the_way(what: str, names: Collection[str]) -> MigrationRefused:
    return MigrationRefused(
        f"Another program's {what} are in the way ({', '.join(names)}): give MiniMCP a database of its own."
    )
