"""Who takes part in the story."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from db.repositories.fleet import InstanceState

from .fleet import Agent
from .narrator import Narrator
from .processes import StageProcess
from .stage import DemoFailed, Stage


@dataclass
class Cast:
    """What every act needs, and what the acts before it have found."""

    stage: Stage
    narrator: Narrator
    agent: Agent
    pool: StageProcess
    user_id: UUID
    instances: dict[str, UUID]
    begun: datetime
    schedulers: list[StageProcess] = field(default_factory=list)
    fire_times: dict[str, list[set[datetime]]] = field(default_factory=dict)
    """For each tick of the timetable the fire times that each scheduler has sent."""

    def state(self, name: str) -> InstanceState | None:
        """Give what PostgreSQL knows of one of our instances."""
        with self.stage.database.transaction() as uow:
            return uow.fleet.get(self.instances[name])

    def known_state(self, name: str) -> InstanceState:
        """Give what PostgreSQL knows of an instance that must be there."""
        state = self.state(name)
        if state is None:
            raise DemoFailed(f"the instance {name} is gone")
        return state

    def await_status(self, name: str, status: str) -> InstanceState:
        """Wait until PostgreSQL knows an instance to be in a status."""

        def look() -> InstanceState | None:
            state = self.state(name)
            return state if state is not None and state.status == status else None

        return self.stage.await_(f"the instance {name} becoming {status}", look)

    def name_of(self, instance_id: UUID) -> str:
        """Give the name by which the story knows an instance."""
        names = {known: name for name, known in self.instances.items()}
        return names.get(instance_id, "?")

    def ids(self, names: Iterable[str] | None = None) -> list[UUID]:
        """Give the ids of these instances, or of all."""
        return [self.instances[name] for name in (names or self.instances)]
