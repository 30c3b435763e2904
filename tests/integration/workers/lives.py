"""A model of the life of instances: the rules, said once more without a database."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from producers import (
    CreateInstance,
    DeleteInstance,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstanceStarted,
    Message,
    RenewInstance,
    RestoreInstance,
)

MOST: Final = 2
PORTS: Final = 3
LIVE: Final = {"pending", "running"}


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
    port: int | None = None

    @property
    def live(self) -> bool:
        return self.status in LIVE and not self.deleted

    def earlier(self, at: datetime) -> bool:
        """Tell whether something happened before the present life."""
        begun = (self.restored_at, self.process_started_at)
        return any(moment is not None and at < moment for moment in begun)


class Model:
    """What becomes of instances, message by message."""

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

    def _is_free(self, port: int | None) -> bool:
        return all(life.port != port for life in self.lives.values() if life.live)

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
            case InstanceReconnected():
                allowed = life.status == "disconnected" and not (life.restored_at and at < life.restored_at)
                allowed = allowed and self._has_room(life.user_id) and self._is_free(life.port)
                self._tell(life, allowed, "reconnect", "reconnected", "running")
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
