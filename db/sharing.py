"""A user's key for a shared service, encrypted for the share that it comes with."""

from dataclasses import replace

from db.encryption import KeyRing, active_key
from db.repositories.shares import NewShare
from db.secret import encrypt, place_of_share
from db.unit_of_work import UnitOfWork


def with_key(uow: UnitOfWork, ring: KeyRing, new: NewShare, api_key: str) -> NewShare:
    """Give a share its key, encrypted for its row under the active master key."""
    key_id = active_key(ring, uow)
    secret = encrypt(api_key, place_of_share(new.id, new.user_id, new.service_type), ring, key_id)
    return replace(new, encrypted_api_key=secret.token(), encryption_key_id=key_id)
