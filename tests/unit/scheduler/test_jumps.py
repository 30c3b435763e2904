"""A clock that jumps is noticed, one that is corrected slowly is not."""

from collections.abc import Iterator

import pytest

from scheduler.jumps import Jumps


def looks(wall: list[float], steady: list[float]) -> Iterator[float]:
    walls, steadies = iter(wall), iter(steady)
    jumps = Jumps(lambda: next(walls), lambda: next(steadies))
    return (jumps.since_last_look() for _ in wall[1:])


@pytest.mark.parametrize(
    ("wall", "steady", "expected"),
    [
        ([100.0, 101.0, 102.0], [5.0, 6.0, 7.0], [0, 0]),
        ([100.0, 3701.0, 3702.0], [5.0, 6.0, 7.0], [3600, 0]),
        ([100.0, 41.0, 42.0], [5.0, 6.0, 7.0], [-60, 0]),
        ([100.0, 101.4, 102.8, 104.2], [5.0, 6.0, 7.0, 8.0], [0, 0, 1.2]),
    ],
    ids=["even", "forward", "back", "drift adds up"],
)
def test_a_jump_is_told_once(wall: list[float], steady: list[float], expected: list[float]) -> None:
    assert list(looks(wall, steady)) == pytest.approx(expected)
