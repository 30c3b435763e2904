"""The roles of the cluster: who owns, who works, who sends, who reads."""

import time
from collections.abc import Callable
from typing import Final, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from db.connect import admin_engine
from db.errors import DatabaseError, MigrationRefused, UnsafeRole, translate
from db.statement import Driver

OWNER: Final = "mcp_owner"
GROUPS: Final = {"worker": "mcp_worker", "producer": "mcp_producer", "reader": "mcp_reader"}

_TRIES: Final = 10
# Roles belong to the cluster and advisory locks to a database, so two databases that are migrated at once can only
# meet each other here: as a duplicate (42710, 23505) or as a catalog row that changed under us (XX000).
_RACES: Final = frozenset({"42710", "23505", "XX000"})
_NO_PRIVILEGE: Final = "42501"
_SET_PRIVILEGE_SINCE: Final = (16,)
_MAY_ACT: Final = text(
    "SELECT rolsuper OR pg_has_role(current_user, :owner, :privilege) FROM pg_roles WHERE rolname = current_user"
)
_MAY_CREATE: Final = text("SELECT has_database_privilege(:owner, current_database(), 'CREATE')")
_MAY_GRANT_SCHEMA: Final = text(
    "SELECT has_schema_privilege(:owner, 'public', 'CREATE WITH GRANT OPTION')"
    " AND has_schema_privilege(:owner, 'public', 'USAGE WITH GRANT OPTION')"
)
_POWERS: Final = (
    "SELECT rolsuper OR rolbypassrls, coalesce(pg_has_role(oid, to_regrole(%s), 'MEMBER'), false)"
    " FROM pg_roles WHERE rolname = %s"
)
_ATTRIBUTES: Final = "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"


def ensure(connection: Connection) -> None:
    """Make the roles that are missing and let this login act as the owner; changes nothing the second time."""
    try:
        _despite_races(connection, lambda: _ensure_once(connection))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_PRIVILEGE:
            raise
        reason = str(error.orig).partition("\n")[0]
        raise MigrationRefused(
            f"This login may not prepare the roles ({reason}): use a superuser, or a login with CREATEROLE "
            "that owns the database."
        ) from None


def _despite_races(connection: Connection, work: Callable[[], None]) -> None:
    for attempt in range(1, _TRIES + 1):
        if not connection.in_transaction():
            connection.begin()
        try:
            work()
            connection.commit()
        except (DBAPIError, psycopg.Error) as error:
            connection.rollback()
            if getattr(getattr(error, "orig", error), "sqlstate", None) not in _RACES or attempt == _TRIES:
                raise
            time.sleep(0.02 * attempt)
        else:
            return


def _ensure_once(connection: Connection) -> None:
    present = set(connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'mcp\\_%'")))
    for role in (OWNER, *GROUPS.values()):
        if role not in present:
            connection.exec_driver_sql(f"CREATE ROLE {role} {_ATTRIBUTES}")
    if not _may_act_as_owner(connection):
        connection.exec_driver_sql(f"GRANT {OWNER} TO CURRENT_USER")
    _grant_missing(connection)
    connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _grant_missing(connection: Connection) -> None:
    # Only what is missing: a second grant would come from the owner, which cannot be granted to the owner.
    database = connection.scalar(text("SELECT quote_ident(current_database())"))
    worker, others = GROUPS["worker"], f"{GROUPS['producer']}, {GROUPS['reader']}"
    if not connection.scalar(_MAY_CREATE, {"owner": OWNER}):
        connection.exec_driver_sql(f"GRANT CREATE, TEMPORARY ON DATABASE {database} TO {OWNER}")
        connection.exec_driver_sql(f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {worker}")
        connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {others}")
    if not connection.scalar(_MAY_GRANT_SCHEMA, {"owner": OWNER}):
        connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER} WITH GRANT OPTION")


def _may_act_as_owner(connection: Connection) -> bool:
    # Since 16, whoever creates a role is a member of it who may not yet SET ROLE to it.
    version = connection.dialect.server_version_info or (0,)
    privilege = "SET" if version >= _SET_PRIVILEGE_SINCE else "MEMBER"
    return bool(connection.scalar(_MAY_ACT, {"owner": OWNER, "privilege": privilege}))


def create_login(admin_url: str, name: str, password: str, role: str) -> None:
    """Make a login in the group of `worker`, `producer` or `reader`; an existing one gets the password anew."""
    if role not in GROUPS:
        raise DatabaseError(f"There is no role {role!r}: choose one of {', '.join(GROUPS)}.")
    engine = admin_engine(admin_url)
    try:
        with engine.connect() as connection:
            driver = cast("Driver", connection.connection.driver_connection)
            _refuse_unready(driver, GROUPS[role])
            _refuse_group(name)
            _refuse_powerful(driver, name)
            _despite_races(connection, lambda: _write_login(driver, name, password, GROUPS[role]))
    except (DBAPIError, psycopg.Error) as error:
        raise (translate(error) or DatabaseError(str(error))) from None
    finally:
        engine.dispose()


def _refuse_unready(driver: Driver, group: str) -> None:
    if driver.execute("SELECT FROM pg_roles WHERE rolname = %s", [group]).fetchone() is None:
        raise MigrationRefused(f"The role {group} does not exist yet: run `python -m db upgrade` first.")


def _refuse_group(name: str) -> None:
    if name in {OWNER, *GROUPS.values()}:
        raise UnsafeRole(f"The role {name} is what logins are made members of; choose another name for this login.")


def _refuse_powerful(driver: Driver, name: str) -> None:
    found = driver.execute(_POWERS, [OWNER, name]).fetchone()
    if found is not None and found[0]:
        raise UnsafeRole(f"The role {name} is a superuser or has BYPASSRLS; choose another name for this login.")
    if found is not None and found[1]:
        raise UnsafeRole(f"The role {name} is a member of {OWNER}; choose another name for this login.")


def _write_login(driver: Driver, name: str, password: str, group: str) -> None:
    # The server logs statements; only the SCRAM verifier may appear there.
    verifier = driver.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    known = driver.execute("SELECT true FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verb = sql.SQL("ALTER" if known else "CREATE")
    driver.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(name), sql.Literal(verifier)))
    driver.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
