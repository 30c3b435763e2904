"""A user's key for a shared service, encrypted for the share that it comes with."""

from dataclasses import replace

from db.encryption import active_key
from db.keeping import Vault
from db.repositories.shares import NewShare
from db.secret import encrypt, place_of_share
from db.unit_of_work import UnitOfWork


def with_key(uow: UnitOfWork, vault: Vault, new: NewShare, api_key: str) -> NewShare:
    """Give a share its key, encrypted for its row under the active master key, and the fingerprint to find it by."""
    key_id = active_key(vault.master_keys, uow)
    place = place_of_share(new.id, new.user_id, new.service_type)
    secret = encrypt(api_key, place, vault.master_keys, key_id)
    fingerprint = vault.fingerprint(api_key)
    return replace(new, encrypted_api_key=secret.token(), encryption_key_id=key_id, key_fingerprint=fingerprint)
