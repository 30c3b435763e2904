"""Keys of third parties: stored, validated, revoked, and wrapped anew."""

from dataclasses import dataclass

from db.keeping import NewKey, Vault, keep
from db.rotating import TASK, rotate_some
from db.unit_of_work import UnitOfWork
from producers import KeyRotationDue, KeyValidated, RevokeApiKey, StoreApiKey

from ..actor import actor, prepared_actor
from ..redaction import redacted_json
from ..requests import act
from ..resources import Resources
from ..tick import tell


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A key that was opened, and what it is to be kept with."""

    message: StoreApiKey
    new: NewKey
    vault: Vault


@dataclass(frozen=True, slots=True)
class Rotation:
    """A tick, and the master keys that it turns."""

    message: KeyRotationDue
    vault: Vault


def unseal(message: StoreApiKey, resources: Resources) -> OpenedKey:
    """Open the sealed key, or refuse it, before there is a transaction."""
    new = NewKey(
        user_id=message.user_id,
        mcp_type=message.mcp_type,
        api_key=resources.sealing_keys.open(message),
        expires_at=message.expires_at,
        at=message.occurred_at,
    )
    return OpenedKey(message, new, resources.vault)


@prepared_actor(StoreApiKey, unseal)
def store(opened: OpenedKey, uow: UnitOfWork) -> None:
    """Encrypt the key for its row, unless a newer one is there or a newer revocation."""
    act(opened.message, uow, owner=opened.message.user_id)
    keep(uow, opened.vault, opened.new)


@actor(RevokeApiKey)
def revoke(message: RevokeApiKey, uow: UnitOfWork) -> None:
    """Switch a key off and forget what services said about it."""
    act(message, uow, owner=message.user_id)
    uow.keys.revoke(message.user_id, message.mcp_type, at=message.occurred_at)


@actor(KeyValidated)
def record_validation(message: KeyValidated, uow: UnitOfWork) -> None:
    """Keep what a service said about the key that its user had then, for as long as the setting says."""
    uow.cache.record(
        message.user_id,
        message.service_type,
        is_valid=message.is_valid,
        response=redacted_json(message.response),
        at=message.occurred_at,
    )


def with_master_keys(message: KeyRotationDue, resources: Resources) -> Rotation:
    """Hand the master keys to the tick."""
    return Rotation(message, resources.vault)


@prepared_actor(KeyRotationDue, with_master_keys)
def rotate(rotation: Rotation, uow: UnitOfWork) -> None:
    """Wrap some secrets under the active master key and write down how many are left."""
    message, keys = rotation.message, rotation.vault.master_keys
    tell(TASK, message, uow, lambda part: rotate_some(part, keys, started_at=message.fire_time))
