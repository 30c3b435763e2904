"""Whether a process may start on this database."""

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from db.errors import SchemaNotAtHead, UnsafeRole
from db.schema import head, is_known

_REVISION: Final = text("SELECT version_num FROM public.alembic_version")
_LOGIN: Final = text(
    """
    SELECT current_user AS name, r.rolsuper AS is_superuser, r.rolbypassrls AS bypasses_rls,
           coalesce(pg_has_role(r.oid, to_regrole('mcp_owner'), 'MEMBER'), false) AS is_owner,
           coalesce(pg_has_role(r.oid, to_regrole('mcp_worker'), 'USAGE'), false) AS is_worker
      FROM pg_roles r WHERE r.rolname = current_user
    """
)
_UNDEFINED_TABLE: Final = "42P01"


def check(connection: Connection) -> None:
    """Raise UnsafeRole or SchemaNotAtHead, with the remedy."""
    # The role first: a login without any grant could not even read the revision.
    _check_role(connection)
    _check_revision(connection)


def _check_role(connection: Connection) -> None:
    login = connection.execute(_LOGIN).one()
    remedy = "Use a login made with `python -m db login NAME --role worker`."
    if login.is_superuser:
        raise UnsafeRole(f"The login {login.name} is a superuser, for whom row level security does not exist. {remedy}")
    if login.bypasses_rls:
        raise UnsafeRole(f"The login {login.name} has BYPASSRLS, so row level security does not bind it. {remedy}")
    if login.is_owner:
        raise UnsafeRole(f"The login {login.name} is a member of mcp_owner, so it could change the schema. {remedy}")
    if not login.is_worker and _revision_exists(connection):
        raise UnsafeRole(f"The login {login.name} is not a member of mcp_worker, so it may not work. {remedy}")


def _check_revision(connection: Connection) -> None:
    found = _revision(connection)
    wanted = head()
    if found == wanted:
        return
    if found is not None and not is_known(found):
        raise SchemaNotAtHead(
            f"The schema is at revision {found}, which this code (made for {wanted}) does not know. Deploy the newer code."
        )
    state = f"at revision {found}" if found else "empty"
    raise SchemaNotAtHead(f"The schema is {state}, but this code needs {wanted}. Run `python -m db upgrade`.")


def _revision_exists(connection: Connection) -> bool:
    return bool(connection.scalar(text("SELECT to_regclass('public.alembic_version') IS NOT NULL")))


def _revision(connection: Connection) -> str | None:
    try:
        found = connection.scalar(_REVISION)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE:
            return None
        raise
    return None if found is None else str(found)
