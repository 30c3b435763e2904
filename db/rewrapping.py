"""Where secrets are, and how a page of them comes under another master key: read, wrapped anew, put back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from db.errors import SecretUnreadable
from db.master_keys import MasterKeys
from db.repositories.rotation import KeyTable, WrappedKey, WrappedShare
from db.secret import Secret, place_of_key, place_of_share, rewrap
from db.unit_of_work import UnitOfWork

R = TypeVar("R", WrappedKey, WrappedShare)
Transaction: TypeAlias = Callable[[], AbstractContextManager[UnitOfWork]]

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Turn:
    """From which master key to which."""

    keys: MasterKeys
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Page:
    """What became of a page: rows that were in use or changed meanwhile are neither wrapped nor unreadable."""

    read: int
    wrapped: int
    unreadable: int
    last: str


class Shelf(ABC, Generic[R]):
    """A table with secrets."""

    def turn(self, transaction: Transaction, turn: Turn, after: str) -> Page:
        """Bring the page that comes after an id under the other key; wrapping itself needs no transaction."""
        with transaction() as uow:
            page = self.read(uow, turn.old, after)
        pairs = list(self._pairs(page, turn))
        with transaction() as uow:
            wrapped = self.put(uow, [old for old, _ in pairs], [new for _, new in pairs], turn.new) if pairs else 0
        return Page(len(page), wrapped, len(page) - len(pairs), str(page[-1].id) if page else after)

    def _pairs(self, page: Iterable[R], turn: Turn) -> Iterator[tuple[R, R]]:
        for row in page:
            try:
                yield row, self.rewrapped(row, turn)
            except SecretUnreadable:
                # It stays as it is, for somebody to look at, and keeps its neighbours from nothing.
                continue

    @abstractmethod
    def read(self, uow: UnitOfWork, key_id: str, after: str) -> list[R]:
        """Return the next rows under a master key."""

    @abstractmethod
    def rewrapped(self, row: R, turn: Turn) -> R:
        """Return the row with its data keys under the other master key; SecretUnreadable leaves it as it is."""

    @abstractmethod
    def put(self, uow: UnitOfWork, before: Sequence[R], after: Sequence[R], key_id: str) -> int:
        """Put rows back that did not change meanwhile; returns how many."""


class KeyShelf(Shelf[WrappedKey]):
    """Keys of dedicated instances, those in use or those in the archive."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table

    def read(self, uow: UnitOfWork, key_id: str, after: str) -> list[WrappedKey]:
        """Return the next keys."""
        return uow.rotation.keys_under(self._table, key_id, after=UUID(after) if after else UUID(int=0), limit=PAGE)

    def rewrapped(self, row: WrappedKey, turn: Turn) -> WrappedKey:
        """Return the key with its data key under the other master key."""
        # Only the data key is wrapped; nonce and ciphertext stay where they are.
        secret = Secret(turn.old, row.encrypted_dek, "", "")
        place = place_of_key(row.id, row.user_id, row.mcp_type_id)
        return replace(row, encrypted_dek=rewrap(secret, place, turn.keys, turn.new).data_key)

    def put(self, uow: UnitOfWork, before: Sequence[WrappedKey], after: Sequence[WrappedKey], key_id: str) -> int:
        """Put the data keys back."""
        return uow.rotation.rewrap_keys(self._table, before, after, key_id)


class ShareShelf(Shelf[WrappedShare]):
    """Keys and further credentials of shares of shared services."""

    def read(self, uow: UnitOfWork, key_id: str, after: str) -> list[WrappedShare]:
        """Return the next shares."""
        return uow.rotation.shares_under(key_id, after=after, limit=PAGE)

    def rewrapped(self, row: WrappedShare, turn: Turn) -> WrappedShare:
        """Return the share with every data key under the other master key."""
        place = place_of_share(row.id, row.user_id, row.service_type)

        def anew(token: str) -> str:
            return rewrap(Secret.parse(token), place, turn.keys, turn.new).token()

        credentials = {name: anew(token) for name, token in row.credentials.items()}
        return replace(row, encrypted_api_key=anew(row.encrypted_api_key), credentials=credentials)

    def put(self, uow: UnitOfWork, before: Sequence[WrappedShare], after: Sequence[WrappedShare], key_id: str) -> int:
        """Put the secrets back."""
        return uow.rotation.rewrap_shares(before, after, key_id)


SHELVES: Final[tuple[Shelf[Any], ...]] = (KeyShelf("api_keys"), KeyShelf("api_keys_archive"), ShareShelf())
"""Every table that keeps secrets under a master key."""


def pages(transaction: Transaction, turns: Iterable[Turn]) -> Iterator[Page]:
    """Take page after page of every shelf through each turn; a page that is given is committed."""
    for turn, shelf in product(turns, SHELVES):
        page = shelf.turn(transaction, turn, "")
        yield page
        while page.read == PAGE:
            page = shelf.turn(transaction, turn, page.last)
            yield page
