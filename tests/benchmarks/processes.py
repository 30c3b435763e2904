"""Programs that are run as real processes, and what they cost."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

_DRAIN_SECONDS: Final = 20.0
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Program:
    """A command line, its environment, and the folder that takes what it prints."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    root: Path
    folder: Path

    def with_environment(self, **added: str) -> Self:
        """Give the same program with more in its environment."""
        return replace(self, environment={**self.environment, **added})

    def with_arguments(self, *added: str) -> Self:
        """Give the same program with more arguments."""
        return replace(self, command=(*self.command, *added))

    @contextmanager
    def running(self) -> Iterator["Running"]:
        """Run the program; in the end it drains, or is killed when it does not."""
        log = self.folder / f"{self.command[2]}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                self.command, env=dict(self.environment), cwd=self.root, stdout=output, stderr=output
            )
            running = Running(process, log)
            try:
                yield running
            finally:
                running.end()


@dataclass(frozen=True)
class Running:
    """A process of ours, ended by its own id."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def check(self) -> bool:
        """Raise with the last lines of its log if it has ended."""
        if self.process.poll() is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise ChildProcessError(f"{self.process.args!r} ended with {self.process.returncode}: {said}")
        return True

    def cpu_seconds(self) -> float:
        """Give the CPU time of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        # Counted from the state, the third field: the 14th and 15th are the times of user and system (proc(5)).
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def memory_mb(self) -> float:
        """Give how much memory it has resident."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return int(told["VmRSS"].split()[0]) / 1024

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the process stand still for a while."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Ask it to stop, and kill it when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
