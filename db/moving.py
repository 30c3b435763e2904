"""From dedicated instances to shares of shared services: the newest key of each user and service moves.

A key is decrypted and encrypted anew for its new row; nothing of the old rows is changed.  What moved is written down,
so running it again, after an interruption or for no reason, changes nothing that was done.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, Literal, TypeAlias
from uuid import UUID

from db.encryption import active_key
from db.engine import Database
from db.errors import SecretUnreadable, UnknownService, UnknownUser
from db.master_keys import MasterKeys
from db.rehearsal import rehearsable
from db.repositories.moves import DedicatedKey
from db.secret import Place, Secret, decrypt, encrypt, place_of_key, place_of_share
from db.unit_of_work import UnitOfWork

Report: TypeAlias = Callable[[str], None]

USERS_AT_ONCE: Final = 200
_TOKEN_BYTES: Final = 16
_REASONS: Final = {
    "user_deleted": "the user is deleted",
    "user_inactive": "the user is not active",
    "service_unknown": "no shared service of that name is registered: import it with `python -m db import-services`",
    "service_unavailable": "the shared service is not available",
    "key_revoked": "the key is not active",
    "key_expired": "the key has expired",
    "key_unreadable": "the key cannot be decrypted",
    "newer_key_unreadable": "a newer key of the user cannot be decrypted",
    "share_exists": "the user has a share of the service already",
    "no_key": "a live instance, but its user has stored no key",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one dedicated key; an instance that has none is named by the instance."""

    outcome: Literal["migrated", "superseded", "skipped", "unchanged"]
    key: DedicatedKey
    reason: str = ""
    detail: str = ""

    def facts(self) -> dict[str, object]:
        """Give it for programs; the id of the share is left out, for who knows it may use the service."""
        told: dict[str, object] = {
            "user_id": str(self.key.user_id),
            "mcp_type": self.key.mcp_type,
            "service": self.key.service_type,
            "api_key_id": self.key.api_key_id and str(self.key.api_key_id),
            "from_instance_id": self.key.instance_id and str(self.key.instance_id),
        }
        return told | ({"reason": self.reason, "detail": self.sentence()} if self.reason else {})

    def sentence(self) -> str:
        """Give the reason for people."""
        return self.detail or _REASONS[self.reason]


@dataclass
class Moved:
    """What became of each key."""

    is_rehearsal: bool
    counts: Counter[str] = field(default_factory=Counter)
    told: list[Fate] = field(default_factory=list)

    def add(self, fates: Sequence[Fate]) -> None:
        """Count them, and keep those that somebody may ask about."""
        self.counts.update(fate.outcome for fate in fates)
        self.told += [fate for fate in fates if fate.outcome != "unchanged"]

    def sums(self) -> dict[str, object]:
        """Give how many keys met which fate, and why they did not move; it names nobody."""
        reasons = Counter(fate.reason for fate in self.told if fate.reason)
        outcomes = ("migrated", "superseded", "skipped", "unchanged")
        return {**{outcome: self.counts[outcome] for outcome in outcomes}, "reasons": dict(reasons)}

    def facts(self) -> dict[str, object]:
        """Give the report for programs."""
        lists = {
            outcome: [fate.facts() for fate in self.told if fate.outcome == outcome]
            for outcome in ("migrated", "superseded", "skipped")
        }
        return {"dry_run": self.is_rehearsal, **lists, "unchanged": self.counts["unchanged"]}

    def sentences(self) -> Iterator[str]:
        """Give the report for people: every key that did not move, and how many did."""
        for fate in self.told:
            what = f"{fate.key.user_id} {fate.key.mcp_type}"
            if fate.outcome == "superseded":
                yield f"superseded  {what}: a newer key of the user is the one for {fate.key.service_type}"
            elif fate.outcome == "skipped":
                yield f"skipped     {what}: {fate.sentence()}"
        verb = "would move" if self.is_rehearsal else "moved"
        rest = ", ".join(f"{self.counts[each]} {each}" for each in ("superseded", "skipped", "unchanged"))
        yield f"{self.counts['migrated']} keys {verb} to shared services; {rest}."


def migrate(
    database: Database,
    ring: MasterKeys,
    *,
    service_type: str | None = None,
    user_id: UUID | None = None,
    is_rehearsal: bool = False,
    report: Report = lambda _: None,
    users_at_once: int = USERS_AT_ONCE,
) -> Moved:
    """Move the keys of one user or all, to one service or all, some users in each transaction."""
    started_at, moved, after, seen = datetime.now(UTC), Moved(is_rehearsal), None, 0
    with database.transaction() as uow:
        refuse_unknown(uow, service_type, user_id)
    while True:
        with rehearsable(database, is_rehearsal=is_rehearsal) as uow:
            user_ids = uow.moves.users(after=after, limit=users_at_once, user_id=user_id)
            fates = move(uow, ring, user_ids, service_type=service_type)
        # Only now: what a transaction did is not done before it is committed.
        moved.add(fates)
        if not user_ids:
            break
        after, seen = user_ids[-1], seen + len(user_ids)
        report(f"{seen} users looked at, {moved.counts['migrated']} keys migrated")
    _note(database, moved, started_at)
    return moved


def move(uow: UnitOfWork, ring: MasterKeys, user_ids: Sequence[UUID], *, service_type: str | None = None) -> list[Fate]:
    """Move the newest key of each of these users to each service, within one transaction."""
    key_id = active_key(ring, uow)
    uow.moves.hold_keys(user_ids)
    found = uow.moves.found(user_ids, service_type=service_type)
    fates: list[Fate] = []
    for _, keys in groupby(found, key=lambda each: (each.user_id, each.service_type)):
        fates += _decide(uow, ring, key_id, list(keys))
    return fates


def _decide(uow: UnitOfWork, ring: MasterKeys, key_id: str, keys: Sequence[DedicatedKey]) -> Iterator[Fate]:
    """Move the first of the keys that can; an older one never takes the place of one that cannot be read."""
    ready = []
    for key in keys:
        if key.obstacle is None:
            ready.append(key)
        else:
            yield Fate("unchanged", key) if key.obstacle == "moved" else Fate("skipped", key, key.obstacle)
    if not ready:
        return
    newest, *older = ready
    try:
        instance_id = _share(uow, ring, key_id, newest)
    except SecretUnreadable as unreadable:
        yield Fate("skipped", newest, "key_unreadable", unreadable.sentence)
        yield from (Fate("skipped", key, "newer_key_unreadable") for key in older)
        return
    if instance_id is None:
        yield from (Fate("skipped", key, "share_exists") for key in ready)
        return
    uow.moves.record(newest, instance_id, "migrated")
    yield Fate("migrated", newest)
    for key in older:
        uow.moves.record(key, instance_id, "superseded")
        yield Fate("superseded", key)


def _share(uow: UnitOfWork, ring: MasterKeys, key_id: str, key: DedicatedKey) -> str | None:
    service = str(key.service_type)
    # Random: it is part of a URL, and who knows it may use the service.
    instance_id = f"{service}_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    plaintext = decrypt(_stored(key), _place(key), ring)
    secret = encrypt(plaintext, place_of_share(instance_id, key.user_id, service), ring, key_id)
    was_made = uow.moves.share(instance_id, key, encrypted_api_key=secret.token(), encryption_key_id=key_id)
    return instance_id if was_made else None


def _stored(key: DedicatedKey) -> Secret:
    parts = (key.encryption_key_id, key.encrypted_dek, key.encryption_iv, key.encrypted_key)
    return Secret(*(part or "" for part in parts))


def _place(key: DedicatedKey) -> Place:
    if key.api_key_id is None:
        raise SecretUnreadable(_REASONS["no_key"])
    return place_of_key(key.api_key_id, key.user_id, key.mcp_type_id)


def refuse_unknown(uow: UnitOfWork, service_type: str | None, user_id: UUID | None) -> None:
    """Raise UnknownService or UnknownUser when what is asked for is about nobody."""
    if service_type is not None and not uow.moves.knows_service(service_type):
        raise UnknownService(f"No shared service {service_type} is registered: see `python -m db import-services`.")
    if user_id is not None and not uow.moves.knows_user(user_id):
        raise UnknownUser(f"There is no user {user_id}.")


def _note(database: Database, moved: Moved, started_at: datetime) -> None:
    if moved.is_rehearsal or not moved.counts["migrated"]:
        return
    with database.transaction() as uow:
        detail = {"superseded": moved.counts["superseded"], "skipped": moved.counts["skipped"]}
        uow.runs.record("migrate-to-shared", started_at, moved.counts["migrated"], detail)
