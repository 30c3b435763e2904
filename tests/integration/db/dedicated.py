"""Users with dedicated instances and keys, as they were before shared services."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from db.encryption import KeyRing
from db.secret import encrypt, place_of_key
from tests.databases import TestDatabase

MASTER: Final = f"2026-11:{base64.b64encode(bytes(range(32))).decode()}"
RING: Final = KeyRing.parse(MASTER)
# Called the same, and not the same.
OTHER_RING: Final = KeyRing.parse(f"2026-11:{base64.b64encode(bytes(32)).decode()}")


@dataclass(frozen=True)
class Dedicated:
    """Makes rows of dedicated instances in one database."""

    database: TestDatabase

    def a_user(self, **wishes: object) -> UUID:
        user_id = uuid4()
        columns = {"id": user_id, "email": f"{user_id}@example.org", "name": "Ada", **wishes}
        self.database.ask(
            f"INSERT INTO users ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",  # noqa: S608  our own names
            *columns.values(),
        )
        return user_id

    def a_type(self, name: str, service_type: str | None) -> str:
        self.database.ask(
            "INSERT INTO mcp_types (name, display_name, server_script, service_type) VALUES (%s, %s, 'x.js', %s)",
            name,
            name,
            service_type,
        )
        return name

    def a_key(
        self,
        user_id: UUID,
        mcp_type: str = "figma",
        plaintext: str = "figd-secret",
        *,
        ring: KeyRing = RING,
        days_old: int = 1,
        is_active: bool = True,
        expires_at: datetime | None = None,
    ) -> UUID:
        """Store a key as the worker does: encrypted, and bound to its row, user and type."""
        key_id, type_id = uuid4(), self.database.value("SELECT id FROM mcp_types WHERE name = %s", mcp_type)
        assert isinstance(type_id, UUID)
        ((name, check_value),) = RING.check_values().items()
        self.database.ask(
            "INSERT INTO encryption_keys (key_id, check_value, status) VALUES (%s, %s, 'active')"
            " ON CONFLICT DO NOTHING",
            name,
            check_value,
        )
        secret = encrypt(plaintext, place_of_key(key_id, user_id, type_id), ring, name)
        self.database.ask(
            "INSERT INTO api_keys (id, user_id, mcp_type_id, encrypted_key, encryption_iv, encrypted_dek,"
            " encryption_key_id, key_fingerprint, is_active, expires_at, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, 'print', %s, %s, %s)",
            key_id,
            user_id,
            type_id,
            secret.ciphertext,
            secret.nonce,
            secret.data_key,
            secret.key_id,
            is_active,
            expires_at,
            datetime.now(UTC) - timedelta(days=days_old),
        )
        return key_id

    def an_instance(
        self,
        user_id: UUID,
        mcp_type: str = "figma",
        *,
        status: str = "running",
        api_key_id: UUID | None = None,
        days_old: int = 1,
        config: str = "{}",
    ) -> UUID:
        """Have an instance of any age and state, with one event."""
        instance_id = uuid4()
        self.database.ask(
            "INSERT INTO mcp_instances (id, user_id, mcp_type_id, api_key_id, access_token_hash, access_url, status,"
            " expires_at, config, created_at, last_accessed)"
            " SELECT %s, %s, id, %s, %s, 'http://localhost:3001', %s, now() + interval '1 hour', %s, %s, now()"
            " FROM mcp_types WHERE name = %s",
            instance_id,
            user_id,
            api_key_id,
            instance_id.hex * 2,
            status,
            config,
            datetime.now(UTC) - timedelta(days=days_old),
            mcp_type,
        )
        self.database.ask(
            "INSERT INTO mcp_events (mcp_instance_id, user_id, event_type) VALUES (%s, %s, 'created')",
            instance_id,
            user_id,
        )
        return instance_id
