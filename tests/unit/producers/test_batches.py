"""Long lists are cut into transactions that Redis can take."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import broker
from producers.broker import Sealed, _batches


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_MOST_MESSAGES", 5)
    monkeypatch.setattr(broker, "_MOST_BYTES", 100)


@given(sizes=st.lists(st.integers(1, 150), max_size=40))
def test_every_message_is_in_one_batch_in_order_and_no_batch_could_take_its_next(sizes: list[int]) -> None:
    sealed: list[Sealed] = [("logs", str(number), b"x" * size) for number, size in enumerate(sizes)]
    batches = list(_batches(sealed))
    assert [one for batch in batches for one in batch] == sealed
    assert all(len(batch) == 1 or (len(batch) <= 5 and weight(batch) <= 100) for batch in batches)
    for batch, following in pairwise(batches):
        assert len(batch) == 5 or weight([*batch, following[0]]) > 100


def weight(batch: Sequence[Sealed]) -> int:
    return sum(len(envelope) for _, _, envelope in batch)
