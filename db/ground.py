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
_VIEWS: Final = (
    "database_size_summary",
    "index_usage_summary",
    "performance_monitoring",
    "service_health_dashboard",
    "table_health_summary",
    "user_services_summary",
)
_FUNCTIONS: Final = (
    "cleanup_old_usage_analytics",
    "cleanup_validation_cache",
    "count_live_instances",
    "counted_spans",
    "current_app_tenant",
    "current_app_user",
    "date_new_secret",
    "enqueue_message",
    "get_request_performance_summary",
    "get_server_health_summary",
    "get_tenant_usage_summary",
    "new_message_id",
    "note_change",
    "touch_updated_at",
)
_TYPES: Final = ("user_role",)
# A type of a table's or a view's name is in its way too: each has one.
_FOREIGN: Final = text(
    """
    SELECT what, array_agg(CASE schema WHEN 'public' THEN name ELSE schema || '.' || name END ORDER BY schema, name)
      FROM (SELECT CASE WHEN n.nspname || '.' || c.relname = ANY (:tables) THEN 'tables' ELSE 'views' END AS what,
                   n.nspname AS schema, c.relname AS name, c.relowner AS owner
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname || '.' || c.relname = ANY (:tables || :views)
            UNION ALL
            SELECT 'functions', n.nspname, p.proname, p.proowner
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname || '.' || p.proname = ANY (:functions)
            UNION ALL
            SELECT 'types', n.nspname, t.typname, t.typowner
              FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
             WHERE n.nspname || '.' || t.typname = ANY (:types || :tables || :views) AND t.typrelid = 0
            UNION ALL
            SELECT 'schemas', 'public', n.nspname, n.nspowner FROM pg_namespace n WHERE n.nspname = ANY (:schemas)
           ) AS found
     WHERE pg_get_userbyid(owner) <> :owner
     GROUP BY what ORDER BY what = 'schemas', what
    """
)
_POWERFUL: Final = text(
    """
    SELECT rolname, concat_ws(', ', CASE WHEN rolcanlogin THEN 'LOGIN' END, CASE WHEN rolsuper THEN 'SUPERUSER' END,
                              CASE WHEN rolbypassrls THEN 'BYPASSRLS' END) AS powers
      FROM pg_roles
     WHERE rolname = ANY (:names) AND (rolcanlogin OR rolsuper OR rolbypassrls) ORDER BY rolname
    """
)
_MISSING: Final = text(
    """
    SELECT unnest(CAST(:names AS text[])) EXCEPT
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') ORDER BY 1
    """
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
    _refuse_powerful(connection)
    _refuse_foreign(connection)
    _refuse_revision(connection, known, head)


def check_whole(connection: Connection, head: str) -> None:
    """Raise MigrationRefused if the schema says that it is at head and tables of it are missing."""
    if connection.scalars(_REVISIONS).all() == [head] and (missing := missing_tables(connection)):
        raise MigrationRefused(incomplete(missing))


def missing_tables(connection: Connection) -> list[str]:
    """Return the tables that the newest schema has and this database has not."""
    return [str(name) for name in connection.scalars(_MISSING, {"names": _tables()})]


def incomplete(missing: Collection[str]) -> str:
    """Say that someone dropped tables, or that half a dump was restored."""
    return f"The schema says that it is the newest, but tables are missing ({', '.join(missing)}): {_RESTORE}."


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


def _refuse_powerful(connection: Connection) -> None:
    for role in connection.execute(_POWERFUL, {"names": [roles.OWNER, *roles.GROUPS.values()]}):
        raise MigrationRefused(
            f"The role {role.rolname} has {role.powers}, which no group of logins may have: "
            f"have a superuser run `ALTER ROLE {role.rolname} NOLOGIN NOSUPERUSER NOBYPASSRLS`."
        )


def _refuse_foreign(connection: Connection) -> None:
    names = {
        "tables": [*_tables(), _VERSIONS],
        "views": [f"public.{name}" for name in _VIEWS],
        "functions": [f"public.{name}" for name in _FUNCTIONS],
        "types": [f"public.{name}" for name in _TYPES],
        "schemas": list(_SCHEMAS),
    }
    for what, found in connection.execute(_FOREIGN, {**names, "owner": roles.OWNER}):
        raise MigrationRefused(
            f"Another program's {what} are in the way ({', '.join(found)}): give MiniMCP a database of its own."
        )


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
