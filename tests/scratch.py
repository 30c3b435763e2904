"""Where the servers of the tests keep their files: in memory where there is room, which takes half of the time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108  the folder made in it is nobody else's
ENOUGH: Final = 4 * 1024**3
"""Bytes that each test process wants to find free."""

_PREFIX: Final = "minimcp-tests-"


@contextmanager
def folder(memory: Path = MEMORY, *, enough: int = ENOUGH) -> Iterator[Path]:
    """Give a folder for the files of a server, until the server has ended."""
    _forget_the_dead(memory)
    place = memory if _has_room(memory, enough) else None
    with TemporaryDirectory(prefix=f"{_PREFIX}{getpid()}-", dir=place, ignore_cleanup_errors=True) as made:
        yield Path(made)


def _has_room(memory: Path, enough: int) -> bool:
    return memory.is_dir() and shutil.disk_usage(memory).free >= enough


def _forget_the_dead(memory: Path) -> None:
    # A test run that was killed cannot remove its own, and memory is not emptied as a disk is.
    for left in memory.glob(f"{_PREFIX}*-*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)
