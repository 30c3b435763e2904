"""The statements about keys of third parties that run per message or tick, and the indexes that each lives on."""

from typing import Final
from uuid import UUID

from tests.crowd import uuid

from .plans import NOW, Hot

_USER: Final = {"user_id": uuid(7)}
_START: Final = {"after": UUID(int=0), "limit": 100}
_REWRAPPED: Final = {"ids": [uuid(1), uuid(2)], "olds": ["dek", "dek"], "news": ["x", "y"], "key_id": "master-3"}

KEYS: Final = (
    Hot("keys.find", "idx_api_keys_user_type", {**_USER, "mcp_type": "type-3"}),
    Hot("keys.hold", "idx_api_keys_user_type|uq_api_keys_user_id|uq_api_keys_user_id_mcp_type_id", _USER),
    Hot("keys.place", "pk_users uq_api_keys_user_id", {**_USER, "mcp_type": "type-3"}),
    Hot(
        "keys.store",
        "uq_api_keys_user_id pk_api_key_validation_cache",
        {
            "id": uuid(1_000_000),
            **_USER,
            "mcp_type_id": uuid(7),
            **dict.fromkeys(("encrypted_key", "encryption_iv", "encrypted_dek", "key_hint", "key_fingerprint"), "x"),
            "encryption_key_id": "master-3",
            "expires_at": None,
            "key_changed_at": NOW,
        },
    ),
    Hot(
        "keys.revoke",
        "pk_users uq_api_keys_user_id pk_api_key_validation_cache",
        {**_USER, "mcp_type": "type-3", "at": NOW},
    ),
    Hot(
        "cache.record",
        "uq_user_service_instances_user_id uq_api_keys_user_id",
        {**_USER, "service_type": "service-3", "is_valid": True, "response": "{}", "at": NOW},
    ),
    Hot("rotation.under_api_keys", "idx_api_keys_encryption_key_id", {"key_id": "old", **_START}),
    Hot(
        "rotation.under_shares",
        "idx_user_service_instances_encryption_key_id",
        {"key_id": "old", "after": "", "limit": 100},
    ),
    Hot("rotation.rewrap_api_keys", "pk_api_keys", _REWRAPPED),
    Hot(
        "rotation.rewrap_shares",
        "pk_user_service_instances",
        {
            "ids": ["share-1", "share-2"],
            "olds": ["x", "y"],
            "news": ["z", "z"],
            "old_credentials": ["{}", "{}"],
            "new_credentials": ["{}", "{}"],
            "key_id": "master-3",
        },
    ),
    Hot("keys.of_user", "idx_api_keys_user_type idx_mcp_instances_api_key_id", _USER),
    Hot(
        "cache.look_up",
        "pk_api_key_validation_cache",
        {**_USER, "service_type": "service-3", "key_hash": "hash-38"},
    ),
    Hot("cache.expire", "idx_api_key_validation_cache_expires", {"limit": 50}),
)
