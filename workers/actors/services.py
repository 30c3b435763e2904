"""Shared services: what there is, whose shares they are, and who used them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from db import moving, registering, sharing
from db.definitions import Definition
from db.keeping import Vault
from db.master_keys import MasterKeys
from db.rehearsal import rehearsable_part
from db.repositories.audit import OWNER
from db.repositories.shares import NewShare
from db.repositories.usage import UseRow
from db.unit_of_work import UnitOfWork
from producers import (
    Continuation,
    DeprovisionService,
    MigrateToSharedService,
    ProvisionService,
    RegisterService,
    ServiceUsed,
)
from producers import message_id as ids
from producers.batch import RefusedLine

from ..actor import actor, prepared_actor, set_actor
from ..continuing import go_on
from ..refused import kept
from ..requests import act, said_at
from ..resources import Resources

USERS_AT_ONCE: Final = 50
MIGRATION: Final = "migrate-to-shared"
_LONGEST_ID: Final = 100


@actor(RegisterService)
def register(message: RegisterService, uow: UnitOfWork) -> None:
    """Add a service or bring it up to date; what was said later counts, whatever comes first."""
    definition = Definition(
        source=f"message {message.message_id}",
        service_type=message.service_type,
        name=message.name or message.service_type,
        display_name=message.display_name,
        description=message.description,
        icon_url=message.icon_url,
        category=message.category,
        port=message.port,
        base_url=message.base_url,
        health_check_endpoint=message.health_check_endpoint,
        auth_type=message.auth_type,
        service_config=message.config,
        is_available=message.is_available,
    )
    act(message, uow)
    registering.register(uow, definition, said_at=said_at(message))


@dataclass(frozen=True)
class Opened:
    """A wish for a share, its key opened, and the vault to keep it in."""

    message: ProvisionService
    api_key: str | None = field(repr=False)
    vault: Vault


def unseal(message: ProvisionService, resources: Resources) -> Opened:
    """Open the sealed key, or refuse it, before there is a transaction."""
    sealed = message.sealed_key
    api_key = None if sealed is None else resources.sealing_keys.open_for(sealed, message.binding)
    return Opened(message, api_key, resources.vault)


@prepared_actor(ProvisionService, unseal)
def provision(opened: Opened, uow: UnitOfWork) -> None:
    """Give the user a share, with the key encrypted for its row; the limit is exact, for the user is locked first."""
    message = opened.message
    new = NewShare(
        id=message.share_id,
        user_id=message.user_id,
        service_type=message.service_type,
        asked_at=said_at(message),
        config=message.config,
    )
    act(message, uow, owner=message.user_id)
    uow.locks.users({message.user_id})
    uow.shares.provision(new if opened.api_key is None else sharing.with_key(uow, opened.vault, new, opened.api_key))


@actor(DeprovisionService)
def deprovision(message: DeprovisionService, uow: UnitOfWork) -> None:
    """End a share and forget its key; one that has ended stays as it is."""
    act(message, uow, owner=OWNER)
    uow.shares.deprovision(message.share_id, reason=message.reason, at=said_at(message))


@set_actor(ServiceUsed)
def record_uses(messages: Sequence[ServiceUsed], uow: UnitOfWork) -> None:
    """Store calls and count them for their shares; of unknown shares, times and contracts they go into quarantine."""
    rows = [row for message in messages for row in _rows(message)]
    believable = [row for row in rows if row.is_believable]
    held = uow.shares.hold(row.share_id for row in believable)
    known = [row for row in believable if row.share_id in held]
    strange = {
        "unknown-share": [row for row in believable if row.share_id not in held],
        "unbelievable-time": [row for row in rows if not row.is_believable],
    }
    if known:
        uow.usage.record(known)
    for reason, uses in strange.items():
        uow.usage.quarantine([use.facts() for use in uses], reason)
    uow.usage.quarantine([_refused(message, use) for message in messages for use in message.refused], "contract")


@dataclass(frozen=True)
class Migration:
    """A wish to move keys, and the master keys that it takes."""

    message: MigrateToSharedService
    ring: MasterKeys


def _with_keys(message: MigrateToSharedService, resources: Resources) -> Migration:
    return Migration(message, resources.vault.master_keys)


@prepared_actor(MigrateToSharedService, _with_keys)
def migrate(migration: Migration, uow: UnitOfWork) -> None:
    """Move the keys of some users, write down what became of them, and put a message by for the next users."""
    message, begun = migration.message, migration.message.continuation
    act(message, uow)
    if begun is None:
        moving.refuse_unknown(uow, message.service_type, message.user_id)
    after = None if begun is None else begun.after
    user_ids = uow.moves.users(after=after, limit=USERS_AT_ONCE, user_id=message.user_id)
    moved = moving.Moved(message.dry_run)
    with rehearsable_part(uow, is_rehearsal=message.dry_run):
        moved.add(moving.move(uow, migration.ring, user_ids, service_type=message.service_type))
    is_last = len(user_ids) < USERS_AT_ONCE
    _note(migration.message, moved, len(user_ids), uow, is_last=is_last)
    if not is_last:
        following = Continuation(first_id=_first_id(message), batch=_batch(message) + 1, after=user_ids[-1])
        message_id = ids.derived(following.first_id, following.batch)
        go_on(message.model_copy(update={"message_id": message_id, "continuation": following}), uow)


def _note(message: MigrateToSharedService, moved: moving.Moved, users: int, uow: UnitOfWork, *, is_last: bool) -> None:
    detail = {
        "migration": str(_first_id(message)),
        "batch": _batch(message),
        "is_last": is_last,
        "dry_run": message.dry_run,
        "users": users,
        **moved.sums(),
    }
    uow.runs.record(MIGRATION, message.occurred_at, moved.counts["migrated"], detail)


def _first_id(message: MigrateToSharedService) -> UUID:
    return message.continuation.first_id if message.continuation else message.message_id


def _batch(message: MigrateToSharedService) -> int:
    return message.continuation.batch if message.continuation else 0


def _refused(message: ServiceUsed, use: RefusedLine) -> dict[str, object]:
    share_id = use.line.get("share_id") if isinstance(use.line, dict) else None
    return {
        "id": str(ids.derived(message.message_id, use.number - 1)),
        "instance_id": share_id[:_LONGEST_ID] if isinstance(share_id, str) else "",
        "line_number": use.number,
        **kept(use),
    }


def _rows(message: ServiceUsed) -> Iterator[UseRow]:
    for number, use in message.numbered():
        yield UseRow(
            id=ids.derived(message.message_id, number - 1),
            reported_at=ids.moment(message.message_id),
            **use.model_dump(),
        )
