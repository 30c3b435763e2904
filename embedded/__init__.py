"""Real PostgreSQL and Valkey servers out of wheels, for the demo, development and tests."""

from .postgres import PostgresServer
from .server import Server, ServerNotStarted
from .valkey import ValkeyServer

__all__ = ["PostgresServer", "Server", "ServerNotStarted", "ValkeyServer"]
