"""Worlds that are worth a look, and how what is read of them is asked for and told apart."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

from db.engine import Database
from db.page import Window
from db.unit_of_work import UnitOfWork

from .worlds import LATER, NOW, Connection, Row, World, change

WINDOW: Final = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))


@dataclass(frozen=True)
class Worlds:
    """A database with two worlds in it, each with one row of everything."""

    database: Database
    first: World
    second: World


Question: TypeAlias = tuple[Callable[[UnitOfWork, World], Any], Callable[[Any], object], Callable[[World], object]]
"""How a row is asked for, what of it tells whose it is, and what that is for a world."""


def check(worlds: Worlds, question: Question) -> None:
    """Ask for the row of each world."""
    read, told, expected = question
    for world in (worlds.first, worlds.second):
        with worlds.database.transaction() as uow:
            found = read(uow, world)
        (row,) = found if isinstance(found, list) else [found]
        assert told(row) == expected(world)


def named(prefix: str, world: World) -> str:
    """Give what a row of the world is called."""
    return f"{prefix}-{world.number}"


def enliven(connection: Connection, world: World) -> None:
    """Have the world's instance run, its server do well, and its requests be worth a look."""
    n, user = world.number, world.user_id
    change(connection, world, "mcp_instances", {"status": "running", "process_id": 100 + n, "host_id": f"world-{n}"})
    change(connection, world, "mcp_events", {"user_id": user})
    change(connection, world, "mcp_logs", {"level": "error", "message": f"Cannot reach world{n}"})
    change(connection, world, "audit_log", {"user_id": user})
    server: Row = {"health_status": "HEALTHY", "avg_response_time": 20.0 * n, "last_health_check": NOW}
    words: Row = {"description": f"Reads tickets of world{n}", "tags": f'["world{n}"]'}
    change(connection, world, "gateway.mcp_servers", {**server, **words, "configuration": f'{{"world": {n}}}'})
    change(connection, world, "gateway.server_tools", {"name": f"search-{n}", "total_calls": n, "success_count": n})
    resource: Row = {"uri_template": f"file:///{n}", "mime_type": f"text/{n}"}
    change(connection, world, "gateway.server_resources", resource)
    change(connection, world, "gateway.server_metrics", {"response_time_ms": 1000.0 * n})
    change(connection, world, "gateway.audit_logs", {"resource_id": f"server-{n}"})
    change(connection, world, "gateway.fastmcp_audit_log", {"user_id": f"ada-{n}", "success": False})
    change(connection, world, "gateway.request_logs", {"ip_address": f"10.0.0.{n}", "path": f"/{n}"})
    alert: Row = {"is_triggered": True, "first_triggered": NOW, "last_triggered": NOW}
    change(connection, world, "gateway.performance_alerts", alert)
    change(connection, world, "gateway.api_keys", {"expires_at": LATER, "last_used": NOW})
    change(connection, world, "gateway.system_configs", {"category": f"limits-{n}"})
