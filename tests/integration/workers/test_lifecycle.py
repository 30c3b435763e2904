"""The life of instances against a model of it: whatever comes, in whatever order, however often."""

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
    DeleteInstance,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstancesExpiryDue,
    InstanceStarted,
    Message,
    RenewInstance,
    RestoreInstance,
)
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, delivered, make_group_applier
from tests.integration.workers.lives import MOST, PORTS, Model
from workers.actors import ACTORS
from workers.group import GroupApplier
from workers.resources import Resources

FACTS: Final[tuple[type[Message], ...]] = (
    InstanceStarted,
    InstanceFailed,
    InstanceDisconnected,
    RenewInstance,
    DeleteInstance,
    InstanceAccessed,
)


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
        self.learn_ports()

    def learn_ports(self) -> None:
        """Take over which ports were leased: any free one is right."""
        leased = "SELECT id, assigned_port FROM mcp_instances WHERE host_id = %s"
        for instance_id, port in self.database.ask(leased, self.host_id):
            self.model.lives[UUID(str(instance_id))].port = None if port is None else int(str(port))

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

    @precondition(lambda self: any(life.status == "disconnected" for life in self.model.lives.values()))
    @rule(data=st.data(), late=st.booleans())
    def reconnect(self, data: st.DataObject, *, late: bool) -> None:
        lost = [instance_id for instance_id, life in self.model.lives.items() if life.status == "disconnected"]
        message = InstanceReconnected(instance_id=data.draw(st.sampled_from(lost)), occurred_at=self.moment())
        if late:
            self.held.append(message)
        else:
            self.deliver(message)

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

    def leases(self) -> set[tuple[object, ...]]:
        leased = "SELECT port, mcp_instance_id FROM port_allocations WHERE host_id = %s AND mcp_instance_id IS NOT NULL"
        return set(self.database.ask(leased, self.host_id))

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
        assert self.leases() == {(life.port, each) for each, life in self.model.lives.items() if life.live}
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
