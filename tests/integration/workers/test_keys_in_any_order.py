"""A user's key for a type, in whatever order it is stored, revoked and validated."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from db.engine import Database
from db.keeping import Vault
from db.secret import Secret, decrypt, place_of_key
from producers import KeyValidated, Message, RevokeApiKey, StoreApiKey
from tests.databases import TestDatabase
from tests.integration.db.dedicated import RING
from tests.integration.db.vaults import PEPPER
from tests.integration.workers.deliveries import make_applier
from tests.integration.workers.lateness import LateAndDoubled, agree
from tests.unit.producers.sealed import SEALING, stored
from workers.actors import ACTORS
from workers.resources import Resources

VAULT = Vault(RING, PEPPER)
KEYS = ("a-key-of-the-spring", "a-key-of-the-autumn")
TTL = timedelta(minutes=60)
"""As `keys.validation_ttl_minutes` says."""

FOUND = """
SELECT id, mcp_type_id, encryption_key_id, encrypted_dek, encryption_iv, encrypted_key, is_active, key_changed_at
  FROM api_keys WHERE user_id = %s
"""


@dataclass
class Kept:
    """What the model knows of a key: which, since when, and what the service said about it."""

    api_key: str
    changed_at: datetime
    is_active: bool = True
    said: dict[str, tuple[bool, datetime]] = field(default_factory=dict)


class Keeping(LateAndDoubled):
    """Storings, revocations and validations of one user's key."""

    @initialize()
    def begin(self) -> None:
        self.user = uuid4()
        self.kept: Kept | None = None
        self.now = datetime.now(UTC) - timedelta(minutes=5)
        self.sealed: dict[UUID, str] = {}
        email = f"{self.user}@example.org"
        self.database.ask("INSERT INTO users (id, email, name) VALUES (%s, %s, 'Ada')", self.user, email)

    def follow(self, message: Message) -> None:
        kept = self.kept
        at = message.occurred_at
        match message:
            case StoreApiKey():
                if kept is None or kept.changed_at <= at:
                    self.kept = Kept(self.sealed[message.message_id], at)
            case RevokeApiKey():
                if kept is not None and kept.changed_at <= at:
                    kept.is_active, kept.changed_at, kept.said = False, at, {}
            case KeyValidated(is_valid=is_valid):
                if kept is not None and kept.is_active and kept.changed_at <= at:
                    known = kept.said.get(kept.api_key)
                    if known is None or known[1] <= at:
                        kept.said[kept.api_key] = (is_valid, at)
            case _:
                raise TypeError(message)

    def moment(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    @rule(api_key=st.sampled_from(KEYS), late=st.booleans())
    def store(self, api_key: str, late: bool) -> None:  # noqa: FBT001  a drawn value
        message = stored(api_key, user_id=self.user).model_copy(update={"occurred_at": self.moment()})
        self.sealed[message.message_id] = api_key
        self.tell(message, late=late)

    @rule(late=st.booleans())
    def revoke(self, late: bool) -> None:  # noqa: FBT001  a drawn value
        self.tell(RevokeApiKey(user_id=self.user, mcp_type="figma", occurred_at=self.moment()), late=late)

    @rule(is_valid=st.booleans(), late=st.booleans())
    def validate(self, is_valid: bool, late: bool) -> None:  # noqa: FBT001  drawn values
        said = KeyValidated(user_id=self.user, service_type="figma", is_valid=is_valid, occurred_at=self.moment())
        self.tell(said, late=late)

    @invariant()
    def agrees(self) -> None:
        kept = self.kept
        rows = self.database.ask(FOUND, self.user)
        assert len(rows) == (kept is not None)
        for row_id, type_id, *secret, is_active, changed_at in rows:
            place = place_of_key(UUID(str(row_id)), self.user, UUID(str(type_id)))
            found = decrypt(Secret(*map(str, secret)), place, RING)
            assert kept is not None
            assert (found, is_active, changed_at) == (kept.api_key, kept.is_active, kept.changed_at)
        said = {} if kept is None else kept.said
        expected = {(VAULT.fingerprint(key), is_valid, at, at + TTL) for key, (is_valid, at) in said.items()}
        cached = "SELECT key_hash, is_valid, validated_at, expires_at FROM api_key_validation_cache WHERE user_id = %s"
        assert set(self.database.ask(cached, self.user)) == expected


@pytest.mark.timeout(300)
def test_the_database_agrees_with_a_model_of_every_key(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    """The newest storing or revocation wins, and nothing that was said about a former key outlives it."""
    applier = make_applier(database, Resources(resources.prober, SEALING, VAULT), *ACTORS)
    agree(Keeping, test_database, applier)
