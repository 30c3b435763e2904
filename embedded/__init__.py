"""Real PostgreSQL and Valkey servers out of wheels, for the demo, development and tests."""

from embedded.postgres import PostgresServer
from embedded.server import Server, ServerNotStarted
from embedded.valkey import ValkeyServer

__all__ = ["PostgresServer", "Server", "ServerNotStarted", "ValkeyServer"]
