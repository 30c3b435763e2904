"""All processes that come from one start, however they were started and whoever is their parent now."""

import time
from typing import Final
from uuid import uuid4

import psutil

_POLL_SECONDS: Final = 0.02


class Family:
    """Recognises its members by a mark in their environment.

    Servers start children in sessions of their own, which outlive them and then have another
    parent: neither a process group nor the tree of processes finds all of them.
    """

    def __init__(self) -> None:
        self.environment = {"MINIMCP_FAMILY": uuid4().hex}

    def members(self) -> list[psutil.Process]:
        """Find the living members and their children; a zombie is not alive."""
        marked = [process for process in psutil.process_iter() if self._is_marked(process)]
        found = {process for parent in marked for process in (parent, *_children(parent))}
        return [process for process in found if is_alive(process)]

    def kill(self, within: float) -> None:
        """Kill every member, also those that are being started meanwhile."""
        deadline = time.monotonic() + within
        while members := self.members():
            for process in members:
                _kill(process)
            if time.monotonic() > deadline:
                raise AssertionError(f"These outlived SIGKILL: {members}")
            time.sleep(_POLL_SECONDS)

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return self.environment.items() <= process.environ().items()
        except psutil.Error:
            return False


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; nobody may ever reap a zombie whose parent is gone."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
