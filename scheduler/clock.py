"""Sends the ticks: every scheduler sends each of them, the inbox keeps one."""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from producers import Producer, ProducerError

from .jumps import Jumps
from .timetable import TIMETABLE, Entry

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""How often the clock is looked at, so that a jump of it costs no more than that."""


class TickExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler 3 ships no types
    """Sends one message for each fire time that a job is due at; it knows the planned time, not the real one."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__()
        self._clock = clock

    def _do_submit_job(self, job: Job, run_times: Sequence[datetime]) -> None:
        self._clock.enqueue(job.args[0], run_times)
        self._run_job_success(job.id, [])


class Clock:
    """Runs the timetable in a thread, and sends in another, so that a slow Redis delays no fire time."""

    def __init__(self, producer: Producer, *, timetable: Sequence[Entry] = TIMETABLE) -> None:
        self._producer = producer
        self._timetable = timetable
        self._due: dict[Entry, datetime] = {}
        self._wake = threading.Condition()
        self._stopping = False
        self._sender = threading.Thread(target=self._send_all, name="sender", daemon=True)
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": TickExecutor(self)})
        self._jumps = Jumps()

    def start(self, *, catch_up: timedelta, now: datetime | None = None) -> None:
        """Send what was missed while no scheduler ran, then keep the timetable."""
        now = now or datetime.now(UTC)
        for entry in self._timetable:
            missed = entry.last_fire_time(now, catch_up)
            if missed is not None:
                self.enqueue(entry, [missed])
            self._scheduler.add_job(
                _never_called, entry.trigger, args=[entry], id=entry.name, misfire_grace_time=None, coalesce=True
            )
        self._sender.start()
        self._scheduler.start()

    def enqueue(self, entry: Entry, fire_times: Sequence[datetime]) -> None:
        """Note that a tick is due; of several fire times of one entry the latest is sent."""
        with self._wake:
            self._due[entry] = max(fire_times)
            self._wake.notify()

    def threads(self) -> list[threading.Thread]:
        """Give the threads without which this process must not live."""
        scheduler_thread: Any = self._scheduler._thread  # noqa: SLF001  there is no public way to see it alive
        return [self._sender, scheduler_thread]

    def stop(self) -> None:
        """End the timetable, send what is due, and leave."""
        self._scheduler.shutdown(wait=False)
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._sender.join(5)

    def _send_all(self) -> None:
        while not self._stopping or self._due:
            self._follow_jump()
            with self._wake:
                self._wake.wait_for(lambda: self._due or self._stopping, LOOK_SECONDS)
                if not self._due:
                    continue
                entry, fire_time = next(iter(self._due.items()))
            if self._sent(entry, fire_time):
                self._forget(entry, fire_time)
            elif self._stopping:
                return
            else:
                self._pass_over(entry)

    def _pass_over(self, entry: Entry) -> None:
        """Let the others go first: one queue may be full where the others are not."""
        with self._wake:
            self._due[entry] = self._due.pop(entry)

    def _follow_jump(self) -> None:
        jump = self._jumps.since_last_look()
        if not jump or self._stopping:
            return
        log.warning("the clock jumped by %+.0f s", jump)
        if jump < 0:
            # APScheduler waits for the times that it planned by the clock as it was, however far away they are now.
            now = datetime.now(UTC)
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=job.trigger.get_next_fire_time(None, now))
        self._scheduler.wakeup()

    def _forget(self, entry: Entry, fire_time: datetime) -> None:
        with self._wake:
            if self._due.get(entry) == fire_time:
                del self._due[entry]

    def _sent(self, entry: Entry, fire_time: datetime) -> bool:
        try:
            self._producer.send(entry.tick(fire_time))
        except ProducerError as error:
            log.warning("%s of %s is not sent yet: %s", entry.name, fire_time.isoformat(), error)
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, 1.0)
            return False
        log.info("%s of %s is sent", entry.name, fire_time.isoformat())
        return True


def _never_called(entry: Entry) -> None:
    raise AssertionError(entry)
