"""Two users who are named wherever a user can be, and the search for them."""

from uuid import UUID, uuid4

from tests.databases import TestDatabase

from .worlds import NOW, Connection, Row, World, change, insert


class Life:
    """A world whose user is named wherever one can be, and in an older month and a detached partition too."""

    def __init__(self, number: int) -> None:
        self.world = World(number)
        self.name = f"Ada Lovelace-{uuid4().hex}"
        self.email = f"ada-{uuid4().hex}@people.example"
        unique: Row = {"username": f"ada-{uuid4().hex}", "auth_provider_id": uuid4().hex}
        self.world.rows["users"] |= {"name": self.name, "email": self.email, **unique}

    @property
    def user_id(self) -> UUID:
        return self.world.user_id

    @property
    def share_id(self) -> str:
        return str(self.world.rows["user_service_instances"]["instance_id"])

    def traces(self) -> set[str]:
        """Give every word by which the user could be found."""
        world = self.world
        found = {str(world.rows["users"]["username"]), str(world.rows["users"]["auth_provider_id"])}
        return found | {str(self.user_id), self.name, self.email, str(world.instance_id), self.share_id}

    def insert(self, connection: Connection) -> None:
        world, told = self.world, f'{{"who": "{self.user_id}", "mail": "{self.email}", "name": "{self.name}"}}'
        world.rows["user_service_instances"]["instance_id"] = f"share-{uuid4().hex}"
        for table in ("shared_moves", "service_usage_analytics", "service_usage_quarantine"):
            world.rows[table]["instance_id"] = self.share_id
        world.insert(connection)
        change(connection, world, "audit_log", {"user_id": self.user_id, "ip_address": "10.0.0.9", "old_data": told})
        changed: Row = {"table_name": "users", "action": "UPDATE", "record_id": str(self.user_id), "new_data": told}
        insert(connection, "audit_log", changed)
        about: Row = {"table_name": "tenants", "action": "UPDATE", "record_id": "t", "new_data": told}
        insert(connection, "audit_log", about)
        change(connection, world, "gateway.fastmcp_audit_log", {"user_id": self.email, "params": told})
        change(connection, world, "gateway.audit_logs", {"details": told, "ip_address": "10.0.0.9"})
        others: Row = {
            "action": "a",
            "resource_type": "user",
            "resource_id": str(self.user_id),
            "tenant_id": world.tenant_id,
        }
        insert(connection, "gateway.audit_logs", others)
        change(connection, world, "gateway.request_logs", {"headers": told, "ip_address": "10.0.0.9"})
        change(connection, world, "log_quarantine", {"payload": told})
        change(connection, world, "gateway.record_quarantine", {"payload": told})
        insert(connection, "maintenance.runs", {"task": "t", "started_at": NOW, "detail": told})
        change(connection, world, "outbox", {"payload": told})
        theirs = {"user_id": None, "queue": "q", "wire_name": "w", "tenant_id": world.tenant_id}
        insert(connection, "outbox", {"message_id": uuid4(), "payload": told, **theirs})
        self._put_by(connection)

    def _put_by(self, connection: Connection) -> None:
        lines = f'{{"instance_id": "{self.world.instance_id}", "message": "{self.name}"}}'
        alone = f'{{"args": [{{"lines": [{lines}]}}]}}'
        insert(connection, "dead_letters", letter(alone, f"about {self.email}"))
        insert(connection, "dead_letters", letter(f"not JSON {self.user_id}", "e"))
        message = {"message_id": uuid4(), "queue": "logs", "wire_name": "logs.emitted.v1", "state": "parked"}
        insert(connection, "redeliveries", {**message, "envelope": alone})


def letter(payload: str, error: str) -> Row:
    told = {"queue": "logs", "wire_name": "logs.emitted.v1", "reason": "invalid", "host": "here"}
    return {"message_id": str(uuid4()), "payload": payload, "error": error, **told}


def detach(connection: Connection, table: str, column: str, row: Row, lives: tuple[Life, ...]) -> None:
    """Have rows of two users in a partition that left its table."""
    connection.execute(
        "CREATE TABLE partitions.old_logs PARTITION OF mcp_logs FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
    )
    for life in lives:
        insert(connection, table, {"mcp_instance_id": life.world.instance_id, column: "2020-01-15T00:00Z", **row})
    connection.execute("ALTER TABLE mcp_logs DETACH PARTITION partitions.old_logs")
    connection.execute("ALTER TABLE partitions.old_logs SET SCHEMA archive")
    connection.execute("ALTER TABLE archive.old_logs OWNER TO mcp_owner")
    connection.execute(
        "INSERT INTO maintenance.detached_partitions (relation, relid, parent, range_from, range_to, needs_archive,"
        " drop_after) VALUES ('archive.old_logs', 'archive.old_logs'::regclass, 'public.mcp_logs', '2020-01-01',"
        " '2020-02-01', false, now() + interval '7 days')"
    )


def everything(database: TestDatabase) -> dict[str, list[str]]:
    """Give all rows of all tables and partitions as text."""
    relations = database.ask(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('public', 'gateway', 'maintenance', 'partitions', 'archive')"
    )
    assert len(relations) > 60
    return {
        str(name): [str(row) for (row,) in database.ask(f"SELECT to_jsonb(t)::text FROM {name} t")]  # noqa: S608  names of the catalog
        for (name,) in relations
    }


def found(database: TestDatabase, life: Life) -> dict[str, set[str]]:
    """Tell where a user can still be found, and by which word."""
    rows = everything(database)
    hits = {name: {word for word in life.traces() for row in held if word in row} for name, held in rows.items()}
    return {name: words for name, words in hits.items() if words}


def mine(row: str, life: Life, other: Life) -> bool:
    """Tell whether a row is of one user and not of both."""
    return any(word in row for word in life.traces()) and not any(word in row for word in other.traces())
