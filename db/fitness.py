"""Whether a process may start on this database."""

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from db import ground
from db.errors import SchemaNotAtHead, UnsafeRole
from db.schema import head, is_known

_REVISIONS: Final = text("SELECT version_num FROM public.alembic_version ORDER BY 1")
_LOGIN: Final = text(
    """
    SELECT current_user AS name, r.rolsuper AS is_superuser, r.rolbypassrls AS bypasses_rls,
           coalesce(pg_has_role(r.oid, to_regrole('mcp_owner'), 'MEMBER'), false) AS is_owner,
           coalesce(pg_has_role(r.oid, to_regrole('mcp_worker'), 'USAGE'), false) AS is_worker
      FROM pg_roles r WHERE r.rolname = current_user
    """
)
_UNDEFINED_TABLE: Final = "42P01"
_NO_PRIVILEGE: Final = "42501"
_REMEDY: Final = "Use a login made with `python -m db login NAME --role worker`."


def check(connection: Connection) -> None:
    """Raise SchemaNotAtHead or UnsafeRole, with the remedy."""
    # The schema first: before the first upgrade there are no roles that a login could be given.
    _check_revision(_revision(connection))
    _check_login(connection)
    if missing := ground.missing_tables(connection):
        raise SchemaNotAtHead(ground.incomplete(missing))


def _check_revision(found: str | None) -> None:
    wanted = head()
    if found == wanted:
        return
    if found is not None and not is_known(found):
        raise SchemaNotAtHead(ground.unknown_revision(found, wanted))
    state = f"at revision {found}" if found else "empty"
    raise SchemaNotAtHead(f"The schema is {state}, but this code needs {wanted}: run `python -m db upgrade`.")


def _check_login(connection: Connection) -> None:
    login = connection.execute(_LOGIN).one()
    if login.is_superuser:
        raise UnsafeRole(f"The login {login.name} is a superuser, whom row level security does not bind. {_REMEDY}")
    if login.bypasses_rls:
        raise UnsafeRole(f"The login {login.name} has BYPASSRLS, so row level security does not bind it. {_REMEDY}")
    if login.is_owner:
        raise UnsafeRole(f"The login {login.name} is a member of mcp_owner, so it could change the schema. {_REMEDY}")
    if not login.is_worker:
        raise UnsafeRole(f"The login {login.name} is not a member of mcp_worker, so it may not work. {_REMEDY}")


def _revision(connection: Connection) -> str | None:
    try:
        found = connection.scalars(_REVISIONS).all()
    except ProgrammingError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == _UNDEFINED_TABLE:
            return None
        if state == _NO_PRIVILEGE:
            raise UnsafeRole(f"This login may not even read the revision of the schema. {_REMEDY}") from None
        raise
    if len(found) > 1:
        raise SchemaNotAtHead(ground.several_revisions(found))
    return str(found[0]) if found else None
