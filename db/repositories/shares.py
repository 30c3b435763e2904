"""Users' shares of shared services: given, taken back, and held while something about them is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import Refusal, UnknownService, UnknownUser
from db.refusals import ServiceUnavailable, ShareEnded, ShareExists, TooManyShares, UnknownShare
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

_PROVISION: Final = from_file("shares.provision")
_DEPROVISION: Final = Statement(
    "shares.deprovision",
    # Its secrets end with it.
    text(
        """
        WITH found AS (
            SELECT instance_id, user_id, service_type, key_fingerprint, ended_at FROM user_service_instances
             WHERE instance_id = CAST(:instance_id AS text) FOR NO KEY UPDATE
        ), ended AS (
            UPDATE user_service_instances u
               SET is_active = false, ended_at = CAST(:at AS timestamptz), end_reason = CAST(:reason AS text),
                   encrypted_api_key = NULL, encryption_key_id = NULL, key_fingerprint = NULL,
                   encrypted_additional_credentials = '{}'
              FROM found WHERE u.instance_id = found.instance_id AND found.ended_at IS NULL
        ), forgotten AS (
            DELETE FROM api_key_validation_cache c USING found
             WHERE (c.user_id, c.service_type, c.key_hash)
                   = (found.user_id, found.service_type, found.key_fingerprint) AND found.ended_at IS NULL
        )
        SELECT ended_at IS NULL FROM found
        """
    ),
)
_HOLD: Final = Statement(
    "shares.hold",
    text(
        "SELECT instance_id FROM user_service_instances WHERE instance_id = ANY (CAST(:ids AS text[]))"
        " ORDER BY instance_id FOR NO KEY UPDATE"
    ),
)


@dataclass(frozen=True, slots=True)
class NewShare:
    """A user's wish for a share of a service; the key, if there is one, is encrypted for its place."""

    id: str
    user_id: UUID
    service_type: str
    asked_at: datetime
    config: Mapping[str, object] = field(default_factory=dict)
    encrypted_api_key: str | None = field(default=None, repr=False)
    encryption_key_id: str | None = None
    key_fingerprint: str | None = None


class Shares:
    """One share per user and service; what ended comes back only as a new one."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def provision(self, new: NewShare) -> None:
        """Give a user a share of a service, or raise the refusal; lock the user first, so that the limit is exact."""
        row = _PROVISION.run(
            self._driver,
            instance_id=new.id,
            user_id=new.user_id,
            service_type=new.service_type,
            asked_at=new.asked_at,
            config=storable_json(dict(new.config)),
            encrypted_api_key=new.encrypted_api_key,
            encryption_key_id=new.encryption_key_id,
            key_fingerprint=new.key_fingerprint,
        ).fetchone()
        refusal, most = row or ("too-many-shares", 0)
        if refusal is not None:
            raise _refusal(refusal, new, most)

    def deprovision(self, share_id: str, *, reason: str | None, at: datetime) -> bool:
        """End a share, forget its secrets and what was said of them; False if it had ended before.

        Raises UnknownShare if there is none.
        """
        # What was said about its key until now is seen, and forgotten, only by a later statement.
        self.hold([storable(share_id)])
        row = _DEPROVISION.run(
            self._driver, instance_id=storable(share_id), reason=reason and storable(reason), at=at
        ).fetchone()
        if row is None:
            raise UnknownShare(f"There is no share {share_id}.")
        return bool(row[0])

    def hold(self, share_ids: Iterable[str]) -> set[str]:
        """Return those that exist and keep other writers off; one order for all, so two batches cannot deadlock."""
        return {row[0] for row in _HOLD.run(self._driver, ids=list(set(share_ids)))}


def _refusal(refusal: str, new: NewShare, most: int) -> Refusal:
    user, service = f"The user {new.user_id}", new.service_type
    refusals: Mapping[str, Refusal] = {
        "unknown-user": UnknownUser(f"{user} does not exist or is not active."),
        "unknown-service": UnknownService(f"No shared service {service} is registered."),
        "share-exists": ShareExists(f"{user} has a share of {service}: end that one first, or use it."),
        "share-ended": ShareEnded(f"{user} has given up {service} since this was asked for: ask again."),
        "service-unavailable": ServiceUnavailable(f"The shared service {service} takes no new users."),
        "too-many-shares": TooManyShares(
            f"{user} may have {most} shares: end one, or raise the setting service.max_shares_per_user."
        ),
    }
    return refusals[refusal]
