"""The life of instances against a model of it: whatever comes, in whatever order, however often."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from db.engine import Database
from producers import (
    CreateInstance,
    DeleteInstance,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstancesExpiryDue,
    InstanceStarted,
    Message,
    RenewInstance,
    RestoreInstance,
)
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, delivered, make_group_applier
from workers.actors import ACTORS
from workers.group import GroupApplier
from workers.resources import Resources

MOST: Final = 3
PORTS: Final = 4
LIVE: Final = {"pending", "running"}
FACTS: Final[tuple[type[Message], ...]] = (
    InstanceStarted,
    InstanceFailed,
    InstanceDisconnected,
    RenewInstance,
    DeleteInstance,
    InstanceAccessed,
)


@dataclass
class Life:
    """What the model knows of an instance."""

    user_id: UUID
    status: str
    events: Counter[str] = field(default_factory=Counter)
    deleted: bool = False
    restored_at: datetime | None = None
    process_started_at: datetime | None = None
    accessed_at: datetime | None = None

    @property
    def live(self) -> bool:
        return self.status in LIVE and not self.deleted

    def earlier(self, at: datetime) -> bool:
        """Tell whether something happened before the present life."""
        begun = (self.restored_at, self.process_started_at)
        return any(moment is not None and at < moment for moment in begun)


class Model:
    """The rules, said once more without a database."""

    def __init__(self) -> None:
        self.lives: dict[UUID, Life] = {}
        self.applied: set[UUID] = set()

    def apply(self, message: Message) -> None:
        if message.message_id in self.applied:
            return
        self.applied.add(message.message_id)
        if isinstance(message, CreateInstance):
            self._create(message)
        elif isinstance(message, InstanceAccessed):
            life = self.lives[message.instance_id]
            life.accessed_at = max(filter(None, (life.accessed_at, message.occurred_at)))
        else:
            self._move(message)

    def _create(self, message: CreateInstance) -> None:
        if message.instance_id in self.lives:
            return
        status = "pending" if self._has_room(message.user_id) else "error"
        life = self.lives[message.instance_id] = Life(message.user_id, status)
        life.events["created" if status == "pending" else "error"] += 1

    def _has_room(self, user_id: UUID) -> bool:
        live = [life.user_id for life in self.lives.values() if life.live]
        return live.count(user_id) < MOST and len(live) < PORTS

    def _move(self, message: Message) -> None:
        life = self.lives[message.instance_id]  # type: ignore[attr-defined]  # every message but the ticks has one
        at = message.occurred_at
        match message:
            case InstanceStarted(process_started_at=began):
                allowed = life.status == "pending" and not (life.restored_at and began < life.restored_at)
                self._tell(life, allowed, "start", "started", "running")
                life.process_started_at = began if allowed and not life.deleted else life.process_started_at
            case RenewInstance():
                self._tell(life, life.status == "running", "renew", "renewed", "running")
            case InstanceFailed():
                self._tell(life, life.status in LIVE and not life.earlier(at), "fail", "error", "error")
            case InstanceDisconnected():
                allowed = life.status in LIVE and not life.earlier(at)
                self._tell(life, allowed, "disconnect", "disconnected", "disconnected")
            case RestoreInstance():
                if self._tell(
                    life, life.status not in LIVE and self._has_room(life.user_id), "restore", "restored", "pending"
                ):
                    life.restored_at, life.process_started_at = at, None
            case DeleteInstance():
                if self._tell(
                    life, not life.deleted, "delete", "deleted", "disconnected" if life.status in LIVE else life.status
                ):
                    life.deleted = True
            case _:
                raise TypeError(message)

    @staticmethod
    def _tell(life: Life, allowed: object, name: str, event: str, status: str) -> bool:
        moved = bool(allowed) and not life.deleted
        life.events[event if moved else f"refused_{name}"] += 1
        if moved:
            life.status = status
        return moved

    def end(self, instance_id: UUID, *, event: str, status: str) -> None:
        """Let a tick end an instance."""
        life = self.lives[instance_id]
        life.status = status
        life.events[event] += 1


class Fleet(RuleBasedStateMachine):
    """Messages about few instances of two users on a host with few ports; bound to a database below."""

    database: TestDatabase
    apply: GroupApplier

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.now = datetime.now(UTC)
        self.host_id = f"host-{uuid4()}"
        self.users = [uuid4(), uuid4()]
        self.sent: list[Message] = []
        self.held: list[Message] = []
        for user_id in self.users:
            email = f"{user_id}@example.org"
            self.database.ask("INSERT INTO users (id, email, name) VALUES (%s, %s, 'Ada')", user_id, email)
        ports = "INSERT INTO port_allocations (host_id, port) SELECT %s, generate_series(5001, 5000 + %s)"
        self.database.ask(ports, self.host_id, PORTS)

    def moment(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def deliver(self, *messages: Message) -> None:
        self.apply(*map(delivered, messages))
        for message in messages:
            self.model.apply(message)
        self.sent.extend(messages)

    def instance(self, data: st.DataObject) -> UUID:
        return data.draw(st.sampled_from(list(self.model.lives)))

    @rule(data=st.data(), number=st.integers(0, 1))
    def create(self, data: st.DataObject, number: int) -> None:
        known = list(self.model.lives)
        instance_id = data.draw(st.sampled_from([None, *known])) or uuid4()
        wish = create(
            instance_id=instance_id, user_id=self.users[number], host_id=self.host_id, occurred_at=self.moment()
        )
        self.deliver(wish)

    def fact(self, data: st.DataObject, instance_id: UUID) -> Message:
        at = self.moment()
        contract = data.draw(st.sampled_from(FACTS))
        values: dict[str, object] = {"instance_id": instance_id, "occurred_at": at}
        if contract is InstanceStarted:
            values |= {"host_id": self.host_id, "process_id": 7, "process_started_at": at}
        if contract is InstanceFailed:
            values |= {"error": "it ended"}
        return contract.model_validate(values)

    @precondition(lambda self: self.model.lives)
    @rule(data=st.data(), late=st.sampled_from(["late", ""]))
    def tell(self, data: st.DataObject, late: str) -> None:
        message = self.fact(data, self.instance(data))
        if late:
            self.held.append(message)
        else:
            self.deliver(message)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def tell_late(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.held))
        self.held.remove(message)
        self.deliver(message)

    @precondition(lambda self: len(self.model.lives) > 1)
    @rule(data=st.data())
    def tell_together(self, data: st.DataObject) -> None:
        each = data.draw(st.permutations(list(self.model.lives)))
        self.deliver(*(self.fact(data, instance_id) for instance_id in each))

    @precondition(lambda self: self.model.lives)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self.deliver(RestoreInstance(instance_id=self.instance(data), occurred_at=self.moment()))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.deliver(*data.draw(st.lists(st.sampled_from(self.sent), min_size=1, max_size=4)))

    @precondition(lambda self: any(life.live for life in self.model.lives.values()))
    @rule(data=st.data(), column=st.sampled_from(["expires_at", "pending_since"]))
    def run_out_of_time(self, data: st.DataObject, column: str) -> None:
        live = [instance_id for instance_id, life in self.model.lives.items() if life.live]
        instance_id = data.draw(st.sampled_from(live))
        past = f"UPDATE mcp_instances SET {column} = now() - interval '1 day' WHERE id = %s"  # noqa: S608  one of two
        self.database.ask(past, instance_id)
        self.apply(delivered(InstancesExpiryDue(fire_time=self.moment())))
        if column == "expires_at":
            self.model.end(instance_id, event="expired", status="expired")
        elif self.model.lives[instance_id].status == "pending":
            self.model.end(instance_id, event="error", status="error")

    @invariant()
    def agrees(self) -> None:
        rows = self.database.ask(
            "SELECT i.id, i.status, i.deleted_at IS NOT NULL, i.last_accessed, count(p.port),"
            "       (SELECT jsonb_object_agg(event_type, n) FROM (SELECT event_type, count(*) AS n FROM mcp_events e"
            "         WHERE e.mcp_instance_id = i.id GROUP BY event_type) counted)"
            "  FROM mcp_instances i LEFT JOIN port_allocations p ON p.mcp_instance_id = i.id"
            " WHERE i.host_id = %s GROUP BY i.id",
            self.host_id,
        )
        found = {row[0]: row[1:] for row in rows}
        expected = {
            instance_id: (life.status, life.deleted, life.accessed_at, int(life.live), dict(life.events))
            for instance_id, life in self.model.lives.items()
        }
        assert found == expected
        free = "SELECT count(*) FROM port_allocations WHERE host_id = %s AND is_available"
        assert self.database.value(free, self.host_id) == PORTS - sum(life.live for life in self.model.lives.values())


@pytest.mark.timeout(300)
def test_the_database_agrees_with_a_model_of_every_life(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    """Interleaved, doubled and late messages of all kinds leave the states, ports and events that the rules say."""
    most = "UPDATE system_settings SET value = to_jsonb(%s) WHERE key = 'mcp.max_instances_per_user'"
    test_database.ask(most, MOST)
    machine = type(
        "BoundFleet", (Fleet,), {"database": test_database, "apply": make_group_applier(database, resources, *ACTORS)}
    )
    shown = settings(
        max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=shown)
