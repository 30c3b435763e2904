"""What a test takes for granted."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from db.engine import Database
from db.repositories.instances import NewInstance, Process
from tests.databases import TestDatabase

T = TypeVar("T")

NOW: Final = datetime.now(UTC)
_numbers = count()


@dataclass(frozen=True)
class Given:
    """Rows that were there before; nobody else uses the users and hosts."""

    database: TestDatabase

    def a_user(self) -> UUID:
        user_id = uuid4()
        self.database.ask(
            "INSERT INTO users (id, email, name) VALUES (%s, %s, 'Ada')", user_id, f"{user_id}@example.org"
        )
        return user_id

    def a_host(self, *, ports: int) -> str:
        host_id = f"host-{next(_numbers)}"
        self.database.ask(
            "INSERT INTO port_allocations (host_id, port) SELECT %s, generate_series(4001, 4000 + %s)", host_id, ports
        )
        return host_id

    def an_instance(self, db: Database, **wishes: Any) -> UUID:  # noqa: ANN401  fields of NewInstance
        """Have a pending instance, on a host of its own unless one is wished for."""
        wishes.setdefault("host_id", self.a_host(ports=1))
        wish = a_wish(wishes.pop("user_id", None) or self.a_user(), **wishes)
        with db.transaction() as uow:
            assert uow.instances.create(wish).status == "pending"
        return wish.id

    def a_running_instance(self, db: Database, **wishes: Any) -> UUID:  # noqa: ANN401  fields of NewInstance
        instance_id = self.an_instance(db, **wishes)
        with db.transaction() as uow:
            state = uow.fleet.get(instance_id)
            assert state is not None
            assert uow.instances.start(instance_id, process=a_process(state.host_id), at=NOW)
        return instance_id

    def events_of(self, instance_id: UUID) -> list[str]:
        rows = self.database.ask(
            "SELECT event_type FROM mcp_events WHERE mcp_instance_id = %s ORDER BY created_at, event_type", instance_id
        )
        return [str(event) for (event,) in rows]


def a_wish(user_id: UUID, **wishes: Any) -> NewInstance:  # noqa: ANN401  fields of NewInstance
    token = uuid4().hex * 2
    return NewInstance(
        **{
            "id": uuid4(),
            "user_id": user_id,
            "mcp_type": "figma",
            "access_token_hash": token,
            "access_token_hint": token[-4:],
            "requested_at": NOW,
            **wishes,
        }
    )


def a_process(host_id: str, *, started_at: datetime = NOW) -> Process:
    return Process(host_id=host_id, process_id=4711, started_at=started_at)


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """Run everything in threads that start together; the first exception is raised."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))
