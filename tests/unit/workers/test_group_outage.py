"""A group meets a database that is away."""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

import pytest

from db.engine import Database
from db.settings import DatabaseSettings
from db.unit_of_work import UnitOfWork
from tests.integration.workers.deliveries import create, delivered
from workers.actor import AnyActor
from workers.actors import ACTORS
from workers.applier import HORIZON, Applier, HandedBackError
from workers.delivery import Delivery
from workers.group import GroupApplier

BY_NAME: Final[Mapping[str, AnyActor]] = {each.contract.wire_name: each for each in ACTORS}


class Away(Database):
    """A database that is not there, and how often it was asked."""

    asked = 0

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        self.asked += 1
        return super().transaction()


class Stopping(Applier):
    """Settles nothing."""

    def __init__(self) -> None:
        self.horizon = HORIZON

    def __call__(self, delivery: Delivery) -> None:
        raise HandedBackError([delivery])


def test_a_group_asks_a_database_that_is_away_once() -> None:
    away = Away(DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/none"))
    apply = GroupApplier(away, Stopping(), BY_NAME, stopping=threading.Event())
    group = [delivered(create()) for _ in range(16)]
    with pytest.raises(HandedBackError) as handed_back:
        apply(*group)
    assert len(handed_back.value.deliveries) == 16
    assert away.asked == 1
